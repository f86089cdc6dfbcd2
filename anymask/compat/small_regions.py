"""Small islands and holes of a mask: found as runs of columns that touch, without an image library."""

import numpy as np
from numpy.typing import NDArray

from anymask import rle


def remove_small_regions(mask: NDArray[np.bool_], area: int) -> NDArray[np.bool_]:
    """An (H, W) mask without its holes and, after that, without its islands of fewer than ``area`` pixels.

    Pixels that touch at a corner belong together, in the mask and outside of it. Of islands that are all small, the
    largest stays.
    """
    outside, sizes = regions(~mask)
    filled = mask | np.isin(outside, np.flatnonzero(sizes < area) + 1)
    islands, sizes = regions(filled)
    least = min(area, int(sizes.max(initial=0)))
    kept: NDArray[np.bool_] = np.isin(islands, np.flatnonzero(sizes >= least)[: None if least == area else 1] + 1)
    return kept


def regions(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which 8-connected region each pixel is of: (H, W), 0 outside and 1 to R inside, and the (R,) pixels of each."""
    height, width = mask.shape
    stride = height + 2  # a gap between columns, so that a run touches only those of its neighbours
    starts, stops = rle.changes(mask, 0, 0, stride).reshape(-1, 2).T
    # Run b of the next column touches run a where they share a row or two of theirs are neighbours
    first, last = np.searchsorted(stops - stride, starts), np.searchsorted(starts - stride, stops, side="right")
    count = last - first
    a = np.repeat(np.arange(len(starts)), count)
    b = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
    _, labels = np.unique(_connected(len(starts), a, b), return_inverse=True)
    sizes = np.bincount(labels, weights=stops - starts).astype(np.int64)
    change = np.zeros(width * stride + 1, np.int64)
    change[starts], change[stops] = labels + 1, -(labels + 1)
    return change[:-1].cumsum().reshape(width, stride)[:, :height].T, sizes


def _connected(n: int, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) the least of the things that each of n is connected with through the pairs (a, b)."""
    root = np.arange(n)
    while len(apart := np.flatnonzero(root[a] != root[b])):
        left, right = root[a[apart]], root[b[apart]]
        np.minimum.at(root, np.maximum(left, right), np.minimum(left, right))
        while not np.array_equal(root, above := root[root]):
            root = above
    return root
