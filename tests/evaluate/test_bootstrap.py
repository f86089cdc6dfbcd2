"""Bootstrap intervals of cases whose answer is known."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from anymask.evaluate.bootstrap import interval, percentiles, quotients

Indices = NDArray[np.int64]


def test_a_constant_has_no_width() -> None:
    assert interval(lambda chosen: 0.25, 10) == (0.25, 0.25)


def test_one_photo_has_no_width() -> None:
    values = np.array([0.7])
    assert interval(lambda chosen: float(values[chosen].mean()), 1) == (0.7, 0.7)


def test_two_photos_reach_from_one_to_the_other() -> None:
    # both draws fall on one photo in a quarter of the cases each, which is more than 2.5 %
    values = np.array([0.2, 0.6])
    assert interval(lambda chosen: float(values[chosen].mean()), 2) == pytest.approx((0.2, 0.6))


def test_a_mean_of_many_has_the_width_of_the_normal_distribution() -> None:
    values = np.tile([0.0, 1.0], 200)  # 400 photos: standard error 0.5 / 20
    low, high = interval(lambda chosen: float(values[chosen].mean()), len(values))
    assert low == pytest.approx(0.5 - 1.96 * 0.025, abs=0.006)
    assert high == pytest.approx(0.5 + 1.96 * 0.025, abs=0.006)


def test_draws_are_of_whole_photos_with_replacement() -> None:
    draws: list[Indices] = []

    def statistic(chosen: Indices) -> float:
        draws.append(chosen)
        return 0.0

    interval(statistic, 5)
    assert all(chosen.shape == (5,) and chosen.dtype == np.int64 for chosen in draws)
    assert set(np.concatenate(draws).tolist()) == set(range(5))
    assert any(len(set(chosen.tolist())) < 5 for chosen in draws)


def test_the_seed_decides() -> None:
    values = np.random.default_rng(1).random(30)

    def mean(chosen: Indices) -> float:
        return float(values[chosen].mean())

    assert interval(mean, 30) == interval(mean, 30) == interval(mean, 30, seed=0) != interval(mean, 30, seed=1)


def test_draws_without_a_value_are_left_out() -> None:
    # a ratio that has no value where photo 0 was not drawn
    assert interval(lambda chosen: 0.5 if 0 in chosen else math.nan, 3) == (0.5, 0.5)
    assert all(math.isnan(end) for end in interval(lambda chosen: math.nan, 3))


def test_quotients_are_of_the_same_draws() -> None:
    rng = np.random.default_rng(3)
    parts, wholes = rng.random(25), rng.integers(0, 4, 25)

    def quotient(chosen: Indices) -> float:
        return float(parts[chosen].sum() / wholes[chosen].sum())

    assert percentiles(quotients(parts, wholes)) == pytest.approx(interval(quotient, 25), abs=1e-12)


def test_a_quotient_without_a_whole_is_none() -> None:
    # one of two photos has an object: draws that miss it have no value
    values = quotients(np.array([0.5, 0.0]), np.array([1, 0]))
    assert np.isnan(values).any()
    assert set(values[np.isfinite(values)].tolist()) == {0.5}
