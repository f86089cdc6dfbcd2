"""Checking what people write into prompts."""

import math
import reprlib
from collections.abc import Mapping, Set
from typing import Any

import numpy as np

from anymask.errors import PromptError


def to_numbers(values: object, name: str, count: int) -> tuple[float, ...]:
    """``count`` finite floats, of a list, tuple or array of numbers; text and truth values are no numbers.

    Raises:
        PromptError: anything else, named as ``name``.
    """
    try:
        if isinstance(values, str | bytes | Mapping | Set):
            raise TypeError("no list")
        numbers = tuple(to_number(value) for value in values)  # type: ignore[attr-defined]
    except (TypeError, ValueError, OverflowError) as error:
        raise PromptError(f"{name}: expected {count} numbers, got {shown(values)}") from error
    if len(numbers) != count or not all(math.isfinite(number) for number in numbers):
        raise PromptError(f"{name}: expected {count} finite numbers, got {shown(values)}")
    return numbers


def to_number(value: Any) -> float:
    """One number as a float; TypeError, ValueError or OverflowError for what is none."""
    if isinstance(value, str | bytes | bool) or np.ndim(value) != 0:
        raise TypeError("no number")
    return float(value)


def shown(value: object) -> str:
    """What was got, for a message: on one line, and shortened."""
    return " ".join(reprlib.repr(value).split())


def only_fields(fields: dict[str, Any], schema: Mapping[str, Any], name: str) -> None:
    """Check which fields a JSON object has: those of the schema, and all that have no default.

    Raises:
        PromptError: a field is unknown or missing.
    """
    unknown = sorted(set(fields) - set(schema), key=str)
    missing = sorted(field for field in schema if "default" not in schema[field] and field not in fields)
    if unknown:
        expected = ", ".join(sorted(schema))
        raise PromptError(f"{name} prompt: unknown field {shown(unknown[0])}; expected {expected}")
    if missing:
        raise PromptError(f"{name} prompt: field {missing[0]!r} is missing")
