"""The JSON Schema of a `Query`, for the published schema of prompts."""

from collections.abc import Mapping
from typing import Any

from anymask.words.query import MOST
from anymask.words.vocabulary import COLOURS, ORDERS, PLACES, RELATIONS, SIZES, TONES


def _list(items: Mapping[str, Any], description: str) -> dict[str, Any]:
    return {"description": description, "type": "array", "items": dict(items), "maxItems": MOST}


WORD = {"type": "string", "pattern": r"\S"}
NESTED = {"$ref": "#/$defs/query"}
COLOUR = f"^({'|'.join(TONES)}|(({'|'.join(TONES)}) )?({'|'.join(COLOURS)}))$"

QUERY: Mapping[str, Any] = {
    "type": "object",
    "description": "Which things are asked for. What is left out asks nothing.",
    "properties": {
        "find": _list(WORD, "English nouns, of which any fits. Any thing where there is none."),
        "colour": _list({"type": "string", "pattern": COLOUR}, "Colours that a thing must all have."),
        "size": _list({"enum": list(SIZES)}, "Sizes, against others of the kind."),
        "position": _list({"enum": list(PLACES)}, "Where in the picture."),
        "relations": _list(
            {
                "type": "object",
                "properties": {"relation": {"enum": list(RELATIONS)}, "to": NESTED, "and": NESTED},
                "required": ["relation", "to"],
                "additionalProperties": False,
                "if": {"properties": {"relation": {"const": "between"}}},
                "then": {"required": ["and"]},
                "else": {"not": {"required": ["and"]}},
            },
            "How it lies to other things; all must hold.",
        ),
        "not": _list(NESTED, "Things that are left out."),
        "pick": {
            "description": "One in an order: 1 is the first, -1 the last; with count as many from there on.",
            "type": "object",
            "properties": {
                "by": {"enum": list(ORDERS)},
                "nth": {"type": "integer", "minimum": -MOST, "maximum": MOST, "not": {"const": 0}},
            },
            "required": ["by"],
            "additionalProperties": False,
        },
        "count": {"description": "How many at most.", "type": "integer", "minimum": 1, "maximum": MOST},
        "or": _list(NESTED, "Further queries, whose answers are added."),
        "unused": _list(WORD, "Words of the text that nothing was made of."),
    },
    "additionalProperties": False,
}
