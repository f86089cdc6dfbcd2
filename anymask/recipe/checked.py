"""Checking plain data by a schema, with messages for people: the part of JSON Schema that recipes need.

Not with the package jsonschema: ``anymask segment --prompt recipe.json`` is part of the base install, which stays light
(it would bring five packages, one of them compiled), and its messages name neither a cure nor the place as ours do.
Tests hold what is accepted here to what jsonschema accepts.
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from anymask.errors import PromptError
from anymask.prompts.numbers import shown

CURE = "mend the file, or record the recipe again"

KINDS: Mapping[str, Callable[[object], bool]] = {
    "object": lambda value: isinstance(value, dict) and all(isinstance(key, str) for key in value),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool) and _is_finite(value),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
}
NAMES = {
    "object": "a JSON object",
    "array": "a list",
    "string": "a text",
    "boolean": "true or false",
    "null": "null",
    "number": "a number",
    "integer": "a whole number",
}


def check(value: object, schema: Mapping[str, Any], name: str) -> None:
    """Raise PromptError, of one line that names the place inside ``name``, unless plain data are as a schema says.

    Of JSON Schema these words are known: type, const, enum, minimum, maximum, multipleOf, pattern, maxLength, items,
    minItems, maxItems, properties, required, additionalProperties. What has the word "$ref" is not looked into.
    """
    if "$ref" in schema:
        return
    kinds = [schema["type"]] if isinstance(schema.get("type"), str) else schema.get("type", [])
    if not _fits(value, schema, kinds):
        raise wrong(name, wanted(schema), value)
    if isinstance(value, list):
        for index, each in enumerate(value):
            check(each, schema.get("items", {}), f"{name}[{index}]")
    elif isinstance(value, dict):
        known, others = schema.get("properties", {}), schema.get("additionalProperties", False)
        for field, each in value.items():
            if field not in known and not others:
                raise PromptError(f"{name}: unknown field {shown(field)}, expected {', '.join(known)}: {CURE}")
            check(each, known.get(field, others), f"{name}.{shown(field)[1:-1]}")
        if missing := [field for field in schema.get("required", ()) if field not in value]:
            raise PromptError(f"{name}: field {missing[0]!r} is missing: {CURE}")


def wrong(name: str, expected: str, got: object) -> PromptError:
    """The error for a value that is not what was expected."""
    return PromptError(f"{name}: expected {expected}, got {shown(got)}: {CURE}")


def _fits(value: Any, schema: Mapping[str, Any], kinds: list[str]) -> bool:
    """Whether a value is what the schema says, without what is inside it."""
    if kinds and not any(KINDS[kind](value) for kind in kinds):
        return False
    if "const" in schema and (value != schema["const"] or isinstance(value, bool) != isinstance(schema["const"], bool)):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if isinstance(value, str):
        within = len(value) <= schema.get("maxLength", math.inf)
        # Python's $ lets a line feed follow
        return within and re.search(schema.get("pattern", "").replace("$", r"\Z"), value) is not None
    if isinstance(value, list):
        return bool(schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", math.inf))
    if isinstance(value, int | float) and not isinstance(value, bool):
        inside: bool = schema.get("minimum", -math.inf) <= value <= schema.get("maximum", math.inf)
        return inside and value % schema.get("multipleOf", value or 1) == 0
    return True


def wanted(schema: Mapping[str, Any]) -> str:
    """What a schema asks for, in words."""
    if "const" in schema:
        return shown(schema["const"])
    if "enum" in schema:
        return " or ".join("null" if each is None else repr(each) for each in schema["enum"])
    kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    said = " or ".join(NAMES[kind] for kind in kinds)
    said += f" that is a multiple of {schema['multipleOf']}" if "multipleOf" in schema else ""
    bounds = [f"{word} {schema[key]}" for word, key in (("from", "minimum"), ("to", "maximum")) if key in schema]
    said += "".join(f" {bound}" for bound in bounds)
    said += f" like {schema['examples'][0]!r}" if "examples" in schema else ""
    said += f" of at most {schema['maxLength']} characters" if "maxLength" in schema else ""
    counts = [schema.get(key) for key in ("minItems", "maxItems")]
    if "array" in kinds:
        said += f" of {counts[0] if counts[0] == counts[1] else f'{counts[0] or 0} to {counts[1]}'} entries"
    return said


def _is_finite(value: float) -> bool:
    return isinstance(value, int) or math.isfinite(value)
