"""Checking what people write into prompts."""

import math
from typing import Any

from anymask.errors import PromptError


def to_numbers(values: object, name: str, count: int) -> tuple[float, ...]:
    """``count`` finite floats.

    Raises:
        PromptError: anything else, named as ``name``.
    """
    try:
        numbers = tuple(float(value) for value in values)  # type: ignore[attr-defined]
    except (TypeError, ValueError) as error:
        raise PromptError(f"{name}: expected {count} numbers, got {values!r}") from error
    if len(numbers) != count or not all(math.isfinite(number) for number in numbers):
        raise PromptError(f"{name}: expected {count} finite numbers, got {values!r}")
    return numbers


def only_fields(fields: dict[str, Any], known: set[str], needed: set[str], name: str) -> None:
    """Check the fields of a JSON object.

    Raises:
        PromptError: a field is unknown or missing.
    """
    unknown, missing = sorted(set(fields) - known), sorted(needed - set(fields))
    if unknown:
        raise PromptError(f"{name} prompt: unknown field {unknown[0]!r}; expected {', '.join(sorted(known))}")
    if missing:
        raise PromptError(f"{name} prompt: field {missing[0]!r} is missing")


