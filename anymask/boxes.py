"""Box formats, areas and overlaps: pure functions on arrays of boxes.

A box is four floats on the last axis. `xyxy` is (x1, y1, x2, y2), the left, top, right and bottom edge; `xywh` is
(x1, y1, width, height); `cxcywh` is (centre x, centre y, width, height). Nothing here knows in which pixels the boxes
are: what goes in in source pixels comes out in source pixels.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

BLOCK = 256  # boxes compared at once: small enough for the processor's cache, large enough for numpy


def area(boxes: Floats) -> Floats:
    """Area of (..., 4) xyxy boxes, (...). A box whose edges are swapped has area 0."""
    sides = np.maximum(boxes[..., 2:] - boxes[..., :2], 0)
    areas: Floats = sides[..., 0] * sides[..., 1]
    return areas


def intersection(boxes: Floats, others: Floats) -> Floats:
    """Area that each of (N, 4) xyxy boxes shares with each of (M, 4) others, (N, M)."""
    left, top, right, bottom = np.ascontiguousarray(others.T)  # side by side in memory: half the time
    shared: Floats = np.minimum(boxes[:, 2, None], right) - np.maximum(boxes[:, 0, None], left)  # (N, M), the width
    height = np.minimum(boxes[:, 3, None], bottom) - np.maximum(boxes[:, 1, None], top)
    np.maximum(shared, 0, out=shared)
    shared *= np.maximum(height, 0, out=height)
    return shared


def pairs_that_share(boxes: NDArray[np.float32], least: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of two of (N, 4) xyxy boxes of whole pixels, first and later, that may share least[first] pixels or more.

    In the order of the first, then of the later one. None is left out, however float32 rounds.
    """
    least = (least * (1 - 1e-6)).astype(np.float32)
    pairs = []
    for start in range(0, len(boxes), BLOCK):
        rows = slice(start, start + BLOCK)
        possible = intersection(boxes[rows], boxes[start:]) >= least[rows, None]
        pairs.append(np.array(np.nonzero(np.triu(possible, 1))) + start)
    first, later = np.concatenate([np.zeros((2, 0), np.int64), *pairs], axis=1)
    return first, later


def iou(boxes: Floats, others: Floats) -> Floats:
    """Intersection over union of each of (N, 4) xyxy boxes with each of (M, 4) others, (N, M) in [0, 1].

    Two boxes without any area have IoU 0.
    """
    shared = intersection(boxes, others)
    union = area(boxes)[:, None] + area(others)
    union -= shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def xyxy_to_xywh(boxes: Floats) -> Floats:
    """(..., 4) xyxy to (..., 4) xywh."""
    return np.concatenate([boxes[..., :2], boxes[..., 2:] - boxes[..., :2]], axis=-1)


def xywh_to_xyxy(boxes: Floats) -> Floats:
    """(..., 4) xywh to (..., 4) xyxy."""
    return np.concatenate([boxes[..., :2], boxes[..., :2] + boxes[..., 2:]], axis=-1)


def cxcywh_to_xyxy(boxes: Floats) -> Floats:
    """(..., 4) cxcywh to (..., 4) xyxy."""
    half = boxes[..., 2:] / 2
    return np.concatenate([boxes[..., :2] - half, boxes[..., :2] + half], axis=-1)


def clip(boxes: Floats, height: float, width: float) -> Floats:
    """(..., 4) xyxy boxes cut to the picture, x in [0, width] and y in [0, height], in a new array."""
    return np.clip(boxes, 0, np.array([width, height, width, height], dtype=boxes.dtype))
