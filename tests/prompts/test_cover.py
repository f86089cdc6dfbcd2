"""The fewest masks that hold all points."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from anymask.prompts.cover import smallest_cover


@pytest.mark.parametrize(
    ("masks", "likely", "chosen"),
    [
        ([{0}, {1}, {0, 1}], [1, 1, 0.1], [2]),  # one is fewer than two, however unlikely
        ([{0}, {1}], [0, 0], [0, 1]),
        ([{0}, {0}, {1}], [0.1, 0.2, 1], [1, 2]),  # the likelier of two
        ([{0, 1}, {2}, {0}, {1, 2}], [0.5, 0.5, 0.9, 0.9], [2, 3]),  # the likelier pair: .81 against .25
        ([{0, 1, 2, 3}, {0, 1, 4}, {2, 3, 5}], [1, 1, 1], [1, 2]),  # taking the widest first would need all three
        ([{0}, {2}], [1, 1], []),  # nothing holds point 1
        ([], [], []),
    ],
)
def test_cover(masks: list[set[int]], likely: list[float], chosen: list[int]) -> None:
    points = 1 + max((point for held in masks for point in held), default=0)
    holds = np.array([[point in held for held in masks] for point in range(points)], np.bool_).reshape(points, -1)
    assert sorted(smallest_cover(holds, np.array(likely)).tolist()) == chosen


def test_thirty_things() -> None:
    assert sorted(smallest_cover(np.eye(30, dtype=np.bool_), np.ones(30)).tolist()) == list(range(30))


@settings(deadline=None)
@given(st.tuples(st.integers(1, 7), st.integers(0, 7)).flatmap(lambda shape: arrays(np.bool_, shape)), st.data())
def test_no_smaller_choice_and_no_likelier_one(holds: NDArray[np.bool_], data: st.DataObject) -> None:
    likely = np.array(data.draw(st.lists(st.floats(0, 1), min_size=holds.shape[1], max_size=holds.shape[1])))
    chosen = smallest_cover(holds, likely)
    covers: list[list[int]] = []
    for count in range(1, holds.shape[1] + 1):
        covers = covers or [
            list(c) for c in combinations(range(holds.shape[1]), count) if holds[:, c].any(axis=1).all()
        ]
    if not covers:
        assert chosen.tolist() == []
    else:
        assert sorted(chosen.tolist()) in covers
        assert likely[chosen].prod() == pytest.approx(max(likely[cover].prod() for cover in covers))
