"""Clicks and boxes on drawn masks."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from anymask import MaskSet, rle
from anymask.evaluate.prompted import (
    border,
    border_ious,
    box_answers,
    click_ious,
    corrected_ious,
    deepest_point,
    mask_ious,
)
from anymask.prompts import Point, Prompt, select


def drawn(*masks: str) -> NDArray[np.bool_]:
    """One mask per text: rows with spaces between them, # inside."""
    return np.array([[[sign == "#" for sign in row] for row in text.split()] for text in masks])


@pytest.mark.parametrize(
    ("mask", "point"),
    [
        ("#", (0.5, 0.5)),  # the whole picture is one pixel
        ("..... ..#.. .....", (2.5, 1.5)),  # a single pixel
        ("..... .###. .###. .###. .....", (2.5, 2.5)),  # the middle
        ("##### ##### ##### ##### #####", (2.5, 2.5)),  # outside the picture is outside the mask
        ("####. ####. ####. ####.", (1.5, 1.5)),  # touches three borders; the first of four that are equally deep
        ("....# ....# ....#", (4.5, 0.5)),  # a line along the border: all equally deep, the first
        ("##### #...# #...# #...# #####", (0.5, 0.5)),  # a ring: never its hole
        ("####### ####### ##...## ##...## ##...## ####### #######", (1.5, 1.5)),  # a wide ring: the corners are deepest
        ("##..... ##..... ....### ....### ....###", (5.5, 3.5)),  # of two parts the thicker one
        ("..#.. .###. ##### .###. ..#..", (2.5, 2.5)),  # a diamond
        ("#.... ##### #....", (0.5, 0.5)),  # thin: all equally deep
    ],
)
def test_deepest_point(mask: str, point: tuple[float, float]) -> None:
    assert deepest_point(drawn(mask)[0]) == point


@settings(deadline=None)
@given(st.lists(st.lists(st.booleans(), min_size=6, max_size=6), min_size=1, max_size=7), st.data())
def test_no_pixel_is_deeper(rows: list[list[bool]], data: st.DataObject) -> None:
    mask = np.array(rows)
    row, column = data.draw(st.integers(0, len(rows) - 1)), data.draw(st.integers(0, 5))
    mask[row, column] = True
    around = np.pad(mask, 1)
    outside = np.argwhere(~around) - 1
    depths = {(x, y): int(np.abs(outside - (y, x)).sum(axis=1).min()) for y, x in np.argwhere(mask).tolist()}
    x, y = deepest_point(mask)
    assert depths[int(x), int(y)] == max(depths.values())


# 4 rows of 8 columns
LEFT = "####.... ####.... ####.... ####...."
MOST = "###..... ####.... ####.... ####...."  # 15 of the 16 pixels of LEFT
RIGHT = "....#### ....#### ....#### ....####"
ROW = "........ ######## ........ ........"
WHOLE = "######## ######## ######## ########"
DOT = "........ .#...... ........ ........"  # where LEFT is deepest


@pytest.mark.parametrize(
    ("found", "scores", "ious"),
    [
        ([LEFT, RIGHT], [0.9, 0.8], [1, 1]),
        ([MOST, RIGHT], [0.9, 0.8], [15 / 16, 1]),
        ([WHOLE], [0.9], [0.5, 0.5]),
        ([WHOLE, LEFT, DOT], [0.9, 0.8, 0.7], [1, 0.5]),  # the best of three
        ([WHOLE, ROW, DOT, LEFT], [0.9, 0.8, 0.7, 0.1], [0.5, 0.5]),  # the fourth likeliest does not count
        ([DOT], [0.9], [1 / 16, 0]),
        ([], [], [0, 0]),
    ],
)
def test_clicks(found: list[str], scores: list[float], ious: list[float]) -> None:
    masks = MaskSet.from_masks(drawn(*found), scores) if found else MaskSet.empty((4, 8))
    truth = list(MaskSet.from_masks(drawn(LEFT, RIGHT)).rles)
    np.testing.assert_allclose(click_ious(partial(select, masks), truth, (4, 8)), ious)
    assert click_ious(partial(select, masks), [], (4, 8)).shape == (0,)


@pytest.mark.parametrize(
    ("found", "scores", "ious"),
    [
        ([WHOLE, RIGHT, LEFT], [0.9, 0.8, 0.7], [1, 1]),
        ([MOST, RIGHT], [0.9, 0.8], [15 / 16, 1]),
        ([WHOLE], [0.9], [0.5, 0.5]),
        ([LEFT, MOST], [0.5, 0.9], [15 / 16, 0]),  # only the first answer counts; RIGHT's box meets neither
        ([], [], [0, 0]),
    ],
)
def test_boxes(found: list[str], scores: list[float], ious: list[float]) -> None:
    masks = MaskSet.from_masks(drawn(*found), scores) if found else MaskSet.empty((4, 8))
    truth = list(MaskSet.from_masks(drawn(LEFT, RIGHT)).rles)
    answers = box_answers(partial(select, masks), truth, (4, 8))
    np.testing.assert_allclose(mask_ious(answers, truth, (4, 8)), ious)
    assert mask_ious([], [], (4, 8)).shape == (0,)


def test_the_mask_need_not_be_a_rectangle() -> None:
    ring = drawn("..... .###. .#.#. .###. .....")
    choose = partial(select, MaskSet.from_masks(ring))
    truth = [rle.encode_crop(ring[0], 0, 0, 5, 5)]
    assert click_ious(choose, truth, (5, 5)).tolist() == [1.0]
    assert box_answers(choose, truth, (5, 5)) == truth


def test_corrective_clicks() -> None:
    """The whole is offered first; a click outside of the object leaves only its half, which is right."""
    masks = MaskSet.from_masks(drawn(WHOLE, LEFT), [0.9, 0.3])
    asked: list[Point] = []

    def choose(prompt: Prompt) -> MaskSet:
        assert isinstance(prompt, Point)
        asked.append(prompt)
        return select(masks, prompt)

    truth = list(MaskSet.from_masks(drawn(LEFT)).rles)
    assert corrected_ious(choose, truth, (4, 8)).tolist() == [[0.5, 1.0, 1.0]]
    assert [prompt.labels for prompt in asked] == [(1,), (1, 0)]  # nothing is wrong after the second
    assert asked[1].points[1][0] > 4

    none = partial(select, MaskSet.empty((4, 8)))
    assert corrected_ious(none, truth, (4, 8), corrections=1).tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize(
    ("mask", "distance", "expected"),
    [
        ("##### ##### ##### ##### #####", 1, "##### #...# #...# #...# #####"),  # outside the picture is outside
        ("##### ##### ##### ##### #####", 2, "##### ##### ##.## ##### #####"),
        ("..... .###. .###. .###. .....", 1, "..... .###. .#.#. .###. ....."),
        (".....  .....", 2, ".....  ....."),
    ],
)
def test_the_border_of_a_mask(mask: str, distance: int, expected: str) -> None:
    assert np.array_equal(border(drawn(mask)[0], distance), drawn(expected)[0])


def test_border_iou() -> None:
    whole, half = drawn("###### ###### ###### ###### ###### ######"), drawn("###... ###... ###... ###... ###... ###...")
    answers, truth = list(MaskSet.from_masks(half).rles), list(MaskSet.from_masks(whole).rles)
    # the border of the whole is all but the four pixels in the middle; the half is all border, two of which are not
    assert border_ious(answers, truth, (6, 6)).tolist() == [16 / 34]
    assert border_ious(truth, truth, (6, 6)).tolist() == [1.0]
    empty = [rle.encode_changes(np.zeros(0, np.int64), 6, 6)]
    assert border_ious(empty, truth, (6, 6)).tolist() == [0.0]
    assert border_ious(empty, empty, (6, 6)).tolist() == [1.0]
