"""Recipes as text: written, read, and refused in one line."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from anymask import PromptError, rle
from anymask.models import weights_hash
from anymask.recipe import Look, Recipe, Selected
from anymask.recipe.conditions import hash_of
from anymask.recipe.schema import schema, text

FILE = Path(__file__).parents[2] / "docs" / "recipe.schema.json"
VALIDATOR = Draft202012Validator(schema())
DEEP: list[Any] = []
for _ in range(500):
    DEEP = [DEEP]
CURE = "mend the file, or record the recipe again"


def test_a_recipe_comes_back_from_its_text(recipe: Recipe) -> None:
    read = Recipe.from_text(recipe.to_text())
    assert read == recipe and read.to_text() == recipe.to_text()
    assert recipe.to_text().isascii()


def test_what_is_as_by_default_is_not_written(recipe: Recipe) -> None:
    first = recipe.to_json()["objects"][0]
    assert set(first) == {"label", "colour", "mask", "rle"}
    bare = recipe.to_json() | {"parameters": {}, "looks": [{"box": [0, 0, 1, 1]}], "objects": []}
    assert Recipe.from_json(bare).parameters.iou == 0.7


def test_the_published_schema_is_the_codes(recipe: Recipe) -> None:
    assert FILE.read_text(encoding="utf-8") == text(), "run python -m anymask.recipe.schema > docs/recipe.schema.json"
    Draft202012Validator.check_schema(schema())
    VALIDATOR.validate(recipe.to_json())


def with_value(document: Any, path: str, value: Any) -> Any:
    """A copy with one value, at a path like "objects.0.rle", set to another one; ... takes it out."""
    first, _, rest = path.partition(".")
    copied = list(document) if isinstance(document, list) else dict(document)
    key: Any = int(first) if isinstance(document, list) else first
    if rest:
        copied[key] = with_value(copied[key], rest, value)
    elif value is ...:
        del copied[key]
    else:
        copied[key] = value
    return copied


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("type", "prompt", "recipe.type: expected 'recipe', got 'prompt'"),
        ("version", 0, "recipe.version: expected 1, got 0"),
        ("version", True, "recipe.version: expected 1, got True"),
        ("version", 2, "recipe.version: expected at most 1, got 2: install the anymask that made it"),
        ("version", ..., "recipe: field 'version' is missing"),
        ("more", 1, "recipe: unknown field 'more', expected type, version, conditions, picture, "),
        ("conditions", [], "recipe.conditions: expected a JSON object, got []"),
        ("conditions.threads", 0, "recipe.conditions.threads: expected a whole number or null from 1 to 100000, got 0"),
        ("conditions.threads", 1.5, "recipe.conditions.threads: expected a whole number or null from 1"),
        ("conditions.versions.numpy", 2, "recipe.conditions.versions.numpy: expected a text of at most 100 characters"),
        ("conditions.weights.detector", "0" * 63, "recipe.conditions.weights.detector: expected a text like '0123"),
        ("conditions.weights.detector", None, "recipe.conditions.weights.detector: expected a text like"),
        ("conditions.weights.detector", "0" * 64 + "\n", "recipe.conditions.weights.detector: expected a text like"),
        ("conditions.processor", [1], "recipe.conditions.processor[0]: expected a text"),
        ("picture.width", 10**300, "recipe.picture.width: expected a whole number from 1 to 536870911, got 1000"),
        ("picture.name", "x" * 1001, "recipe.picture.name: expected a text of at most 1000 characters, got 'xxx"),
        ("picture.width", 9, "recipe.objects[0].rle.size: expected [6, 9], as of the picture, got [6, 8]"),
        (
            "parameters.image_size",
            100,
            "image_size: expected a whole number or null that is a multiple of 32 from 32 to",
        ),
        ("parameters.image_size", 96.5, "recipe.parameters.image_size: expected a whole number"),
        ("parameters.score", float("nan"), "recipe.parameters.score: expected a number from 0 to 1, got nan"),
        ("parameters.iou", True, "recipe.parameters.iou: expected a number from 0 to 1, got True"),
        ("parameters.refine", "some", "recipe.parameters.refine: expected 'auto' or 'all' or 'off', got 'some'"),
        ("parameters.snap", 1, "recipe.parameters.snap: expected true or false, got 1"),
        ("looks", {}, "recipe.looks: expected a list of 0 to 1000 entries, got {}"),
        ("looks.0.box", [0, 0, 1], "recipe.looks[0].box: expected a list of 4 entries, got [0, 0, 1]"),
        ("looks.0.box", [0, 0, 1, 1e10], "recipe.looks[0].box[3]: expected a number from -1000000000.0 to"),
        ("looks.0.box", [4, 0, 1, 1], "recipe.looks[0].box: expected x1 < x2 and y1 < y2, got [4.0, 0.0, 1.0, 1.0]"),
        ("objects.0", None, "recipe.objects[0]: expected a JSON object, got None"),
        ("objects.0.label", DEEP, "recipe.objects[0].label: expected a text of at most 1000 characters, got [[[[[["),
        ("objects.2.prompts.0.query", DEEP, "recipe.objects[2]: query: expected a JSON object, got [[[["),
        ("conditions.versions.numpy", DEEP, "recipe.conditions.versions.numpy: expected a text"),
        ("objects.0.mask", -1, "recipe.objects[0].mask: expected a whole number or null from 0"),
        ("objects.0.mask", ..., "recipe.objects[0]: recipe: expected to be told by mask, prompts or edited where the"),
        ("objects.0.colour", "red", "recipe.objects[0].colour: expected a text or null like '#2f7fd0', got 'red'"),
        ("objects.0.rle.counts", "!", "recipe.objects[0].rle.counts: expected run lengths of 6 x 8 pixels, got '!'"),
        ("objects.0.rle.counts", "é", "recipe.objects[0].rle.counts: expected run lengths of 6 x 8 pixels, got '?'"),
        ("objects.0.rle.counts", "", "recipe.objects[0].rle.counts: expected run lengths of 6 x 8 pixels, got ''"),
        ("objects.0.rle.counts", "11", "recipe.objects[0].rle.counts: expected run lengths of 6 x 8 pixels, got '11'"),
        ("objects.0.rle.counts", "o" * 10**6 + "0", "recipe.objects[0].rle.counts: expected run lengths of 6 x 8"),
        ("objects.1.looks", 3, "recipe.objects[1].looks: expected at most the 2 looks there are, got 3"),
        ("objects.2.prompt", 2, "recipe.objects[2]: recipe: prompt: expected the number of one of 2 prompts, got 2"),
        ("objects.2.rank", None, "recipe.objects[2].rank: expected a whole number from 0 to 100000, got None"),
        ("objects.2.prompts", [{"type": "circle"}], "recipe.objects[2]: prompt: expected a type out of point, box"),
        ("objects.2.prompts.0.text", "", "recipe.objects[2]: text: expected words that describe something, got"),
        ("objects.2.prompts.1.points", [[0, float("inf")]], "recipe.objects[2]: points[0]: expected 2 finite numbers"),
        ("objects.3.refine", "some", "recipe.objects[3].refine: expected null or 'auto' or 'all' or 'off', got 'some'"),
        ("objects.4.edited", False, "recipe.objects[4]: recipe: expected to be told by mask, prompts or edited where"),
    ],
)
def test_what_is_malformed_is_refused_in_one_line(recipe: Recipe, path: str, value: Any, said: str) -> None:
    with pytest.raises(PromptError) as refused:
        Recipe.from_json(with_value(recipe.to_json(), path, value))
    line = str(refused.value)
    assert said in line and "\n" not in line and len(line) < 400


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "recipe: expected JSON, got Expecting value"),
        ("{", "recipe: expected JSON, got "),
        ("[" * 100_000, "recipe: expected JSON, got maximum recursion depth"),
        ('{"version": NaN}', "recipe: expected JSON, got NaN, which is no number: "),
        ('{"version": -Infinity}', "recipe: expected JSON, got -Infinity, which is no number: "),
        ('{"version": 1' + "0" * 5000 + "}", "recipe: expected JSON, got Exceeds the limit"),
        ("[]", "recipe: expected a JSON object, got []: "),
        ("null", "recipe: expected a JSON object, got None: "),
        ('{"type": "recipe", "version": 1e999}', "recipe.version: expected 1, got inf: "),
    ],
)
def test_what_is_no_recipe(content: str, said: str) -> None:
    with pytest.raises(PromptError) as refused:
        Recipe.from_text(content)
    line = str(refused.value)
    assert line.startswith(said) and "\n" not in line and CURE in line


def paths(document: Any, prefix: str = "") -> list[str]:
    """The paths of all values in a document."""
    items = document.items() if isinstance(document, dict) else enumerate(document)
    found = []
    for key, value in items:
        found.append(f"{prefix}{key}")
        if isinstance(value, dict | list) and "versions" not in prefix:
            found += paths(value, f"{prefix}{key}.")
    return found


# What only the code knows: what fills a picture, which prompts and looks there are, what is a box and an English text
BEYOND = ("run lengths", "as of the picture", "looks there are", "the number of one of", "x1 < x2", "text:", "labels:")
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [..., None, True, 0, -1, 2, 0.5, 1e12, "", "x", "auto", "0" * 64, [], {}, [[]], ["x"], {"x": 1}]
)


@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_the_schema_and_the_code_refuse_the_same(recipe: Recipe, data: st.DataObject) -> None:
    whole = recipe.to_json()
    path = data.draw(st.sampled_from(paths(whole)))
    document = with_value(whole, path, data.draw(ODD))
    valid = VALIDATOR.is_valid(document)
    try:
        read = Recipe.from_json(document)
    except PromptError as error:
        assert "\n" not in str(error)
        assert not valid or any(word in str(error) for word in BEYOND)
    else:
        assert valid or ".labels." in path  # true is taken for 1 there
        assert Recipe.from_text(read.to_text()) == read


def test_objects_from_nowhere_cannot_be_made() -> None:
    with pytest.raises(
        PromptError, match="expected to be told by mask, prompts or edited where the mask of object 'x'"
    ):
        Selected(b"0", "x")
    with pytest.raises(PromptError, match="x1 < x2"):
        Look((3, 0, 1, 1))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda each: replace(each, anymask="9"), ["anymask 9 instead of 0.1.0"]),
        (lambda each: replace(each, versions={**each.versions, "numpy": "3"}), ["numpy 3 instead of 2.4.6"]),
        (lambda each: replace(each, versions={**each.versions, "openvino": "3"}), []),  # the runtime tells
        (lambda each: replace(each, runtime="openvino"), ["the runtime openvino instead of onnx"]),
        (lambda each: replace(each, threads=1), ["1 thread instead of the threads that 2 cores get by default"]),
        (lambda each: replace(each, cores=1), ["the threads that 1 core gets by default instead of the threads that "]),
        (lambda each: replace(each, precision="float16"), ["precision float16 instead of float32"]),
        (
            lambda each: replace(each, weights={**each.weights, "mask_head": "a" * 64}),
            ["weights of the mask head: sha256 aaaaaaaaaaaa instead of none"],
        ),
        (lambda each: replace(each, machine="Darwin arm64"), ["Darwin arm64 instead of Linux x86_64"]),
        (lambda each: replace(each, processor=()), ["a processor with none instead of AVX2 FMA3"]),
        (lambda each: replace(each, processor=("AVX2", "FMA3")), []),
    ],
)
def test_differences_are_told(recipe: Recipe, change: Callable[[Any], Any], said: list[str]) -> None:
    told = recipe.conditions.differences(change(recipe.conditions))
    assert len(told) == len(said)
    assert all(line.startswith(expected) for line, expected in zip(told, said, strict=True))


def test_cores_do_not_matter_where_threads_are_given(recipe: Recipe) -> None:
    fixed = replace(recipe.conditions, threads=2)
    assert fixed.differences(replace(fixed, cores=64)) == []


def test_a_count_of_many_characters_is_no_run_length() -> None:
    good = rle.encode_changes(np.array([0, 400_000_000]), 20_000, 20_000)  # one run inside, of every pixel
    assert rle.fills([good, b"o" * 10**6 + b"0", b"PPPPPP0"], 20_000, 20_000).tolist() == [True, False, False]


def test_a_hash_follows_its_file(tmp_path: Path) -> None:
    model, numbers = tmp_path / "a.xml", tmp_path / "a.bin"
    model.write_bytes(b"model")
    seen = []
    for content in (b"one", b"two!"):
        numbers.write_bytes(content)
        seen.append(hash_of(model))
        assert hash_of(model) == weights_hash(model) == hashlib.sha256(b"model" + content).hexdigest()
    assert seen[0] != seen[1]
