"""Every error this package raises on purpose.

    Exception
    └── AnymaskError
        ├── ImageError                       a picture cannot be read; `.name` is its file
        ├── ShapeError        (ValueError)   an array has the wrong shape
        ├── PromptError       (ValueError)   a point, box or text prompt makes no sense
        ├── WeightsError                     the weights of a model are missing, damaged or of another model
        ├── DatasetError                     labelled photographs for training or evaluation cannot be read
        ├── MissingExtraError (ImportError)  an optional dependency is not installed
        └── SettingsError     (ValueError)   a keyword or an option is out of its range

`except AnymaskError` catches all of them. Those that say that a value is wrong are also the built-in error that Python
programs expect there. Each message is one line that names the thing, what was expected, what was got, and the cure.
"""

import unicodedata
from typing import Protocol

__all__ = [
    "AnymaskError",
    "DatasetError",
    "ImageError",
    "MissingExtraError",
    "PromptError",
    "SettingsError",
    "ShapeError",
    "WeightsError",
    "check_shape",
    "printable",
]


REINSTALL = "install anymask again: pip install --force-reinstall anymask"  # the cure for a broken installation


class AnymaskError(Exception):
    """The root of the tree above."""


class ImageError(AnymaskError):
    """A picture cannot be read, or there is none where one was expected.

    `name` is the file, folder or pattern as the user wrote it, or a description such as "bytes" where there is no file.
    """

    def __init__(self, message: str, *, name: str = "") -> None:
        super().__init__(message)
        self.name = name


class ShapeError(AnymaskError, ValueError):
    """An array has another shape than the one the function takes."""


class PromptError(AnymaskError, ValueError):
    """A prompt is malformed: an unknown type, points outside the picture, a box without area, no words."""


class WeightsError(AnymaskError):
    """The weights of a model cannot be found, fetched or read, or are not those of the model that was named."""


class MissingExtraError(AnymaskError, ImportError):
    """An optional dependency is missing; the message holds the `pip install "anymask[...]"` that brings it."""


class DatasetError(AnymaskError):
    """Labelled photos, their annotations or their split cannot be read."""


class SettingsError(AnymaskError, ValueError):
    """A keyword, an option or a setting is out of its range."""


TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # make text run the other way


def printable(text: object, longest: int | None = None) -> str:
    """What a file or a server says, fit for a terminal: on one line, and without characters that control it.

    longest: how many characters at most; None for all.
    """
    line = " ".join(str(text).splitlines())
    if longest is not None and len(line) > longest:
        line = f"{line[:longest]}..."
    bad = {each for each in line if each in TURNING or unicodedata.category(each) in ("Cc", "Cs")}
    return line.translate({ord(each): each.encode("unicode_escape").decode() for each in bad})


class _Shaped(Protocol):
    @property
    def shape(self) -> tuple[int, ...]: ...


def check_shape(array: _Shaped, expected: str, name: str) -> None:
    """Raise `ShapeError` unless `array` has the `expected` shape.

    `expected` holds one word per axis: a number must be met, any other word is a free size, and the same word twice
    stands for the same size. So `check_shape(boxes, "N 4", "boxes")` takes (0, 4) and (7, 4), and not (4,) or (7, 5).
    """
    shape = getattr(array, "shape", None)
    if not isinstance(shape, tuple):
        kind = type(array).__name__
        raise ShapeError(f"{name} must be an array of shape {_drawn(expected)}, got {kind}: wrap it in numpy.asarray")
    if not _fits(shape, expected.split()):
        raise ShapeError(f"{name} must have shape {_drawn(expected)}, got {shape}")


def _fits(shape: tuple[int, ...], words: list[str]) -> bool:
    sizes: dict[str, int] = {}
    return len(shape) == len(words) and all(
        size == (int(word) if word.isdigit() else sizes.setdefault(word, size))
        for size, word in zip(shape, words, strict=True)
    )


def _drawn(expected: str) -> str:
    """Write "N 4" as numpy writes shapes: (N, 4), (N,), ()."""
    words = expected.split()
    return f"({words[0]},)" if len(words) == 1 else f"({', '.join(words)})"
