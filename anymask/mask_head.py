"""`MaskHead`: draws the masks of the detector's best candidates, all in one small step, on a window around each box.

A mask of prototypes is as good as 32 numbers can tell; one of these is drawn from what the trunk sees in the window.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from anymask import rle
from anymask.letterbox import Letterbox
from anymask.postprocess import Candidates, ScoreRule
from anymask.runtimes.base import RawOutput
from anymask.runtimes.onnx_mask_head import OnnxMaskHead

REACH = 2  # cells beyond those that are inside, of which cubic interpolation makes the pixels of a mask


class MaskHead:
    """Draws masks. Safe to share between threads.

    network: the mask head's model.
    """

    def __init__(self, network: OnnxMaskHead) -> None:
        self.network = network
        self.score_rule = ScoreRule.from_metadata(network.metadata)

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

    window: x1, y1, x2, y2 in source pixels; it may reach beyond the picture.
    """
    rows, columns = np.flatnonzero((logits > 0).any(axis=1)), np.flatnonzero((logits > 0).any(axis=0))
    if not len(rows):
        return rle.encode_changes(np.zeros(0, np.int64), height, width)
    cells = logits.shape[0]
    corner, cell = window[:2], (window[2:] - window[:2]) / cells  # source pixels
    first = np.array([columns[0], rows[0]]) - REACH
    last = np.array([columns[-1], rows[-1]]) + 1 + REACH
    low = np.maximum(np.floor(corner + first.clip(min=0) * cell), 0).astype(np.int64)
    high = np.minimum(np.ceil(corner + last.clip(max=cells) * cell), [width, height]).astype(np.int64)
    # Only whole pixels whose area lies in the window can be resampled from it
    low = np.maximum(low, np.ceil(corner - 1e-9).astype(np.int64))
    high = np.minimum(high, np.floor(window[2:] + 1e-9).astype(np.int64))
    if (high <= low).any():
        return rle.encode_changes(np.zeros(0, np.int64), height, width)
    part = np.concatenate(((low - corner) / cell, (high - corner) / cell)).clip(0, cells)
    picture = Image.fromarray(np.ascontiguousarray(logits, np.float32))
    pixels = picture.resize(tuple((high - low).tolist()), Image.Resampling.BICUBIC, box=tuple(part.tolist()))
    return rle.encode_crop(np.asarray(pixels) > 0, int(low[0]), int(low[1]), height, width)
