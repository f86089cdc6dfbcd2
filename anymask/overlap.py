"""How much of one mask lies in another, for many pairs of masks at once, from their run lengths alone."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from anymask import rle

COLUMNS = 24  # of a mask that are looked at; a narrower one is looked at whole

Indices = NDArray[np.int64]


class Overlaps:
    """Masks of one height x width picture, ready to be compared.

    A mask is known by its runs: the pixels are read column by column, and those of all masks one behind the other, so
    that a run is two places on one long line.

    starts, ends: (R,) int64, where each run begins, and the first place after it.
    """

    def __init__(self, rles: Sequence[bytes], height: int, width: int) -> None:
        self._pixels = height * width  # of the line, for each mask
        self.starts, self.ends = rle.runs(rles)
        self._before = np.concatenate(([0], np.cumsum(self.ends - self.starts)))  # pixels in earlier runs
        self._looked_at = self._sample(len(rles), height)

    def coverage(self, masks: Indices, others: Indices) -> NDArray[np.float64]:
        """(P,) in [0, 1]: which share of each of the (P,) masks lies inside the other mask beside it.

        masks, others: indices of masks that are not empty.

        Of a mask at most ``COLUMNS`` columns are looked at, evenly spread from its first to its last: all of a narrow
        mask, so that its share is exact.
        """
        starts, ends, first = self._looked_at
        counts = first[masks + 1] - first[masks]
        pair = np.repeat(np.arange(len(masks)), counts)
        # The runs of all pairs' masks, one behind the other
        run = np.arange(len(pair)) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(first[masks], counts)
        moved = (others * self._pixels)[pair]  # to where the other mask lies on the line
        shared = self._up_to(ends[run] + moved) - self._up_to(starts[run] + moved)
        length = ends[run] - starts[run]
        share: NDArray[np.float64] = np.bincount(pair, shared, len(masks)) / np.bincount(pair, length, len(masks))
        return share

    def _up_to(self, places: Indices) -> Indices:
        """How many places of the line before each of these are inside a run."""
        run = np.searchsorted(self.ends, places, side="right")  # the first that is not over
        begun = np.append(self.starts, np.iinfo(np.int64).max)[run]
        counted: Indices = self._before[run] + np.maximum(places - begun, 0)
        return counted

    def _sample(self, count: int, height: int) -> tuple[Indices, Indices, Indices]:
        """The runs in the columns that are looked at, as places in their own picture, and each mask's first of them."""
        mask = self.starts // self._pixels
        starts, ends = self.starts - mask * self._pixels, self.ends - mask * self._pixels
        left, right = starts // height, (ends - 1) // height  # columns
        bounds = np.searchsorted(mask, np.arange(count + 1))
        full = bounds[1:] > bounds[:-1]
        leftmost, rightmost = np.zeros(count, np.int64), np.zeros(count, np.int64)
        leftmost[full], rightmost[full] = left[bounds[:-1][full]], right[bounds[1:][full] - 1]
        step = (rightmost - leftmost) // COLUMNS + 1
        # A run may go on into later columns: one piece for every column that is looked at
        from_first = left - leftmost[mask]
        every = step[mask]
        lower = -(-from_first // every)
        upper = (right - leftmost[mask]) // every
        pieces = np.maximum(upper - lower + 1, 0)
        of = np.repeat(np.arange(len(starts)), pieces)
        number = np.arange(len(of)) - np.repeat(np.cumsum(pieces) - pieces, pieces) + lower[of]
        top = (leftmost[mask[of]] + number * every[of]) * height
        first = np.searchsorted(mask[of], np.arange(count + 1))
        return np.maximum(starts[of], top), np.minimum(ends[of], top + height), first
