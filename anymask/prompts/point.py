"""Point: the object that was clicked on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from anymask import rle
from anymask.errors import PromptError
from anymask.maskset import MaskSet
from anymask.prompts.numbers import only_fields, shown, to_numbers

CANDIDATES = 3  # part, object, group: how many of the likeliest are offered in the order of their size
ALIKE = 0.35  # two masks with a larger IoU are no two answers (fitted on training photos): only the likelier is offered
LOOKED_AT = 50  # masks under a click among which the candidates are sought, the likeliest first


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

    def choose(self, found: MaskSet) -> NDArray[np.int64]:
        """Masks that contain every point inside and no point outside.

        The ``CANDIDATES`` likeliest that differ come first, the smallest of them at the front: a part, the object, its
        group. The others follow by their scores.

        Raises:
            PromptError: a point lies outside the picture.
        """
        height, width = found.size
        for x, y in self.points:
            if not (0 <= x < width and 0 <= y < height):
                raise PromptError(
                    f"point: ({x:g}, {y:g}) lies outside the picture; expected 0 <= x < {width} and 0 <= y < {height}"
                )
        hits = rle.contains(found.rles, np.array(self.points), height, width)  # (P, N)
        wanted = np.array(self.labels, bool)[:, None]
        fits = np.flatnonzero((hits == wanted).all(axis=0))
        likeliest = fits[np.argsort(-found.scores[fits], kind="stable")]
        front = distinct(found, likeliest)
        rest = likeliest[~np.isin(likeliest, front)]
        return np.concatenate((front[np.argsort(found.areas[front], kind="stable")], rest))

    def to_json(self) -> dict[str, Any]:
        return {"type": self.type, "points": [list(point) for point in self.points], "labels": list(self.labels)}

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> "Point":
        only_fields(fields, {"points", "labels"}, {"points"}, cls.type)
        return cls(fields["points"], fields.get("labels"))


def distinct(found: MaskSet, likeliest: NDArray[np.int64]) -> NDArray[np.int64]:
    """At most ``CANDIDATES`` of the indices, in their order, each unlike all before it."""
    rles = [found.rles[index] for index in likeliest[:LOOKED_AT]]
    alike = rle.iou(rles, rles, *found.size) > ALIKE
    chosen: list[int] = []
    for index in range(len(rles)):
        if len(chosen) < CANDIDATES and not alike[index, chosen].any():
            chosen.append(index)
    return likeliest[chosen]


def to_marks(labels: Sequence[int]) -> tuple[int, ...]:
    """Labels as ones and zeros; PromptError for anything that is neither."""
    try:
        marks = tuple(labels)
        if all(np.ndim(mark) == 0 and mark in (0, 1) for mark in marks):
            return tuple(int(mark) for mark in marks)
    except (TypeError, ValueError):  # no list, or something that cannot be compared with 1
        pass
    raise PromptError(f"labels: expected a list of 1 (inside) and 0 (outside), got {shown(labels)}")
