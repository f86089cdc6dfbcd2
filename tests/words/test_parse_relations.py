"""From English descriptions to queries: how things lie to others, and what belongs to which of them."""

from typing import Any

import pytest

from anymask.words.parse import parse
from anymask.words.query import Query


@pytest.mark.parametrize(
    ("text", "query"),
    [
        (
            "person left of the laptop",
            {"find": ["person"], "relations": [{"relation": "left of", "to": {"find": ["laptop"]}}]},
        ),
        ("the cup on the table", {"find": ["cup"], "relations": [{"relation": "on", "to": {"find": ["table"]}}]}),
        ("the man behind the car", {"find": ["man"], "relations": [{"relation": "behind", "to": {"find": ["car"]}}]}),
        ("the orange on the table", {"find": ["orange"], "relations": [{"relation": "on", "to": {"find": ["table"]}}]}),
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
        (
            "the man in the red shirt",
            {"find": ["man"], "relations": [{"relation": "in", "to": {"find": ["shirt"], "colour": ["red"]}}]},
        ),
        ("the man's hat", {"find": ["hat"], "relations": [{"relation": "part of", "to": {"find": ["man"]}}]}),
        ("the wheel of the car", {"find": ["wheel"], "relations": [{"relation": "part of", "to": {"find": ["car"]}}]}),
        (
            "the car closest to the tree",
            {"find": ["car"], "relations": [{"relation": "nearest to", "to": {"find": ["tree"]}}]},
        ),
        (
            "person sitting on the bench",
            {"find": ["person"], "relations": [{"relation": "on", "to": {"find": ["bench"]}}], "unused": ["sitting"]},
        ),
        ("person riding a horse", {"find": ["person"], "relations": [{"relation": "on", "to": {"find": ["horse"]}}]}),
        (
            "the cup to the left of the laptop",
            {"find": ["cup"], "relations": [{"relation": "left of", "to": {"find": ["laptop"]}}]},
        ),
        (
            "the cup on the left side of the table",
            {"find": ["cup"], "relations": [{"relation": "left of", "to": {"find": ["table"]}}]},
        ),
        ("thing on the table", {"relations": [{"relation": "on", "to": {"find": ["table"]}}]}),
        ("what is on the table", {"relations": [{"relation": "on", "to": {"find": ["table"]}}]}),
        (
            "the person in front of the bus",
            {"find": ["person"], "relations": [{"relation": "in front of", "to": {"find": ["bus"]}}]},
        ),
        (
            "wine glasses on the table",
            {"find": ["wine glass"], "relations": [{"relation": "on", "to": {"find": ["table"]}}]},
        ),
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
        (
            "the laptop with the mouse",
            {"find": ["laptop"], "relations": [{"relation": "with", "to": {"find": ["mouse"]}}]},
        ),
        ("above the couch", {"relations": [{"relation": "above", "to": {"find": ["couch"]}}]}),
        ("the dog's tail", {"find": ["tail"], "relations": [{"relation": "part of", "to": {"find": ["dog"]}}]}),
        (
            "the person with the red umbrella",
            {"find": ["person"], "relations": [{"relation": "with", "to": {"find": ["umbrella"], "colour": ["red"]}}]},
        ),
        (
            "a man in a blue shirt",
            {"find": ["man"], "relations": [{"relation": "in", "to": {"find": ["shirt"], "colour": ["blue"]}}]},
        ),
        (
            "the dog lying on the sofa",
            {"find": ["dog"], "relations": [{"relation": "on", "to": {"find": ["sofa"]}}], "unused": ["lying"]},
        ),
        ("the kid with the kite", {"find": ["kid"], "relations": [{"relation": "with", "to": {"find": ["kite"]}}]}),
        (
            "the woman holding an umbrella",
            {"find": ["woman"], "relations": [{"relation": "with", "to": {"find": ["umbrella"]}}]},
        ),
        ("the bus behind the taxi", {"find": ["bus"], "relations": [{"relation": "behind", "to": {"find": ["taxi"]}}]}),
        (
            "the tennis player's racket",
            {"find": ["racket"], "relations": [{"relation": "part of", "to": {"find": ["tennis player"]}}]},
        ),
        ("the plane in the sky", {"find": ["plane"], "relations": [{"relation": "in", "to": {"find": ["sky"]}}]}),
        ("objects on the table", {"relations": [{"relation": "on", "to": {"find": ["table"]}}]}),
        (
            "the person furthest from the car",
            {"find": ["person"], "relations": [{"relation": "farthest from", "to": {"find": ["car"]}}]},
        ),
        (
            "the animal between the trees",
            {
                "find": ["animal"],
                "relations": [{"relation": "between", "to": {"find": ["tree"]}, "and": {"find": ["tree"]}}],
            },
        ),
        (
            "the sink under the mirror",
            {"find": ["sink"], "relations": [{"relation": "below", "to": {"find": ["mirror"]}}]},
        ),
        (
            "the cars parked on the street",
            {"find": ["car"], "relations": [{"relation": "on", "to": {"find": ["street"]}}], "unused": ["parked"]},
        ),
        (
            "the black suitcase next to the man",
            {
                "find": ["suitcase"],
                "colour": ["black"],
                "relations": [{"relation": "next to", "to": {"find": ["man"]}}],
            },
        ),
        (
            "the bottle closest to the laptop",
            {"find": ["bottle"], "relations": [{"relation": "nearest to", "to": {"find": ["laptop"]}}]},
        ),
        (
            "bikes leaning against the wall",
            {"find": ["bike"], "relations": [{"relation": "next to", "to": {"find": ["wall"]}}], "unused": ["leaning"]},
        ),
        (
            "traffic light above the road",
            {"find": ["traffic light"], "relations": [{"relation": "above", "to": {"find": ["road"]}}]},
        ),
        (
            "the guy standing to the left of the bus",
            {"find": ["guy"], "relations": [{"relation": "left of", "to": {"find": ["bus"]}}], "unused": ["standing"]},
        ),
        (
            "the cup in front of the laptop on the right",
            {
                "find": ["cup"],
                "relations": [{"relation": "in front of", "to": {"find": ["laptop"], "position": ["right"]}}],
            },
        ),
        ("what's on the table?", {"relations": [{"relation": "on", "to": {"find": ["table"]}}]}),
        (
            "the tall man next to the short woman",
            {
                "find": ["man"],
                "size": ["tall"],
                "relations": [{"relation": "next to", "to": {"find": ["woman"], "size": ["short"]}}],
            },
        ),
        (
            "cup with a spoon in it",
            {"find": ["cup"], "relations": [{"relation": "with", "to": {"find": ["spoon"]}}], "unused": ["in", "it"]},
        ),
        (
            "the person not wearing a hat",
            {"find": ["person"], "not": [{"relations": [{"relation": "with", "to": {"find": ["hat"]}}]}]},
        ),
        (
            "the car nearest the tree",
            {"find": ["car"], "relations": [{"relation": "nearest to", "to": {"find": ["tree"]}}]},
        ),
        (
            "the dog closest to the person on the left",
            {
                "find": ["dog"],
                "relations": [{"relation": "nearest to", "to": {"find": ["person"], "position": ["left"]}}],
            },
        ),
        (
            "the books on the left side of the shelf",
            {"find": ["book"], "relations": [{"relation": "left of", "to": {"find": ["shelf"]}}]},
        ),
        (
            "the small brown dog with the ball",
            {
                "find": ["dog"],
                "colour": ["brown"],
                "size": ["small"],
                "relations": [{"relation": "with", "to": {"find": ["ball"]}}],
            },
        ),
        (
            "the cat under the table and the dog on the sofa",
            {
                "find": ["cat"],
                "relations": [{"relation": "below", "to": {"find": ["table"]}}],
                "or": [{"find": ["dog"], "relations": [{"relation": "on", "to": {"find": ["sofa"]}}]}],
            },
        ),
        (
            "the cat that is under the table",
            {"find": ["cat"], "relations": [{"relation": "below", "to": {"find": ["table"]}}]},
        ),
        (
            "the dog and the cat on the sofa",
            {"find": ["dog"], "or": [{"find": ["cat"], "relations": [{"relation": "on", "to": {"find": ["sofa"]}}]}]},
        ),
        ("the top of the table", {"relations": [{"relation": "on", "to": {"find": ["table"]}}]}),
        ("the middle of the table", {"relations": [{"relation": "in", "to": {"find": ["table"]}}]}),
        ("the ones on the table", {"relations": [{"relation": "on", "to": {"find": ["table"]}}]}),
        (
            "the dog which is behind the fence",
            {"find": ["dog"], "relations": [{"relation": "behind", "to": {"find": ["fence"]}}]},
        ),
        (
            "the woman in the white dress with the handbag",
            {
                "find": ["woman"],
                "relations": [
                    {"relation": "in", "to": {"find": ["dress"], "colour": ["white"]}},
                    {"relation": "with", "to": {"find": ["handbag"]}},
                ],
            },
        ),
        (
            "the man to the left of the woman in red",
            {"find": ["man"], "relations": [{"relation": "left of", "to": {"find": ["woman"], "colour": ["red"]}}]},
        ),
        (
            "the man who is riding the horse",
            {"find": ["man"], "relations": [{"relation": "on", "to": {"find": ["horse"]}}]},
        ),
        ("man on horse", {"find": ["man"], "relations": [{"relation": "on", "to": {"find": ["horse"]}}]}),
        ("giraffe's head", {"find": ["head"], "relations": [{"relation": "part of", "to": {"find": ["giraffe"]}}]}),
        (
            "wheel of the red car",
            {"find": ["wheel"], "relations": [{"relation": "part of", "to": {"find": ["car"], "colour": ["red"]}}]},
        ),
        ("the leg of the table", {"find": ["leg"], "relations": [{"relation": "part of", "to": {"find": ["table"]}}]}),
        (
            "the clock on the building in the background",
            {
                "find": ["clock"],
                "relations": [{"relation": "on", "to": {"find": ["building"], "position": ["background"]}}],
            },
        ),
        (
            "the wine glass between the two bottles",
            {
                "find": ["wine glass"],
                "relations": [
                    {
                        "relation": "between",
                        "to": {"find": ["bottle"], "count": 2},
                        "and": {"find": ["bottle"], "count": 2},
                    }
                ],
            },
        ),
        (
            "person between two cars",
            {
                "find": ["person"],
                "relations": [
                    {"relation": "between", "to": {"find": ["car"], "count": 2}, "and": {"find": ["car"], "count": 2}}
                ],
            },
        ),
        ("left of the laptop", {"relations": [{"relation": "left of", "to": {"find": ["laptop"]}}]}),
        ("above the table", {"relations": [{"relation": "above", "to": {"find": ["table"]}}]}),
        ("to the right of the cup", {"relations": [{"relation": "right of", "to": {"find": ["cup"]}}]}),
        (
            "the laptop's keyboard",
            {"find": ["keyboard"], "relations": [{"relation": "part of", "to": {"find": ["laptop"]}}]},
        ),
        (
            "mouse next to the keyboard",
            {"find": ["mouse"], "relations": [{"relation": "next to", "to": {"find": ["keyboard"]}}]},
        ),
        (
            "remote controls on the couch",
            {"find": ["remote control"], "relations": [{"relation": "on", "to": {"find": ["couch"]}}]},
        ),
        ("half of the pizza", {"relations": [{"relation": "part of", "to": {"find": ["pizza"]}}], "unused": ["half"]}),
        (
            "the car on the road near the building",
            {
                "find": ["car"],
                "relations": [
                    {
                        "relation": "on",
                        "to": {"find": ["road"], "relations": [{"relation": "next to", "to": {"find": ["building"]}}]},
                    }
                ],
            },
        ),
        (
            "the person sitting at the table",
            {
                "find": ["person"],
                "relations": [{"relation": "next to", "to": {"find": ["table"]}}],
                "unused": ["sitting"],
            },
        ),
        ("the person in the car", {"find": ["person"], "relations": [{"relation": "in", "to": {"find": ["car"]}}]}),
        ("the food on the plate", {"find": ["food"], "relations": [{"relation": "on", "to": {"find": ["plate"]}}]}),
    ],
)
def test_a_description_is_read_as_a_query(text: str, query: dict[str, Any]) -> None:
    assert parse(text).to_json() == query
    assert parse(f"  {text.upper()}. ").to_json() == query  # neither case, blanks nor a full stop matter
    assert Query.from_json(query) == parse(text)
