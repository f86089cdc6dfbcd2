"""Prompts as JSON: what is written is read again, and anything else is refused."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anymask import Box, Point, PromptError, Text
from anymask.prompts import PROMPTS, Prompt, parse, parse_json

NUMBERS = st.floats(-1e6, 1e6)
POINTS = st.lists(st.tuples(st.tuples(NUMBERS, NUMBERS), st.integers(0, 1)), max_size=5).map(
    lambda rows: Point([(0, 0), *(point for point, _ in rows)], [1, *(label for _, label in rows)])
)
SIDES = st.tuples(NUMBERS, NUMBERS).filter(lambda pair: pair[0] != pair[1]).map(sorted)
BOXES = st.tuples(SIDES, SIDES).map(lambda sides: Box((sides[0][0], sides[1][0], sides[0][1], sides[1][1])))
TEXTS = st.sampled_from(["dog", "the red car on the left", "not the dog"]).map(Text) | st.builds(
    Text, st.just("dogs"), st.just({"find": ["dog"], "count": 2})
)
PROMPTS_DRAWN: st.SearchStrategy[Prompt] = st.one_of(POINTS, BOXES, TEXTS)


@pytest.mark.parametrize(
    ("document", "prompt"),
    [
        ({"type": "point", "points": [[220, 150]], "labels": [1]}, Point([(220, 150)])),
        ({"type": "point", "points": [[220, 150]]}, Point([(220, 150)])),  # labels may be left out
        ({"type": "point", "points": [[220, 150]], "labels": None}, Point([(220, 150)])),
        ({"labels": [0, 1], "points": [[1, 2], [0, 0]], "type": "point"}, Point([(1, 2), (0, 0)], [0, 1])),
        ({"type": "box", "box": [10, 20, 200, 300]}, Box((10, 20, 200, 300))),
        ({"type": "text", "text": "a dog"}, Text("a dog")),
        ({"type": "text", "text": "a dog", "query": None}, Text("a dog")),
        ({"type": "text", "text": "a dog", "query": {"find": ["dog"]}}, Text("a dog")),  # as it is read anyway
        ({"type": "text", "text": "a dog", "query": {"find": ["cat"]}}, Text("a dog", {"find": ["cat"]})),
        ({"type": "box", "box": [-0.5, 0, 1e3, 2.25]}, Box((-0.5, 0, 1000, 2.25))),
    ],
)
def test_objects_are_prompts(document: dict[str, Any], prompt: Prompt) -> None:
    before = json.dumps(document)
    assert parse(document) == prompt
    assert parse_json(before) == [prompt]
    assert json.dumps(document) == before  # the caller's object keeps its type


@settings(deadline=None)
@given(st.lists(PROMPTS_DRAWN, max_size=4))
def test_what_is_written_is_read_again(prompts: list[Prompt]) -> None:
    text = json.dumps([prompt.to_json() for prompt in prompts], allow_nan=False)
    assert parse_json(text) == prompts
    assert [parse_json(json.dumps(prompt.to_json())) for prompt in prompts] == [[prompt] for prompt in prompts]


def test_the_name_of_a_row_is_the_type_in_json() -> None:
    assert {name: kind.type for name, kind in PROMPTS.items()} == {name: name for name in PROMPTS}
    assert Point([(1, 2)]).to_json()["type"] == "point" and Box((0, 0, 1, 1)).to_json()["type"] == "box"


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({}, "prompt: expected a type out of point, box, text, got None"),
        ({"type": "circle"}, "got 'circle'"),
        ({"type": "Point", "points": [[1, 2]]}, "got 'Point'"),  # names are lower case
        ({"type": ["point"]}, r"got \['point'\]"),
        ({"type": 1}, "got 1"),
        ({"points": [[1, 2]]}, "expected a type"),
        ([], r"prompt: expected a JSON object with a 'type', got \[\]"),
        ("point", "got 'point'"),
        (None, "got None"),
        (3, "got 3"),
        ({"type": "point"}, "point prompt: field 'points' is missing"),
        ({"type": "point", "labels": [1]}, "field 'points' is missing"),
        ({"type": "point", "points": [[1, 2]], "label": [1]}, "unknown field 'label'; expected labels, points"),
        ({"type": "point", "points": [[1, 2]], 5: 1, None: 2}, "unknown field"),
        ({"type": "point", "box": [0, 0, 1, 1]}, "unknown field 'box'"),
        ({"type": "text"}, "text prompt: field 'text' is missing"),
        ({"type": "text", "text": ["dog"]}, "text: expected words, got list"),
        ({"type": "text", "text": ""}, "text: expected words that describe something, got none"),
        ({"type": "text", "text": "x" * 100_000}, "text: expected at most 1000 characters, got 100000"),
        ({"type": "text", "text": "dog", "query": "dog"}, "query: expected a JSON object"),
        ({"type": "box"}, "box prompt: field 'box' is missing"),
        ({"type": "box", "box": [0, 0, 1, 1], "points": []}, "unknown field 'points'; expected box"),
        ({"type": "box", "box": "0,0,1,1"}, "box: expected 4 numbers, got '0,0,1,1'"),
        ({"type": "box", "box": [0, 0, [[]], {}]}, "box: expected 4 numbers"),
        ({"type": "box", "box": [1, 0, 0, 1]}, "x1 < x2"),
        ({"type": "point", "points": {"x": 1, "y": 2}}, r"points\[0\]"),
        ({"type": "point", "points": [[[[[1]]]]]}, r"points\[0\]"),
        ({"type": "box", "box": list(range(100_000))}, "box: expected 4"),  # the message stays short
        (list(range(100_000)), "expected a JSON object"),
    ],
)
def test_anything_else_is_refused(document: Any, said: str) -> None:
    with pytest.raises(PromptError, match=said) as caught:
        parse(document)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "prompt: expected JSON"),
        ("{", "prompt: expected JSON"),
        ("point 1,2", "prompt: expected JSON"),
        ("[" * 100_000, "prompt: expected JSON"),  # nested too deeply
        ('[{"type": "box", "box": [0, 0, 1, 1]}, 7]', "expected a JSON object with a 'type', got 7"),  # the second one
        ('[[{"type": "box", "box": [0, 0, 1, 1]}]]', "expected a JSON object"),  # a list in a list
        ('{"type": "box", "box": [0, 0, NaN, 1]}', "finite"),  # Python's JSON knows NaN
        ('{"type": "box", "box": [0, 0, 1e999, 1]}', "finite"),
        ('{"type": "box", "box": [0, 0, 1' + "0" * 400 + ", 1]}", "box: expected 4 numbers"),
        ("null", "got None"),
        ("3", "got 3"),
    ],
)
def test_text_that_holds_no_prompts_is_refused(text: str, said: str) -> None:
    with pytest.raises(PromptError, match=said) as caught:
        parse_json(text)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 200


def test_a_list_may_be_empty_and_of_both_kinds() -> None:
    assert parse_json("[]") == []
    both = '[{"type": "box", "box": [0, 0, 1, 1]}, {"type": "point", "points": [[0, 0]]}]'
    assert parse_json(both) == [Box((0, 0, 1, 1)), Point([(0, 0)])]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@settings(deadline=None, max_examples=200)
@given(st.sampled_from([*PROMPTS, "other"]), JSON, JSON)
def test_any_json_gives_a_prompt_or_a_prompt_error(name: str, first: Any, second: Any) -> None:
    for document in (
        {"type": name, "points": first, "labels": second},
        {"type": name, "box": first},
        {"type": name, "text": first, "query": second},
        first,
    ):
        try:
            prompt = parse(document)
        except PromptError as error:
            assert str(error)
        else:
            assert parse(prompt.to_json()) == prompt
