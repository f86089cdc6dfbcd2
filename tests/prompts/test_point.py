"""Clicks on small drawn masks."""

import copy
import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from anymask import MaskSet, Point, PromptError, rle
from anymask.prompts.point import centrality, distinct

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


def indices(found: MaskSet, picked: MaskSet) -> list[int]:
    """Which masks of a set in which no two are alike were picked."""
    return [found.rles.index(counts) for counts in picked.rles]


@pytest.mark.parametrize(
    ("points", "labels", "fitting"),
    [
        ([(1.5, 1.5)], None, [0, 1]),  # WHOLE and LEFT; labels default to inside
        ([(1.5, 1.5)], [1], [0, 1]),
        ([(0, 0)], None, [0, 1, 3]),  # the picture's corner is a point like any other
        ([(0.99, 0.99)], None, [0, 1, 3]),  # the same pixel, its other corner
        ([(1, 0)], None, [0, 1]),  # its right edge belongs to the next pixel
        ([(0, 1)], None, [0, 1]),  # its lower edge too
        ([(1.999, 3.999)], None, [0, 1]),  # the last pixel of LEFT
        ([(2, 3.999)], None, [0]),  # a hair further right only WHOLE
        ([(5.999999999999, 3.999999999999)], None, [0, 2, 4]),  # the last pixel of the picture
        ([(1.5, 1.5), (4.5, 1.5)], [1, 1], [0]),  # only WHOLE holds both
        ([(1.5, 1.5), (3.5, 1.5)], [1, 0], [1]),  # LEFT, and not WHOLE
        ([(0.5, 0.5), (0.5, 0.5)], [1, 0], []),  # a contradiction is answered by nothing
        ([(4.5, 1.5), (4.5, 3.5), (3.5, 0.5)], [1, 0, 0], []),  # nothing is left
        ([(0.5, 0.5)] * 3, None, [0, 1, 3]),  # saying it again changes nothing
    ],
)
def test_masks_that_hold_the_points_inside_and_none_outside(
    points: list[tuple[float, float]], labels: list[int] | None, fitting: list[int]
) -> None:
    found = drawn([WHOLE, LEFT, RIGHT, DOT, CORNER])
    assert sorted(indices(found, Point(points, labels).choose(found))) == fitting


def test_every_place_in_a_pixel_is_the_same_click() -> None:
    found = drawn([WHOLE, LEFT, DOT, ROW], [0.2, 0.3, 0.1, 0.9])
    assert Point([(0, 0)]).choose(found) == Point([(0.5, 0.5)]).choose(found) == Point([(0.99, 0.01)]).choose(found)


# Centrality of the pixel of a click at (1.5, 1.5). IoU of GROUP and OBJECT 12 / 28, alike; of the others below .35
GROUP = "#######. #######. #######. #######. ........"  # 3/7 x 3/4 = .321
OBJECT = "###..... ###..... ###..... ###..... ........"  # 1 x 3/4
PART = "##...... ##...... ........ ........ ........"  # 1/2 x 1/2
OTHER = "....###. ....###. ....###. ....###. ........"
BESIDE = "........ ........ ........ ........ #......#"


@pytest.mark.parametrize(
    ("points", "scores", "chosen"),
    [
        ([(1.5, 1.5)], [1, 1, 1], [1, 2, 0]),  # the likeliest, one unlike it, and what is left
        ([(1.5, 1.5)], [1, 0.3, 1], [0, 2, 1]),  # .321, .225, .25
        ([(1.5, 1.5)], [0.1, 0.1, 1], [2, 1, 0]),  # .032, .075, .25
        (
            [(1.5, 1.5)],
            [0, 0, 0],
            [0, 2, 1],
        ),  # a score of 0 is no reason to leave a mask out; ties keep the set's order
        ([(1.5, 1.5)], [1, 0.8, 0], [1, 2, 0]),  # .321, .6
        ([(1.5, 1.5), (2.5, 1.5)], [1, 0.8, 0], [0, 1]),  # the mean of both clicks: .429, .8 x (.75 + .25) / 2
    ],
)
def test_the_likeliest_first_and_others_unlike_it_right_behind(
    points: list[tuple[float, float]], scores: list[float], chosen: list[int]
) -> None:
    found = drawn([GROUP, OBJECT, PART], scores)
    assert indices(found, Point(points).choose(found)) == chosen


@pytest.mark.parametrize(
    ("box", "click", "expected"),
    [
        ((0, 0, 4, 2), (1.5, 0.5), 0.75 * 0.5),
        ((1, 0, 4, 3), (2.5, 1.5), 1),  # the middle
        ((0, 0, 4, 2), (1.999, 0.001), 0.75 * 0.5),  # anywhere in that pixel
        ((0, 0, 1, 1), (0, 0), 1),
        ((0.5, 0, 4, 2), (0.5, 1), 0),  # at the edge
        ((2, 0, 4, 2), (0.5, 1), 0),  # outside
        ((0, 0, 0, 0), (3, 3), 0),  # the box of a mask without pixels
    ],
)
def test_centrality(box: tuple[float, ...], click: tuple[float, float], expected: float) -> None:
    assert centrality(np.array([box]), np.array([click])).tolist() == [[pytest.approx(expected)]]


# Each case: the answers as they are drawn, with their scores
@pytest.mark.parametrize(
    ("masks", "points", "labels", "answers"),
    [
        (  # the child that holds the point outside is cut out of its parent, but OBJECT, being clicked on, is not
            {GROUP: 0.9, OBJECT: 0.6, PART: 0.8},
            [(2.5, 3.5), (0.5, 0.5)],
            [1, 0],
            {"..#..... ..#..... ###..... ###..... ........": 0.6 * 8 / 12},
        ),
        (  # what fits as it is comes before what was cut, whatever the scores
            {GROUP: 1.0, OBJECT: 0.9, OTHER: 0.1},
            [(4.5, 1.5), (1.5, 1.5)],
            [1, 0],
            {OTHER: 0.1, "...####. ...####. ...####. ...####. ........": 16 / 28},
        ),
        (  # not the smallest mask that holds the point outside, but all of the child
            {GROUP: 1.0, OBJECT: 0.9, PART: 0.9},
            [(4.5, 1.5), (0.5, 0.5)],
            [1, 0],
            {"...####. ...####. ...####. ...####. ........": 16 / 28},
        ),
        (  # two points outside in two children
            {GROUP: 1.0, OBJECT: 0.9, OTHER: 0.9},
            [(3.5, 1.5), (0.5, 0.5), (5.5, 0.5)],
            [1, 0, 0],
            {"...#.... ...#.... ...#.... ...#.... ........": 4 / 28},
        ),
        (  # one of the points outside is in no child: GROUP stays out
            {GROUP: 1.0, OBJECT: 0.9},
            [(6.5, 3.5), (0.5, 0.5), (3.5, 0.5)],
            [1, 0, 0],
            {},
        ),
        (  # a child that holds points of both kinds cannot go
            {GROUP: 1.0, OBJECT: 0.9},
            [(0.5, 0.5), (2.5, 2.5)],
            [1, 0],
            {},
        ),
    ],
)
def test_a_point_outside_cuts_its_child_out_of_the_parent(
    masks: dict[str, float], points: list[tuple[float, float]], labels: list[int], answers: dict[str, float]
) -> None:
    picked = Point(points, labels).choose(drawn(list(masks), list(masks.values())))
    expected = drawn(list(answers), list(answers.values())) if answers else MaskSet.empty((5, 8))
    assert picked.rles == expected.rles
    assert picked.scores.tolist() == pytest.approx(expected.scores.tolist())
    assert picked.boxes.tolist() == expected.boxes.tolist()  # tight


@pytest.mark.parametrize(
    ("masks", "points", "labels", "answers"),
    [
        (  # one mask for each point; as good as the worse of them
            {OBJECT: 0.9, OTHER: 0.6},
            [(1.5, 1.5), (5.5, 1.5)],
            None,
            {"###.###. ###.###. ###.###. ###.###. ........": 0.6},
        ),
        ({OBJECT: 0.9, OTHER: 0.6, GROUP: 0.1}, [(1.5, 1.5), (5.5, 1.5)], None, {GROUP: 0.1}),  # one mask holds both
        (  # it does, but also what is outside
            {OBJECT: 0.9, OTHER: 0.6, GROUP: 0.8},
            [(1.5, 1.5), (5.5, 1.5), (3.5, 1.5)],
            [1, 1, 0],
            {"###.###. ###.###. ###.###. ###.###. ........": 0.6},
        ),
        (  # two masks, where there are three of which each holds one point
            {OBJECT: 0.9, OTHER: 0.9, GROUP: 0.3, BESIDE: 0.8},
            [(1.5, 1.5), (5.5, 1.5), (0.5, 4.5)],
            None,
            {"#######. #######. #######. #######. #......#": 0.3},
        ),
        (  # for each point the likeliest: PART is less central there than OBJECT
            {PART: 0.8, OBJECT: 0.8, BESIDE: 0.8},
            [(1.5, 1.5), (0.5, 4.5)],
            None,
            {"###..... ###..... ###..... ###..... #......#": 0.8},
        ),
        ({OBJECT: 0.9, OTHER: 0.6}, [(1.5, 1.5), (7.5, 0.5)], None, {}),  # nothing is at one of the points
        ({OBJECT: 0.9, BESIDE: 0.6}, [(1.5, 1.5), (0.5, 4.5), (0.5, 0.5)], [1, 1, 0], {}),  # only what is outside is
    ],
)
def test_points_on_separate_things_are_answered_by_the_fewest_masks_together(
    masks: dict[str, float], points: list[tuple[float, float]], labels: list[int] | None, answers: dict[str, float]
) -> None:
    picked = Point(points, labels).choose(drawn(list(masks), list(masks.values())))
    expected = drawn(list(answers), list(answers.values())) if answers else MaskSet.empty((5, 8))
    assert picked.rles == expected.rles
    assert picked.scores.tolist() == pytest.approx(expected.scores.tolist())
    assert picked.boxes.tolist() == expected.boxes.tolist()


def test_what_is_cut_comes_before_what_is_joined() -> None:
    found = drawn([GROUP, OBJECT, OTHER, "...#.... ...#.... ........ ........ ........"])
    picked = Point([(1.5, 1.5), (5.5, 1.5), (3.5, 0.5)], [1, 1, 0]).choose(found)
    cut, joined = "#######. #######. #######. #######. ........", "###.###. ###.###. ###.###. ###.###. ........"
    assert picked.rles == drawn([cut.replace("#######. #######.", "###.###. ###.###.", 1), joined]).rles


def test_made_masks_keep_the_picture_and_its_features() -> None:
    image, features = np.zeros((5, 8, 3), np.uint8), {"a": 1}
    found = replace(drawn([GROUP, OBJECT]), image=image, features=features)
    (picked,) = Point([(4.5, 1.5), (0.5, 0.5)], [1, 0]).choose(found)
    assert picked.image is not None and np.shares_memory(picked.image, image)
    assert picked.features is features


def test_no_masks_no_answer() -> None:
    empty = MaskSet.empty((4, 6))
    assert Point([(0.5, 0.5)]).choose(empty) == empty
    assert Point([(0.5, 0.5), (1.5, 1.5), (2.5, 2.5)], [1, 1, 0]).choose(empty) == empty


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
def test_every_answer_fits_and_every_mask_that_fits_is_an_answer(bits: list[list[bool]], data: st.DataObject) -> None:
    masks: NDArray[np.bool_] = np.array(bits).reshape(-1, 3, 4)
    scores = data.draw(st.lists(st.floats(0, 1, width=32), min_size=len(masks), max_size=len(masks)))
    pixels = data.draw(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=4))
    labels = [1, *data.draw(st.lists(st.integers(0, 1), min_size=len(pixels) - 1, max_size=len(pixels) - 1))]
    found = MaskSet.from_masks(masks, scores)
    clicks = np.array(pixels) + 0.5
    picked = Point(clicks.tolist(), labels).choose(found)
    x, y = np.array(pixels).T
    assert (picked.masks[:, y, x] == np.array(labels, np.bool_)).all()
    assert np.array_equal(picked.boxes, rle.boxes(picked.rles, *found.size))
    fits = np.flatnonzero((masks[:, y, x] == np.array(labels, np.bool_)).all(axis=1))
    assert sorted(picked.rles[: len(fits)]) == sorted(found.rles[index] for index in fits)
    assert len(picked) <= 2 * len(masks) + 1
    made = picked[len(fits) :]
    assert (made.scores <= found.scores.max()).all()
    if len(fits) and not made:
        likely = found.scores * centrality(found.boxes, clicks[np.array(labels, np.bool_)]).mean(axis=0)
        assert picked.rles[0] in [found.rles[index] for index in fits[likely[fits] == likely[fits].max()]]
        first = distinct(picked, np.arange(len(picked)))
        assert first.tolist() == list(
            range(len(first))
        )  # no two of the first are alike, and no other one is unlike them
