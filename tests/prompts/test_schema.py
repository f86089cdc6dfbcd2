"""The published schema of prompts: it is the code's, and it takes what the code takes."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from anymask import Box, Point, PromptError, Text
from anymask.prompts import parse_json
from anymask.prompts.schema import schema, text

FILE = Path(__file__).parents[2] / "docs" / "prompt.schema.json"
VALIDATOR = Draft202012Validator(schema())


def test_the_published_schema_is_the_codes() -> None:
    assert FILE.read_text(encoding="utf-8") == text(), "run python -m anymask.prompts.schema > docs/prompt.schema.json"


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize(
    "document",
    [
        Point([(220, 150)]).to_json(),
        Point([(0, 0), (1.5, 2)], [0, 1]).to_json(),
        Box((10, 20, 200, 300)).to_json(),
        [Point([(0, 0)]).to_json(), Box((0, 0, 1, 1)).to_json()],
        Text("the red car on the left").to_json(),
        Text("cars", {"find": ["car"], "not": [{"colour": ["red"]}]}).to_json(),
        [],
        {"type": "text", "text": "dog", "query": None},
        {"type": "point", "points": [[220, 150]]},  # labels may be left out
        {"type": "point", "points": [[220, 150]], "labels": None},
    ],
)
def test_prompts_are_valid(document: Any) -> None:
    assert VALIDATOR.is_valid(document)
    assert isinstance(parse_json(json.dumps(document)), list)


@pytest.mark.parametrize(
    "document",
    [
        None,
        "point",
        {},
        {"type": "circle"},
        {"type": "point"},
        {"type": "point", "points": []},
        {"type": "point", "points": [1, 2]},
        {"type": "point", "points": [[1, 2, 3]]},
        {"type": "point", "points": [["1", "2"]]},
        {"type": "point", "points": [[1, 2]], "labels": []},
        {"type": "point", "points": [[1, 2]], "labels": [0]},  # no point inside
        {"type": "point", "points": [[1, 2]], "labels": [2]},
        {"type": "point", "points": [[1, 2]], "label": [1]},
        {"type": "box", "box": [0, 0, 1]},
        {"type": "box", "box": [0, 0, 1, None]},
        {"type": "box", "box": [0, 0, 1, 1], "points": [[0, 0]]},
        {"type": "text"},
        {"type": "text", "text": ""},
        {"type": "text", "text": 3},
        {"type": "text", "text": "x" * 1001},
        {"type": "text", "text": "dog", "query": {"finds": []}},
        {"type": "text", "text": "dog", "query": []},
        {"type": "text", "text": "dog", "box": [0, 0, 1, 1]},
        {"points": [[1, 2]]},
        [[{"type": "box", "box": [0, 0, 1, 1]}]],
    ],
)
def test_what_the_schema_refuses_the_code_refuses(document: Any) -> None:
    assert not VALIDATOR.is_valid(document)
    with pytest.raises(PromptError):
        parse_json(json.dumps(document))


# Numbers in fields that nearly fit
NUMBERS = st.integers(-3, 3) | st.none()
POINTS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["point", "box"]),
        "points": st.lists(st.lists(NUMBERS, min_size=1, max_size=3), max_size=3),
    },
    optional={"labels": st.none() | st.lists(st.integers(0, 2), max_size=3)},
)
TEXTS = st.fixed_dictionaries(
    {"type": st.just("text"), "text": st.sampled_from(["dog", "the", "", "?", 1, None])},
    optional={"query": st.none() | st.fixed_dictionaries({}, optional={"find": st.just(["dog"]), "count": NUMBERS})},
)
BOXES = st.fixed_dictionaries({"type": st.sampled_from(["point", "box"]), "box": st.lists(NUMBERS, max_size=5)})


@settings(deadline=None, max_examples=300)
@given(POINTS | BOXES | TEXTS)
def test_the_schema_and_the_code_agree_but_for_what_no_schema_says(document: dict[str, Any]) -> None:
    try:
        parse_json(json.dumps(document))
    except PromptError as error:
        beyond = "expected x1 < x2" in str(error) or "expected one for each of" in str(error)
        beyond |= "text: expected w" in str(error)  # what it describes: no schema reads English
        assert beyond or not VALIDATOR.is_valid(document)
    else:
        assert VALIDATOR.is_valid(document)
