"""Overlaps of many pairs of masks at once are those of the drawn masks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from anymask import rle
from anymask.overlap import COLUMNS, Overlaps

Masks = NDArray[np.bool_]

stacks = st.tuples(st.integers(1, 6), st.integers(1, 7), st.integers(1, COLUMNS)).flatmap(
    lambda shape: arrays(np.bool_, shape)
)


def encoded(masks: Masks) -> list[bytes]:
    _, height, width = masks.shape
    return [rle.encode_crop(mask, 0, 0, height, width) for mask in masks]


def every_pair(masks: Masks) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    full = np.flatnonzero(masks.any(axis=(1, 2)))
    one, other = np.meshgrid(full, full, indexing="ij")
    return one.ravel(), other.ravel()


@given(stacks)
@settings(max_examples=200, deadline=None)
def test_narrow_masks_are_compared_exactly(masks: Masks) -> None:
    one, other = every_pair(masks)
    overlaps = Overlaps(encoded(masks), *masks.shape[1:])
    expected = (masks[one] & masks[other]).sum(axis=(1, 2)) / masks[one].sum(axis=(1, 2))
    np.testing.assert_allclose(overlaps.coverage(one, other), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("width", [COLUMNS + 1, 100, 700])
def test_of_wide_masks_evenly_spread_columns_are_compared(width: int) -> None:
    height = 90
    y, x = np.mgrid[:height, :width] + 0.5
    rng = np.random.default_rng(0)
    discs = np.array(
        [
            ((x - width * a) / (width * r)) ** 2 + ((y - height * b) / (height * s)) ** 2 < 1
            for a, b, r, s in rng.uniform(0.15, 0.6, (12, 4))
        ]
    )
    one, other = every_pair(discs)
    got = Overlaps(encoded(discs), height, width).coverage(one, other)
    expected = (discs[one] & discs[other]).sum(axis=(1, 2)) / discs[one].sum(axis=(1, 2))
    assert np.abs(got - expected).max() < 0.03
    assert (got[one == other] == 1).all()


@given(stacks)
@settings(max_examples=200, deadline=None)
def test_runs_are_those_of_the_masks_one_behind_the_other(masks: Masks) -> None:
    starts, ends = rle.runs(encoded(masks))
    line = np.zeros(masks.size, np.bool_)
    for start, end in zip(starts, ends, strict=True):
        assert start < end
        assert not line[start:end].any()
        line[start:end] = True
    assert np.array_equal(line, masks.transpose(0, 2, 1).ravel())


def test_runs_of_long_and_of_shrinking_counts() -> None:
    """Counts of several groups, and differences that are negative."""
    mask = np.zeros((3000, 40), np.bool_)
    mask[100:2900, 0] = mask[2000:2001, 1] = mask[:, 5:20] = mask[7:9, 39] = True
    nothing, everything = np.zeros_like(mask), np.ones_like(mask)
    rles = encoded(np.array([nothing, mask, everything, nothing, mask]))
    starts, ends = rle.runs(rles)
    line = np.zeros(5 * mask.size, np.bool_)
    for start, end in zip(starts, ends, strict=True):
        line[start:end] = True
    assert np.array_equal(line.reshape(5, 40, 3000).sum(axis=(1, 2)), rle.areas(rles))
    assert np.array_equal(line.reshape(5, 40, 3000)[4].T, mask)


def test_nothing_to_compare() -> None:
    none = np.zeros(0, np.int64)
    assert Overlaps([], 4, 5).coverage(none, none).shape == (0,)
    assert Overlaps(encoded(np.zeros((2, 4, 5), np.bool_)), 4, 5).coverage(none, none).shape == (0,)
    assert [each.shape for each in rle.runs([])] == [(0,), (0,)]
