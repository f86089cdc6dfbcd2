"""Recipes replayed by the weights in the package: the same bytes again, or what differs and by how much."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from anymask import Box, ImageError, MaskSet, Point, PromptError, Segmenter, Text, rle
from anymask.prompts import Prompt
from anymask.recipe import Look, Parameters, Recipe, Selected, replay, selected

Picture = NDArray[np.uint8]
PARAMETERS = Parameters(image_size=160, drawn=20, refine="off")
LOOK = Look((200, 50, 300, 150), 160)
LEFT = Text("things on the left")


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter(threads=1)


@pytest.fixture(scope="module")
def photo(astronaut: Path) -> Picture:
    return np.asarray(Image.open(astronaut).convert("RGB").crop((100, 0, 500, 300)))


@pytest.fixture(scope="module")
def found(segmenter: Segmenter, photo: Picture) -> MaskSet:
    return segmenter(photo, **PARAMETERS.of_call())


@pytest.fixture(scope="module")
def looked(segmenter: Segmenter, found: MaskSet) -> MaskSet:
    return LOOK.at(segmenter, found, PARAMETERS)


@pytest.fixture(scope="module")
def made(segmenter: Segmenter, found: MaskSet, looked: MaskSet) -> Recipe:
    """A mask after and one before a look, one that the look added, two answers of a text, a box, and one by hand."""
    calls: list[list[Prompt]] = [[LEFT], [Box((50, 50, 250, 150))]]
    texts, boxes = (
        selected(segmenter, segmenter.select(looked, asked, refine="off", zoom=False), asked, PARAMETERS, zoom=False)
        for asked in calls
    )
    assert len(texts) > 1 and len(looked) > len(found)
    hand = rle.encode_crop(np.ones((20, 30), np.bool_), 5, 6, 300, 400)
    objects = [
        Selected(looked.rles[5], "five", "#102030", mask=5),
        Selected(found.rles[4], mask=4, looks=0),
        Selected(looked.rles[len(found)], "added", mask=len(found)),
        *texts[:2],
        replace(boxes[1], label="box"),
        Selected(hand, "by hand", edited=True, score=0.25),
    ]
    return Recipe.of(segmenter, looked, PARAMETERS, [LOOK], objects, "photo.png")


def test_under_the_same_conditions_everything_is_the_same(
    segmenter: Segmenter, photo: Picture, looked: MaskSet, made: Recipe
) -> None:
    replayed = replay(Recipe.from_text(made.to_text()), segmenter, photo)
    assert (replayed.differences, replayed.left_out, replayed.warnings) == ((), (), [])
    assert replayed.masks.rles == tuple(each.rle for each in made.objects)
    assert replayed.masks.prompt is None and replayed.masks.image is not None
    assert replayed.labels == ["five", "", "added", LEFT.text, LEFT.text, "box", "by hand"]
    assert replayed.colours == ["#102030", *[None] * 6]
    assert replayed.ious == [1.0] * 7 and all(each.identical for each in replayed.objects)
    assert replayed.masks.scores[-1] == 0.25
    assert replayed.found == looked
    assert replayed.recipe == made


def test_points_and_boxes_are_drawn_the_same(segmenter: Segmenter, photo: Picture, found: MaskSet) -> None:
    drawn = replace(PARAMETERS, refine="auto")
    prompts: list[Prompt] = [Point([(200, 100), (20, 20)], [1, 0]), Box((50, 50, 250, 150))]
    objects = selected(segmenter, segmenter.select(found, prompts), prompts, drawn)
    recipe = Recipe.of(segmenter, found, drawn, objects=[each for each in objects if each.rank < 2])
    assert {each.prompts for each in recipe.objects} == {(prompt,) for prompt in prompts}
    replayed = replay(recipe, segmenter, photo)
    assert len(replayed.objects) >= 3 and replayed.warnings == []
    assert replayed.masks.rles == tuple(each.rle for each in recipe.objects)


def test_prompts_that_helped_each_other_stay_together(segmenter: Segmenter, photo: Picture, found: MaskSet) -> None:
    prompts: list[Prompt] = [
        Box((2, 2, 9, 9)),
        Point([(200, 100)]),
    ]  # nothing fits the box, so that a look is made there
    assert prompts[0].closer(found, prompts[0].choose(found)) is not None
    objects = selected(segmenter, segmenter.select(found, prompts, refine="off", drawn=20), prompts, PARAMETERS)
    assert {(each.prompts, each.prompt) for each in objects} == {(tuple(prompts), 0), (tuple(prompts), 1)}
    recipe = Recipe.of(segmenter, found, PARAMETERS, objects=[each for each in objects if each.rank < 3])
    assert replay(recipe, segmenter, photo).warnings == []
    mixed: list[Prompt] = [LEFT, Text("the person")]  # of which the second brings label scores
    objects = selected(segmenter, segmenter.select(found, mixed), mixed, PARAMETERS)
    assert {each.prompts for each in objects} == {tuple(mixed)}


def test_sizes_that_were_left_open_are_noted(segmenter: Segmenter, found: MaskSet) -> None:
    recipe = Recipe.of(segmenter, found, Parameters(), [Look((0, 0, 100, 60))])
    assert recipe.parameters.image_size == 640 and recipe.looks[0].image_size == 320
    with pytest.raises(ImageError, match="expected masks with their picture"):
        Recipe.of(segmenter, MaskSet.empty((4, 4)), Parameters())
    with pytest.raises(PromptError, match=r"expected what Segmenter\.select returned"):
        selected(segmenter, found, [LEFT], PARAMETERS)


# Otherwise


@pytest.mark.parametrize(("runtime", "threads"), [("onnx", 2), ("openvino", 1)])
def test_another_runtime_or_number_of_threads_is_told(photo: Picture, made: Recipe, runtime: str, threads: int) -> None:
    if runtime == "openvino":
        pytest.importorskip("openvino")
    replayed = replay(made, Segmenter(threads=threads, runtime=runtime), photo)
    told = "the runtime openvino instead of onnx" if runtime == "openvino" else "2 threads instead of 1 thread"
    assert replayed.differences == (told,)
    first, *_, last = replayed.warnings
    assert first == f"recorded otherwise: {told}" and " of 7 masks " in last
    assert len(replayed.objects) == 7 and min(iou or 0 for iou in replayed.ious) > 0.9  # so close are they


def test_with_other_parameters_the_nearest_mask_is_taken(segmenter: Segmenter, photo: Picture, made: Recipe) -> None:
    replayed = replay(made, segmenter, photo, parameters=replace(PARAMETERS, iou=0.5, image_size=192))
    assert replayed.differences == ("image_size 192 instead of 160", "iou 0.5 instead of 0.7")
    first, *lines, last = replayed.warnings
    assert first == "recorded otherwise: image_size 192 instead of 160; iou 0.5 instead of 0.7"
    object_0 = replayed.objects[0]
    before, now = made.objects[0], object_0.selected
    ious = rle.iou(replayed.found.rles, [before.rle], 300, 400)[:, 0]
    assert now.mask == ious.argmax() and now.rle == replayed.found.rles[ious.argmax()]
    assert object_0.iou == ious.max() < 1 and not object_0.identical
    assert lines[0] == (
        f"object 0 'five': IoU {ious.max():.3f} with the recorded mask (the mask found that is most like it)"
    )
    assert replayed.objects[-1].identical  # drawn by hand
    changed = [each for each in replayed.objects if not each.identical]
    assert len(lines) == len(changed) + len(replayed.left_out)
    lowest = min(iou for iou in replayed.ious if iou is not None)
    count, identical = len(replayed.objects), len(replayed.objects) - len(changed)
    assert last == (
        f"{identical} of {count} masks {'is' if identical == 1 else 'are'} as recorded, byte for byte, "
        f"the lowest IoU is {lowest:.3f}"
    )
    again = replay(replayed.recipe, segmenter, photo)  # what was made now is a recipe of its own
    assert again.warnings == [] and again.masks.rles == replayed.masks.rles


def test_an_answer_whose_rank_changed_is_found(segmenter: Segmenter, photo: Picture, made: Recipe) -> None:
    first, second = (each for each in made.objects if each.label == LEFT.text)
    swapped = (replace(second, rank=first.rank), replace(first, rank=second.rank))
    other = replace(made.conditions, versions={**made.conditions.versions, "numpy": "0"})
    replayed = replay(replace(made, objects=swapped, conditions=other), segmenter, photo)
    assert [each.identical for each in replayed.objects] == [True, True]
    assert [each.selected.rank for each in replayed.objects] == [1, 0]
    assert [each.note for each in replayed.objects] == ["answer 1 now, and 0 before", "answer 0 now, and 1 before"]
    assert len(replayed.warnings) == 4


def test_a_record_that_was_changed_is_told(segmenter: Segmenter, photo: Picture, made: Recipe) -> None:
    other = rle.encode_crop(np.ones((300, 400), np.bool_), 0, 0, 300, 400)
    objects = (replace(made.objects[0], rle=other), replace(made.objects[0], rle=other, mask=99_999))
    replayed = replay(replace(made, objects=objects), segmenter, photo)
    assert replayed.differences == ()
    first, one, two, last = replayed.warnings
    assert first.startswith("not all masks are the same, though the conditions are")
    assert one.startswith("object 0 'five': IoU 0.") and one.endswith(" with the recorded mask")
    assert two.startswith("object 1 'five': IoU 0.") and two.endswith("(the mask found that is most like it)")
    assert last.startswith("0 of 2 masks are as recorded, byte for byte, the lowest IoU is 0.")


# Another picture


def test_other_pixels_of_the_same_size(segmenter: Segmenter, photo: Picture, made: Recipe) -> None:
    replayed = replay(made, segmenter, photo[:, ::-1])
    assert replayed.differences == ("another picture of the same size",)
    note = "drawn by hand in another picture, and taken as it was"
    assert f"object 6 'by hand': IoU 1.000 with the recorded mask ({note})" in replayed.warnings
    assert all(iou is not None for iou in replayed.ious)


def test_where_nothing_is_found_objects_are_left_out(segmenter: Segmenter, made: Recipe) -> None:
    replayed = replay(made, segmenter, np.zeros((300, 400, 3), np.uint8), parameters=replace(PARAMETERS, score=1.0))
    assert [each.number for each in replayed.objects] == [6]
    why = "no mask that was found shares a pixel with the recorded mask"
    assert replayed.left_out[0] == f"object 0 'five': left out, {why}"
    assert f"object 3 {LEFT.text!r}: left out, there is no answer to {json.dumps(LEFT.to_json())}" in replayed.left_out


def test_in_a_picture_of_another_size_only_prompts_count(segmenter: Segmenter, photo: Picture, made: Recipe) -> None:
    extra = (
        Selected(made.objects[0].rle, "both", mask=5, prompts=(Box((10, 10, 200, 180)),)),
        Selected(made.objects[0].rle, "apart", prompts=(Box((10, 10, 300, 180)), Box((10, 10, 200, 180))), prompt=1),
        Selected(made.objects[0].rle, "outside", prompts=(Point([(300, 10)]),)),
    )
    smaller = photo[:200, :240]
    replayed = replay(replace(made, objects=made.objects + extra), segmenter, smaller)
    assert replayed.differences == ("another picture of 240 x 200 pixels instead of 400 x 300",)
    assert set(replayed.labels) == {LEFT.text, "both", "apart"}
    assert replayed.masks.size == (200, 240) and set(replayed.ious) == {None}
    assert not any(each.identical for each in replayed.objects)
    found = segmenter(smaller, **PARAMETERS.of_call())
    best = segmenter.select(found, Box((10, 10, 200, 180)), refine="off", drawn=20)
    rles = {each.selected.label: each.selected.rle for each in replayed.objects}
    assert rles["both"] == rles["apart"] == best.rles[0]
    assert replayed.left_out == (
        "look 0: left out, its box does not lie inside this picture",
        "object 0 'five': left out, it is one of the masks found in a picture of another size",
        "object 1: left out, it is one of the masks found in a picture of another size",
        "object 2 'added': left out, it is one of the masks found in a picture of another size",
        f"object 4 {LEFT.text!r}: left out, there is 1 answer alone to {json.dumps(LEFT.to_json())}",
        "object 5 'box': left out, its box does not lie inside this picture",
        "object 6 'by hand': left out, it was drawn by hand in a picture of another size",
        "object 9 'outside': left out, its point does not lie inside this picture",
    )
    assert replayed.warnings[-1] == "3 masks made anew, none to compare with"
    again = replay(replayed.recipe, segmenter, smaller)
    assert again.warnings == [] and again.masks.rles == replayed.masks.rles
