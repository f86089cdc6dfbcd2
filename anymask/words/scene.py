"""`Scene`: what geometry and colour know of the masks of a picture, computed once for every question about them."""

from functools import cached_property
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from anymask import rle
from anymask.boxes import intersection, iou
from anymask.errors import PromptError
from anymask.maskset import MaskSet
from anymask.overlap import Overlaps
from anymask.words.colours import Colours

NAME = "scene"  # among what is computed of a set
ALIKE = 0.5  # masks with a larger IoU show one thing
# Of two masks of one kind: see `Scene.doubles_of_kind`. Set by what our masks of training photos answer
SHARED = 0.3
MOSTLY = 0.6
NEAR = 0.4  # of boxes, below which masks are not compared

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


class Scene:
    """N masks of one picture.

    size: (height, width) of the picture.
    boxes: (N, 4) float64 tight boxes, xyxy in source pixels.
    middles: (N, 2) float64 centroids (x, y).
    areas: (N,) float64 pixels.
    scores: (N,) float32 of the masks themselves.
    masks: (M,) int64, those that have pixels: what may be of a kind.
    objects: those of them that stand for themselves: what may be a "thing".
    """

    def __init__(self, found: MaskSet) -> None:
        self.size = found.size
        self._image, self._forest = found.image, found.forest
        self.scores = found.scores
        self.areas = found.areas.astype(np.float64)
        self.boxes = rle.boxes(found.rles, *found.size).astype(np.float64)
        self._overlaps = Overlaps(found.rles, *found.size)
        self.middles = self._centroids(found.size[0])
        self.masks = np.flatnonzero(found.areas > 0)
        self.objects = self.masks[self._forest.representative[self.masks] == self.masks]
        # What `doubles_of_kind` compared, and what it found; never replaced, so that threads write into the same ones
        self._compared = np.zeros((len(self), len(self)), np.bool_)
        self._share_much = np.zeros((len(self), len(self)), np.bool_)

    @classmethod
    def of(cls, found: MaskSet) -> "Scene":
        """The scene of a set, made when it is first asked for."""
        if NAME not in found.computed:
            found.computed.setdefault(NAME, cls(found))
        return cast(Scene, found.computed[NAME])

    def __len__(self) -> int:
        return len(self.areas)

    @cached_property
    def inside(self) -> Bools:
        """(N, N) bool: whether a mask is a part of another one, itself excluded, by the forest."""
        parents = self._forest.parents
        inside = np.zeros((len(self), len(self)), np.bool_)
        for index in np.argsort(self._forest.depth, kind="stable").tolist():
            if (parent := parents[index]) >= 0:
                inside[index] = inside[parent]
                inside[index, parent] = True
        return inside

    @cached_property
    def alike(self) -> Bools:
        """(N, N) bool: whether two masks show one thing, for their IoU is above ``ALIKE``."""
        one, other = np.nonzero(np.triu(iou(self.boxes, self.boxes) >= NEAR, 1))
        seen = (self.areas[one] > 0) & (self.areas[other] > 0)
        one, other = one[seen], other[seen]
        shared = self._overlaps.coverage(one, other, self._overlaps.runs) * self.areas[one]
        same = shared > ALIKE * (self.areas[one] + self.areas[other] - shared)
        alike = np.eye(len(self), dtype=np.bool_)
        alike[one[same], other[same]] = alike[other[same], one[same]] = True
        return alike

    @cached_property
    def doubles(self) -> list[int]:
        """For each mask, which others are parts of it, hold it or show the same thing: bit i is that of mask i."""
        rows = np.packbits(self.inside | self.inside.T | self.alike, axis=1, bitorder="little")
        return [int.from_bytes(row.tobytes(), "little") for row in rows]

    def doubles_of_kind(self, indices: Indices) -> Bools:
        """(K, K) bool: whether two masks of one kind are about one object, of which one is to be answered.

        They are if they show one thing, if one is a part of the other, and also if they share so much as two objects of
        a kind hardly do, even where one hides the other: an IoU above ``SHARED``, or ``MOSTLY`` of the smaller one.
        """
        pick = np.ix_(indices, indices)
        if not self._compared[pick].all():
            boxes = self.boxes[indices]
            meet = np.triu(intersection(boxes, boxes) > 0, 1) & ~self._compared[pick]
            one, other = (indices[each] for each in np.nonzero(meet))
            first, second = self.areas[one], self.areas[other]
            shared = self._overlaps.coverage(one, other, self._overlaps.runs) * first
            double = (shared > SHARED * (first + second - shared)) | (shared > MOSTLY * np.minimum(first, second))
            one, other = one[double], other[double]
            self._share_much[one, other] = self._share_much[other, one] = True
            self._compared[pick] = True
        inside = self.inside[pick]
        found: Bools = inside | inside.T | self.alike[pick] | self._share_much[pick]
        return found

    @cached_property
    def colours(self) -> Colours:
        """The masks' colours. Raises PromptError where the set came without its picture."""
        if self._image is None:
            raise PromptError(
                "text: expected masks with their picture to tell colours, got none: pass what the Segmenter returned, "
                "or dataclasses.replace(found, image=picture)"
            )
        return Colours(self._image, self._overlaps.runs, self.middles)

    def _centroids(self, height: int) -> Floats:
        """(N, 2) from the runs: the sums of all columns and rows up to a place are polynomials of it."""
        runs = self._overlaps.runs

        def sums(places: NDArray[np.int64]) -> tuple[Floats, Floats]:
            column, row = (each.astype(np.float64) for each in np.divmod(places, height))
            return (
                height * column * (column - 1) / 2 + row * column,
                column * height * (height - 1) / 2 + row * (row - 1) / 2,
            )

        totals: list[Any] = [
            np.bincount(runs.mask, to - begin, len(self))
            for begin, to in zip(sums(runs.starts), sums(runs.ends), strict=True)
        ]
        return np.stack(totals, axis=1) / np.maximum(self.areas, 1)[:, None] + 0.5
