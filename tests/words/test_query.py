"""Queries as JSON: what is written is read again, and anything else is refused, by the code and by the schema alike."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from anymask import PromptError
from anymask.prompts.schema import schema
from anymask.words.query import DEEPEST, Pick, Query, Relation
from anymask.words.vocabulary import COLOURS, ORDERS, PLACES, RELATIONS, SIZES, TONES

VALIDATOR = Draft202012Validator({**schema(), "anyOf": [{"$ref": "#/$defs/query"}]})


def some(values: Any, most: int = 2) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(st.sampled_from(values), max_size=most).map(tuple)


def queries(depth: int) -> st.SearchStrategy[Query]:
    """Queries with at most so many inside one another."""
    inner = queries(depth - 1) if depth > 1 else st.nothing()
    inners = st.lists(inner, max_size=1).map(tuple) if depth > 1 else st.just(())
    plain = [each for each in RELATIONS if each != "between"]
    relation = st.builds(Relation, st.sampled_from(plain), inner) | st.builds(
        Relation, st.just("between"), inner, inner
    )
    number = st.integers(1, 1000)
    toned = st.tuples(st.sampled_from(TONES), st.sampled_from(COLOURS)).map(" ".join)
    return st.builds(
        Query,
        find=some(("dog", "wine glass", "flurble")),
        colour=st.lists(st.sampled_from((*COLOURS, *TONES)) | toned, max_size=2).map(tuple),
        size=some(SIZES),
        position=some(PLACES),
        relations=st.lists(relation, max_size=2).map(tuple) if depth > 1 else st.just(()),
        exclude=inners,
        pick=st.none() | st.builds(Pick, st.sampled_from(ORDERS), number | number.map(lambda each: -each)),
        count=st.none() | number,
        either=inners,
        unused=some(("striped",)),
    )


@settings(deadline=None, max_examples=60)
@given(queries(2))
def test_what_is_written_is_read_again(query: Query) -> None:
    document = json.loads(json.dumps(query.to_json()))
    assert Query.from_json(document) == query
    assert VALIDATOR.is_valid(document)


def test_what_is_empty_is_not_written() -> None:
    assert Query().to_json() == {} and Query.from_json({}) == Query()
    assert Query(find=("dog",), exclude=(Query(colour=("red",)),)).to_json() == {
        "find": ["dog"],
        "not": [{"colour": ["red"]}],
    }
    assert Query.from_json({"pick": {"by": "left"}}) == Query(pick=Pick("left", 1))  # nth may be left out


def nested(depth: int) -> dict[str, Any]:
    return {"not": [nested(depth - 1)]} if depth > 1 else {}


def test_queries_inside_one_another_are_bounded() -> None:
    assert Query.from_json(nested(DEEPEST)).depth() == DEEPEST
    with pytest.raises(PromptError, match="at most 6 queries inside one another"):
        Query.from_json(nested(DEEPEST + 1))


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (None, "query: expected a JSON object, got None"),
        ([], r"query: expected a JSON object, got \[\]"),
        ({"finds": ["dog"]}, "query: unknown field 'finds'; expected colour, count, find,"),
        ({"exclude": []}, "unknown field 'exclude'"),  # its name in JSON is "not"
        ({"find": "dog"}, "find: expected a list"),
        ({"find": [1]}, "expected a word, got 1"),
        ({"find": [""]}, "expected a word, got ''"),
        ({"find": ["dog"] * 1001}, "find: expected a list of at most 1000"),
        ({"colour": ["reddish"]}, "colour: expected one of black, white,"),
        ({"colour": ["pale red"]}, "got 'pale red'"),
        ({"colour": [" red"]}, "got ' red'"),
        ({"colour": ["light dark"]}, "got 'light dark'"),
        ({"size": ["large"]}, "size: expected one of tiny, small, big"),
        ({"position": ["upper"]}, "position: expected one of left, right"),
        ({"pick": {}}, "pick: field 'by' is missing"),
        ({"pick": {"by": "up"}}, "by: expected one of left, right"),
        ({"pick": {"by": "left", "nth": 0}}, "nth: expected a whole number from -1000 to 1000 but not 0, got 0"),
        ({"pick": {"by": "left", "nth": 1.5}}, "got 1.5"),
        ({"pick": {"by": "left", "nth": True}}, "got True"),
        ({"pick": "left"}, "pick: expected a JSON object"),
        ({"pick": None}, "pick: expected a JSON object, got None"),
        ({"count": -1}, "count: expected a whole number from 1 to 1000"),
        ({"count": None}, "got None"),
        ({"relations": [{"relation": "on"}]}, "relations: field 'to' is missing"),
        ({"relations": [{"relation": "atop", "to": {}}]}, "relation: expected one of left of,"),
        ({"relations": [{"relation": "between", "to": {}}]}, "expected 'and' beside 'to' for 'between'"),
        ({"relations": [{"relation": "on", "to": {}, "and": {}}]}, "and only there"),
        ({"relations": [{"relation": "on", "to": {"find": 1}}]}, "find: expected a list"),
        ({"relations": {}}, "relations: expected a list"),
        ({"not": {}}, "not: expected a list"),
        ({"or": [[]]}, "query: expected a JSON object"),
    ],
)
def test_anything_else_is_refused(document: Any, said: str) -> None:
    with pytest.raises(PromptError, match=said) as caught:
        Query.from_json(document)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 250
    assert not VALIDATOR.is_valid(document)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 3)
    | st.sampled_from(["dog", "red", "left", "big", "on", "between", ""]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                ["find", "colour", "size", "position", "relations", "relation", "to", "and", "not", "or", "pick", "by"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@settings(deadline=None, max_examples=300)
@given(JSON)
def test_the_schema_and_the_code_agree(document: Any) -> None:
    try:
        Query.from_json(document)
    except PromptError as error:
        assert not VALIDATOR.is_valid(document) or "inside one another" in str(error)
    else:
        assert VALIDATOR.is_valid(document)
