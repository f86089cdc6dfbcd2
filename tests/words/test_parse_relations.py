"""From English descriptions to queries: how things lie to others, and what belongs to which of them."""

from typing import Any

import pytest

from anymask.words.parse import parse
from anymask.words.query import Query


@pytest.mark.parametrize(
    ("text", "query"),
    [
        (
            "woman in the blue top",
            {"find": ["woman"], "relations": [{"relation": "in", "to": {"find": ["top"], "colour": ["blue"]}}]},
        ),
        ("woman wearing a top", {"find": ["woman"], "relations": [{"relation": "with", "to": {"find": ["top"]}}]}),
        (
            "the cup in the top left",
            {"find": ["cup"], "position": ["top", "left"], "pick": {"by": "top left", "nth": 1}},
        ),
        (
            "the cup in the white top drawer",
            {
                "find": ["cup"],
                "relations": [
                    {
                        "relation": "in",
                        "to": {
                            "find": ["drawer"],
                            "colour": ["white"],
                            "position": ["top"],
                            "pick": {"by": "top", "nth": 1},
                        },
                    }
                ],
            },
        ),
        (
            "the bird on the horse's back",
            {"find": ["bird"], "relations": [{"relation": "on", "to": {"find": ["horse"]}}], "unused": ["back"]},
        ),
        (
            "the bird on the back of the horse",
            {"find": ["bird"], "relations": [{"relation": "on", "to": {"find": ["horse"]}}]},
        ),
        ("woman cutting the cake", {"find": ["woman"], "relations": [{"relation": "with", "to": {"find": ["cake"]}}]}),
        (
            "the dog catching a frisbee",
            {"find": ["dog"], "relations": [{"relation": "with", "to": {"find": ["frisbee"]}}]},
        ),
        ("woman painting a wall", {"find": ["woman"], "relations": [{"relation": "with", "to": {"find": ["wall"]}}]}),
        (
            "the girl who is feeding two dogs",
            {"find": ["girl"], "relations": [{"relation": "with", "to": {"find": ["dog"], "count": 2}}]},
        ),
        (
            "the cup between the fork and the knife",
            {
                "find": ["cup"],
                "relations": [{"relation": "between", "to": {"find": ["fork"]}, "and": {"find": ["knife"]}}],
            },
        ),
        (
            "the man in the red shirt",
            {"find": ["man"], "relations": [{"relation": "in", "to": {"find": ["shirt"], "colour": ["red"]}}]},
        ),
        (
            "person sitting on the bench",
            {"find": ["person"], "relations": [{"relation": "on", "to": {"find": ["bench"]}}], "unused": ["sitting"]},
        ),
        ("thing on the table", {"relations": [{"relation": "on", "to": {"find": ["table"]}}]}),
        ("what is on the table", {"relations": [{"relation": "on", "to": {"find": ["table"]}}]}),
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
        ("above the couch", {"relations": [{"relation": "above", "to": {"find": ["couch"]}}]}),
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
        ("objects on the table", {"relations": [{"relation": "on", "to": {"find": ["table"]}}]}),
        (
            "the animal between the trees",
            {
                "find": ["animal"],
                "relations": [{"relation": "between", "to": {"find": ["tree"]}, "and": {"find": ["tree"]}}],
            },
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
            "bikes leaning against the wall",
            {"find": ["bike"], "relations": [{"relation": "next to", "to": {"find": ["wall"]}}], "unused": ["leaning"]},
        ),
        (
            "the guy standing to the left of the bus",
            {"find": ["guy"], "relations": [{"relation": "left of", "to": {"find": ["bus"]}}], "unused": ["standing"]},
        ),
        (
            "the cup in front of the laptop on the right",
            {
                "find": ["cup"],
                "relations": [
                    {
                        "relation": "in front of",
                        "to": {"find": ["laptop"], "position": ["right"], "pick": {"by": "right", "nth": 1}},
                    }
                ],
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
            "the dog closest to the person on the left",
            {
                "find": ["dog"],
                "relations": [
                    {
                        "relation": "nearest to",
                        "to": {"find": ["person"], "position": ["left"], "pick": {"by": "left", "nth": 1}},
                    }
                ],
            },
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
        ("the top of the table", {"relations": [{"relation": "on", "to": {"find": ["table"]}}]}),
        ("the middle of the table", {"relations": [{"relation": "in", "to": {"find": ["table"]}}]}),
        ("the ones on the table", {"relations": [{"relation": "on", "to": {"find": ["table"]}}]}),
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
            "wheel of the red car",
            {"find": ["wheel"], "relations": [{"relation": "part of", "to": {"find": ["car"], "colour": ["red"]}}]},
        ),
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
        (
            "giraffe with its head down",
            {"find": ["giraffe"], "relations": [{"relation": "with", "to": {"find": ["head"]}}], "unused": ["down"]},
        ),
        (
            "the slice of cake on the plate",
            {"find": ["cake"], "relations": [{"relation": "on", "to": {"find": ["plate"]}}], "unused": ["slice"]},
        ),
        (
            "the bowl with broccoli in it",
            {
                "find": ["bowl"],
                "relations": [{"relation": "with", "to": {"find": ["broccoli"]}}],
                "unused": ["in", "it"],
            },
        ),
        (
            "the donut with pink frosting",
            {"find": ["donut"], "relations": [{"relation": "with", "to": {"find": ["frosting"], "colour": ["pink"]}}]},
        ),
        (
            "yellow fire hydrant by the sidewalk",
            {
                "find": ["fire hydrant"],
                "colour": ["yellow"],
                "relations": [{"relation": "next to", "to": {"find": ["sidewalk"]}}],
            },
        ),
        (
            "the man in the black jacket",
            {"find": ["man"], "relations": [{"relation": "in", "to": {"find": ["jacket"], "colour": ["black"]}}]},
        ),
        (
            "person in the middle with the red shirt",
            {
                "find": ["person"],
                "position": ["middle"],
                "relations": [{"relation": "with", "to": {"find": ["shirt"], "colour": ["red"]}}],
            },
        ),
        (
            "the cat lying on the laptop's keyboard",
            {
                "find": ["cat"],
                "relations": [
                    {
                        "relation": "on",
                        "to": {
                            "find": ["keyboard"],
                            "relations": [{"relation": "part of", "to": {"find": ["laptop"]}}],
                        },
                    }
                ],
                "unused": ["lying"],
            },
        ),
        ("everything in the bowl", {"relations": [{"relation": "in", "to": {"find": ["bowl"]}}]}),
        ("things next to the laptop", {"relations": [{"relation": "next to", "to": {"find": ["laptop"]}}]}),
        ("objects to the left of the cup", {"relations": [{"relation": "left of", "to": {"find": ["cup"]}}]}),
        ("what is to the left of the cup", {"relations": [{"relation": "left of", "to": {"find": ["cup"]}}]}),
        ("who is wearing a hat", {"relations": [{"relation": "with", "to": {"find": ["hat"]}}]}),
        ("the one wearing a hat", {"relations": [{"relation": "with", "to": {"find": ["hat"]}}]}),
        (
            "the person who sits on the bench",
            {"find": ["person"], "relations": [{"relation": "on", "to": {"find": ["bench"]}}], "unused": ["sits"]},
        ),
        (
            "dog between the man and the woman",
            {
                "find": ["dog"],
                "relations": [{"relation": "between", "to": {"find": ["man"]}, "and": {"find": ["woman"]}}],
            },
        ),
        (
            "the cup between the two plates",
            {
                "find": ["cup"],
                "relations": [
                    {
                        "relation": "between",
                        "to": {"find": ["plate"], "count": 2},
                        "and": {"find": ["plate"], "count": 2},
                    }
                ],
            },
        ),
        (
            "the cars between the bus and the truck on the left",
            {
                "find": ["car"],
                "relations": [
                    {
                        "relation": "between",
                        "to": {"find": ["bus"]},
                        "and": {"find": ["truck"], "position": ["left"], "pick": {"by": "left", "nth": 1}},
                    }
                ],
            },
        ),
        (
            "the bird above the tree and left of the building",
            {
                "find": ["bird"],
                "relations": [
                    {"relation": "above", "to": {"find": ["tree"]}},
                    {"relation": "left of", "to": {"find": ["building"]}},
                ],
            },
        ),
        (
            "the cup on the table and next to the laptop",
            {
                "find": ["cup"],
                "relations": [
                    {"relation": "on", "to": {"find": ["table"]}},
                    {"relation": "next to", "to": {"find": ["laptop"]}},
                ],
            },
        ),
    ],
)
def test_a_description_is_read_as_a_query(text: str, query: dict[str, Any]) -> None:
    assert parse(text).to_json() == query
    assert parse(f"  {text.upper()}. ").to_json() == query  # neither case, blanks nor a full stop matter
    assert Query.from_json(query) == parse(text)
