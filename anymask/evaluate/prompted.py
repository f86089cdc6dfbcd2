"""How well one click, or one box, gets the object that was meant."""

import numpy as np
from numpy.typing import NDArray

from anymask import rle
from anymask.maskset import MaskSet
from anymask.prompts import Box, Point, select

GUESSES = 3  # candidates of a click that count


def deepest_point(mask: NDArray[np.bool_]) -> tuple[float, float]:
    """The centre (x, y) of the pixel farthest from the mask's border in city-block distance; the first of several.

    Outside the picture is outside the mask. The mask must not be empty.
    """
    inside = np.pad(mask, 1)
    distance = np.where(inside, float(sum(inside.shape)), 0.0)
    for axis in (0, 1):  # the city-block distance is separable: a running minimum along each axis, there and back
        steps = np.arange(distance.shape[axis], dtype=float).reshape((-1, 1) if axis == 0 else (1, -1))
        there = np.minimum.accumulate(distance - steps, axis=axis) + steps
        back = np.flip(np.minimum.accumulate(np.flip(distance + steps, axis), axis=axis), axis) - steps
        distance = np.minimum(there, back)
    row, column = np.unravel_index(int(distance.argmax()), distance.shape)
    return float(column) - 0.5, float(row) - 0.5  # the padding moved everything by one pixel


def click_ious(found: MaskSet, truth: list[bytes]) -> NDArray[np.float64]:
    """(G,) for each true mask, the best IoU among the first three candidates of a click at its deepest point."""
    height, width = found.size
    ious = np.zeros(len(truth))
    for index, counts in enumerate(truth):
        point = deepest_point(rle.decode(counts, height, width))
        picked = select(found, Point([point]))[:GUESSES]
        ious[index] = rle.iou(picked.rles, [counts], height, width).max(initial=0.0)
    return ious


def box_ious(found: MaskSet, truth: list[bytes]) -> NDArray[np.float64]:
    """(G,) for each true mask, the IoU of the first answer to its tight box."""
    height, width = found.size
    ious = np.zeros(len(truth))
    for index, (counts, box) in enumerate(zip(truth, rle.boxes(truth, height, width), strict=True)):
        picked = select(found, Box(box.tolist()))[:1]
        ious[index] = rle.iou(picked.rles, [counts], height, width).max(initial=0.0)
    return ious
