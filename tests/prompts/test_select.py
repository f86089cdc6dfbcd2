"""Choosing for one prompt or several at once."""

from typing import Any

import numpy as np
import pytest

from anymask import Box, MaskSet, Point, PromptError, Text
from anymask.prompts import Prompt, select

# 2 rows of 6 columns
LEFT = [[1, 1, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0]]
RIGHT = [[0, 0, 0, 0, 1, 1], [0, 0, 0, 0, 1, 1]]
WHOLE = [[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1]]
IMAGE = np.zeros((2, 6, 3), np.uint8)

ON_LEFT, ON_RIGHT = Point([(0.5, 0.5)]), Point([(5.5, 1.5)])
ON_BOTH = Point([(0.5, 0.5), (5.5, 1.5)])
NOWHERE = Point([(0.5, 0.5), (1.5, 0.5)], [1, 0])  # no mask parts the two
AROUND_RIGHT = Box((4, 0, 6, 2))


def found() -> MaskSet:
    return MaskSet.from_masks(np.array([WHOLE, LEFT, RIGHT]), [0.9, 0.8, 0.7], image=IMAGE)


@pytest.mark.parametrize(
    ("prompt", "chosen", "prompts", "ranks"),
    [
        (ON_LEFT, [1, 0], [0, 0], [0, 1]),
        ([ON_LEFT], [1, 0], [0, 0], [0, 1]),  # a list of one
        ((ON_LEFT, ON_RIGHT), [1, 0, 2, 0], [0, 0, 1, 1], [0, 1, 0, 1]),  # WHOLE answers both
        ([ON_RIGHT, ON_LEFT], [2, 0, 1, 0], [0, 0, 1, 1], [0, 1, 0, 1]),  # in the order they are asked
        ([ON_LEFT, ON_LEFT], [1, 0, 1, 0], [0, 0, 1, 1], [0, 1, 0, 1]),
        ([AROUND_RIGHT, ON_BOTH], [2, 0, 0], [0, 0, 1], [0, 1, 0]),  # of two kinds
        (NOWHERE, [], [], []),
        ([ON_BOTH, NOWHERE, ON_BOTH], [0, 0], [0, 2], [0, 0]),  # one that nothing answers keeps its number
        ([], [], [], []),
    ],
)
def test_answers_prompts_and_ranks(
    prompt: Prompt | list[Prompt], chosen: list[int], prompts: list[int], ranks: list[int]
) -> None:
    all_masks = found()
    picked = select(all_masks, prompt)
    assert list(picked.rles) == [all_masks.rles[index] for index in chosen]
    assert picked.scores.tolist() == [all_masks.scores[index] for index in chosen]
    assert picked.boxes.tolist() == [all_masks.boxes[index].tolist() for index in chosen]
    assert picked.prompt is not None and picked.rank is not None
    assert picked.prompt.dtype == picked.rank.dtype == np.int64
    assert (picked.prompt.tolist(), picked.rank.tolist()) == (prompts, ranks)


def test_an_empty_set_gives_an_empty_set() -> None:
    picked = select(MaskSet.empty((2, 6), IMAGE), [ON_LEFT, AROUND_RIGHT])
    assert len(picked) == 0 and picked.size == (2, 6)
    assert picked.prompt is not None and picked.prompt.shape == (0,)
    assert picked.rank is not None and picked.rank.shape == (0,)


def test_the_picture_and_its_features_go_along_and_the_set_stays() -> None:
    all_masks = found()
    picked = select(all_masks, ON_LEFT)
    assert picked.image is not None and np.shares_memory(picked.image, IMAGE)
    assert picked.features is all_masks.features
    assert all_masks == found() and all_masks.prompt is None and all_masks.rank is None


def test_choosing_among_answers_counts_anew() -> None:
    again = select(select(found(), [ON_LEFT, ON_RIGHT]), AROUND_RIGHT)
    assert again.prompt is not None and again.prompt.tolist() == [0] * len(again)
    assert again.rank is not None and again.rank.tolist() == list(range(len(again)))


@pytest.mark.parametrize(
    "wrong", [None, "point", "", b"", 3, (1, 2), [ON_LEFT, None], [[ON_LEFT]], Point, {"type": "box"}]
)
def test_what_is_no_prompt_is_refused(wrong: Any) -> None:
    with pytest.raises(PromptError, match="prompt: expected one of Point, Box, Text, or a list of them, got"):
        select(found(), wrong)


def test_one_prompt_outside_the_picture_refuses_them_all() -> None:
    with pytest.raises(PromptError, match="outside the picture"):
        select(found(), [ON_LEFT, Point([(6, 0)])])


def test_texts_may_choose_among_other_masks_than_clicks() -> None:
    all_masks = found()
    picked = select(all_masks[1:], [ON_LEFT, Text("the biggest thing")], described=all_masks)
    assert picked.prompt is not None and picked.prompt.tolist() == [0, 1]
    assert list(picked.rles) == [all_masks.rles[1], all_masks.rles[0]]
