"""Forest: wholes and parts, duplicates merged, and the masks at a pixel."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from anymask.forest import INSIDE, SAME
from anymask.maskset import MaskSet

Masks = NDArray[np.bool_]

# 5 rows of 8 columns: a group of two objects, one of which has a part, and something beside them
GROUP = "#######. #######. #######. #######. ........"
LEFT = "###..... ###..... ###..... ###..... ........"
RIGHT = "....###. ....###. ....###. ....###. ........"
PART = "##...... ##...... ........ ........ ........"
BESIDE = "........ ........ ........ ........ #......#"
# Ragged: one of PART's five pixels lies outside of LEFT, which still holds .8 of it
STICKS_OUT = "..##.... .##..... .#...... ........ ........"
# LEFT without a pixel, and GROUP without one: IoU 11 / 12 and 27 / 28
LEFT_AGAIN = "###..... ###..... ###..... ##...... ........"
GROUP_AGAIN = "#######. #######. #######. ######.. ........"

stacks = st.tuples(st.integers(0, 8), st.integers(1, 5), st.integers(1, 6)).flatmap(
    lambda shape: arrays(np.bool_, shape)
)
# The same few pixels left out of one mask: many duplicates, which chance alone never draws
near_copies = st.lists(st.lists(st.integers(0, 39), max_size=4), min_size=1, max_size=8).map(
    lambda holes: np.array([~np.isin(np.arange(40), hole).reshape(5, 8) for hole in holes])
)


def drawn(masks: list[str], scores: list[float] | None = None) -> MaskSet:
    """One mask per text: rows with spaces between them, # inside."""
    return MaskSet.from_masks(
        np.array([[[sign == "#" for sign in row] for row in text.split()] for text in masks]), scores
    )


def scored(masks: Masks) -> MaskSet:
    """Masks with scores that are in no order."""
    return MaskSet.from_masks(masks, np.random.default_rng(0).random(len(masks)))


def test_wholes_and_parts() -> None:
    forest = drawn([PART, GROUP, LEFT, BESIDE, RIGHT]).forest
    assert len(forest) == 5
    assert forest.parents.tolist() == [2, -1, 1, -1, 1]
    assert forest.depth.tolist() == [2, 0, 1, 0, 1]
    assert forest.roots.tolist() == [1, 3]
    assert forest.representative.tolist() == [0, 1, 2, 3, 4]
    assert [forest.children(index).tolist() for index in range(5)] == [[], [2, 4], [0], [], []]
    assert [forest.siblings(index).tolist() for index in range(5)] == [[], [3], [4], [1], [2]]
    assert [forest.chain(index).tolist() for index in range(5)] == [[0, 2, 1], [1], [2, 1], [3], [4, 1]]


@pytest.mark.parametrize(
    ("x", "y", "chain"),
    [
        (0, 0, [0, 2, 1]),  # the picture's corner
        (1.999, 1.999, [0, 2, 1]),  # the last bit of PART's last pixel
        (2, 1.999, [2, 1]),  # a hair further right
        (3.5, 0.5, [1]),  # between the two objects
        (4, 3.5, [4, 1]),
        (0.5, 4.5, [3]),
        (7.999, 4.999, [3]),  # its other piece, in the picture's last pixel
        (7.5, 0.5, []),  # nothing there
        (-0.001, 0, []),  # outside
        (0, -0.001, []),
        (8, 0, []),
        (0, 5, []),
        (float("nan"), 0, []),
        (float("inf"), 0, []),
    ],
)
def test_at_a_pixel_the_smallest_mask_and_its_ancestors(x: float, y: float, chain: list[int]) -> None:
    assert drawn([PART, GROUP, LEFT, BESIDE, RIGHT]).forest.at(x, y).tolist() == chain


def test_a_part_may_stick_out() -> None:
    forest = drawn([LEFT, STICKS_OUT]).forest
    assert forest.parents.tolist() == [-1, 0]
    assert forest.at(3.5, 0.5).tolist() == [1, 0]  # where only the part is, its whole still follows


@pytest.mark.parametrize(
    ("masks", "scores", "representative", "parents"),
    [
        ([LEFT, LEFT_AGAIN], [0.9, 0.8], [0, 0], [-1, -1]),  # the better score stands for both,
        ([LEFT, LEFT_AGAIN], [0.8, 0.9], [1, 1], [-1, -1]),  # whichever it is
        ([LEFT, LEFT_AGAIN], [0.9, 0.9], [0, 0], [-1, -1]),  # and the first of equals
        ([LEFT, LEFT, LEFT], [0.1, 0.3, 0.2], [1, 1, 1], [-1, -1, -1]),
        ([LEFT_AGAIN, LEFT, GROUP], [0.9, 0.8, 0.7], [0, 0, 2], [2, 2, -1]),  # a twin is no parent: GROUP is
        ([PART, GROUP_AGAIN, GROUP], [0.9, 0.7, 0.8], [0, 2, 2], [2, -1, -1]),  # the parent found was merged
        ([PART, GROUP_AGAIN, GROUP], [0.9, 0.8, 0.7], [0, 1, 1], [1, -1, -1]),
        ([PART, LEFT], [1, 1], [0, 1], [1, -1]),  # 4 of 12 pixels: a part, and no twin
    ],
)
def test_duplicates_are_merged(
    masks: list[str], scores: list[float], representative: list[int], parents: list[int]
) -> None:
    found = drawn(masks, scores)
    assert found.forest.representative.tolist() == representative
    assert found.forest.parents.tolist() == parents


def test_a_merged_mask_has_its_representatives_place() -> None:
    forest = drawn([PART, LEFT_AGAIN, LEFT, RIGHT, GROUP], [0.5, 0.5, 0.9, 0.5, 0.5]).forest
    assert forest.chain(1).tolist() == forest.chain(2).tolist() == [2, 4]
    assert forest.children(1).tolist() == forest.children(2).tolist() == [0]
    assert forest.siblings(1).tolist() == [3]
    assert forest.children(4).tolist() == [2, 3]  # not LEFT_AGAIN
    assert forest.depth.tolist() == [2, 1, 1, 1, 0]


def test_no_masks_and_masks_without_pixels() -> None:
    none = MaskSet.empty((4, 6)).forest
    assert len(none) == 0
    assert none.at(1, 1).shape == none.roots.shape == none.parents.shape == (0,)
    blank = MaskSet.from_masks(np.zeros((2, 4, 6), np.bool_)).forest
    assert blank.parents.tolist() == [-1, -1]
    assert blank.representative.tolist() == [0, 1]
    assert blank.at(1, 1).tolist() == []


def test_everything_is_int64_and_nothing_can_be_changed() -> None:
    found = drawn([PART, GROUP, LEFT])
    forest = found.forest
    assert found.forest is forest  # built once
    parts = (forest.children(1), forest.siblings(0), forest.chain(0), forest.at(0, 0))
    assert {array.dtype.name for array in (*parts, forest.parents, forest.depth, forest.roots)} == {"int64"}
    for array in (forest.parents, forest.representative, forest.depth, forest.roots, forest.index_map):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    assert forest.index_map.shape == (5, 8) and forest.index_map.dtype == np.int16


@settings(deadline=None, max_examples=200)
@given(st.one_of(stacks, near_copies))
def test_the_forest_equals_its_definition(masks: Masks) -> None:
    found = scored(masks)
    forest, areas = found.forest, masks.sum(axis=(1, 2))
    shared = np.einsum("ahw,bhw->ab", masks.astype(int), masks.astype(int))
    ious = shared / np.maximum(areas[:, None] + areas - shared, 1)

    standing: list[int] = []
    for index in np.argsort(-found.scores, kind="stable").tolist():
        same = [other for other in standing if ious[index, other] >= SAME]
        assert forest.representative[index] == (same[0] if same else index)
        standing += [] if same else [index]

    def size(index: int) -> tuple[int, int]:
        return int(areas[index]), -index  # of equal areas the lower index counts as larger

    for index in standing:
        wholes = [
            other
            for other in standing
            if size(other) > size(index) and areas[index] and shared[index, other] / areas[index] >= INSIDE
        ]
        assert forest.parents[index] == min(wholes, key=size, default=-1)
    assert np.array_equal(forest.parents, forest.parents[forest.representative])

    for (y, x), index in np.ndenumerate(forest.index_map):
        there = [other for other in standing if masks[other, y, x]]
        assert index == min(there, key=size, default=-1)
        assert forest.at(x + 0.5, y + 0.5).tolist() == (forest.chain(int(index)).tolist() if there else [])


@settings(deadline=None, max_examples=200)
@given(st.one_of(stacks, near_copies))
def test_walking_up_ends_and_grows_and_walking_down_reaches_everything(masks: Masks) -> None:
    found = scored(masks)
    forest = found.forest
    for index in range(len(masks)):
        chain = forest.chain(index)
        assert len(chain) == forest.depth[index] + 1
        assert (np.diff(found.areas[chain]) >= 0).all()
        assert chain[-1] in forest.roots
        assert index not in forest.siblings(index)
    level, reached = forest.roots.tolist(), []
    while level:
        reached += level
        level = [child for index in level for child in forest.children(index).tolist()]
    assert sorted(reached) == np.unique(forest.representative).tolist()  # each once


def test_threads_see_the_same() -> None:
    found = MaskSet.from_masks(np.random.default_rng(0).random((60, 12, 12)) < 0.6)
    expected = found[:].forest.at(6, 6).tolist()
    with ThreadPoolExecutor(8) as pool:
        assert all(seen.tolist() == expected for seen in pool.map(lambda _: found.forest.at(6, 6), range(16)))
