"""One-to-one matching of edge and boundary pixels: small maps by hand, and laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linear_sum_assignment

from anymask.evaluate.edges.matching import Flags, match, reach


def drawn(*rows: str) -> Flags:
    """A map from rows of "." and "#"."""
    return np.array([[pixel == "#" for pixel in row] for row in rows])


@pytest.mark.parametrize(
    ("edges", "boundary", "distance", "matched_edges", "matched_boundary"),
    [
        ("..#..", "..#..", 1, "..#..", "..#.."),  # on it
        (".#.#.", "..#..", 1, ".#...", "..#.."),  # two beside one: the first of two that are as near
        ("..##.", "..#..", 1, "..#..", "..#.."),  # two near one: the nearer
        ("..#..", ".#.#.", 1, "..#..", ".#..."),  # one near two
        ("#..#.", "#...#", 3, "#..#.", "#...#"),  # two pairs
        ("#....", "...#.", 2.9, ".....", "....."),  # too far
        ("#....", "...#.", 3.0, "#....", "...#."),  # just near enough
        (".....", "..#..", 3, ".....", "....."),  # no edges
        ("..#..", ".....", 3, ".....", "....."),  # no boundary
        (".....", ".....", 3, ".....", "....."),
        # The nearest pair, in the middle, would leave both others alone: it gives way, and nothing is left over
        (".#.#.", "#.#..", 1, ".#.#.", "#.#.."),
        ("..##.", ".##..", 1, "..##.", ".##.."),
    ],
)
def test_rows(edges: str, boundary: str, distance: float, matched_edges: str, matched_boundary: str) -> None:
    found = match(drawn(edges), drawn(boundary), distance)
    assert np.array_equal(found[0], drawn(matched_edges))
    assert np.array_equal(found[1], drawn(matched_boundary))


def test_distance_is_straight() -> None:
    edges, boundary = drawn("#..", "...", "..."), drawn("...", "...", "..#")
    assert match(edges, boundary, 2.9)[0].sum() == 1  # the root of 8
    assert match(edges, boundary, 2.8)[0].sum() == 0


def test_reach_of_a_photo_of_the_benchmark() -> None:
    assert reach(321, 481) == reach(481, 321) == pytest.approx(4.337, abs=1e-3)


MAPS = arrays(np.bool_, (7, 9))
DISTANCES = st.sampled_from([0.5, 1.0, 1.5, 2.0, 3.2])


@given(MAPS, MAPS, DISTANCES)
def test_no_matching_is_larger(edges: Flags, boundary: Flags, distance: float) -> None:
    matched_edges, matched_boundary = match(edges, boundary, distance)
    assert not (matched_edges & ~edges).any() and not (matched_boundary & ~boundary).any()
    assert matched_edges.sum() == matched_boundary.sum()
    apart = np.argwhere(edges)[:, None] - np.argwhere(boundary)
    near = np.hypot(*apart.transpose(2, 0, 1)) <= distance
    assert matched_edges.sum() == near[linear_sum_assignment(near, maximize=True)].sum()


@given(MAPS, MAPS, DISTANCES)
def test_a_shift_of_both_changes_nothing(edges: Flags, boundary: Flags, distance: float) -> None:
    wide = [np.pad(flags, ((0, 3), (0, 5))) for flags in (edges, boundary)]
    shifted = [np.roll(flags, (3, 5), (0, 1)) for flags in wide]
    for one, other in zip(match(wide[0], wide[1], distance), match(shifted[0], shifted[1], distance), strict=True):
        assert one.sum() == other.sum()


@given(MAPS, MAPS, DISTANCES)
def test_both_sides_are_alike(edges: Flags, boundary: Flags, distance: float) -> None:
    assert match(edges, boundary, distance)[0].sum() == match(boundary, edges, distance)[0].sum()
