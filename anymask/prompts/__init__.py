"""Prompts: cheap choices on the masks that exist already.

A new prompt is one file with a class that keeps the contract in ``base.Prompt``, and one row in ``PROMPTS``.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from anymask.errors import PromptError
from anymask.maskset import MaskSet
from anymask.prompts.base import Prompt
from anymask.prompts.box import Box
from anymask.prompts.numbers import shown
from anymask.prompts.point import Point
from anymask.prompts.text import Text

__all__ = ["PROMPTS", "Box", "Point", "Prompt", "Text", "as_list", "parse", "parse_json", "select"]

PROMPTS: Mapping[str, type[Prompt]] = {"point": Point, "box": Box, "text": Text}


def parse(document: object) -> Prompt:
    """The prompt that a JSON object describes, e.g. ``{"type": "box", "box": [10, 20, 200, 300]}``.

    Raises:
        PromptError: not an object, an unknown type, or fields that do not fit the type.
    """
    if not isinstance(document, dict):
        raise PromptError(f"prompt: expected a JSON object with a 'type', got {shown(document)}")
    fields: dict[str, Any] = dict(document)
    name = fields.pop("type", None)
    prompt = PROMPTS.get(name) if isinstance(name, str) else None
    if prompt is None:
        raise PromptError(f"prompt: expected a type out of {', '.join(PROMPTS)}, got {shown(name)}")
    return prompt.from_json(fields)


def parse_json(text: str) -> list[Prompt]:
    """The prompts of a JSON text: one object, or a list of them.

    Raises:
        PromptError: not JSON, or not prompts.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PromptError(f"prompt: expected JSON, got {error}") from error
    return [parse(item) for item in (document if isinstance(document, list) else [document])]


def as_list(prompt: Prompt | Sequence[Prompt]) -> list[Prompt]:
    """One prompt or several as a list.

    Raises:
        PromptError: something in it is no prompt.
    """
    given: Any = prompt
    prompts = list(given) if isinstance(given, Sequence) and not isinstance(given, str | bytes) else [given]
    for each in prompts:
        if not isinstance(each, tuple(PROMPTS.values())):
            kinds = ", ".join(kind.__name__ for kind in PROMPTS.values())
            raise PromptError(f"prompt: expected one of {kinds}, or a list of them, got {shown(each)}")
    return prompts


def select(found: MaskSet, prompt: Prompt | Sequence[Prompt], described: MaskSet | None = None) -> MaskSet:
    """The masks of ``found`` that answer one prompt or each of several, in their order, best first for each.

    The result's ``prompt`` (M,) and ``rank`` (M,) say which prompt a mask answers and as which candidate. An answer may
    also be a mask made of those of ``found``: without a part, or several together.

    described: what texts choose among, where that is not ``found``: after a closer look only the old masks have labels.

    Raises:
        PromptError: a prompt makes no sense on this picture, or is no prompt at all.
    """
    prompts = as_list(prompt)
    labelled = found if described is None else described
    chosen = [each.choose(labelled if isinstance(each, Text) else found) for each in prompts]
    counts = [len(masks) for masks in chosen]
    return replace(
        MaskSet.concatenate([found[:0], *chosen]),
        prompt=np.repeat(np.arange(len(prompts)), counts),
        rank=np.concatenate([np.zeros(0, np.int64), *(np.arange(count) for count in counts)]),
    )
