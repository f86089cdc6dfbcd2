"""How masks lie to others. Depth is not seen: what each relation is taken to mean in the picture is said here."""

from collections.abc import Callable, Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from anymask.boxes import intersection
from anymask.words.scene import Scene

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

BEYOND = 0.25  # a middle is beside a box if it lies in its outer quarter, or outside
BESIDE = 0.5  # things are near if the gap between their boxes is at most this share of both lengths together
TOUCHING = 0.1  # and touch if it is at most this
MOSTLY = 0.5  # share of a width that lies over another thing that bears it
WITHIN = 0.75  # share of a box that lies in another's box
HELD = 0.3  # share of the box of something held or worn that lies in the box of who has it
AMONG = 12  # of each of the two things with something between them, the best
OFF_LINE = 0.5  # how far from the line between two things a third may lie, in its length


def related(scene: Scene, relation: str, indices: Indices, to: Indices, other: Indices | None = None) -> Floats:
    """(K,) in [0, 1]: how well each mask lies so to any of (T,) others, from 0.5 on it does. A thing is beside no part
    of itself: masks that show one thing are in no relation.

    - left of, right of: the centroid is left of the other's box, or in its left quarter; right likewise.
    - above, below: likewise, and they share columns.
    - on: half of its width is over the other's box, it ends within that box or just above, and its centroid is higher;
      or it is a part of the other.
    - in: it is a part of the other, or its box lies in the other's for three quarters. part of: the same, and smaller.
    - behind: it ends higher in the picture, and their boxes meet or nearly. in front of: it ends lower.
    - next to: the gap between their boxes is at most half of their lengths, and neither is a part of the other.
    - with: the other is a part of it, lies in its box for three tenths, or touches it.
    - between: its centroid lies between those of one of ``to`` and one of ``other``, near the line.
    - nearest to, farthest from: the one with the smallest, largest gap.
    """
    if not len(indices) or not len(to):
        return np.zeros(len(indices))
    if relation == "between":
        return _between(scene, indices, to, to if other is None else other)
    pairs = _Pairs(scene, indices, to)
    if relation in ("nearest to", "farthest from"):
        distance = np.where(pairs.same, np.inf, pairs.gap + 1e-3 * pairs.distance)
        closest = distance.min(axis=1)
        if relation == "farthest from":
            closest = np.where(np.isfinite(closest), -closest, np.inf)
        return np.asarray(np.isfinite(closest) & (closest == closest.min()), np.float64)
    degree = np.where(pairs.same, 0, RELATIONS[relation](pairs))
    return np.asarray(degree.max(axis=1), np.float64)


class _Pairs:
    """K masks against T others: arrays are (K, T), or (K, 1) and (1, T) of one side alone."""

    ax1: Floats
    ay1: Floats
    ax2: Floats
    ay2: Floats
    bx1: Floats
    by1: Floats
    bx2: Floats
    by2: Floats
    ax: Floats
    ay: Floats
    bx: Floats
    by: Floats

    def __init__(self, scene: Scene, indices: Indices, to: Indices) -> None:
        pick = np.ix_(indices, to)
        self.same = scene.alike[pick]
        self.inside, self.holds = scene.inside[pick], scene.inside.T[pick]
        a, b = scene.boxes[indices], scene.boxes[to]
        self.ax1, self.ay1, self.ax2, self.ay2 = (side[:, None] for side in a.T)
        self.bx1, self.by1, self.bx2, self.by2 = (side[None] for side in b.T)
        self.ax, self.ay = (side[:, None] for side in scene.middles[indices].T)
        self.bx, self.by = (side[None] for side in scene.middles[to].T)
        self.a_area, self.b_area = scene.areas[indices][:, None], scene.areas[to][None]
        self.aw, self.ah = self.ax2 - self.ax1, self.ay2 - self.ay1
        self.bw, self.bh = self.bx2 - self.bx1, self.by2 - self.by1
        self._boxes = a, b

    @cached_property
    def gap(self) -> Floats:
        """Between the boxes, 0 where they meet."""
        across = np.maximum(self.ax1 - self.bx2, self.bx1 - self.ax2)
        down = np.maximum(self.ay1 - self.by2, self.by1 - self.ay2)
        return np.hypot(np.maximum(across, 0), np.maximum(down, 0))

    @cached_property
    def distance(self) -> Floats:
        """Between the centroids."""
        return np.hypot(self.ax - self.bx, self.ay - self.by)

    @cached_property
    def length(self) -> Floats:
        """Of both together: the sides of squares of their areas."""
        return np.sqrt(self.a_area) + np.sqrt(self.b_area)

    @cached_property
    def columns(self) -> Floats:
        """How many their boxes share; negative where there is a gap."""
        return np.minimum(self.ax2, self.bx2) - np.maximum(self.ax1, self.bx1)

    @cached_property
    def a_covered(self) -> Floats:
        """The share of the first one's box that lies in the other's."""
        return np.asarray(intersection(*self._boxes) / np.maximum(self.aw * self.ah, 1))

    @cached_property
    def b_covered(self) -> Floats:
        """The share of the other one's box that lies in the first's."""
        return np.asarray(intersection(*self._boxes) / np.maximum(self.bw * self.bh, 1))


def _left(pairs: _Pairs) -> Bools:
    return pairs.ax < pairs.bx1 + BEYOND * pairs.bw


def _right(pairs: _Pairs) -> Bools:
    return pairs.ax > pairs.bx2 - BEYOND * pairs.bw


def _above(pairs: _Pairs) -> Bools:
    return (pairs.ay < pairs.by1 + BEYOND * pairs.bh) & (pairs.columns > 0)


def _below(pairs: _Pairs) -> Bools:
    return (pairs.ay > pairs.by2 - BEYOND * pairs.bh) & (pairs.columns > 0)


def _on(pairs: _Pairs) -> Bools:
    over = pairs.columns >= MOSTLY * pairs.aw
    ends = (pairs.ay2 >= pairs.by1 - TOUCHING * pairs.ah) & (pairs.ay2 <= pairs.by2 + TOUCHING * pairs.bh)
    return pairs.inside | (over & ends & (pairs.ay < pairs.by) & ~pairs.holds)


def _in(pairs: _Pairs) -> Bools:
    return pairs.inside | ((pairs.a_covered >= WITHIN) & ~pairs.holds)


def _part(pairs: _Pairs) -> Bools:
    return _in(pairs) & (pairs.a_area < pairs.b_area)


def _meet(pairs: _Pairs) -> Bools:
    return (pairs.gap <= BESIDE / 2 * pairs.length) & ~pairs.holds & ~pairs.inside


def _behind(pairs: _Pairs) -> Bools:
    return _meet(pairs) & (pairs.ay2 < pairs.by2)


def _in_front(pairs: _Pairs) -> Bools:
    return _meet(pairs) & (pairs.ay2 > pairs.by2)


def _next(pairs: _Pairs) -> Floats:
    degree = np.clip(1 - pairs.gap / (2 * BESIDE * np.maximum(pairs.length, 1)), 0, 1)
    return np.where(pairs.holds | pairs.inside, 0, degree)


def _with(pairs: _Pairs) -> Bools:
    touches = pairs.gap <= TOUCHING * np.minimum(np.sqrt(pairs.a_area), np.sqrt(pairs.b_area))
    return pairs.holds | ((pairs.b_covered >= HELD) & ~pairs.inside) | (touches & ~pairs.inside)


RELATIONS: Mapping[str, Callable[[_Pairs], Bools | Floats]] = {
    "left of": _left,
    "right of": _right,
    "above": _above,
    "below": _below,
    "on": _on,
    "in": _in,
    "part of": _part,
    "behind": _behind,
    "in front of": _in_front,
    "next to": _next,
    "with": _with,
}


def _between(scene: Scene, indices: Indices, to: Indices, other: Indices) -> Floats:
    first, second = (each.reshape(-1) for each in np.meshgrid(to[:AMONG], other[:AMONG], indexing="ij"))
    apart = ~scene.alike[first, second]
    first, second = first[apart], second[apart]
    start, end = scene.middles[first], scene.middles[second]  # (P, 2)
    line = end - start
    length = np.maximum((line**2).sum(axis=1), 1e-9)
    away = scene.middles[indices][:, None] - start  # (K, P, 2)
    along = (away * line).sum(axis=2) / length
    off = np.abs(away[..., 0] * line[:, 1] - away[..., 1] * line[:, 0]) / length
    neither = ~scene.alike[np.ix_(indices, first)] & ~scene.alike[np.ix_(indices, second)]
    found: Bools = (along > 0) & (along < 1) & (off <= OFF_LINE) & neither
    return np.asarray(found.any(axis=1), np.float64)
