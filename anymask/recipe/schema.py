"""The JSON Schema of a recipe; ``docs/recipe.schema.json`` is what this module writes.

python -m anymask.recipe.schema > docs/recipe.schema.json
"""

import json
import sys
from typing import Any

from anymask.prompts import schema as prompts
from anymask.recipe.form import RECIPE


def schema() -> dict[str, Any]:
    """The schema, draft 2020-12, of what `Recipe.from_json` reads.

    Beyond what it says run lengths must fill the picture, a prompt that is counted must be there, and a look too.
    """
    about = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "anymask recipe"}
    return {**about, **RECIPE, "$defs": prompts.schema()["$defs"]}


def text() -> str:
    """The schema as the text of its file."""
    return json.dumps(schema(), indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
