"""From English descriptions to queries."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anymask import PromptError
from anymask.words.parse import parse
from anymask.words.query import Query


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("the red car on the left", {"find": ["car"], "colour": ["red"], "position": ["left"]}),
        ("dog", {"find": ["dog"]}),
        ("two cups", {"find": ["cup"], "count": 2}),
        ("all cars except the red one", {"find": ["car"], "not": [{"find": ["car"], "colour": ["red"]}]}),
        ("the second dog from the left", {"find": ["dog"], "pick": {"by": "left", "nth": 2}}),
        ("the biggest of the cups", {"find": ["cup"], "pick": {"by": "big", "nth": 1}}),
        (
            "person left of the laptop",
            {"find": ["person"], "relations": [{"relation": "left of", "to": {"find": ["laptop"]}}]},
        ),
        ("the cup on the table", {"find": ["cup"], "relations": [{"relation": "on", "to": {"find": ["table"]}}]}),
        ("the man behind the car", {"find": ["man"], "relations": [{"relation": "behind", "to": {"find": ["car"]}}]}),
        ("not the dog", {"not": [{"find": ["dog"]}]}),
        ("the leftmost", {"pick": {"by": "left", "nth": 1}}),
        ("the bottle in the upper left corner", {"find": ["bottle"], "position": ["top", "left"]}),
        ("dark", {"colour": ["dark"]}),
        ("bright umbrella", {"find": ["umbrella"], "colour": ["bright"]}),
        ("tiny bird at the top", {"find": ["bird"], "size": ["tiny"], "position": ["top"]}),
        ("the chair in the middle", {"find": ["chair"], "position": ["middle"]}),
        ("red and white", {"colour": ["red", "white"]}),
        ("light blue car", {"find": ["car"], "colour": ["light blue"]}),
        ("cat or dog", {"find": ["cat", "dog"]}),
        ("please select the big dog", {"find": ["dog"], "size": ["big"]}),
        ("show me everything red", {"colour": ["red"]}),
        ("the one on the left", {"position": ["left"]}),
        ("red and white umbrella", {"find": ["umbrella"], "colour": ["red", "white"]}),
        ("red or blue car", {"find": ["car"], "colour": ["red"], "or": [{"find": ["car"], "colour": ["blue"]}]}),
        ("the orange", {"find": ["orange"]}),
        ("orange cat", {"find": ["cat"], "colour": ["orange"]}),
        ("the orange on the table", {"find": ["orange"], "relations": [{"relation": "on", "to": {"find": ["table"]}}]}),
        ("an orange and a banana", {"find": ["orange"], "or": [{"find": ["banana"]}]}),
        ("black and white cat", {"find": ["cat"], "colour": ["black", "white"]}),
        (
            "the cup between the fork and the knife",
            {
                "find": ["cup"],
                "relations": [{"relation": "between", "to": {"find": ["fork"]}, "and": {"find": ["knife"]}}],
            },
        ),
        (
            "the person wearing a hat",
            {"find": ["person"], "relations": [{"relation": "with", "to": {"find": ["hat"]}}]},
        ),
        (
            "man without a hat",
            {"find": ["man"], "not": [{"relations": [{"relation": "with", "to": {"find": ["hat"]}}]}]},
        ),
        ("the man in red", {"find": ["man"], "colour": ["red"]}),
        (
            "the man in the red shirt",
            {"find": ["man"], "relations": [{"relation": "in", "to": {"find": ["shirt"], "colour": ["red"]}}]},
        ),
        ("the second biggest cup", {"find": ["cup"], "pick": {"by": "big", "nth": 2}}),
        ("the two biggest cups", {"find": ["cup"], "pick": {"by": "big", "nth": 1}, "count": 2}),
        ("the three leftmost bottles", {"find": ["bottle"], "pick": {"by": "left", "nth": 1}, "count": 3}),
        ("the middle cup", {"find": ["cup"], "pick": {"by": "middle", "nth": 1}}),
        ("two of the cups", {"find": ["cup"], "count": 2}),
        ("one of the dogs", {"find": ["dog"], "count": 1}),
        (
            "a red car and a blue one",
            {"find": ["car"], "colour": ["red"], "or": [{"find": ["car"], "colour": ["blue"]}]},
        ),
        (
            "red cars and blue trucks",
            {"find": ["car"], "colour": ["red"], "or": [{"find": ["truck"], "colour": ["blue"]}]},
        ),
        ("dogs and cats", {"find": ["dog", "cat"]}),
        ("the dog on the left and the cat", {"find": ["dog"], "position": ["left"], "or": [{"find": ["cat"]}]}),
        (
            "the dog on the left or on the right",
            {"find": ["dog"], "position": ["left"], "or": [{"find": ["dog"], "position": ["right"]}]},
        ),
        ("cars that are not red", {"find": ["car"], "not": [{"colour": ["red"]}]}),
        ("car not on the left", {"find": ["car"], "not": [{"position": ["left"]}]}),
        ("the man's hat", {"find": ["hat"], "relations": [{"relation": "part of", "to": {"find": ["man"]}}]}),
        ("the wheel of the car", {"find": ["wheel"], "relations": [{"relation": "part of", "to": {"find": ["car"]}}]}),
        ("a slice of pizza", {"find": ["pizza"], "unused": ["slice"]}),
        ("pair of scissors", {"find": ["scissors"], "count": 1}),
        ("a pair of dogs", {"find": ["dog"], "count": 2}),
        (
            "the car closest to the tree",
            {"find": ["car"], "relations": [{"relation": "nearest to", "to": {"find": ["tree"]}}]},
        ),
        ("the nearest car", {"find": ["car"], "pick": {"by": "near", "nth": 1}}),
        ("the striped shirt", {"find": ["shirt"], "unused": ["striped"]}),
        ("flurble", {"find": ["flurble"]}),
        ("wooden flurble on the left", {"find": ["flurble"], "position": ["left"], "unused": ["wooden"]}),
        (
            "person sitting on the bench",
            {"find": ["person"], "relations": [{"relation": "on", "to": {"find": ["bench"]}}], "unused": ["sitting"]},
        ),
        ("person riding a horse", {"find": ["person"], "relations": [{"relation": "on", "to": {"find": ["horse"]}}]}),
        ("the man facing the dog", {"find": ["man"], "unused": ["facing", "dog"]}),
        (
            "the cup to the left of the laptop",
            {"find": ["cup"], "relations": [{"relation": "left of", "to": {"find": ["laptop"]}}]},
        ),
        ("the cup on the left side of the picture", {"find": ["cup"], "position": ["left"]}),
        (
            "the cup on the left side of the table",
            {"find": ["cup"], "relations": [{"relation": "left of", "to": {"find": ["table"]}}]},
        ),
        ("everything", {}),
        ("all", {}),
        ("thing on the table", {"relations": [{"relation": "on", "to": {"find": ["table"]}}]}),
        ("what is on the table", {"relations": [{"relation": "on", "to": {"find": ["table"]}}]}),
        ("where is the cat", {"find": ["cat"]}),
        ("is there a dog in this picture?", {"find": ["dog"]}),
        ("the last car", {"find": ["car"], "pick": {"by": "left", "nth": -1}}),
        ("the second to last car", {"find": ["car"], "pick": {"by": "left", "nth": -2}}),
        ("third bottle from right", {"find": ["bottle"], "pick": {"by": "right", "nth": 3}}),
        (
            "the person in front of the bus",
            {"find": ["person"], "relations": [{"relation": "in front of", "to": {"find": ["bus"]}}]},
        ),
        ("traffic light", {"find": ["traffic light"]}),
        ("hot dogs", {"find": ["hot dog"]}),
        (
            "wine glasses on the table",
            {"find": ["wine glass"], "relations": [{"relation": "on", "to": {"find": ["table"]}}]},
        ),
        ("top left window", {"find": ["window"], "position": ["top", "left"]}),
        ("brown bear", {"find": ["brown bear"]}),
        ("big cat", {"find": ["cat"], "size": ["big"]}),
        ("the dog in the background", {"find": ["dog"], "position": ["background"]}),
        ("the biggest", {"pick": {"by": "big", "nth": 1}}),
        ("second from the left", {"pick": {"by": "left", "nth": 2}}),
        ("the cup that is biggest", {"find": ["cup"], "pick": {"by": "big", "nth": 1}}),
        (
            "the smallest red cup on the table next to the laptop",
            {
                "find": ["cup"],
                "colour": ["red"],
                "relations": [
                    {
                        "relation": "on",
                        "to": {"find": ["table"], "relations": [{"relation": "next to", "to": {"find": ["laptop"]}}]},
                    }
                ],
                "pick": {"by": "small", "nth": 1},
            },
        ),
        ("white t-shirt", {"find": ["t shirt"], "colour": ["white"]}),
        (
            "the laptop with the mouse",
            {"find": ["laptop"], "relations": [{"relation": "with", "to": {"find": ["mouse"]}}]},
        ),
        ("cars, buses and trucks", {"find": ["car", "bus", "truck"]}),
        ("3 dogs", {"find": ["dog"], "count": 3}),
        ("the 2nd dog", {"find": ["dog"], "pick": {"by": "left", "nth": 2}}),
        ("no dogs", {"not": [{"find": ["dog"]}]}),
        ("all dogs but not the brown one", {"find": ["dog"], "not": [{"find": ["dog"], "colour": ["brown"]}]}),
        ("everything but the dog", {"not": [{"find": ["dog"]}]}),
        ("anything that is not a person", {"not": [{"find": ["person"]}]}),
        ("the light", {"find": ["light"]}),
        ("tv", {"find": ["tv"]}),
        ("upper lip", {"find": ["upper"], "unused": ["lip"]}),
        ("left", {"position": ["left"]}),
        ("on the left", {"position": ["left"]}),
        ("above the couch", {"relations": [{"relation": "above", "to": {"find": ["couch"]}}]}),
        ("the dog's tail", {"find": ["tail"], "relations": [{"relation": "part of", "to": {"find": ["dog"]}}]}),
        ("a glass of wine", {"find": ["glass"], "relations": [{"relation": "part of", "to": {"find": ["wine"]}}]}),
        ("the dark red sofa", {"find": ["sofa"], "colour": ["dark red"]}),
        ("not red", {"not": [{"colour": ["red"]}]}),
        ("the tallest person", {"find": ["person"], "pick": {"by": "tall", "nth": 1}}),
        ("taller man", {"find": ["man"], "pick": {"by": "tall", "nth": 1}}),
        ("the first two cups from the left", {"find": ["cup"], "pick": {"by": "left", "nth": 1}, "count": 2}),
    ],
)
def test_a_description_is_read_as_a_query(text: str, query: dict[str, Any]) -> None:
    assert parse(text).to_json() == query
    assert parse(f"  {text.upper()}. ").to_json() == query  # neither case, blanks nor a full stop matter
    assert Query.from_json(query) == parse(text)


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
