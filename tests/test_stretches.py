"""Stretches of whole numbers, one behind the other."""

import numpy as np
import pytest

from anymask.stretches import stretches


@pytest.mark.parametrize(
    ("begin", "number", "values", "owners"),
    [
        ([5, 0, 9], [2, 3, 1], [5, 6, 0, 1, 2, 9], [0, 0, 1, 1, 1, 2]),
        ([5, 7, 7], [0, 2, 0], [7, 8], [1, 1]),
        ([-2], [3], [-2, -1, 0], [0, 0, 0]),
        ([], [], [], []),
    ],
)
def test_stretches(begin: list[int], number: list[int], values: list[int], owners: list[int]) -> None:
    found = stretches(np.array(begin, np.int64), np.array(number, np.int64))
    assert [each.tolist() for each in found] == [values, owners]
