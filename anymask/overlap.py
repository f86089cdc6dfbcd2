"""Whether one mask lies in another, for many pairs of masks at once, from their run lengths alone."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anymask import rle
from anymask.stretches import stretches

COLUMNS = 16  # of a wide mask that are looked at first
DOUBT = 0.1  # nearer to the share that is asked for, the whole mask is looked at
AT_ONCE = 30_000  # runs compared: bounds the memory

Indices = NDArray[np.int64]


class Runs(NamedTuple):
    """Runs of N masks, mask by mask. A place is that of a pixel, column * height + row."""

    mask: Indices  # (R,) whose each is
    starts: Indices  # (R,) the place where each begins
    ends: Indices  # (R,) the first place after it


class Overlaps:
    """Masks of one height x width picture, ready to be compared.

    runs: all runs of all masks.
    """

    def __init__(self, rles: Sequence[bytes], height: int, width: int) -> None:
        self.runs = Runs(*rle.runs(rles, height, width))
        self._count, self._pixels = len(rles), height * width
        # All masks one behind the other on one long line, so that one search finds a place in any of them
        starts = self.runs.starts + self.runs.mask * self._pixels
        self._line_starts = np.append(starts, np.iinfo(np.int64).max)  # no place is in a run after the last
        self._line_ends = self.runs.ends + self.runs.mask * self._pixels
        self._before = np.append(0, np.cumsum(self.runs.ends - self.runs.starts))  # pixels in earlier runs
        self._sample = sampled(self.runs, len(rles), height)

    def inside(self, masks: Indices, others: Indices, share: float) -> NDArray[np.bool_]:
        """(P,) whether at least this share of each of the (P,) masks lies inside the other mask beside it.

        masks, others: indices of masks that are not empty.

        Of a mask ``COLUMNS`` columns are looked at first, spread over its width, and all of it where that leaves any
        doubt: within ``DOUBT`` of the share.
        """
        found = self.coverage(masks, others, self._sample)
        doubtful = np.flatnonzero(np.abs(found - share) < DOUBT)
        found[doubtful] = self.coverage(masks[doubtful], others[doubtful], self.runs)
        return found >= share

    def coverage(self, masks: Indices, others: Indices, runs: Runs) -> NDArray[np.float64]:
        """(P,) in [0, 1]: which share of each mask, as far as it lies in some runs, is inside the other one."""
        first = np.searchsorted(runs.mask, np.arange(self._count + 1))
        counts = first[masks + 1] - first[masks]
        share = np.zeros(len(masks))
        part = np.cumsum(counts) // AT_ONCE
        ends = np.append(np.flatnonzero(np.diff(part)) + 1, len(masks))
        for chosen in map(slice, np.append(0, ends[:-1]), ends):
            share[chosen] = self._coverage(first[masks[chosen]], counts[chosen], others[chosen], runs)
        return share

    def _coverage(self, first: Indices, counts: Indices, others: Indices, runs: Runs) -> NDArray[np.float64]:
        run, pair = stretches(first, counts)
        starts, ends = runs.starts[run], runs.ends[run]
        moved = (others * self._pixels)[pair]  # to where the other mask lies on the line
        shared = self._up_to(ends + moved) - self._up_to(starts + moved)
        length = np.bincount(pair, ends - starts, len(counts))
        return np.asarray(np.bincount(pair, shared, len(counts)) / length)

    def _up_to(self, places: Indices) -> Indices:
        """How many places of the line before each of these are inside a run."""
        run = np.searchsorted(self._line_ends, places, side="right")  # the first that is not over
        counted: Indices = self._before[run] + np.maximum(places - self._line_starts[run], 0)
        return counted


def sampled(runs: Runs, count: int, height: int) -> Runs:
    """What runs of ``count`` masks have in ``COLUMNS`` columns of each mask, or in all columns of a narrow one.

    One column is taken from each of as many strips of the mask's width, at another place in each strip, so that
    nothing that repeats in the picture falls in step with them.
    """
    left, right = runs.starts // height, (runs.ends - 1) // height  # columns
    bounds = np.searchsorted(runs.mask, np.arange(count + 1))
    full = np.flatnonzero(bounds[1:] > bounds[:-1])
    leftmost, width = np.zeros(count, np.int64), np.ones(count, np.int64)
    leftmost[full] = left[bounds[full]]
    width[full] = right[bounds[full + 1] - 1] + 1 - leftmost[full]
    strips = np.minimum(width, COLUMNS)
    number = np.arange(COLUMNS)
    begin = -(-number * width[:, None] // strips[:, None])  # (N, COLUMNS)
    end = -(-(number + 1) * width[:, None] // strips[:, None])
    place = (number * 0.6180339887) % 1  # of the golden ratio: evenly spread, and in step with nothing
    taken = leftmost[:, None] + begin + ((end - begin) * place).astype(np.int64)
    # Every strip that a run reaches; mostly one
    strip = (left - leftmost[runs.mask]) * strips[runs.mask] // width[runs.mask]
    reached = (right - leftmost[runs.mask]) * strips[runs.mask] // width[runs.mask] - strip + 1
    strip, run = stretches(strip, reached)
    column = taken[runs.mask[run], strip]
    seen = (column >= left[run]) & (column <= right[run])
    run, top = run[seen], column[seen] * height
    return Runs(runs.mask[run], np.maximum(runs.starts[run], top), np.minimum(runs.ends[run], top + height))


def in_columns(starts: Indices, ends: Indices, height: int) -> tuple[Indices, Indices, Indices]:
    """R runs cut at the feet of columns: which run each piece is of, where it begins and ends, (P,) each, in order."""
    first = starts // height
    columns, run = stretches(first, (ends - 1) // height - first + 1)
    top = columns * height
    return run, np.maximum(starts[run], top), np.minimum(ends[run], top + height)
