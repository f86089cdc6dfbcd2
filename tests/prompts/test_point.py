"""Clicks on small drawn masks."""

import copy
import pickle
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from anymask import MaskSet, Point, PromptError, rle
from anymask.prompts.point import distinct

# 4 rows of 6 columns
WHOLE = "###### ###### ###### ######"
LEFT = "##.... ##.... ##.... ##...."
RIGHT = "....## ....## ....## ....##"
DOT = "#..... ...... ...... ......"
ROW = "###### ...... ...... ......"
CORNER = "...... ...... ...... .....#"


def drawn(masks: list[str], scores: list[float] | None = None) -> MaskSet:
    """One mask per text: rows with spaces between them, # inside."""
    return MaskSet.from_masks(
        np.array([[[sign == "#" for sign in row] for row in text.split()] for text in masks]), scores
    )


@pytest.mark.parametrize(
    ("points", "labels", "chosen"),
    [
        ([(1.5, 1.5)], None, [1, 0]),  # LEFT and WHOLE; labels default to inside
        ([(1.5, 1.5)], [1], [1, 0]),
        ([(0, 0)], None, [3, 1, 0]),  # the picture's corner is a point like any other
        ([(0.99, 0.99)], None, [3, 1, 0]),  # the same pixel, its other corner
        ([(1, 0)], None, [1, 0]),  # its right edge belongs to the next pixel
        ([(0, 1)], None, [1, 0]),  # its lower edge too
        ([(1.999, 3.999)], None, [1, 0]),  # the last pixel of LEFT
        ([(2, 3.999)], None, [0]),  # a hair further right only WHOLE
        ([(5.999999999999, 3.999999999999)], None, [4, 2, 0]),  # the last pixel of the picture
        ([(1.5, 1.5), (4.5, 1.5)], [1, 1], [0]),  # only WHOLE holds both
        ([(1.5, 1.5), (4.5, 1.5)], [1, 0], [1]),  # LEFT, and not WHOLE
        ([(4.5, 1.5), (5.5, 3.5), (0.5, 0.5)], [1, 0, 0], []),  # nothing is left
        ([(0.5, 0.5), (1.5, 0.5), (4.5, 0.5)], [1, 0, 0], [3]),  # several outside
        ([(0.5, 0.5), (0.5, 0.5)], [1, 0], []),  # a contradiction is answered by nothing
        ([(0.5, 0.5)] * 3, None, [3, 1, 0]),  # saying it again changes nothing
    ],
)
def test_a_mask_holds_the_points_inside_and_none_outside(
    points: list[tuple[float, float]], labels: list[int] | None, chosen: list[int]
) -> None:
    found = drawn([WHOLE, LEFT, RIGHT, DOT, CORNER])
    assert Point(points, labels).choose(found).tolist() == chosen


@pytest.mark.parametrize(
    ("masks", "scores", "chosen"),
    [
        ([WHOLE, LEFT, DOT], [0.1, 0.2, 0.3], [2, 1, 0]),  # three: the smallest first, whatever the scores
        ([WHOLE, LEFT, DOT], [0.3, 0.2, 0.1], [2, 1, 0]),
        ([WHOLE, LEFT, DOT, ROW], [0.9, 0.8, 0.1, 0.7], [3, 1, 0, 2]),  # the dot is not among the likeliest three
        ([WHOLE, LEFT, DOT, LEFT], [0.9, 0.8, 0.1, 0.7], [2, 1, 0, 3]),  # the same again is no candidate
        ([DOT, DOT, LEFT, WHOLE, DOT], [0.2, 0.3, 0.9, 0.8, 0.7], [4, 2, 3, 1, 0]),  # the rest by score
        ([LEFT, LEFT], [0.5, 0.5], [0, 1]),  # ties keep the order of the set
        ([DOT] * 5, [0.5] * 5, [0, 1, 2, 3, 4]),
        ([WHOLE, DOT], [0.0, 0.0], [1, 0]),  # a score of 0 is no reason to leave a mask out
        ([RIGHT], [1.0], []),
    ],
)
def test_the_likeliest_three_come_by_size_and_the_rest_by_score(
    masks: list[str], scores: list[float], chosen: list[int]
) -> None:
    assert Point([(0.5, 0.5)]).choose(drawn(masks, scores)).tolist() == chosen


def test_no_masks_no_answer() -> None:
    chosen = Point([(0.5, 0.5)]).choose(MaskSet.empty((4, 6)))
    assert chosen.shape == (0,) and chosen.dtype == np.int64


@pytest.mark.parametrize("point", [(-0.001, 1), (1, -0.001), (6, 1), (1, 4), (1e30, 1), (-1e300, 1)])
@pytest.mark.parametrize("label", [0, 1])
def test_a_point_outside_the_picture_is_an_error_that_says_so(point: tuple[float, float], label: int) -> None:
    prompt = Point([(1, 1), point], [1, label])
    with pytest.raises(PromptError, match=r"lies outside the picture; expected 0 <= x < 6 and 0 <= y < 4"):
        prompt.choose(drawn([WHOLE]))


@pytest.mark.parametrize(
    ("points", "labels", "said"),
    [
        ([], None, "points: expected at least one point inside the object .label 1., got none"),
        ([], [], "got none"),
        ([(1, 2)], [0], "got none"),  # outside of what?
        ([(1, 2), (3, 4)], [1], "labels: expected one for each of the 2 points, got 1"),
        ([(1, 2)], [1, 1], "expected one for each of the 1 points, got 2"),
        ([(1, 2)], [2], r"labels: expected a list of 1 \(inside\) and 0 \(outside\), got \[2\]"),
        ([(1, 2)], [-1], "labels"),
        ([(1, 2)], [0.5], "labels"),
        ([(1, 2)], [float("nan")], "labels"),
        ([(1, 2)], ["1"], "labels"),
        ([(1, 2)], [None], "labels"),
        ([(1, 2)], [[1]], "labels"),
        ([(1, 2)], [np.array([1, 1])], "labels"),
        ([(1, 2)], 1, "labels"),
        ([(1, 2)], "1", "labels"),
        ((220, 150), None, r"points\[0\]: expected 2 numbers, got 220"),  # the pair of brackets that one forgets
        ([(1, 2), (3,)], None, r"points\[1\]: expected 2 finite numbers, got \(3,\)"),
        ([(1, 2, 1)], None, r"points\[0\]"),
        ([(1, float("nan"))], None, "finite"),
        ([(float("inf"), 1)], None, "finite"),
        ([(10**400, 1)], None, r"points\[0\]: expected 2 numbers"),  # too large for a float
        ([("1", "2")], None, r"points\[0\]"),
        (["12"], None, r"points\[0\]: expected 2 numbers, got '12'"),  # two characters are no two numbers
        ([b"12"], None, r"points\[0\]"),
        ("12", None, r"points\[0\]"),
        ([{1: 0, 2: 0}], None, r"points\[0\]"),
        ([{1, 2}], None, r"points\[0\]"),  # a set has no order
        ([(True, False)], None, r"points\[0\]"),
        ([(1, None)], None, r"points\[0\]"),
        ([(1, 2j)], None, r"points\[0\]"),
        (
            [[[1, 2]]],
            None,
            r"points\[0\]: expected 2 finite numbers|points\[0\]: expected 2 numbers",
        ),  # nested once more
        ([[[1], [2, 3]]], None, r"points\[0\]"),
        ([np.ones((2, 1))], None, r"points\[0\]"),
        (7, None, "points: expected a list of .x, y. pairs, got 7"),
        (None, None, "points"),
    ],
)
def test_nonsense_is_refused_with_what_was_wrong(points: Any, labels: Any, said: str) -> None:
    with pytest.raises(PromptError, match=said) as caught:
        Point(points, labels)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("points", "labels"),
    [
        (np.array([[1, 2], [3, 4]]), np.array([1, 0])),
        (np.array([[1, 2], [3, 4]], np.float32), np.array([True, False])),
        (((1, 2), (3, 4)), (1.0, 0.0)),
        ([[1, 2], [3, 4]], [True, False]),
    ],
)
def test_numpy_and_lists_are_the_same_prompt(points: Any, labels: Any) -> None:
    prompt = Point(points, labels)
    assert prompt.points == ((1.0, 2.0), (3.0, 4.0)) and prompt.labels == (1, 0)
    assert all(type(number) is float for pair in prompt.points for number in pair)
    assert all(type(label) is int for label in prompt.labels)


def test_the_callers_data_is_neither_changed_nor_kept() -> None:
    points, labels = [[1.0, 2.0], [3.0, 3.0]], [1, 0]
    prompt = Point(points, labels)
    prompt.choose(drawn([WHOLE]))
    assert (points, labels) == ([[1.0, 2.0], [3.0, 3.0]], [1, 0])
    points[0][0], labels[1] = 9.0, 1
    assert prompt == Point([(1, 2), (3, 3)], [1, 0])


def test_it_is_a_value() -> None:
    prompt = Point([(1, 2)])
    assert prompt == Point([[1.0, 2.0]], [1]) and hash(prompt) == hash(Point([[1.0, 2.0]], [1]))
    assert prompt != Point([(2, 1)]) and len({prompt, Point([(1, 2)]), Point([(1, 3)])}) == 2
    assert pickle.loads(pickle.dumps(prompt)) == copy.deepcopy(prompt) == prompt
    with pytest.raises(AttributeError):
        prompt.labels = (0,)  # type: ignore[misc]


PICTURES = st.integers(1, 6).flatmap(
    lambda count: st.lists(st.lists(st.booleans(), min_size=12, max_size=12), min_size=count, max_size=count)
)


@settings(deadline=None)
@given(PICTURES, st.data())
def test_exactly_the_masks_that_fit_are_chosen(bits: list[list[bool]], data: st.DataObject) -> None:
    masks: NDArray[np.bool_] = np.array(bits).reshape(-1, 3, 4)
    scores = data.draw(st.lists(st.floats(0, 1, width=32), min_size=len(masks), max_size=len(masks)))
    pixels = data.draw(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=3))
    labels = [1, *data.draw(st.lists(st.integers(0, 1), min_size=len(pixels) - 1, max_size=len(pixels) - 1))]
    found = MaskSet.from_masks(masks, scores)
    chosen = Point([(x + 0.5, y + 0.5) for x, y in pixels], labels).choose(found).tolist()
    fits = [
        index
        for index, mask in enumerate(masks)
        if all(mask[y, x] == label for (x, y), label in zip(pixels, labels, strict=True))
    ]
    assert sorted(chosen) == fits
    likeliest = sorted(fits, key=lambda index: -found.scores[index])
    front = distinct(found, np.array(likeliest, np.int64)).tolist()
    rest = chosen[len(front) :]
    assert sorted(chosen[: len(front)]) == sorted(front)
    assert likeliest[:1] == front[:1]
    assert all(found.areas[a] <= found.areas[b] for a, b in pairwise(chosen[: len(front)]))
    assert all(found.scores[a] >= found.scores[b] for a, b in pairwise(rest))
    overlap = rle.iou([found.rles[i] for i in front], [found.rles[i] for i in front], *found.size)
    assert (overlap - np.eye(len(front)) <= 0.35).all()  # no two candidates are alike
