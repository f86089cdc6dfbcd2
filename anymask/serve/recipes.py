"""Objects of the database as those of a recipe, and back."""

from typing import Any

from anymask.prompts import parse
from anymask.recipe import Look, Selected
from anymask.serve.images import ImageRecord

HOW = ("label", "colour", "mask", "prompt", "rank", "refine", "zoom", "looks", "score")  # as both call it


def selected_of(document: dict[str, Any]) -> Selected:
    """An object as a recipe holds it; one that tells of no mask and no prompts was drawn by hand."""
    prompts = tuple(parse(each) for each in document["prompts"])
    drawn = document["edited"] or (document["mask"] is None and not prompts)
    how = {name: document[name] for name in HOW}
    return Selected(document["rle"]["counts"].encode("ascii"), edited=drawn, prompts=prompts, **how)


def document_of(selected: Selected, size: tuple[int, int]) -> dict[str, Any]:
    """What is kept of an object of a recipe; size is (height, width) of the picture."""
    return {
        **{name: getattr(selected, name) for name in HOW},
        "prompts": [each.to_json() for each in selected.prompts],
        "edited": selected.edited,
        "visible": True,
        "locked": False,
        "rle": {"size": list(size), "counts": selected.rle.decode("ascii")},
    }


def looks_of(record: ImageRecord) -> tuple[Look, ...]:
    """The closer looks at an image."""
    return tuple(Look((*each["box"],), each["image_size"]) for each in record.looks)
