"""Intervals: how much a figure would move had other photos of the same kind been taken."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

DRAWS = 1000
LEVEL = 0.95


def interval(statistic: Callable[[NDArray[np.int64]], float], photos: int, seed: int = 0) -> tuple[float, float]:
    """The 95 % percentile bootstrap interval of a statistic of photos (Efron & Tibshirani 1993, chapter 13).

    Whole photos are drawn, since the objects of one photo are no independent observations.

    statistic: of (photos,) int64 indices, drawn with replacement; NaN draws are left out.
    """
    return percentiles(np.array([statistic(chosen) for chosen in draws(photos, seed)]))


def draws(photos: int, seed: int = 0) -> Iterator[NDArray[np.int64]]:
    """As many draws as an interval is of: (photos,) int64 indices each, with replacement."""
    rng = np.random.default_rng(seed)
    for _ in range(DRAWS):
        yield rng.integers(photos, size=photos)


def quotients(parts: NDArray[Any], wholes: NDArray[Any]) -> NDArray[np.float64]:
    """(DRAWS,) sum of the parts over sum of the wholes, (P,) each, of the photos of each draw; NaN where that is 0 / 0.

    Two runs over the same photos get the same draws: the difference of their quotients is a paired bootstrap.
    """
    times = _times_drawn(len(parts))
    with np.errstate(invalid="ignore"):
        return np.asarray((times @ parts) / (times @ wholes))


@lru_cache(maxsize=2)
def _times_drawn(photos: int) -> NDArray[np.float64]:
    """(DRAWS, photos): how often each draw has each photo."""
    return np.stack([np.bincount(chosen, minlength=photos) for chosen in draws(photos)]).astype(np.float64)


def percentiles(values: NDArray[np.float64]) -> tuple[float, float]:
    """The ends of the middle 95 % of (N,) values; NaN ones are left out."""
    values = values[np.isfinite(values)]
    if not len(values):
        return float("nan"), float("nan")
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
