"""The YOLO-seg layout as Ultralytics documents it (docs.ultralytics.com/datasets/segment).

``images/**/a.jpg`` has its objects in ``labels/**/a.txt``, one a line: a class number, then x and y of a polygon's
corners as shares of the picture's width and height. ``data.yaml`` names the folders of pictures and the classes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from anymask.datasets.photo import Frame, Labelled, LabelledPhoto, Problem, Side, checked_labelled, draw, refuse
from anymask.datasets.segmentation import Annotation
from anymask.errors import DatasetError, ImageError, MissingExtraError
from anymask.image import SUFFIXES, read_size

KEYS: dict[Side | None, tuple[str, ...]] = {"train": ("train",), "kept_out": ("val",), None: ("train", "val", "test")}
SLACK = 0.01  # of the picture, by which rounded corners may lie outside


@dataclass(frozen=True, slots=True)
class YoloPhoto:
    """A picture and its file of labels; see `PhotoEntry`."""

    collection: str
    path: Path
    labels: Path
    labelled: Labelled
    names: dict[int, str]  # of the classes, shared by all photos

    def load(self, problems: list[Problem] | None = None) -> LabelledPhoto:
        """See `PhotoEntry`. A picture without a file of labels has no objects."""
        try:
            height, width = read_size(self.path)
            lines = self.labels.read_text("utf-8").splitlines() if self.labels.is_file() else []
        except (ImageError, OSError, UnicodeDecodeError) as error:
            raise DatasetError(f"{self.path}: expected a picture and its labels, got {error}") from error
        objects = []
        for number, line in enumerate(lines, 1):
            try:
                if line.strip():
                    objects.append(self._annotation(line, number, height, width))
            except ValueError as error:
                refuse(f"{self.labels}:{number}: {error}", problems, error)
        return draw(Frame(self.collection, self.path, height, width, self.labelled), objects, problems)

    def _annotation(self, line: str, number: int, height: int, width: int) -> Annotation:
        """One line. Raises ValueError."""
        try:
            label, *shares = (float(word) for word in line.split())
        except ValueError:
            raise ValueError(f"expected a class number and corners, all of them numbers, got {line!r:.60}") from None
        if not np.isfinite(label):
            raise ValueError(f"expected a class number, got {label}")
        if len(shares) < 6 or len(shares) % 2:
            kind = "a box" if len(shares) == 4 else f"{len(shares)} numbers"
            raise ValueError(f"expected x and y of a polygon's three or more corners after the class, got {kind}")
        corners = np.array(shares)
        if not ((corners >= -SLACK) & (corners <= 1 + SLACK)).all():
            raise ValueError(f"expected shares of the picture from 0 to 1, got {min(shares):g} to {max(shares):g}")
        polygon = (corners.reshape(-1, 2).clip(0, 1) * (width, height)).ravel()
        return Annotation(f"{self.labels.name}:{number}", [polygon], self.names.get(int(label), f"{label:g}"))


def list_yolo(
    path: Path,
    side: Side | None = None,
    wanted: Callable[[str], bool] = lambda name: True,
    problems: list[Problem] | None = None,
) -> list[YoloPhoto]:
    """The photos of a data set, in the order of their paths.

    ``labelled`` is what data.yaml states under that word, else "most".

    Args:
        path: data.yaml, a folder that holds it, or a folder with images/ and labels/.
        side: "train" and "kept_out" are data.yaml's train and val, None is all; without data.yaml, all in any case.
        wanted: is asked with each picture's name.
        problems: where given, labels without a picture are told there.

    Raises:
        DatasetError: data.yaml is of another shape, or names what is not there.
        MissingExtraError: PyYAML is not installed.
    """
    document = path if path.is_file() else path / "data.yaml"
    fields = _read_yaml(document) if document.is_file() else {"train": "images"}
    try:
        root = document.parent / fields.get("path", "")
        classes: Any = fields.get("names", {})
        names = {
            int(key): str(value)
            for key, value in (classes.items() if isinstance(classes, dict) else enumerate(classes))
        }
        labelled = checked_labelled(fields.get("labelled", "most"))
        given = [fields[key] for key in (KEYS[side] if document.is_file() else KEYS[None]) if fields.get(key)]
        if not given:
            raise ValueError(f"nothing under {' or '.join(KEYS[side])}")
        places = [root / each for value in given for each in ([value] if isinstance(value, str) else value)]
    except (TypeError, ValueError, AttributeError) as error:
        raise DatasetError(
            f"{document}: expected data.yaml with path, train, val and names, got {error}; mend it"
        ) from error
    pictures = sorted({picture for place in places for picture in _pictures(place, document, root)})
    collection = document.parent.resolve().name
    photos = [
        YoloPhoto(collection, picture, labels_of(picture), labelled, names)
        for picture in pictures
        if wanted(picture.name)
    ]
    if problems is not None:
        paired = {labels_of(picture) for picture in pictures}
        folders = {labels.parent for labels in paired}
        lone = sorted(file for folder in folders for file in folder.glob("*.txt") if file not in paired)
        problems += [Problem(f"{file}: there is no picture for these labels") for file in lone]
    return photos


def labels_of(picture: Path) -> Path:
    """Where a picture's labels are: in ``labels`` in the place of the last ``images`` of its path, else beside it."""
    parts = list(picture.parts)
    if "images" in parts[:-1]:
        parts[len(parts) - 2 - parts[-2::-1].index("images")] = "labels"
    return Path(*parts).with_suffix(".txt")


def _pictures(place: Path, document: Path, root: Path) -> Iterator[Path]:
    """Those of a folder, of any depth, or those that a text file names."""
    if place.is_dir():
        yield from (file for file in place.rglob("*") if file.suffix.lower() in SUFFIXES)
    elif place.is_file():
        yield from (root / line.strip() for line in place.read_text("utf-8").splitlines() if line.strip())
    else:
        raise DatasetError(
            f"{document}: expected a folder or a list of pictures at {place}, which is not there; mend it"
        )


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        import yaml
    except ModuleNotFoundError as error:
        raise MissingExtraError(f'{path} needs PyYAML: pip install "anymask[train]"') from error
    try:
        fields = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise DatasetError(f"{path}: expected YAML, got {' '.join(str(error).split())}; mend it") from error
    if not isinstance(fields, dict):
        raise DatasetError(f"{path}: expected data.yaml with path, train, val and names, got {fields!r:.60}; mend it")
    return fields
