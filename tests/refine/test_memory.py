"""Answers to points are remembered with the picture's masks."""

import copy
import pickle
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest
from numpy.typing import NDArray

from anymask import MaskSet, Point, Segmenter, rle
from anymask.refine.hints import Hint
from anymask.refine.memory import MOST, Memory
from anymask.refine.refiner import Drawing, Refiner


def test_the_latest_answers_are_kept() -> None:
    memory, asked = Memory(), list[int]()

    def answer(question: int) -> int:
        def now() -> int:
            asked.append(question)
            return -question

        return memory.recall(question, now)

    assert [answer(question) for question in (1, 2, 1, 1)] == [-1, -2, -1, -1]
    assert asked == [1, 2]
    for question in range(3, 3 + MOST):
        answer(question)
    asked.clear()
    assert answer(2 + MOST) == -(2 + MOST)
    assert asked == []
    answer(1)
    assert asked == [1]  # forgotten


def test_many_threads_may_ask() -> None:
    memory = Memory()
    with ThreadPoolExecutor(8) as pool:
        questions = [number % 100 for number in range(5000)]
        assert list(pool.map(lambda number: memory.recall(number, lambda: 2 * number), questions)) == [
            2 * number for number in questions
        ]


def test_parts_of_a_set_share_it_and_copies_do_not() -> None:
    found = MaskSet.from_masks(np.ones((2, 3, 4), np.bool_))
    assert Memory.of(found) is Memory.of(found[:1]) is Memory.of(replace(found, prompt=np.zeros(2, np.int64)))
    for other in (pickle.loads(pickle.dumps(found)), copy.deepcopy(found)):
        assert other == found
        assert Memory.of(other) is not Memory.of(found)
    assert Memory.of(replace(found, features=MappingProxyType({}))) is not None


def test_another_picture_is_another_memory() -> None:
    image = np.zeros((3, 4, 3), np.uint8)
    found = MaskSet.from_masks(np.ones((2, 3, 4), np.bool_), image=image)
    memory = Memory.of(found)
    assert memory is Memory.of(found[:1]) is Memory.of(replace(found, rank=np.zeros(2, np.int64)))
    other = replace(found, image=image.copy())
    assert Memory.of(other) is not memory
    assert Memory.of(other) is Memory.of(other[1:])


def test_answers_are_those_of_the_refiner_that_is_asked(disc: MaskSet, segmenter: Segmenter) -> None:
    other = Segmenter(threads=1)
    point = Point([(70, 60)])
    drawn = segmenter.select(disc, point)
    blind = Drawing(rle.encode_crop(np.ones((1, 1), np.bool_), 70, 60, *disc.size), 1.0)
    other.refiner.draw = lambda image, hints: [(blind,)] * len(hints)  # type: ignore[method-assign]
    assert other.select(disc, point).areas[0] == 1
    assert segmenter.select(disc, point) == drawn


def test_one_more_click_costs_one_more_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    segmenter = Segmenter(threads=1)
    image = np.zeros((64, 80, 3), np.uint8)
    image[20:40, 20:50] = 255
    found = segmenter(image, image_size=64)
    drawn = list[int]()
    real = Refiner.draw

    def counting(self: Refiner, image: NDArray[np.uint8], hints: Sequence[Hint]) -> list[tuple[Drawing, ...]]:
        drawn.append(len(hints))
        return real(self, image, hints)

    monkeypatch.setattr(Refiner, "draw", counting)
    points, labels = [(30, 30), (45, 35), (5, 5)], [1, 1, 0]
    counts, answers = [], []
    for count in (1, 2, 3, 3, 1):
        answers.append(segmenter.select(found, Point(points[:count], labels[:count])))
        counts.append(sum(drawn))
        drawn.clear()
    assert counts[1:] == [1, 1, 0, 0]
    fresh = segmenter(image, image_size=64)
    assert answers[2] == answers[3] == segmenter.select(fresh, Point(points, labels))
    assert answers[0] == answers[4]
