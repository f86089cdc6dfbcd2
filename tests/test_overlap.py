"""Overlaps of many pairs of masks at once are those of the drawn masks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from pycocotools import mask as coco

from anymask import rle
from anymask.errors import ShapeError
from anymask.overlap import COLUMNS, Overlaps, sampled

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


def shares(masks: Masks, one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray((masks[one] & masks[other]).sum(axis=(1, 2)) / masks[one].sum(axis=(1, 2)))


def line(masks: Masks) -> NDArray[np.bool_]:
    """All masks one behind the other, column by column, as `rle.runs` says they are."""
    count, height, width = masks.shape
    drawn = np.zeros((count, height * width), np.bool_)
    for mask, start, end in zip(*rle.runs(encoded(masks), height, width), strict=True):
        assert start < end
        assert not drawn[mask, start:end].any()
        drawn[mask, start:end] = True
    return drawn


@given(stacks, st.sampled_from([0.3, 0.5, 0.8, 0.9, 1.0]))
@settings(max_examples=200, deadline=None)
def test_narrow_masks_are_compared_exactly(masks: Masks, share: float) -> None:
    one, other = every_pair(masks)
    overlaps = Overlaps(encoded(masks), *masks.shape[1:])
    expected = shares(masks, one, other)
    for runs in (overlaps.runs, sampled(overlaps.runs, len(masks), masks.shape[1])):
        np.testing.assert_allclose(overlaps.coverage(one, other, runs), expected, rtol=0, atol=1e-12)
    assert np.array_equal(overlaps.inside(one, other, share), expected >= share)


@pytest.mark.parametrize("width", [COLUMNS + 1, 100, 700])
def test_wide_masks_are_compared_by_some_columns_and_whole_where_in_doubt(width: int) -> None:
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
    overlaps = Overlaps(encoded(discs), height, width)
    expected = shares(discs, one, other)
    some = sampled(overlaps.runs, len(discs), height)
    assert len(some.starts) < len(overlaps.runs.starts)
    got = overlaps.coverage(one, other, some)
    assert np.abs(got - expected).max() < 0.07
    assert (got[one == other] == 1).all()
    np.testing.assert_allclose(overlaps.coverage(one, other, overlaps.runs), expected, rtol=0, atol=1e-12)
    for share in (0.5, 0.8, expected[5]):
        assert np.array_equal(overlaps.inside(one, other, share), expected >= share)


@pytest.mark.parametrize("period", [2, 3, 4, 6])
def test_what_repeats_does_not_fall_in_step_with_the_columns(period: int) -> None:
    """Full rows, of which every so many columns lie in another mask: as of fences and windows."""
    full = np.zeros((50, 480), np.bool_)
    full[:20] = True
    bars = np.zeros_like(full)
    bars[:, ::period] = True
    for width in (48, 96, 100, 480):
        masks = np.array([full[:, :width], bars[:, :width]])
        zero, one = np.array([0]), np.array([1])
        assert not Overlaps(encoded(masks), 50, width).inside(zero, one, 0.8)[0]


def test_many_pairs_are_compared_a_part_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anymask.overlap.AT_ONCE", 7)
    masks = np.random.default_rng(0).random((6, 9, 11)) < 0.5
    one, other = every_pair(masks)
    overlaps = Overlaps(encoded(masks), 9, 11)
    got = overlaps.coverage(one, other, overlaps.runs)
    np.testing.assert_allclose(got, shares(masks, one, other), rtol=0, atol=1e-12)


@given(stacks)
@settings(max_examples=200, deadline=None)
def test_runs_are_those_of_the_masks(masks: Masks) -> None:
    assert np.array_equal(line(masks), masks.transpose(0, 2, 1).reshape(len(masks), -1))


def test_runs_of_long_and_of_shrinking_counts() -> None:
    """Counts of several groups, and differences that are negative."""
    mask = np.zeros((3000, 40), np.bool_)
    mask[100:2900, 0] = mask[2000:2001, 1] = mask[:, 5:20] = mask[7:9, 39] = True
    nothing, everything = np.zeros_like(mask), np.ones_like(mask)
    masks = np.array([nothing, mask, everything, nothing, mask])
    assert np.array_equal(line(masks), masks.transpose(0, 2, 1).reshape(5, -1))


def counted(*counts: int) -> bytes:
    compressed: bytes = coco.frPyObjects({"size": [3, 4], "counts": list(counts)}, 3, 4)["counts"]
    return compressed


def test_runs_without_pixels_are_left_out() -> None:
    rles = [counted(12, 0), counted(2, 0, 1, 4, 5), counted(0, 12), counted(12)]
    assert [each.tolist() for each in rle.runs(rles, 3, 4)] == [[1, 2], [3, 0], [7, 12]]


@pytest.mark.parametrize("rles", [[counted(1, 2)], [counted(12), counted(0, 3, 10)], [counted(12), b""], [b""]])
def test_runs_that_do_not_fill_the_picture_are_refused(rles: list[bytes]) -> None:
    with pytest.raises(ShapeError, match="rles: expected 3 x 4 pixels in each, but got"):
        rle.runs(rles, 3, 4)


def test_nothing_to_compare() -> None:
    none = np.zeros(0, np.int64)
    for rles in ([], encoded(np.zeros((2, 4, 5), np.bool_))):
        assert Overlaps(rles, 4, 5).inside(none, none, 0.8).shape == (0,)
        assert [each.shape for each in rle.runs(rles, 4, 5)] == [(0,), (0,), (0,)]
