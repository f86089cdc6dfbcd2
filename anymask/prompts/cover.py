"""The fewest masks that hold all of some points."""

import numpy as np
from numpy.typing import NDArray

PARTIAL = 128  # choices that do not hold all points yet, kept at a time: every one for up to seven points


def smallest_cover(holds: NDArray[np.bool_], likely: NDArray[np.float64]) -> NDArray[np.int64]:
    """Indices (K,) of the fewest of N masks that together hold all of P points; none where no choice does.

    holds: (P, N), which mask holds which point. likely: (N,), of choices equally small that with the largest product is
    taken. With more points than seven a smaller choice may be missed, as only the `PARTIAL` widest are followed.
    """
    best: dict[int, int] = {}  # the likeliest mask for each set of points, which is written as the bits of a number
    for index in np.argsort(-likely, kind="stable").tolist():
        best.setdefault(_bits(holds[:, index]), index)
    everything = _bits(np.ones(len(holds), np.bool_))
    reached: dict[int, tuple[float, tuple[int, ...]]] = {0: (1.0, ())}
    while reached and everything not in reached:
        wider: dict[int, tuple[float, tuple[int, ...]]] = {}
        for covered, (worth, chosen) in reached.items():
            missing = everything & ~covered
            for points, index in best.items():
                if points & missing & -missing:  # some mask has to hold the lowest point that is missing
                    value = worth * float(likely[index])
                    if value > wider.get(covered | points, (-1.0, ()))[0]:
                        wider[covered | points] = value, (*chosen, index)
        widest = sorted(wider.items(), key=lambda item: (item[0].bit_count(), item[1][0]), reverse=True)
        reached = dict(widest[:PARTIAL])
    return np.array(reached[everything][1] if reached else (), np.int64)


def _bits(points: NDArray[np.bool_]) -> int:
    return int.from_bytes(np.packbits(points).tobytes(), "big")
