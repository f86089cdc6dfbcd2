"""Boxes around small drawn masks."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest

from anymask import Box, MaskSet, PromptError

# 4 rows of 6 columns
WHOLE = "###### ###### ###### ######"  # box 0 0 6 4
LEFT = "###... ###... ###... ###..."  # box 0 0 3 4
RIGHT = "...### ...### ...### ...###"  # box 3 0 6 4
DOT = "#..... ...... ...... ......"  # box 0 0 1 1
FRAME = "###### #....# #....# ######"  # box 0 0 6 4, like WHOLE


def drawn(masks: list[str], scores: list[float] | None = None) -> MaskSet:
    """One mask per text: rows with spaces between them, # inside."""
    return MaskSet.from_masks(
        np.array([[[sign == "#" for sign in row] for row in text.split()] for text in masks]), scores
    )


def indices(found: MaskSet, picked: MaskSet) -> list[int]:
    """Which masks of a set in which no two are alike were picked."""
    return [found.rles.index(counts) for counts in picked.rles]


@pytest.mark.parametrize(
    ("box", "chosen"),
    [
        ((0, 0, 3, 4), [1, 0, 3]),  # LEFT fits exactly, WHOLE by half, DOT by a twelfth; RIGHT only touches it
        ((3, 0, 6, 4), [2, 0]),
        ((0, 0, 6, 4), [0, 1, 2, 3]),  # LEFT and RIGHT agree equally: the order of the set
        ((0, 0, 1, 1), [3, 1, 0]),
        ((0.25, 0.25, 0.75, 0.75), [3, 1, 0]),  # inside one pixel
        ((2, 0, 4, 4), [0, 1, 2]),  # IoU with WHOLE 8 / 24, with LEFT and with RIGHT 4 / 16
        ((-100, -100, 3, 400), [1, 0, 3]),  # what lies outside the picture does not count
        ((3, -5, 1e30, 1e300), [2, 0]),
        ((5.9, 3.9, 9, 9), [2, 0]),  # the last bit of the picture
    ],
)
def test_best_agreement_first(box: tuple[float, float, float, float], chosen: list[int]) -> None:
    found = drawn([WHOLE, LEFT, RIGHT, DOT])
    assert indices(found, Box(box).choose(found)) == chosen


@pytest.mark.parametrize(
    ("scores", "chosen"),
    [
        ([0.5, 0.9], [1, 0]),  # of two that agree equally the likelier one
        ([0.9, 0.5], [0, 1]),
        ([0.5, 0.5], [0, 1]),
        ([0.0, 0.0], [0, 1]),  # a score of 0 is no reason to leave a mask out
    ],
)
def test_scores_decide_between_equal_boxes(scores: list[float], chosen: list[int]) -> None:
    found = drawn([FRAME, WHOLE], scores)
    assert indices(found, Box((0, 0, 6, 4)).choose(found)) == chosen


def test_agreement_weighs_more_than_the_score() -> None:
    box = Box((0, 0, 3, 4))
    low, lower = drawn([WHOLE, LEFT], [1.0, 0.01]), drawn([WHOLE, LEFT], [1.0, 0.0001])
    assert indices(low, box.choose(low)) == [1, 0]  # LEFT: 1 x 0.01 ** .1 = 0.63; WHOLE: 0.5 x 1
    assert indices(lower, box.choose(lower)) == [0, 1]  # LEFT: 1 x 0.0001 ** .1 = 0.40


def test_a_box_far_away_finds_nothing() -> None:
    assert len(Box((4, 2, 6, 4)).choose(drawn([DOT]))) == 0
    assert Box((4, 2, 6, 4)).choose(MaskSet.empty((4, 6))) == MaskSet.empty((4, 6))


@pytest.mark.parametrize(
    "box",
    [
        (6, 0, 9, 4),  # touches the picture's edge from outside
        (0, 4, 6, 5),
        (-3, 0, 0, 4),
        (0, -2, 6, 0),
        (1e30, 0, 1e300, 4),
        (-1e300, -1e300, -1e30, -1e30),
    ],
)
def test_a_box_outside_the_picture_is_an_error_that_says_so(box: tuple[float, float, float, float]) -> None:
    with pytest.raises(PromptError, match=r"lies outside the picture, which spans x 0 to 6 and y 0 to 4"):
        Box(box).choose(drawn([WHOLE]))


def test_the_thinnest_box_is_still_inside() -> None:
    x2 = float(np.nextafter(5, 6))  # equal to 5 in 32 bits
    assert len(Box((5, 0, x2, 4)).choose(drawn([WHOLE]))) == 1


@pytest.mark.parametrize(
    ("box", "said"),
    [
        ((3, 0, 3, 4), r"expected x1 < x2 and y1 < y2, got \[3.0, 0.0, 3.0, 4.0\]"),  # no width
        ((0, 4, 3, 4), "x1 < x2 and y1 < y2"),  # no height
        ((3, 0, 1, 4), "x1 < x2 and y1 < y2"),  # the wrong way round
        ((0, 4, 3, 1), "x1 < x2 and y1 < y2"),
        ((0, 0, 3), r"box: expected 4 finite numbers, got \(0, 0, 3\)"),
        ((0, 0, 3, 4, 5), "4 finite numbers"),
        ((), "4 finite numbers"),
        ((0, 0, float("nan"), 4), "finite"),
        ((0, 0, float("inf"), 4), "finite"),
        ((0, 0, 10**400, 4), "box: expected 4 numbers"),
        ("0034", "box: expected 4 numbers, got '0034'"),  # four characters are no four numbers
        (b"0034", "box: expected 4 numbers"),
        (["0", "0", "3", "4"], "box: expected 4 numbers"),
        ([0, 0, True, 4], "box: expected 4 numbers"),
        ([0, 0, None, 4], "box: expected 4 numbers"),
        ([0, 0, 1j, 4], "box: expected 4 numbers"),
        ([[0, 0, 3, 4]], "box: expected 4"),  # a list of boxes
        ([[0, 0], [3, 4]], "box: expected 4 numbers"),
        ([[0], [0, 1], [3], [4]], "box: expected 4 numbers"),
        (np.zeros((4, 1)), "box: expected 4 numbers"),
        ({"x1": 0, "y1": 0, "x2": 3, "y2": 4}, "box: expected 4 numbers"),
        ({0, 1, 3, 4}, "box: expected 4 numbers"),  # a set has no order
        (7, "box: expected 4 numbers, got 7"),
        (None, "box: expected 4 numbers, got None"),
    ],
)
def test_nonsense_is_refused_with_what_was_wrong(box: Any, said: str) -> None:
    with pytest.raises(PromptError, match=said) as caught:
        Box(box)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 200


@pytest.mark.parametrize("box", [np.array([0, 0, 3, 4]), np.array([0, 0, 3, 4], np.float32), [0, 0, 3, 4]])
def test_numpy_and_lists_are_the_same_prompt(box: Any) -> None:
    prompt = Box(box)
    assert prompt.box == (0.0, 0.0, 3.0, 4.0)
    assert all(type(side) is float for side in prompt.box)


def test_the_callers_data_is_neither_changed_nor_kept() -> None:
    box = [-1.0, -1.0, 3.0, 40.0]
    prompt = Box(box)
    prompt.choose(drawn([WHOLE]))
    assert box == [-1.0, -1.0, 3.0, 40.0]  # not cut to the picture
    box[0] = 9.0
    assert prompt.box == (-1.0, -1.0, 3.0, 40.0)


def test_it_is_a_value() -> None:
    prompt = Box((0, 0, 3, 4))
    assert prompt == Box([0.0, 0.0, 3.0, 4.0]) and hash(prompt) == hash(Box([0.0, 0.0, 3.0, 4.0]))
    assert prompt != Box((0, 0, 3, 5)) and len({prompt, Box((0, 0, 3, 4)), Box((0, 0, 3, 5))}) == 2
    assert pickle.loads(pickle.dumps(prompt)) == copy.deepcopy(prompt) == prompt
    with pytest.raises(AttributeError):
        prompt.box = (0, 0, 1, 1)  # type: ignore[misc]
