"""What the options of ``anymask segment`` ask for: prompts, or a recipe."""

import json
from pathlib import Path

import typer

from anymask.errors import PromptError
from anymask.prompts import Box, Point, Prompt, Text, parse_json
from anymask.recipe import Recipe


def read_prompts(
    points: list[str], boxes: list[str], texts: list[str], files: list[str]
) -> tuple[list[Prompt], Recipe | None]:
    """The prompts of the command line: all points are one object, each box and text is one, a file holds any number.

    Or the recipe that a file holds, which stands alone.
    """
    prompts: list[Prompt] = []
    if points:
        numbers = [split_numbers(text, "--point", (2, 3)) for text in points]
        labels = [row[2] if len(row) == 3 else 1 for row in numbers]
        try:
            prompts.append(Point([row[:2] for row in numbers], labels))  # type: ignore[arg-type]  # Point checks them
        except PromptError as error:
            raise typer.BadParameter(str(error), param_hint="--point") from error
    for text in boxes:
        try:
            prompts.append(Box(split_numbers(text, "--box", (4,))))
        except PromptError as error:
            raise typer.BadParameter(str(error), param_hint="--box") from error
    for words in texts:
        try:
            prompts.append(Text(words))
        except PromptError as error:
            raise typer.BadParameter(str(error), param_hint="--text") from error
    for file in files:
        read = read_prompt_file(file)
        if isinstance(read, Recipe):
            if prompts or len(files) > 1:
                raise typer.BadParameter(
                    f"{file}: expected a recipe alone, for it holds prompts, got others beside it: leave those out",
                    param_hint="--prompt",
                )
            return [], read
        prompts += read
    return prompts, None


def read_prompt_file(file: str) -> list[Prompt] | Recipe:
    """The prompts of a JSON file, at least one, or the recipe that it holds. Raises PromptError."""
    try:
        text = Path(file).read_text(encoding="utf-8-sig")
        if is_recipe(text):
            return Recipe.from_text(text)
        prompts = parse_json(text)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise PromptError(f"{file}: expected a JSON file with prompts in UTF-8, got: {reason}") from error
    except PromptError as error:
        raise PromptError(f"{file}: {error}") from error
    if not prompts:
        raise PromptError(f"{file}: expected at least one prompt, got an empty list; leave it out to find every mask")
    return prompts


def is_recipe(text: str) -> bool:
    """Whether a text says of itself that it is a recipe."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and document.get("type") == "recipe"


def split_numbers(text: str, option: str, counts: tuple[int, ...]) -> list[float]:
    """Comma-separated numbers, as many as one of ``counts``."""
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in counts:
        wanted = " or ".join(map(str, counts))
        raise typer.BadParameter(f"expected {wanted} numbers with commas between them, got {text!r}", param_hint=option)
    return numbers
