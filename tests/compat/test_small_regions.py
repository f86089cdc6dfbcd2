"""Islands and holes of a mask, against a flood fill."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from anymask.compat.small_regions import regions, remove_small_regions


@pytest.mark.parametrize(
    ("rows", "area", "expected"),
    [
        (("###.#", "#.#..", "###.."), 2, ("###..", "###..", "###..")),  # an island and a hole of one pixel
        (("###.#", "#.#..", "###.."), 1, ("###.#", "#.#..", "###..")),  # nothing is smaller than one pixel
        (("#....", ".#...", "..#.."), 3, ("#....", ".#...", "..#..")),  # corners hold together
        (("##..#", ".....", "....."), 9, ("##...", ".....", ".....")),  # all too small: the largest stays
        ((".....", ".....", "....."), 3, (".....", ".....", ".....")),
    ],
)
def test_small_regions(rows: tuple[str, ...], area: int, expected: tuple[str, ...]) -> None:
    mask, kept = (np.array([[pixel == "#" for pixel in row] for row in each]) for each in (rows, expected))
    assert np.array_equal(remove_small_regions(mask, area), kept)


def flooded(mask: NDArray[np.bool_]) -> set[frozenset[tuple[int, int]]]:
    left, found = {(int(r), int(c)) for r, c in np.argwhere(mask)}, set()
    while left:
        front, region = [left.pop()], set()
        while front:
            r, c = front.pop()
            region.add((r, c))
            near = {(r + i, c + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left
            left -= near
            front += near
        found.add(frozenset(region))
    return found


@given(arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_regions_are_those_a_flood_finds(mask: NDArray[np.bool_]) -> None:
    labels, sizes = regions(mask)
    assert np.array_equal(labels > 0, mask)
    parts = [frozenset((int(r), int(c)) for r, c in np.argwhere(labels == 1 + i)) for i in range(len(sizes))]
    assert set(parts) == flooded(mask) and [len(part) for part in parts] == sizes.tolist()
