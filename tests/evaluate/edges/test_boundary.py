"""Boundaries of regions, and ridges of edge strength, of small maps."""

from pathlib import Path

import numpy as np
import pytest

from anymask import rle
from anymask.datasets import LabelledPhoto
from anymask.evaluate.edges.boundary import annotator_boundaries, region_boundary, suppressed, thinned


@pytest.mark.parametrize(
    ("regions", "boundary"),
    [
        (["aaaa", "aaaa"], ["....", "...."]),  # one region: the frame is no boundary
        (["aabb", "aabb"], [".#..", ".#.."]),  # left of a change
        (["aaaa", "bbbb"], ["####", "...."]),  # above a change
        (["abcd"], ["###."]),  # regions one pixel wide
        (["aaab", "aabb", "abbb", "bbbb"], ["..#.", ".#..", "#...", "...."]),  # one diagonal
    ],
)
def test_small_maps(regions: list[str], boundary: list[str]) -> None:
    numbers = np.array([[ord(pixel) for pixel in row] for row in regions])
    assert ["".join(".#"[pixel] for pixel in row) for row in region_boundary(numbers).astype(int)] == boundary


def test_both_diagonals_are_as_long() -> None:
    below = np.tri(20, dtype=np.int64)
    assert region_boundary(below).sum() == pytest.approx(region_boundary(below[:, ::-1]).sum(), abs=1)


def test_each_annotator_has_a_map() -> None:
    size = 4, 6
    left, right = np.zeros((2, *size), np.bool_)
    left[:, :3], right[:, 3:] = True, True
    whole = rle.encode_crop(left | right, 0, 0, *size)
    halves = tuple(rle.encode_crop(mask, 0, 0, *size) for mask in (left, right))
    photo = LabelledPhoto("bsds", Path("x.png"), *size, "all", (halves, (whole,), ()), ((None,) * 2, (None,), ()))
    two, one, none = annotator_boundaries(photo)
    assert np.flatnonzero(two.all(axis=0)).tolist() == [2] and two.sum() == 4
    assert not one.any() and not none.any()


def test_a_thick_line_becomes_thin() -> None:
    thick = np.zeros((9, 15), np.bool_)
    thick[3:6, 2:13] = True
    line = thinned(thick)
    assert (line.sum(axis=0) <= 1).all() and 9 <= line.sum() <= 11
    assert np.array_equal(thinned(line), line)


@pytest.mark.parametrize("turned", [False, True])
def test_a_ridge_keeps_its_crest(turned: bool) -> None:
    strength = np.zeros((15, 15))
    strength[6], strength[7], strength[8] = 0.5, 1.0, 0.5  # three pixels wide
    expected = np.zeros_like(strength)
    expected[7] = 1.0
    if turned:
        strength, expected = strength.T, expected.T
    assert np.array_equal(suppressed(strength), expected)


def test_a_slanted_ridge_keeps_the_pixels_nearest_to_it() -> None:
    y, x = np.mgrid[:30, :30]
    away = np.abs(y - 0.5 * x - 8)
    kept = suppressed(np.exp(-(away**2) / 4))[:, 3:-3] > 0
    assert np.array_equal(kept, away[:, 3:-3] <= 0.5)  # both of two that are as near
    assert (thinned(kept).sum(axis=0)[1:-1] == 1).all()


def test_nothing_stays_nothing() -> None:
    assert not suppressed(np.zeros((5, 7))).any()
