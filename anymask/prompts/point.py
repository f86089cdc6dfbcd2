"""Point: the object that was clicked on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from anymask import rle
from anymask.errors import PromptError
from anymask.maskset import MaskSet
from anymask.prompts.cover import smallest_cover
from anymask.prompts.made import combined, made
from anymask.prompts.numbers import only_fields, shown, to_numbers

# Fitted on training photos
CENTRALITY_POWER = 1.0  # how much it counts that a click is in the middle of a mask's box, against the mask's score
ALIKE = 0.35  # two masks with a larger IoU are no two answers: only the likelier is among the first

CONTEXT = 0.125  # how far a closer look reaches beyond the points, in the longest side of the picture
CANDIDATES = 3  # part, object, group: how many masks that differ come first
LOOKED_AT = 50  # masks under a click among which those are sought, and which are cut, the likeliest first

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Point:
    """One object, by any number of points inside and outside of it.

    Args:
        points: (x, y) pairs in source pixels; (0, 0) is the picture's top left corner.
        labels: 1 for a point inside the object, 0 for one outside; all inside when left out.

    Raises:
        PromptError: no point is inside, the counts differ, or a value is no finite number.
    """

    points: tuple[tuple[float, float], ...]
    labels: tuple[int, ...]
    type: ClassVar[str] = "point"
    schema: ClassVar[Mapping[str, Any]] = {
        "points": {
            "description": "(x, y) pairs, all inside the picture.",
            "type": "array",
            "items": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
            "minItems": 1,
        },
        "labels": {
            "description": "For each point 1 (inside the object) or 0 (outside), at least one 1. All 1 when null.",
            "type": ["array", "null"],
            "items": {"enum": [0, 1]},
            "contains": {"const": 1},
            "default": None,
        },
    }

    def __init__(self, points: Sequence[Sequence[float]], labels: Sequence[int] | None = None) -> None:
        try:
            pairs = tuple(points)
        except TypeError as error:
            raise PromptError(f"points: expected a list of (x, y) pairs, got {shown(points)}") from error
        cleaned = []
        for index, pair in enumerate(pairs):
            x, y = to_numbers(pair, f"points[{index}]", 2)
            cleaned.append((x, y))
        marks = to_marks(labels) if labels is not None else (1,) * len(cleaned)
        if len(marks) != len(cleaned):
            raise PromptError(f"labels: expected one for each of the {len(cleaned)} points, got {len(marks)}")
        if 1 not in marks:
            raise PromptError("points: expected at least one point inside the object (label 1), got none")
        object.__setattr__(self, "points", tuple(cleaned))
        object.__setattr__(self, "labels", marks)

    def choose(self, found: MaskSet) -> MaskSet:
        """Masks that hold every point inside and no point outside, the likeliest first.

        Right behind it are masks unlike it and unlike each other, up to ``CANDIDATES`` in all: a part, the object, its
        group. The others follow, again the likeliest first, and then masks that are made:

        - A mask that holds all points inside, but also some outside, without the children in its tree that hold those.
        - If no mask fits as it is, the union of the fewest masks that hold every point inside and none outside.

        A made mask scores what is left of the score of the one that was cut, or the lowest score in the union.

        Raises:
            PromptError: a point lies outside the picture.
        """
        height, width = found.size
        for x, y in self.points:
            if not (0 <= x < width and 0 <= y < height):
                raise PromptError(
                    f"point: ({x:g}, {y:g}) lies outside the picture; expected 0 <= x < {width} and 0 <= y < {height}"
                )
        points, wanted = np.array(self.points), np.array(self.labels, np.bool_)
        hits = rle.contains(found.rles, points, height, width)  # (P, N)
        inside, outside = hits[wanted], hits[~wanted]
        clicks = points[wanted]
        full, clean = inside.all(axis=0), ~outside.any(axis=0)
        fits = found[ranked(found, np.flatnonzero(full & clean), clicks)]
        spoiled = ranked(found, np.flatnonzero(full & ~clean), clicks)[:LOOKED_AT]
        cuts = cut(found, spoiled, inside, outside)
        cuts = cuts[ranked(cuts, np.arange(len(cuts)), clicks)]
        sets = [fits, cuts]
        if len(fits) == 0:
            sets.append(join(found, np.flatnonzero(clean), inside, clicks))
        return MaskSet.concatenate(sets)

    def closer(self, found: MaskSet, chosen: MaskSet) -> tuple[float, float, float, float] | None:
        if len(chosen):
            return None
        reach = CONTEXT * max(found.size)
        x, y = np.array([point for point, label in zip(self.points, self.labels, strict=True) if label]).T
        return float(x.min() - reach), float(y.min() - reach), float(x.max() + reach), float(y.max() + reach)

    def to_json(self) -> dict[str, Any]:
        return {"type": self.type, "points": [list(point) for point in self.points], "labels": list(self.labels)}

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> "Point":
        only_fields(fields, cls.schema, cls.type)
        return cls(fields["points"], fields.get("labels"))


def centrality(boxes: NDArray[np.floating[Any]], clicks: NDArray[np.float64]) -> NDArray[np.float64]:
    """(P, N) how near the pixels of (P, 2) clicks are to the middle of (N, 4) boxes: 1 there, 0 from the edges on.

    (1 - |dx| / half the width) (1 - |dy| / half the height), where (dx, dy) is from the middle to the pixel's centre.
    """
    away = np.abs(np.floor(clicks)[:, None] + 0.5 - (boxes[:, :2] + boxes[:, 2:]) / 2)  # (P, N, 2)
    half = np.maximum((boxes[:, 2:] - boxes[:, :2]) / 2, 1e-6)
    near: NDArray[np.float64] = np.clip(1 - away / half, 0, 1).prod(axis=2)
    return near


def ranked(found: MaskSet, indices: Indices, clicks: NDArray[np.float64]) -> Indices:
    """The indices, distinct masks first, in the order of their likelihood for (P, 2) clicks.

    Likelihood is the score times the mean centrality of the clicks to the power ``CENTRALITY_POWER``.
    """
    scores = found.scores[indices]
    likely = scores * centrality(found.boxes[indices], clicks).mean(axis=0) ** CENTRALITY_POWER
    likeliest = indices[np.lexsort((-scores, -likely))]
    first = distinct(found, likeliest)
    return np.concatenate((first, likeliest[~np.isin(likeliest, first)]))


def distinct(found: MaskSet, likeliest: Indices) -> Indices:
    """At most ``CANDIDATES`` of the indices, in their order, each unlike all before it."""
    rles = [found.rles[index] for index in likeliest[:LOOKED_AT]]
    alike = rle.iou(rles, rles, *found.size) > ALIKE
    chosen: list[int] = []
    for index in range(len(rles)):
        if len(chosen) < CANDIDATES and not alike[index, chosen].any():
            chosen.append(index)
    return likeliest[chosen]


def cut(found: MaskSet, spoiled: Indices, inside: NDArray[np.bool_], outside: NDArray[np.bool_]) -> MaskSet:
    """Masks that hold points outside, without their children that hold those but no point inside.

    spoiled: (K,) masks that hold all points inside and some outside. inside, outside: (P, N) and (Q, N), which
    mask holds which point. A mask is left out if it holds a point outside that no such child holds.
    """
    rles, scores = [], []
    for index in spoiled.tolist():
        children = found.forest.children(index)
        children = children[~inside[:, children].any(axis=0)]
        holds = outside[outside[:, index]][:, children]
        if holds.any(axis=1).all():
            parts = [found.rles[child] for child in children[holds.any(axis=0)]]
            rles.append(combined([found.rles[index]], parts, *found.size))
            scores.append(float(found.scores[index] * rle.areas(rles[-1:])[0] / found.areas[index]))
    return made(found, rles, scores)


def join(found: MaskSet, clean: Indices, inside: NDArray[np.bool_], clicks: NDArray[np.float64]) -> MaskSet:
    """The union of the fewest of the ``clean`` masks that hold all points inside, a set of one; empty if none do.

    inside: (P, N), which mask holds which of the (P, 2) clicks.
    """
    holds = inside[:, clean]
    near = (centrality(found.boxes[clean], clicks) * holds).sum(axis=0) / np.maximum(holds.sum(axis=0), 1)
    chosen = clean[smallest_cover(holds, found.scores[clean] * near**CENTRALITY_POWER)]
    if len(chosen) == 0:
        return found[:0]
    union = combined([found.rles[index] for index in chosen], [], *found.size)
    return made(found, [union], [float(found.scores[chosen].min())])


def to_marks(labels: Sequence[int]) -> tuple[int, ...]:
    """Labels as ones and zeros; PromptError for anything that is neither."""
    try:
        marks = tuple(labels)
        if all(np.ndim(mark) == 0 and mark in (0, 1) for mark in marks):
            return tuple(int(mark) for mark in marks)
    except (TypeError, ValueError):  # no list, or something that cannot be compared with 1
        pass
    raise PromptError(f"labels: expected a list of 1 (inside) and 0 (outside), got {shown(labels)}")
