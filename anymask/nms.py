"""Non-maximum suppression: of things that overlap too much only the best is kept.

Both functions are greedy: go through the candidates from the best score to the worst, ties by index, and keep one
unless it overlaps one kept before by more than the threshold.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from anymask import rle
from anymask.boxes import Floats, intersection
from anymask.boxes import iou as box_iou

BLOCK = 256  # boxes compared at once: small enough for the processor's cache, large enough for numpy


def nms_boxes(boxes: Floats, scores: Floats, iou: float, limit: int) -> NDArray[np.int64]:
    """Indices of the boxes kept, (M,) int64 with M <= limit, best score first.

    boxes: (N, 4) xyxy in any unit. scores: (N,). iou: two boxes that are both kept have at most this IoU, in [0, 1].
    Classes play no part.
    """
    order = np.argsort(-scores, kind="stable")
    ranked = boxes[order].astype(np.float32)
    kept = np.zeros(0, np.int64)  # ranks
    for start in range(0, len(ranked), BLOCK):
        block = np.arange(start, min(start + BLOCK, len(ranked)))
        block = block[~(box_iou(ranked[block], ranked[kept]) > iou).any(axis=1)]
        block = block[_greedy(box_iou(ranked[block], ranked[block]) > iou)]
        kept = np.concatenate([kept, block])[:limit]
        if len(kept) == limit:
            break
    return order[kept]


def nms_masks(rles: Sequence[bytes], scores: Floats, iou: float, height: int, width: int) -> NDArray[np.int64]:
    """Indices of the masks kept, (M,) int64, best score first.

    rles: N masks of a height x width picture. scores: (N,). iou: two masks that are both kept have at most
    this IoU, counted in pixels.
    """
    order = np.argsort(-scores, kind="stable")
    ranked = [rles[index] for index in order]
    areas, boxes = rle.areas(ranked), rle.boxes(ranked, height, width).astype(np.float64)
    alive = np.ones(len(ranked), np.bool_)
    for rank in range(len(ranked)):
        if not alive[rank]:
            continue
        # The shared pixels lie in both boxes and in the smaller mask, which rules out nearly all pairs
        shared = np.minimum(intersection(boxes[rank : rank + 1], boxes[rank + 1 :])[0], areas[rank + 1 :])
        possible = alive[rank + 1 :] & (shared >= iou * np.maximum(areas[rank], areas[rank + 1 :]))
        others = rank + 1 + np.flatnonzero(possible)
        overlap = rle.iou([ranked[rank]], [ranked[other] for other in others], height, width)[0]
        alive[others[overlap > iou]] = False
    return order[alive]


def _greedy(overlap: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which of N ranked things are kept, given which pairs of them overlap too much, (N, N)."""
    alive = np.ones(len(overlap), np.bool_)
    for rank in range(len(overlap)):
        if alive[rank]:
            alive[rank + 1 :] &= ~overlap[rank, rank + 1 :]
    return alive
