"""`Forest`: the masks of one picture as trees of wholes and parts, and which of them lie under a pixel.

One mask lies in another if most of its pixels do: borders are ragged, and a part often sticks out of its whole.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anymask import rle
from anymask.boxes import intersection

INSIDE = 0.8  # a mask of which this share lies in a larger one is a part of it
SAME = 0.9  # masks with at least this IoU are one thing found twice

Indices = NDArray[np.int64]


class Forest:
    """N masks as trees: a group holds its objects, an object its parts. `MaskSet.forest` builds it once.

    Of masks that are the same (IoU of at least `SAME`) the one with the best score stands for all of them. Only such
    representatives are roots, children, siblings and ancestors. Arrays are read-only; nothing changes once it is made.

    representative: (N,) int64, the mask that stands for each mask; of most masks the mask itself.
    parents: (N,) int64, the smallest larger representative that holds at least `INSIDE` of a mask, or -1. Of two masks
        of equal area the one with the lower index counts as larger. A mask that was merged has its representative's.
    depth: (N,) int64, how many ancestors a mask has.
    roots: (R,) int64, representatives without a parent, in the order of the set.
    """

    def __init__(
        self,
        rles: Sequence[bytes],
        scores: NDArray[np.floating[Any]],
        areas: Indices,
        parents: Indices,
        height: int,
        width: int,
    ) -> None:
        """The forest of masks of a height x width picture; ``parents`` are those that `find_parents` found."""
        self._rles, self._areas, self._size = rles, areas, (height, width)
        boxes = rle.boxes(rles, height, width).astype(np.float64)
        self.representative = read_only(_representatives(rles, scores, areas, boxes, parents, height, width))
        kept = np.flatnonzero(self.representative == np.arange(len(rles)))
        self._kept = kept[np.lexsort((-kept, areas[kept]))]  # from the smallest
        self.parents = read_only(self._among_kept(boxes, parents))
        self._up: list[int] = self.parents.tolist()
        depth = np.zeros(len(rles), np.int64)
        for index in self._kept[::-1].tolist():  # whoever comes later is no parent of one that came before
            depth[index] = 0 if self._up[index] < 0 else depth[self._up[index]] + 1
        self.depth = read_only(depth[self.representative])
        self.roots = read_only(kept[self.parents[kept] < 0])
        self._below = kept[np.argsort(self.parents[kept], kind="stable")]  # siblings side by side, roots first
        self._above = self.parents[self._below]

    def __len__(self) -> int:
        return len(self._rles)

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
        flat = np.full(height * width, -1, dtype)
        for index in self._kept[::-1].tolist():  # small masks over large ones
            ends = np.cumsum(rle.run_lengths(self._rles[index])).tolist()
            for start, end in zip(ends[::2], ends[1::2], strict=False):  # a last run outside has no partner
                flat[start:end] = index
        return read_only(flat.reshape(width, height).T)

    def _with_parent(self, parent: int) -> Indices:
        first, end = np.searchsorted(self._above, (parent, parent + 1))
        return self._below[first:end]

    def _among_kept(self, boxes: NDArray[np.float64], parents: Indices) -> Indices:
        """Parents that are representatives: another is sought where the one found was merged into its twin."""
        found = parents.copy()
        lost = (parents >= 0) & (self.representative[parents] != parents)
        place = {index: rank for rank, index in enumerate(self._kept.tolist())}
        for index in self._kept[lost[self._kept]].tolist():
            larger = self._kept[place[index] + 1 :]
            larger = larger[intersection(boxes[[index]], boxes[larger])[0] / self._areas[index] >= INSIDE]
            inside = rle.coverage([self._rles[index]], [self._rles[other] for other in larger], *self._size)[0]
            found[index] = next(iter(larger[inside >= INSIDE].tolist()), -1)
        merged: Indices = found[self.representative]
        return merged


def find_parents(rles: Sequence[bytes], areas: Indices, height: int, width: int) -> Indices:
    """(N,) int64, the smallest larger mask that holds at least `INSIDE` of each mask, or -1.

    Of two masks of equal area the one with the lower index counts as larger, so following parents always ends.
    """
    order = np.lexsort((-np.arange(len(rles)), areas))  # from the smallest; of equal areas the later index first
    ranked = [rles[index] for index in order]
    sizes = areas[order]
    boxes = rle.boxes(ranked, height, width).astype(np.float64)
    parents = np.full(len(rles), -1, np.int64)  # of the ranked masks, as ranks
    for rank in range(1, len(rles)):
        # Smaller masks still without a parent. The shared pixels lie in both boxes, which rules out most of them
        orphans = np.flatnonzero((parents[:rank] < 0) & (sizes[:rank] > 0))
        shared = intersection(boxes[orphans], boxes[rank : rank + 1])[:, 0]
        orphans = orphans[shared / sizes[orphans] >= INSIDE]
        if len(orphans) == 0:
            continue
        covered = rle.coverage([ranked[orphan] for orphan in orphans], [ranked[rank]], height, width)[:, 0]
        parents[orphans[covered >= INSIDE]] = rank
    found = np.full(len(rles), -1, np.int64)
    found[order] = np.where(parents < 0, -1, order[parents])
    return found


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """The array itself, which can be written to no more."""
    array.flags.writeable = False
    return array


def _representatives(
    rles: Sequence[bytes],
    scores: NDArray[np.floating[Any]],
    areas: Indices,
    boxes: NDArray[np.float64],
    parents: Indices,
    height: int,
    width: int,
) -> Indices:
    """(N,) int64, greedy as NMS: from the best score down, ties by index, each mask takes in those that are the same.

    A mask with a larger twin has a parent about as small as the twin, so that only few need to be compared.
    """
    twins: list[list[int]] = [[] for _ in rles]
    nearly = np.flatnonzero(parents >= 0)
    for index in nearly[areas[nearly] / areas[parents[nearly]] >= SAME].tolist():
        others = np.flatnonzero((areas >= areas[index]) & (areas[index] / np.maximum(areas, 1) >= SAME))
        others = others[intersection(boxes[[index]], boxes[others])[0] / areas[others] >= SAME]
        same = rle.iou([rles[index]], [rles[other] for other in others], height, width)[0] >= SAME
        for other in others[same].tolist():
            twins[index].append(other)
            twins[other].append(index)
    representative = np.arange(len(rles))
    for index in np.argsort(-scores, kind="stable").tolist():
        if representative[index] == index:
            free = [other for other in twins[index] if representative[other] == other]
            representative[free] = index
    return representative
