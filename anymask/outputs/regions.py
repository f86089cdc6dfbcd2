"""Masks one at a time, each inside its tight box, so that drawing many of them takes the memory of one."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anymask import rle
from anymask.maskset import MaskSet


@dataclass(frozen=True)
class Region:
    """One mask of a `MaskSet`.

    index: its place in the set.
    box: (x1, y1, x2, y2), its tight box in whole source pixels.
    mask: (y2 - y1, x2 - x1) bool, what the mask is inside the box.
    """

    index: int
    box: tuple[int, int, int, int]
    mask: NDArray[np.bool_]

    @property
    def window(self) -> tuple[slice, slice]:
        """Where the box is in an array of the picture's size: rows and columns."""
        x1, y1, x2, y2 = self.box
        return slice(y1, y2), slice(x1, x2)


def paint_order(found: MaskSet) -> NDArray[np.int64]:
    """(N,) indices from the largest mask to the smallest; of equal ones the first in the set comes last."""
    return np.lexsort((-np.arange(len(found)), -found.areas))


def regions(found: MaskSet) -> Iterator[Region]:
    """The masks that have pixels, in `paint_order`: painted in turn, smaller masks stay visible on larger ones."""
    height, width = found.size
    boxes = rle.boxes(found.rles, height, width)
    for index in paint_order(found):
        if found.areas[index]:
            x1, y1, x2, y2 = (int(side) for side in boxes[index])
            yield Region(int(index), (x1, y1, x2, y2), rle.decode_crop(found.rles[index], (x1, y1, x2, y2), height))
