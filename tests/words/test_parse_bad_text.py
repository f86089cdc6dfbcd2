"""What is no description is one clear error, and words that are no use are told."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anymask import PromptError
from anymask.words.parse import parse
from anymask.words.query import Query


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected words that describe something, got none"),
        (" \t\n", "got none"),
        ("?!", "got none"),
        (",", "got none"),
        ("the", "expected what to look for, got 'the'"),
        ("please", "got 'please'"),
        ("is is the", "got 'is is the'"),
        ("x" * 1001, "at most 1000 characters, got 1001"),
        ("a" * 10_000, "at most 1000 characters, got 10000"),
        ("red\0car", r"control character U\+0000"),
        ("red\x1b[31mcar", r"control character U\+001B"),
        ("собака", "only English is understood"),
        ("the 犬", "only English is understood"),
        ("der rote Wagen αβγ", "only English is understood"),
        ("on a dog " * 50, "at most 6 things related"),
    ],
)
def test_bad_text_is_one_clear_error(text: str, said: str) -> None:
    with pytest.raises(PromptError, match=said) as caught:
        parse(text)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("text", "unused"),
    [
        ("dog 🙂", ["🙂"]),
        ("100% dog", ["%"]),
        ("striped wooden dog", ["striped", "wooden"]),
        ("spotted green thing", ["spotted"]),
        ("shiny red metallic car", ["shiny", "metallic"]),
        ("the wooden one", ["wooden"]),
        ("a fluffy white cat and a scruffy brown one", ["fluffy", "scruffy"]),
        ("the dog asleep", ["asleep"]),
        ("the dog sleeping on the couch", ["sleeping"]),
        ("le chien", ["le"]),  # another language: its words are unknown nouns
        ("dog in", ["in"]),
    ],
)
def test_words_that_are_no_use_are_told(text: str, unused: list[str]) -> None:
    assert list(parse(text).unused) == unused


VOCABULARY = (
    "the a one second biggest red light orange left top on of in between behind not except and or , all two dog cups "
    "flurble 's closest to from that is with without thing picture 3rd 2 no both closest pair"
)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from(VOCABULARY.split()), max_size=14).map(" ".join) | st.text(max_size=60))
def test_any_text_is_a_query_or_a_prompt_error(text: str) -> None:
    try:
        query = parse(text)
    except PromptError as error:
        assert "\n" not in str(error)
    else:
        assert Query.from_json(json.loads(json.dumps(query.to_json()))) == query


# Words that mean something, and what tells of each in the query
TOLD = {
    "red": "red", "blue": "blue", "orange": "orange", "light": "light", "small": "small", "biggest": "big",
    "leftmost": "left", "second": "2", "3rd": "3", "two": "2", "left": "left", "top": "top", "middle": "middle",
    "dog": "dog", "cups": "cup", "flurble": "flurble", "striped": "striped", "really": "really", "on": "on",
    "behind": "behind", "without": "with", "not": "not",
}  # fmt: skip
GRAMMAR = (
    "the",
    "a",
    "in",
    "between",
    "except",
    "and",
    "or",
    ",",
    "all",
    "'s",
    "from",
    "that",
    "is",
    "with",
    "thing",
    "one",
)


@settings(deadline=None, max_examples=500)
@given(st.lists(st.sampled_from([*TOLD, *GRAMMAR]), min_size=1, max_size=8))
def test_no_word_is_passed_over_in_silence(words: list[str]) -> None:
    try:
        query = parse(" ".join(words))
    except PromptError:
        return
    told = json.dumps(query.to_json())
    assert [word for word in words if word in TOLD and not (TOLD[word] in told or word in told)] == []


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("the biggest smallest cup", {"find": ["cup"], "pick": {"by": "small", "nth": 1}, "unused": ["big"]}),
        ("two three cups", {"find": ["cup"], "count": 3, "unused": ["2"]}),
        ("the second third cup", {"find": ["cup"], "pick": {"by": "left", "nth": 3}, "unused": ["2"]}),
        ("all cars except", {"find": ["car"], "unused": ["except"]}),
        ("dog without", {"find": ["dog"], "unused": ["without"]}),
        ("dog not", {"find": ["dog"], "unused": ["not"]}),
        ("dog and", {"find": ["dog"]}),
    ],
)
def test_what_is_said_twice_or_not_to_its_end(text: str, query: dict[str, object]) -> None:
    assert parse(text).to_json() == query
