"""Segment anything in a picture by click or box: find every mask in one pass on a CPU, then choose among them.

    import anymask

    segmenter = anymask.Segmenter()
    found = segmenter("photo.jpg")
    picked = segmenter.select(found, anymask.Point([(220, 150)]))

Conventions, everywhere in this package:

- a picture is RGB, uint8, (H, W, 3);
- a point is (x, y), a box is (x1, y1, x2, y2), both floats in source pixels;
- the pixel in row r and column c covers [c, c + 1) x [r, r + 1), so its centre is (c + 0.5, r + 0.5);
- masks are bool, (N, H, W), in source pixels.

Every error raised on purpose is an `AnymaskError`. A public name is imported when it is first used, so that
`import anymask` costs nothing.
"""

import typing as _typing
from importlib import import_module as _import_module

if _typing.TYPE_CHECKING:
    from anymask.errors import (
        AnymaskError,
        DatasetError,
        ImageError,
        MissingExtraError,
        PromptError,
        SettingsError,
        ShapeError,
        WeightsError,
    )
    from anymask.image import load_image
    from anymask.maskset import MaskSet
    from anymask.prompts.box import Box
    from anymask.prompts.point import Point
    from anymask.prompts.text import Text
    from anymask.recipe.document import Recipe
    from anymask.recipe.replaying import replay
    from anymask.segment import Segmenter

__version__ = "0.1.0"

__all__ = [
    "AnymaskError",
    "Box",
    "DatasetError",
    "ImageError",
    "MaskSet",
    "MissingExtraError",
    "Point",
    "PromptError",
    "Recipe",
    "Segmenter",
    "SettingsError",
    "ShapeError",
    "Text",
    "WeightsError",
    "__version__",
    "load_image",
    "replay",
]

# Where the names that are no errors live.
_HOMES = {
    "Box": "anymask.prompts.box",
    "MaskSet": "anymask.maskset",
    "Point": "anymask.prompts.point",
    "Recipe": "anymask.recipe.document",
    "Segmenter": "anymask.segment",
    "Text": "anymask.prompts.text",
    "load_image": "anymask.image",
    "replay": "anymask.recipe.replaying",
}


if not _typing.TYPE_CHECKING:  # hidden from type checkers, which would take every misspelt name for one of these

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module 'anymask' has no attribute {name!r}")
        value: object = getattr(_import_module(_HOMES.get(name, "anymask.errors")), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return __all__
