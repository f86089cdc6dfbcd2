"""`MaskHead`: draws the masks of the detector's best candidates, all in one small step, on a window around each box.

A mask of prototypes is as good as 32 numbers can tell; one of these is drawn from what the trunk sees in the window.
"""

import numpy as np
from numpy.typing import NDArray

from anymask import rle
from anymask.errors import WeightsError
from anymask.interpolation import Axis
from anymask.letterbox import Letterbox
from anymask.postprocess import Candidates, draw_inside
from anymask.rules import ScoreRule
from anymask.runtimes.base import RawOutput
from anymask.runtimes.onnx_mask_head import OnnxMaskHead
from anymask.stretches import stretches
from anymask.strip import Strip

AT_ONCE = 16  # masks whose pixels are interpolated together: bounds the memory
REACH = 2  # cells beyond those that are inside, of which cubic interpolation makes the pixels of a mask


class MaskHead:
    """Draws masks. Safe to share between threads.

    network: the mask head's model.

    Raises WeightsError if its metadata cannot be read.
    """

    def __init__(self, network: OnnxMaskHead) -> None:
        self.network = network
        try:
            self.score_rule = ScoreRule.from_metadata(network.metadata)
        except ValueError as error:
            raise WeightsError(f"{network.name}: its metadata cannot be read ({error}): export it again") from error

    def draw(
        self,
        candidates: Candidates,
        raw: RawOutput,
        features: tuple[NDArray[np.float32], ...],
        letterbox: Letterbox,
    ) -> tuple[list[bytes], NDArray[np.float64]]:
        """The N masks of candidates as RLEs on the picture, and their scores, (N,) in [0, 1].

        raw, features: the detector's output for the picture, see `Runtime.run_with_features`.
        """
        rles, quality = self.masks(candidates, raw, features, letterbox)
        return rles, self.score_rule(candidates.scores, quality)

    def masks(
        self,
        candidates: Candidates,
        raw: RawOutput,
        features: tuple[NDArray[np.float32], ...],
        letterbox: Letterbox,
    ) -> tuple[list[bytes], NDArray[np.float64]]:
        """The same masks, and the IoU that each is believed to have, (N,) in [0, 1]."""
        size = letterbox.source_height, letterbox.source_width
        if len(candidates.boxes) == 0:
            return [], np.zeros(0)
        boxes = letterbox.boxes_to_network(candidates.boxes).astype(np.float32)
        drawn = self.network.run(features, raw.prototypes, boxes, candidates.coefficients)
        windows = letterbox.boxes_to_source(drawn.windows)
        return to_rles(drawn.logits, windows, *size), drawn.quality.astype(np.float64)


def to_rles(logits: NDArray[np.float32], windows: NDArray[np.float64], height: int, width: int) -> list[bytes]:
    """The RLEs on a height x width picture of (N, G, G) logits on the cells of N windows; inside is above 0.

    Logits are interpolated by cubics at the centres of the pixels that lie in the window.

    windows: (N, 4) x1, y1, x2, y2 in source pixels; they may reach beyond the picture.
    """
    strip, rles = Strip(height), list[bytes]()
    for start in range(0, len(logits), AT_ONCE):
        some = logits[start : start + AT_ONCE]
        inside, placed = np.asarray(some > 0), windows[start : start + AT_ONCE]
        x, begins_x, ends_x, horizontal = pixels_of(np.any(inside, axis=1), placed[:, 0::2], width)
        y, begins_y, ends_y, vertical = pixels_of(np.any(inside, axis=2), placed[:, 1::2], height)
        crops = np.stack([begins_x, begins_y, ends_x, ends_y], axis=1)
        corners = np.stack([x - begins_x, y - begins_y], axis=1)
        for index in np.flatnonzero((crops[:, 2:] > crops[:, :2]).all(axis=1)).tolist():
            x1, y1, x2, y2 = crop = crops[index].tolist()
            known = some[index, vertical.cells(y1, y2), horizontal.cells(x1, x2)]
            draw_inside(strip, index, known, horizontal, vertical, crop, corner=corners[index].tolist())
        rles += rle.encode_all(*strip.changes(), len(some), height, width)
    return rles


def pixels_of(
    marked: NDArray[np.bool_], spans: NDArray[np.float64], length: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], Axis]:
    """The pixels along one axis that N masks may have: the first of each, and how they are made of its window's cells.

    marked: (N, G) the cells along this axis with something inside. spans: (N, 2) where the windows begin and end, in
    source pixels. length: of the picture.

    The axis has the pixels of all masks, one mask behind the other: from (N,) begins to (N,) ends, which come second
    and third.
    """
    cells = marked.shape[1]
    first, last = marked.argmax(axis=1), cells - 1 - marked[:, ::-1].argmax(axis=1)
    begin, cell = spans[:, 0], (spans[:, 1] - spans[:, 0]) / cells
    low = np.maximum(begin + np.maximum(first - REACH, 0) * cell, 0)
    high = np.minimum(begin + np.minimum(last + 1 + REACH, cells) * cell, length)
    start = np.ceil(low - 0.5).astype(np.int64)
    number = np.maximum(np.ceil(high - 0.5).astype(np.int64) - start, 0) * marked.any(axis=1)
    pixels, mask = stretches(start, number)
    axis = Axis.cubic((pixels + 0.5 - begin[mask]) / cell[mask] - 0.5, cells)
    ends = np.cumsum(number)
    return start, ends - number, ends, axis
