"""Intervals: how much a figure would move had other photos of the same kind been taken."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

DRAWS = 1000
LEVEL = 0.95


def interval(statistic: Callable[[NDArray[np.int64]], float], photos: int, seed: int = 0) -> tuple[float, float]:
    """The 95 % percentile bootstrap interval of a statistic of photos (Efron & Tibshirani 1993, chapter 13).

    Whole photos are drawn, since the objects of one photo are no independent observations.

    statistic: of (photos,) int64 indices, drawn with replacement; NaN draws are left out.
    """
    rng = np.random.default_rng(seed)
    values = np.array([statistic(rng.integers(photos, size=photos)) for _ in range(DRAWS)])
    values = values[np.isfinite(values)]
    if not len(values):
        return float("nan"), float("nan")
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
