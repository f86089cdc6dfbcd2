"""Non-maximum suppression: of things that overlap too much only the best is kept.

Both functions are greedy: go through the candidates from the best score to the worst, ties by index, and keep one
unless it overlaps one kept before by more than the threshold.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from anymask import rle
from anymask.boxes import BLOCK, Floats, pairs_that_share
from anymask.boxes import iou as box_iou


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
    areas = rle.areas(ranked)
    # The shared pixels lie in both boxes and in the smaller mask, which rules out nearly all pairs
    better, worse = pairs_that_share(rle.boxes(ranked, height, width), iou * areas)
    possible = np.minimum(areas[better], areas[worse]) >= iou * np.maximum(areas[better], areas[worse])
    better, worse = better[possible], worse[possible]
    alive = np.ones(len(ranked), np.bool_)
    begin = np.flatnonzero(np.diff(better, prepend=-1))  # of each mask's pairs
    for rank, others in zip(better[begin].tolist(), np.split(worse, begin[1:]), strict=False):
        others = others[alive[others]]
        if alive[rank] and len(others):
            overlap = rle.iou([ranked[rank]], [ranked[other] for other in others.tolist()], height, width)[0]
            alive[others[overlap > iou]] = False
    return order[alive]


def _greedy(overlap: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which of N ranked things are kept, given which pairs of them overlap too much, (N, N)."""
    alive = np.ones(len(overlap), np.bool_)
    for rank in range(len(overlap)):
        if alive[rank]:
            alive[rank + 1 :] &= ~overlap[rank, rank + 1 :]
    return alive
