"""Interpolation as a matrix, by cubics and by straight lines."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anymask.boxes import Floats
from anymask.interpolation import Axis


def interpolate(samples: list[float], at: list[float]) -> list[float]:
    values: list[float] = (Axis.cubic(np.array(at), len(samples)).weights @ np.array(samples)).tolist()
    return values


@pytest.mark.parametrize(
    ("samples", "at", "expected"),
    [
        ([1, 5, 2], 1.0, 5),  # on a sample
        ([0, 0, 1, 0, 0], 1.5, 9 / 16),  # Keys' kernel at 1/2 ...
        ([0, 0, 1, 0, 0], 0.5, -1 / 16),  # ... and at 3/2
        ([3, 7], 0.25, 4),  # two samples: a line
        ([3, 7], -0.4, 3),  # before the first sample
        ([3, 7, 9], 2.4, 9),  # after the last
        ([3], 0.3, 3),  # one sample
    ],
)
def test_cubic(samples: list[float], at: float, expected: float) -> None:
    assert interpolate(samples, [at]) == pytest.approx([expected])


@pytest.mark.parametrize(
    ("samples", "at", "expected"),
    [
        ([1, 5, 2], 1.0, 5),  # on a sample
        ([1, 5, 2], 2.0, 2),  # on the last
        ([0, 10, 40], 0.25, 2.5),
        ([0, 10, 40], 1.5, 25),  # no curve: the sample further left makes no difference
        ([3, 7, 9], -0.4, 3),  # before the first sample
        ([3, 7, 9], 9.0, 9),  # after the last
        ([3], 0.3, 3),  # one sample
    ],
)
def test_linear(samples: list[float], at: float, expected: float) -> None:
    assert Axis.linear(np.array([at]), len(samples)).weights @ np.array(samples) == pytest.approx([expected])


@settings(deadline=None)
@given(st.integers(2, 9), st.lists(st.floats(0, 1), min_size=1, max_size=5), st.floats(-3, 3), st.floats(-3, 3))
def test_lines_are_exact_up_to_both_ends(cells: int, shares: list[float], slope: float, offset: float) -> None:
    at = sorted(share * (cells - 1) for share in shares)
    samples = [slope * i + offset for i in range(cells)]
    assert interpolate(samples, at) == pytest.approx([slope * x + offset for x in at], abs=1e-4)


@settings(deadline=None)
@given(st.integers(4, 9), st.floats(0, 1))
def test_parabolas_are_exact_inside(cells: int, share: float) -> None:
    x = 1 + share * (cells - 3)
    assert interpolate([(i - 2.2) ** 2 for i in range(cells)], [x]) == pytest.approx([(x - 2.2) ** 2], abs=1e-4)


@settings(deadline=None)
@given(st.integers(1, 9), st.integers(1, 30), st.sampled_from([Axis.cubic, Axis.linear]), st.data())
def test_a_stretch_needs_no_other_cells(
    cells: int, count: int, interpolated: Callable[[Floats, int], Axis], data: st.DataObject
) -> None:
    axis = interpolated(np.linspace(-1, cells, count), cells)
    start = data.draw(st.integers(0, count - 1))
    stop = data.draw(st.integers(start + 1, count))
    window = axis.cells(start, stop)
    assert 0 <= window.start < window.stop <= cells
    assert axis.weights_of(start, stop).shape == (stop - start, window.stop - window.start)
    assert axis.weights_of(start, stop).sum(axis=1) == pytest.approx(1)
    rest = np.delete(axis.weights[start:stop], np.arange(cells)[window], axis=1)
    assert not rest.any()
