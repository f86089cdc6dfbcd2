"""The figures of an evaluation's document: what they are called, which photos they are of, and how to go through them.

A figure is {"value", "low", "high"}, the last two its interval, which some figures lack; None where there is nothing to
measure.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from anymask.evaluate.recall import AREAS

Figure = Mapping[str, float]
Keys = tuple[str, ...]

# What a group of photos has beside the IoU that prompts get.
NOT_PROMPTS = frozenset({"photos", "objects", "asked", "ar", "box ar", "ap", "edges", "words", "queries"})

# Figures of which less is better.
LESS_IS_BETTER = frozenset({"none though there", "false alarms"})

# What the IoU that a prompt gets is called for people.
PROMPT_NAMES = {
    "click": "a click, the best of three answers",
    "first click": "a click, the first answer",
    "one correction": "and one corrective click",
    "two corrections": "and two",
    "box": "a tight box",
    "border": "a tight box: border alone",
    "detector's click": "without the refiner: a click, the best of three",
    "detector's click, zoomed": "without the refiner: a click, the best of three, looking closer where nothing fits",
    "detector's box": "without the refiner: a tight box",
    "detector's box, zoomed": "without the refiner: a tight box, looking closer where nothing fits",
    "detector's border": "without the refiner: a tight box, border alone",
}


def prompts_of(group: Mapping[str, Any]) -> dict[str, Mapping[str, Figure | None]]:
    """{name: {size: figure}} of all prompts of a group: those that have a name for people first, in that order."""
    names = [name for name in PROMPT_NAMES if name in group]
    names += [name for name in group if name not in NOT_PROMPTS and name not in PROMPT_NAMES]
    return {name: group[name] for name in names if set(group[name]) == set(AREAS)}


def groups_of(collections: Sequence[str]) -> dict[str, list[int]]:
    """{group: indices of its photos}, given the collection of each photo; no group is empty."""
    groups = {name: {name} for name in sorted(set(collections))}
    groups |= {"coco and voc": {"coco", "voc"}, "all": set(collections)}
    members = {
        group: [index for index, collection in enumerate(collections) if collection in names]
        for group, names in groups.items()
    }
    return {group: indices for group, indices in members.items() if indices}


def walk(node: Mapping[str, Any], path: Keys = ()) -> Iterator[tuple[Keys, Figure]]:
    """Every figure below a part of a document, with the keys that lead to it."""
    for name, inner in node.items():
        if isinstance(inner, Mapping):
            if "value" in inner:
                yield (*path, name), inner
            else:
                yield from walk(inner, (*path, name))
