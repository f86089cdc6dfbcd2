"""The JSON Schema of a prompt or a list of prompts; ``docs/prompt.schema.json`` is what this module writes.

python -m anymask.prompts.schema > docs/prompt.schema.json
"""

import json
import sys
from typing import Any

from anymask.prompts import PROMPTS
from anymask.prompts.base import Prompt


def schema() -> dict[str, Any]:
    """The schema, draft 2020-12, of what `parse_json` reads.

    It says all that a schema can. Beyond it a box needs x1 < x2 and y1 < y2, each point has one label,
    and a text must say something.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "anymask prompt",
        "description": "One prompt, or a list of prompts. Points and boxes are in pixels of the picture; (0, 0) is its "
        "top left corner, x goes right and y goes down.",
        "anyOf": [{"$ref": "#/$defs/prompt"}, {"type": "array", "items": {"$ref": "#/$defs/prompt"}}],
        "$defs": {
            "prompt": {"oneOf": [{"$ref": f"#/$defs/{name}"} for name in PROMPTS]},
            **{name: object_schema(kind) for name, kind in PROMPTS.items()},
            **{name: each for kind in PROMPTS.values() for name, each in getattr(kind, "definitions", {}).items()},
        },
    }


def object_schema(kind: type[Prompt]) -> dict[str, Any]:
    """The schema of one kind of prompt, from the schemas of its fields."""
    return {
        "type": "object",
        "description": (kind.__doc__ or "").partition("\n")[0],
        "properties": {"type": {"const": kind.type}, **kind.schema},
        "required": ["type", *(name for name, field in kind.schema.items() if "default" not in field)],
        "additionalProperties": False,
    }


def text() -> str:
    """The schema as the text of its file."""
    return json.dumps(schema(), indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
