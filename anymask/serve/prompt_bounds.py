"""How much the prompts of one request may ask: few bytes of JSON can ask for hours of work."""

from collections.abc import Sequence
from typing import Any

from anymask.errors import PromptError
from anymask.prompts.numbers import shown

MOST_PROMPTS = 100
MOST_VALUES = 5000  # numbers, words, lists and objects in all; a point with its label is four
MOST_OBJECTS = 300  # prompts and the queries in them: each of those is answered by itself
MOST_CHARACTERS = 20_000  # in all
MOST_POINTS = 200  # in all: a mask may be drawn anew for each
FARTHEST = 1e7  # pixels from the picture's corner: far from where the arithmetic of boxes overflows


def check_prompts(documents: Sequence[dict[str, Any]]) -> None:
    """Raises PromptError for prompts that ask for more than is answered, or whose words UTF-8 cannot write."""
    given = [each.get("points") for each in documents]
    points = sum(len(each) for each in given if isinstance(each, list))
    values = objects = characters = 0
    left: list[Any] = list(documents)
    while left:
        value = left.pop()
        values += 1
        if isinstance(value, dict):
            objects += 1
            left.extend(value)
            left.extend(value.values())
            values -= len(value)  # a name is no value
        elif isinstance(value, list):
            left.extend(value)
        elif isinstance(value, str):
            characters += len(value)
            if not value.isascii() and any("\ud800" <= each <= "\udfff" for each in value):
                raise PromptError("prompts: expected text, got half of a surrogate pair; send whole characters")
        elif isinstance(value, int | float) and not -FARTHEST <= value <= FARTHEST:
            raise PromptError(f"prompts: expected numbers from -{FARTHEST:g} to {FARTHEST:g}, got {shown(value)}")
        for number, most, name in (
            (points, MOST_POINTS, "points"),
            (values + len(left), MOST_VALUES, "values"),
            (objects, MOST_OBJECTS, "prompts and queries in them"),
            (characters, MOST_CHARACTERS, "characters"),
        ):
            if number > most:
                raise PromptError(f"prompts: expected at most {most} {name} in all, got more; ask in several requests")
