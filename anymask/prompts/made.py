"""Masks made of other masks: several in one, or one without its parts."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from anymask import rle
from anymask.maskset import MaskSet


def made(found: MaskSet, rles: Sequence[bytes], scores: Sequence[float]) -> MaskSet:
    """New masks of the picture of ``found``, with tight boxes; ``scores`` in [0, 1]."""
    boxes = rle.boxes(rles, *found.size)
    return MaskSet(
        found.size, boxes, np.array(scores, np.float32), tuple(rles), image=found.image, features=found.features
    )


def combined(rles: Sequence[bytes], without: Sequence[bytes], height: int, width: int) -> bytes:
    """The pixels of any of ``rles`` that are in none of ``without``, as an RLE. Nothing is drawn: runs are merged."""
    ends = [np.cumsum(rle.run_lengths(counts)) for counts in (*rles, *without)]
    at = np.concatenate([np.zeros(0, np.int64), *ends])
    # At the end of a run outside a mask begins, at the end of a run inside it ends
    steps = np.concatenate([np.zeros(0, np.int64), *(1 - 2 * (np.arange(len(each)) % 2) for each in ends)])
    first = np.arange(len(at)) < sum(len(each) for each in ends[: len(rles)])
    order = np.argsort(at, kind="stable")
    depth = np.cumsum(np.where(first, steps, 0)[order])  # how many of ``rles`` hold the pixel
    holes = np.cumsum(np.where(first, 0, steps)[order])
    at, inside = at[order], (depth > 0) & (holes == 0)
    settled = np.append(at[1:] != at[:-1], True) & (at < height * width)  # after the last of the steps at one pixel
    at, inside = at[settled], inside[settled]
    changes: NDArray[np.int64] = at[inside != np.concatenate([[False], inside[:-1]])]
    return rle.encode_changes(np.append(changes, height * width) if len(changes) % 2 else changes, height, width)
