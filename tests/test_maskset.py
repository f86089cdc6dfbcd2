"""MaskSet: parallel arrays, choosing among them, and who is part of whom."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from anymask.errors import ShapeError
from anymask.maskset import MaskSet

IMAGE = np.zeros((4, 6, 3), np.uint8)


def rectangles(*boxes: tuple[int, int, int, int], size: tuple[int, int] = (4, 6)) -> np.ndarray:
    """A mask for each x1, y1, x2, y2."""
    masks = np.zeros((len(boxes), *size), np.bool_)
    for mask, (x1, y1, x2, y2) in zip(masks, boxes, strict=True):
        mask[y1:y2, x1:x2] = True
    return masks


THREE = rectangles((0, 0, 2, 2), (1, 1, 6, 4), (3, 0, 4, 4))
found = MaskSet.from_masks(THREE, [0.9, 0.5, 0.1], IMAGE)
stacks = st.tuples(st.integers(0, 8), st.integers(1, 4), st.integers(1, 5)).flatmap(lambda s: arrays(np.bool_, s))


def test_from_masks() -> None:
    assert len(found) == 3
    assert found.size == (4, 6)
    assert np.array_equal(found.masks, THREE)
    assert np.array_equal(found.mask(1), THREE[1])
    assert found.boxes.tolist() == [[0, 0, 2, 2], [1, 1, 6, 4], [3, 0, 4, 4]]
    assert found.areas.tolist() == [4, 15, 4]
    assert found.scores.tolist() == pytest.approx([0.9, 0.5, 0.1])
    arrays_found = (found.masks, found.boxes, found.scores, found.areas, found.parents)
    assert [array.dtype.name for array in arrays_found] == ["bool", "float32", "float32", "int64", "int64"]
    assert found.prompt is None
    assert found.rank is None


def test_from_masks_takes_numbers_and_needs_no_scores() -> None:
    assert MaskSet.from_masks(THREE.astype(np.uint8) * 255) == MaskSet.from_masks(THREE, [1, 1, 1])


def test_empty() -> None:
    empty = MaskSet.empty((4, 6), IMAGE)
    assert len(empty) == 0
    assert empty.masks.shape == (0, 4, 6)
    assert empty.boxes.shape == (0, 4)
    assert empty.areas.shape == empty.parents.shape == empty.scores.shape == (0,)
    assert empty == MaskSet.from_masks(np.zeros((0, 4, 6), np.bool_))
    assert list(empty) == []


@pytest.mark.parametrize(
    ("index", "kept"),
    [
        (1, [1]),
        (-1, [2]),
        (np.int64(2), [2]),
        (slice(2), [0, 1]),
        (slice(None, None, -1), [2, 1, 0]),
        ([2, 0], [2, 0]),
        ([], []),
        (np.array([1, 1]), [1, 1]),
        (np.array([True, False, True]), [0, 2]),
        (found.scores < 0.8, [1, 2]),
        (slice(3, 9), []),
    ],
)
def test_choosing(index: Any, kept: list[int]) -> None:
    numbered = replace(found, prompt=np.array([5, 6, 7]), rank=np.array([0, 1, 2]), features={"a": 1})
    numbered = replace(numbered, label_scores=np.arange(6, dtype=np.float32).reshape(3, 2))
    numbered.computed["b"] = 2
    part = numbered[index]
    assert part.label_scores is not None and part.label_scores.tolist() == [[2 * at, 2 * at + 1] for at in kept]
    assert part.label_scores.dtype == np.float32 and part.computed == {}
    assert np.array_equal(part.masks, THREE[kept])
    assert part.boxes.tolist() == found.boxes[kept].tolist()
    assert part.scores.tolist() == found.scores[kept].tolist()
    assert part.prompt is not None and part.prompt.tolist() == [5 + index for index in kept]
    assert part.rank is not None and part.rank.tolist() == kept
    assert part.image is not None and np.shares_memory(part.image, IMAGE)
    assert part.features is numbered.features


@pytest.mark.parametrize("index", [3, -4, [0, 3]])
def test_an_index_out_of_range(index: Any) -> None:
    with pytest.raises(IndexError):
        found[index]


def test_a_bool_index_of_another_length() -> None:
    with pytest.raises(ShapeError, match=r"a bool index of 3 masks must have shape \(3,\), got \(2,\)"):
        found[np.array([True, False])]


def test_iterating_gives_sets_of_one() -> None:
    assert [len(one) for one in found] == [1, 1, 1]
    assert MaskSet.concatenate(list(found)) == found


def test_nothing_can_be_changed() -> None:
    given_boxes = found.boxes.copy()
    mine = replace(found, boxes=given_boxes)
    for array in (mine.boxes, mine.scores, mine.areas, mine.parents, mine.image):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0  # type: ignore[index]
    with pytest.raises(FrozenInstanceError):
        mine.scores = found.scores  # type: ignore[misc]
    given_boxes[0] = 7  # the caller's array stays the caller's
    assert mine == found
    assert IMAGE.flags.writeable


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"boxes": np.zeros((2, 4))}, r"boxes of 3 masks must have shape \(3, 4\), got \(2, 4\)"),
        ({"scores": np.zeros(4)}, r"scores of 3 masks must have shape \(3,\), got \(4,\)"),
        ({"scores": [0.1, 1.1, 0]}, r"scores must lie in \[0, 1\]"),
        ({"scores": [0.1, np.nan, 0]}, r"scores must lie in \[0, 1\]"),
        ({"boxes": np.full((3, 4), np.inf)}, "boxes must be finite"),
        ({"prompt": [1]}, r"prompt of 3 masks must have shape \(3,\)"),
        ({"rank": [[1, 2, 3]]}, r"rank of 3 masks must have shape \(3,\)"),
        ({"label_scores": np.zeros((2, 5))}, r"label_scores of 3 masks must have shape \(3, L\), got \(2, 5\)"),
        ({"image": np.zeros((4, 5, 3), np.uint8)}, r"image must have shape \(4, 6, 3\)"),
        ({"size": (0, 6)}, r"size must be \(height, width\)"),
    ],
)
def test_arrays_that_do_not_fit(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        replace(found, **change)


@pytest.mark.parametrize(
    ("boxes", "parents"),
    [
        ([(0, 0, 2, 2), (0, 0, 3, 3), (0, 0, 6, 4)], [1, 2, -1]),  # the smallest that holds it, not the largest
        ([(0, 0, 6, 4), (1, 1, 3, 3), (4, 0, 6, 2)], [-1, 0, 0]),  # two parts of one
        ([(0, 0, 5, 1), (1, 0, 6, 3)], [1, -1]),  # 0.8 inside is inside
        ([(0, 0, 4, 1), (1, 0, 6, 3)], [-1, -1]),  # 0.75 is not
        ([(0, 0, 2, 2), (0, 0, 2, 2)], [-1, 0]),  # the same twice: the first holds the second
        ([(0, 0, 5, 1), (1, 0, 6, 1)], [-1, 0]),  # same area, 0.8 of each in the other: no circle
        ([(0, 0, 0, 0), (0, 0, 6, 4)], [-1, -1]),  # no pixels: part of nothing
        ([(0, 0, 1, 1)], [-1]),
    ],
)
def test_parents(boxes: list[tuple[int, int, int, int]], parents: list[int]) -> None:
    assert MaskSet.from_masks(rectangles(*boxes)).parents.tolist() == parents


def test_parents_are_those_within_the_set() -> None:
    nested = MaskSet.from_masks(rectangles((0, 0, 2, 2), (0, 0, 3, 3), (0, 0, 6, 4)))
    assert nested[[0, 2]].parents.tolist() == [1, -1]
    assert nested[::-1].parents.tolist() == [-1, 0, 1]
    assert nested[0].parents.tolist() == [-1]


@settings(deadline=None)
@given(stacks)
def test_parents_equal_the_definition_and_end(stack: np.ndarray) -> None:
    masks = MaskSet.from_masks(stack)
    areas = stack.sum(axis=(1, 2))
    for child, parent in enumerate(masks.parents):
        larger = [
            (areas[other], -other)
            for other in range(len(stack))
            if (areas[other], -other) > (areas[child], -child)
            and areas[child] > 0
            and (stack[child] & stack[other]).sum() / areas[child] >= 0.8
        ]
        assert parent == (-min(larger)[1] if larger else -1)
        steps = 0
        while parent >= 0:
            parent, steps = masks.parents[parent], steps + 1
            assert steps <= len(stack)


def test_threads_see_the_same() -> None:
    rng = np.random.default_rng(0)
    many = MaskSet.from_masks(rng.random((60, 12, 12)) < 0.6)
    expected = many[:].parents.tolist()
    with ThreadPoolExecutor(8) as pool:
        assert all(seen.tolist() == expected for seen in pool.map(lambda _: many.parents, range(16)))


def test_copies_and_pickles_hold_the_fields_alone() -> None:
    given = replace(found, prompt=np.array([0, 0, 1]), label_scores=np.eye(3, 4, dtype=np.float32))
    before = len(pickle.dumps(given))
    assert len(given.forest) == 3
    given.computed["much"] = bytes(1000)
    copies: list[MaskSet] = [copy.copy(given), pickle.loads(pickle.dumps(given))]
    for copied in copies:
        assert copied == given and copied.computed == {}
        assert copied.image is not None and copied.label_scores is not None
        assert np.array_equal(copied.image, IMAGE) and copied.label_scores.tolist() == np.eye(3, 4).tolist()
        assert not copied.scores.flags.writeable and not copied.image.flags.writeable
    assert len(pickle.dumps(given)) == before


def test_concatenate() -> None:
    first = replace(found[:1], prompt=np.array([0]), rank=np.array([0]))
    second = replace(found[1:], prompt=np.array([1, 1]), rank=np.array([0, 1]))
    both = MaskSet.concatenate([first, second])
    assert np.array_equal(both.masks, THREE)
    assert both.prompt is not None and both.prompt.tolist() == [0, 1, 1]
    assert both.rank is not None and both.rank.tolist() == [0, 0, 1]
    assert both.image is not None and np.shares_memory(both.image, IMAGE)
    assert MaskSet.concatenate([first, found[1:]]).prompt is None  # only if every set has it


def test_concatenate_refuses_other_sizes_and_nothing() -> None:
    with pytest.raises(ShapeError, match=r"\(4, 6\), \(4, 7\)"):
        MaskSet.concatenate([found, MaskSet.empty((4, 7))])
    with pytest.raises(ShapeError, match=r"use MaskSet\.empty"):
        MaskSet.concatenate([])


@pytest.mark.parametrize(
    "other",
    [
        found[:2],
        found[::-1],
        replace(found, scores=found.scores[::-1]),
        replace(found, boxes=found.boxes + 1),
        replace(found, rank=np.zeros(3, np.int64)),
        MaskSet.from_masks(THREE[:, :, ::-1], found.scores),
        "masks",
    ],
)
def test_inequality(other: object) -> None:
    assert found != other
    assert found == found[:]


def test_repr_is_short() -> None:
    assert repr(found) == "MaskSet(3 masks of 4 x 6 pixels)"
    assert repr(found[0]) == "MaskSet(1 mask of 4 x 6 pixels)"
