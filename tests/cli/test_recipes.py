"""`anymask segment --format recipe` and `--prompt RECIPE`: the same bytes in another process, or a warning."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from anymask import Box, Point, Segmenter, Text, rle
from anymask.prompts import Prompt
from anymask.recipe import Look, Parameters, Recipe, Selected, selected

Run = Callable[..., Any]
QUICK = ("--image-size", "96", "--drawn", "10", "--threads", "1")
PARAMETERS = Parameters(image_size=96, drawn=10)


@pytest.fixture(scope="module")
def recipe(photo: Image.Image) -> Recipe:
    """What points, a box and a text select, masks before and after a look, and one drawn by hand."""
    segmenter = Segmenter(threads=1)
    found = segmenter(photo, **PARAMETERS.of_call())
    look = Look((30, 0, 80, 40), 96)
    looked = look.at(segmenter, found, PARAMETERS)
    prompts: list[Prompt] = [Point([(50, 40), (2, 2)], [1, 0]), Box((30, 10, 90, 60)), Text("the biggest thing")]
    answers = selected(segmenter, segmenter.select(looked, prompts), prompts, PARAMETERS)
    hand = rle.encode_crop(np.ones((9, 9), np.bool_), 3, 4, 64, 96)
    objects = [
        *(each for each in answers if each.rank == 0),
        Selected(found.rles[1], "before", "#ff8000", mask=1, looks=0),
        Selected(looked.rles[1], "after", mask=1),
        Selected(hand, "by hand", edited=True),
    ]
    assert len(objects) == 6
    return Recipe.of(segmenter, looked, PARAMETERS, [look], objects, "photo.png")


@pytest.fixture(autouse=True)
def files(folder: Path, photo: Image.Image, recipe: Recipe) -> None:
    photo.save("photo.png")
    Path("r.json").write_text(recipe.to_text())


def masks(ended: Any) -> list[dict[str, Any]]:
    assert ended.code == 0, ended.err
    found: list[dict[str, Any]] = json.loads(ended.out)["masks"]
    return found


def test_another_process_makes_the_same_bytes(process: Run, recipe: Recipe) -> None:
    ended = process("segment", "photo.png", "--prompt", "r.json", "--json")
    assert ended.lines == []  # no warning
    found = masks(ended)
    assert [each["rle"]["counts"].encode() for each in found] == [each.rle for each in recipe.objects]
    assert [each["label"] for each in found] == ["", "", "the biggest thing", "before", "after", "by hand"]
    assert {each["iou"] for each in found} == {1.0}
    assert set(found[0]) == {"id", "box", "score", "parent", "label", "iou", "rle"}


def test_what_the_command_line_selected_it_selects_again(run: Run, process: Run) -> None:
    asked = ("--point", "50,40", "--box", "30,10,90,60", "--text", "the biggest thing")
    first = masks(run("segment", "photo.png", *QUICK, *asked, "--json", "--out", "a", "--format", "recipe"))
    assert [path.name for path in Path("a").iterdir()] == ["photo.recipe.json"]
    ended = process(
        "segment", "photo.png", "--prompt", "a/photo.recipe.json", "--json", "--out", "b", "--format", "recipe"
    )
    assert ended.lines == []
    assert [each["rle"] for each in masks(ended)] == [each["rle"] for each in first]
    assert Path("a/photo.recipe.json").read_bytes() == Path("b/photo.recipe.json").read_bytes()


def test_all_masks_are_a_recipe_too(run: Run) -> None:
    first = masks(run("segment", "photo.png", *QUICK, "--json", "--out", "a", "--format", "recipe"))
    ended = run("segment", "photo.png", "--prompt", "a/photo.recipe.json", "--json")
    assert (ended.err, [each["rle"] for each in masks(ended)]) == ("", [each["rle"] for each in first])
    assert len(first) > 2


def test_files_have_labels_and_colours(run: Run) -> None:
    ended = run("segment", "photo.png", "--prompt", "r.json", "--format", "coco,svg,overlay,cutout,png", "--out", "o")
    (line,) = ended.lines
    assert line.startswith("photo.png: 6 masks in ")
    document = json.loads(Path("o/photo.coco.json").read_text())
    names = [each["name"] for each in document["categories"]]
    assert names == ["after", "before", "by hand", "object", "the biggest thing"]
    drawn = Path("o/photo.masks.svg").read_text(encoding="utf-8")
    assert 'id="mask-3" fill="#ff8000"' in drawn and "<title>by hand</title>" in drawn


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--threads", "2"], "2 threads instead of 1 thread"),
        (["--refine", "off"], "refine off instead of auto"),
        (["--image-size", "128", "--no-zoom"], "image_size 128 instead of 96; zoom False instead of True"),
        (["--iou", "0.7"], None),  # as in the recipe
    ],
)
def test_what_is_otherwise_is_told_with_the_iou(run: Run, recipe: Recipe, options: list[str], told: str | None) -> None:
    ended = run("segment", "photo.png", "--prompt", "r.json", "--json", *options)
    found = masks(ended)
    if told is None:
        assert ended.lines == []
        return
    first, *lines, last = ended.lines
    assert first == f"anymask: photo.png: recorded otherwise: {told}"
    ious = [each["iou"] for each in found]
    identical = [each["rle"]["counts"].encode() == one.rle for each, one in zip(found, recipe.objects, strict=True)]
    assert [iou == 1 for iou in ious] == identical
    assert len(lines) >= identical.count(False)  # a line for each that is not the same
    for index, (iou, same) in enumerate(zip(ious, identical, strict=True)):
        if not same:
            told_of = [line for line in lines if line.startswith(f"anymask: photo.png: object {index}")]
            assert len(told_of) == 1 and f"IoU {iou:.3f} with the recorded mask" in told_of[0]
    assert last.startswith(f"anymask: photo.png: {identical.count(True)} of 6 masks ")
    assert (f"the lowest IoU is {min(ious):.3f}" in last) == (False in identical)


def test_a_runtime_and_threads_that_are_not_there_are_told(run: Run, recipe: Recipe) -> None:
    other = replace(recipe.conditions, runtime="abacus", threads=99_999)
    Path("r.json").write_text(replace(recipe, conditions=other).to_text())
    ended = run("segment", "photo.png", "--prompt", "r.json", "--json")
    assert len(masks(ended)) == 6
    assert "the runtime onnx instead of abacus" in ended.lines[0] and "instead of 99999 threads" in ended.lines[0]
    assert run("segment", "photo.png", "--prompt", "r.json", "--json", "-q").err == ""


def test_one_recipe_for_several_pictures(run: Run, photo: Image.Image) -> None:
    photo.crop((0, 0, 90, 62)).save("smaller.png")
    ended = run("segment", "photo.png", "smaller.png", "--prompt", "r.json", "--json")
    assert ended.code == 0
    whole, smaller = (json.loads(line) for line in ended.out.splitlines())
    assert len(whole["masks"]) == 6
    assert [each["label"] for each in smaller["masks"]] == ["", "", "the biggest thing"]
    assert {each["iou"] for each in smaller["masks"]} == {None}
    assert all(line.startswith("anymask: smaller.png: ") for line in ended.lines)
    assert len(ended.lines) == 1 + 3 + 1  # what differs, what is left out, and the summary


def test_explain_tells_of_a_recipes_texts(run: Run) -> None:
    ended = run("segment", "photo.png", "--prompt", "r.json", "--explain", "-q")
    assert json.loads(ended.out)["text"] == "the biggest thing"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"version": 2}, "r.json: recipe.version: expected at most 1, got 2: install the anymask that made it"),
        (
            {"objects": [{}]},
            "r.json: recipe.objects[0]: field 'rle' is missing: mend the file, or record the",
        ),
        ({"picture": None}, "r.json: recipe.picture: expected a JSON object, got None: mend the file, or record"),
        ({"parameters": {"score": float("nan")}}, "r.json: recipe: expected JSON, got NaN, which is no number: mend"),
        ({"more\x1b[31m": 1}, "r.json: recipe: unknown field"),
    ],
)
def test_a_malformed_recipe_is_one_line(run: Run, recipe: Recipe, content: dict[str, Any], said: str) -> None:
    Path("r.json").write_text(json.dumps(recipe.to_json() | content))
    ended = run("segment", "photo.png", "--prompt", "r.json")
    (line,) = ended.lines
    assert (ended.code, ended.out) == (1, "")
    assert line.startswith(f"anymask: {said}") and line.isprintable()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--point", "50,40"], "r.json: expected a recipe alone, for it holds prompts, got others beside it: leave"),
        (["--prompt", "r.json"], "r.json: expected a recipe alone"),
        (["--candidates", "2"], "a recipe says which masks there are: leave it out"),
        (["--image-size", "100"], "image_size must be a multiple of 32 from 32 to 4096, but got 100: use 96"),
    ],
)
def test_what_does_not_go_with_a_recipe(run: Run, options: list[str], said: str) -> None:
    ended = run("segment", "photo.png", "--prompt", "r.json", *options)
    assert ended.code == 2 and said in " ".join(line.strip("│ ") for line in ended.lines)
