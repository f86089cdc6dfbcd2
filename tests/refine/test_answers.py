"""Answers drawn by the packaged refiner, on drawn pictures and on the example photograph."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anymask import Box, MaskSet, Point, Segmenter, SettingsError, rle
from anymask.errors import WeightsError
from anymask.prompts import Prompt
from anymask.refine import refiner as refiner_module
from anymask.refine.hints import Hint
from anymask.refine.refiner import Refiner, on_window
from anymask.refine.window import Window
from anymask.runtimes import FakeRuntime


def iou(picked: MaskSet, other: MaskSet) -> float:
    return float(rle.iou(picked.rles[:1], other.rles[:1], *other.size)[0, 0])


@pytest.mark.parametrize(
    "prompt", [Box((45, 35, 95, 85)), Box((43, 36, 97, 88)), Point([(70, 60)]), Point([(70, 60), (10, 10)], [1, 0])]
)
def test_a_plain_object_is_drawn(segmenter: Segmenter, disc: MaskSet, prompt: Any) -> None:
    for known in (disc, MaskSet.empty(disc.size, disc.image)):  # also where the detector found nothing
        picked = segmenter.select(known, prompt)
        assert iou(picked, disc) > 0.8
        assert np.asarray(picked.prompt).tolist() == [0] * len(picked)
        assert np.asarray(picked.rank).tolist() == list(range(len(picked)))
        assert picked.image is not None


def test_a_spoilt_mask_is_mended(segmenter: Segmenter, disc: MaskSet) -> None:
    mask = disc.mask(0).copy()
    mask[:, 75:] = False  # cut off by a box that was too tight
    spoilt = MaskSet.from_masks(mask[None], [0.9], disc.image)
    before = iou(spoilt, disc)
    assert iou(segmenter.select(spoilt, Box((45, 35, 95, 85))), disc) > max(before, 0.8)


def test_what_was_not_drawn_anew_follows(segmenter: Segmenter, found: MaskSet) -> None:
    prompt = Box((100, 50, 300, 400))
    chosen, drawn = segmenter.select(found, prompt, refine="off"), segmenter.select(found, prompt)
    assert len(chosen) > 20
    assert len(chosen) - 3 <= len(drawn) <= len(chosen) + 1
    assert set(drawn.rles[1:]) <= set(chosen.rles)
    assert drawn.rles[0] not in chosen.rles


def test_several_prompts_keep_their_order(segmenter: Segmenter, found: MaskSet) -> None:
    prompts: list[Prompt] = [Point([(400, 420)]), Box((100, 50, 300, 400)), Point([(200, 100), (210, 300)])]
    together = segmenter.select(found, prompts)
    apart = [segmenter.select(found, prompt) for prompt in prompts]
    for index, alone in enumerate(apart):
        mine = together[together.prompt == index]
        assert mine.rles == alone.rles
        assert np.array_equal(mine.scores, alone.scores)
    assert together.prompt is not None
    assert (np.diff(together.prompt) >= 0).all()
    assert ((together.scores >= 0) & (together.scores <= 1)).all()


def test_the_same_question_has_the_same_answer(segmenter: Segmenter, found: MaskSet) -> None:
    prompts = [Point([(x, y)]) for x in (100, 250, 400) for y in (100, 300, 450)]
    alone = [segmenter.select(found, prompt) for prompt in prompts]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda prompt: segmenter.select(found, prompt), prompts)) == alone


def test_without_the_picture_nothing_is_drawn(segmenter: Segmenter, found: MaskSet) -> None:
    prompt = Point([(400, 420)])
    blind = replace(found, image=None)
    assert segmenter.select(blind, prompt).rles == segmenter.select(found, prompt, refine="off").rles


def test_everything_can_be_drawn_anew(segmenter: Segmenter, astronaut: Path) -> None:
    told: list[tuple[int, int]] = []
    plain = segmenter(astronaut, image_size=320, score=0.1)
    drawn = segmenter(
        astronaut, image_size=320, score=0.1, refine="all", report=lambda done, total: told.append((done, total))
    )
    assert 0 < len(drawn) <= len(plain)
    assert (np.diff(drawn.scores) <= 0).all()
    assert told[-1] == (len(plain), len(plain))
    assert np.triu(rle.iou(drawn.rles, drawn.rles, *drawn.size), 1).max() <= 0.7


@pytest.mark.parametrize(
    "call", [lambda s, f: s.select(f, Point([(1, 1)]), refine="yes"), lambda s, f: s(f.image, refine="yes")]
)
def test_another_word(segmenter: Segmenter, found: MaskSet, call: Callable[..., Any]) -> None:
    with pytest.raises(SettingsError, match="refine must be one of auto, all, off, but got 'yes'"):
        call(segmenter, found)


def test_other_weights_use_the_packaged_trunk(disc: MaskSet) -> None:
    """A model without features of its own can be refined all the same."""
    other = FakeRuntime(np.zeros((1, 6, 3), np.float32), np.ones((1, 1, 8, 8), np.float32))
    refiner = Refiner(other, threads=1)
    assert refiner.trunk is not other
    window = Window.around(np.array([45.0, 35, 95, 85]), *disc.size)
    mask = on_window(disc.rles[0], window, *disc.size)
    assert disc.image is not None
    ((drawing,),) = refiner.draw(disc.image, [Hint(window, None, np.zeros((0, 2)), np.zeros(0, np.bool_), mask)])
    assert rle.iou([drawing.rle], disc.rles, *disc.size)[0, 0] > 0.8


def test_a_refiner_of_another_trunk_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    real = refiner_module.__dict__["OnnxRefiner"]

    def other(*arguments: Any) -> Any:
        opened = real(*arguments)
        opened.trunk = "0123456789abcdef"
        return opened

    monkeypatch.setattr(refiner_module, "OnnxRefiner", other)
    runtime = FakeRuntime(np.zeros((1, 6, 3), np.float32), np.ones((1, 1, 8, 8), np.float32))
    with pytest.raises(WeightsError, match="expected the features of the trunk '0123456789abcdef'"):
        Refiner(runtime)
