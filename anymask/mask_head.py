"""`MaskHead`: draws the masks of the detector's best candidates, all in one small step, on a window around each box.

A mask of prototypes is as good as 32 numbers can tell; one of these is drawn from what the trunk sees in the window.
"""

import math

import numpy as np
from numpy.typing import NDArray

from anymask import rle
from anymask.errors import WeightsError
from anymask.interpolation import Axis
from anymask.letterbox import Letterbox
from anymask.postprocess import Candidates, encode_inside
from anymask.rules import ScoreRule
from anymask.runtimes.base import RawOutput
from anymask.runtimes.onnx_mask_head import OnnxMaskHead

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
        rles = [to_rle(logits, window, *size) for logits, window in zip(drawn.logits, windows, strict=True)]
        return rles, drawn.quality.astype(np.float64)


def to_rle(logits: NDArray[np.float32], window: NDArray[np.float64], height: int, width: int) -> bytes:
    """The RLE on a height x width picture of (G, G) logits on the cells of a window; inside is above 0.

    Logits are interpolated by cubics at the centres of the pixels that lie in the window.

    window: x1, y1, x2, y2 in source pixels; it may reach beyond the picture.
    """
    inside = logits > 0
    first_x, horizontal = pixels_of(np.flatnonzero(inside.any(axis=0)), window[0::2], width, logits.shape[1])
    first_y, vertical = pixels_of(np.flatnonzero(inside.any(axis=1)), window[1::2], height, logits.shape[0])
    columns, rows = len(horizontal.first), len(vertical.first)
    if not columns or not rows:
        return rle.encode_changes(np.zeros(0, np.int64), height, width)
    known = logits[vertical.cells(0, rows), horizontal.cells(0, columns)]
    nothing = np.zeros(columns, np.float32), np.zeros(rows, np.float32)
    crop = (0, 0, columns, rows)
    return encode_inside(known, horizontal, vertical, crop, nothing, (height, width), corner=(first_x, first_y))


def pixels_of(marked: NDArray[np.int64], span: NDArray[np.float64], length: int, cells: int) -> tuple[int, Axis]:
    """The pixels along one axis that a mask may have, as the first one and how they are made of the window's cells.

    marked: cells along this axis with something inside, ascending. span: where the window begins and ends, in source
    pixels. length: of the picture.
    """
    if not len(marked):
        return 0, Axis.cubic(np.zeros(0), cells)
    begin, cell = span[0], (span[1] - span[0]) / cells
    low = max(begin + max(int(marked[0]) - REACH, 0) * cell, 0)
    high = min(begin + min(int(marked[-1]) + 1 + REACH, cells) * cell, length)
    pixels = np.arange(math.ceil(low - 0.5), max(math.ceil(high - 0.5), math.ceil(low - 0.5)))
    return int(pixels[0]) if len(pixels) else 0, Axis.cubic((pixels + 0.5 - begin) / cell - 0.5, cells)
