"""`Forest`: the masks of one picture as trees of wholes and parts, and which of them lie under a pixel.

One mask lies in another if most of its pixels do: borders are ragged, and a part often sticks out of its whole. How
many do is told by `anymask.overlap`.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anymask import rle
from anymask.boxes import pairs_that_share
from anymask.overlap import Overlaps, Runs, in_columns
from anymask.stretches import stretches

INSIDE = 0.8  # a mask of which this share lies in a larger one is a part of it
SAME = 0.9  # masks with at least this IoU are one thing found twice

Indices = NDArray[np.int64]


class Forest:
    """N masks as trees: a group holds its objects, an object its parts. `MaskSet.forest` builds it once.

    Of masks that are the same (IoU of at least `SAME`) the one with the best score stands for all of them. Only such
    representatives are roots, children, siblings and ancestors. Arrays are read-only; nothing changes once it is made.

    representative: (N,) int64, the mask that stands for each mask; of most masks the mask itself.
    holders: (N,) int64, the smallest larger mask of all that holds at least `INSIDE` of a mask, or -1.
    parents: (N,) int64, the smallest larger representative that holds at least `INSIDE` of a mask, or -1. Of two masks
        of equal area the one with the lower index counts as larger. A mask that was merged has its representative's.
    depth: (N,) int64, how many ancestors a mask has.
    roots: (R,) int64, representatives without a parent, in the order of the set.
    """

    def __init__(
        self, rles: Sequence[bytes], scores: NDArray[np.floating[Any]], areas: Indices, size: tuple[int, int]
    ) -> None:
        """The forest of masks, as RLEs, of a picture of (height, width)."""
        self._size, self._overlaps = size, Overlaps(rles, *size)
        order = np.lexsort((-np.arange(len(areas)), areas))  # from the smallest; of equal areas the later index first
        order = order[areas[order] > 0]
        # Pairs of a mask and a larger one that may hold it, by boxes, in which lie the pixels that both share
        nested = pairs_that_share(rle.boxes(rles, *size)[order], INSIDE * areas[order])
        small, large = order[nested[0]], order[nested[1]]
        self.holders = read_only(_first_holders(self._overlaps, small, large, len(areas)))
        self.representative = read_only(_representatives(self._overlaps, small, large, scores, areas))
        kept = self.representative == np.arange(len(areas))
        self._kept = order[kept[order]]
        self.parents = read_only(self._among_kept(kept, small, large))
        self._up: list[int] = self.parents.tolist()
        depth = np.zeros(len(areas), np.int64)
        for index in self._kept[::-1].tolist():  # whoever comes later is no parent of one that came before
            depth[index] = 0 if self._up[index] < 0 else depth[self._up[index]] + 1
        self.depth = read_only(depth[self.representative])
        stand = np.flatnonzero(kept)
        self.roots = read_only(stand[self.parents[stand] < 0])
        self._below = stand[np.argsort(self.parents[stand], kind="stable")]  # siblings side by side, roots first
        self._above = self.parents[self._below]

    def __len__(self) -> int:
        return len(self.representative)

    def children(self, index: int) -> Indices:
        """(K,) int64, the parts of a mask one level down, in the order of the set."""
        return self._with_parent(int(self.representative[index]))

    def siblings(self, index: int) -> Indices:
        """(K,) int64, the other children of a mask's parent, or the other roots of a root, in the order of the set."""
        beside = self._with_parent(self._up[index])
        others: Indices = beside[beside != self.representative[index]]
        return others

    def chain(self, index: int) -> Indices:
        """(K,) int64, the mask that stands for this one, its parent, its parent's parent, up to the root."""
        steps = [int(self.representative[index])]
        while (parent := self._up[steps[-1]]) >= 0:
            steps.append(parent)
        return np.array(steps, np.int64)

    def at(self, x: float, y: float) -> Indices:
        """(K,) int64, the chain of the smallest representative that holds the pixel at a point (x, y), source pixels.

        Empty where there is no mask, and outside the picture. The first call draws `index_map`, later ones read it.
        """
        height, width = self._size
        if not (0 <= x < width and 0 <= y < height):
            return np.zeros(0, np.int64)
        index = int(self.index_map[int(y), int(x)])
        return self.chain(index) if index >= 0 else np.zeros(0, np.int64)

    @cached_property
    def index_map(self) -> NDArray[np.signedinteger[Any]]:
        """(height, width) int16, the smallest representative at each pixel, -1 where there is none; made once, kept.

        Two bytes a pixel, 24 MB for a picture of 12 megapixels; int32 for more than 32,767 masks.
        """
        height, width = self._size
        dtype = np.int16 if len(self) <= np.iinfo(np.int16).max else np.int32
        rank = np.full(len(self), -1, dtype)
        rank[self._kept] = np.arange(len(self._kept), dtype=dtype)
        starts, ends, ranks = _pieces(self._overlaps.runs, rank, height)
        level = np.frexp(ends - starts)[1] - 1  # a piece is two blocks of 2 ** level pixels, which may overlap
        smallest = np.full(height * width, len(self._kept), dtype)  # in the block of the level that begins here
        for each in range(int(level.max(initial=-1)), -1, -1):
            if each < level.max():
                halves = smallest.copy()
                np.minimum(halves[1 << each :], smallest[: -1 << each], out=halves[1 << each :])
                smallest = halves
            chosen = level == each
            for places in (starts[chosen], ends[chosen] - (1 << each)):
                np.minimum.at(smallest, places, ranks[chosen])
        index = np.append(self._kept, -1).astype(dtype)[smallest]
        return read_only(index.reshape(width, height).T)

    def _with_parent(self, parent: int) -> Indices:
        first, end = np.searchsorted(self._above, (parent, parent + 1))
        return self._below[first:end]

    def _among_kept(self, kept: NDArray[np.bool_], small: Indices, large: Indices) -> Indices:
        """Parents that are representatives: another is sought where the one found was merged into its twin."""
        found = self.holders.copy()
        lost = kept & (found >= 0) & ~kept[found]
        tried = lost[small] & kept[large]
        others = _first_holders(self._overlaps, small[tried], large[tried], len(found))
        found[lost] = others[lost]
        merged: Indices = found[self.representative]
        return merged


def _first_holders(overlaps: Overlaps, masks: Indices, holders: Indices, count: int) -> Indices:
    """(count,) for each mask the first of the holders beside it that holds it, or -1.

    masks, holders: (P,) pairs, those of one mask side by side and in the order in which they are tried.
    """
    begin = np.flatnonzero(np.diff(masks, prepend=-1))  # of each mask's pairs
    end = np.append(begin[1:], len(masks))
    found = np.full(count, -1, np.int64)
    tried = 2  # most are held by one of the first: so few are tried at once
    while len(begin):
        number = np.minimum(end - begin, tried)
        pair, _ = stretches(begin, number)
        hits = pair[overlaps.inside(masks[pair], holders[pair], INSIDE)]
        hits = hits[np.diff(masks[hits], prepend=-1) != 0]  # the first of each mask
        found[masks[hits]] = holders[hits]
        begin = begin + number
        waiting = begin < end
        waiting[waiting] = found[masks[begin[waiting]]] < 0
        begin, end, tried = begin[waiting], end[waiting], 2 * tried
    return found


def _pieces(runs: Runs, rank: NDArray[Any], height: int) -> tuple[Indices, Indices, NDArray[Any]]:
    """Runs of the masks that have a rank from 0 up, cut at the feet of columns: where they begin, end, and whose."""
    mask, starts, ends = (each[rank[runs.mask] >= 0] for each in runs)
    run, starts, ends = in_columns(starts, ends, height)
    return starts, ends, rank[mask[run]]


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """The array itself, which can be written to no more."""
    array.flags.writeable = False
    return array


def _representatives(
    overlaps: Overlaps, small: Indices, large: Indices, scores: NDArray[np.floating[Any]], areas: Indices
) -> Indices:
    """(N,) int64, greedy as NMS: from the best score down, ties by index, a mask takes in those that are the same.

    small, large: the pairs of masks of which one may hold the other.
    """
    alike = areas[small] >= SAME * areas[large]
    one, other = small[alike], large[alike]
    shared = overlaps.coverage(one, other, overlaps.runs) * areas[one]
    same = shared >= SAME * (areas[one] + areas[other] - shared)
    twins: dict[int, list[int]] = {}
    for first, second in zip(one[same].tolist(), other[same].tolist(), strict=True):
        twins.setdefault(first, []).append(second)
        twins.setdefault(second, []).append(first)
    representative = np.arange(len(areas))
    for index in np.argsort(-scores, kind="stable").tolist():
        if index in twins and representative[index] == index:
            free = [each for each in twins[index] if representative[each] == each]
            representative[free] = index
    return representative
