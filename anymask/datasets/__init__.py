"""Labelled photographs for training and measuring, in every layout that is read: see `read`."""

from collections.abc import Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Literal

from anymask.datasets.coco import list_coco
from anymask.datasets.collections import (
    PATTERN,
    content_hash,
    in_split,
    list_collections,
    list_side,
    read_photos,
    read_split,
)
from anymask.datasets.photo import LabelledPhoto, PhotoEntry, Problem, Side, first_of_each, spread
from anymask.datasets.sa1b import list_sa1b
from anymask.datasets.subset import in_subset
from anymask.datasets.yolo import list_yolo
from anymask.errors import DatasetError, SettingsError

__all__ = [
    "Kind",
    "LabelledPhoto",
    "PhotoEntry",
    "Problem",
    "content_hash",
    "first_of_each",
    "has_sides",
    "in_split",
    "in_subset",
    "kind_of",
    "read",
    "read_photos",
    "read_split",
    "spread",
]

Kind = Literal["collections", "coco", "yolo", "sa1b"]

EXPECTED = (
    "a folder of collections (*/annotations.json.gz), a COCO or LVIS .json or .json.gz, a YOLO-seg data.yaml or folder "
    "with images/ and labels/, or SA-1B as .tar shards or folders of sa_N.jpg and sa_N.json"
)


def kind_of(path: Path) -> Kind:
    """Which layout lies at a path; COCO and LVIS are one.

    Raises:
        DatasetError: nothing is there, or none of the known layouts.
    """
    if path.is_file():
        if path.name.endswith((".json", ".json.gz")):
            return "coco"
        if path.suffix in (".yaml", ".yml"):
            return "yolo"
        if path.suffix == ".tar":
            return "sa1b"
    elif path.is_dir():
        if any(path.glob(PATTERN)):
            return "collections"
        if (path / "data.yaml").is_file() or ((path / "images").is_dir() and (path / "labels").is_dir()):
            return "yolo"
        if any(chain.from_iterable(map(path.glob, ("*.tar", "sa_*.json", "*/sa_*.json")))):
            return "sa1b"
    found = "another kind of file" if path.is_file() else "another folder" if path.is_dir() else "nothing"
    raise DatasetError(f"{path}: expected {EXPECTED}; found {found} there")


def has_sides(path: Path) -> bool:
    """Whether training photos and kept-out ones are told apart: by a split file, or by train and val in data.yaml."""
    kind = kind_of(path)
    return kind == "collections" or (kind == "yolo" and (path.is_file() or (path / "data.yaml").is_file()))


def read(
    path: Path,
    *,
    side: Side | None = None,
    split: Path | None = None,
    images: Path | None = None,
    subset: float = 1.0,
    seed: int = 0,
    collections: frozenset[str] | None = None,
    problems: list[Problem] | None = None,
) -> Sequence[PhotoEntry]:
    """The photos at a path, whichever layout it has, collection by collection.

    Args:
        path: see ``EXPECTED``.
        side: which photos, where ``has_sides``; all when None.
        split: the CSV that says which photo of a folder of collections is on which side; needed there with a side.
        images: the folder of the pictures of a COCO or LVIS file; looked for near it when None.
        subset: share of the photos to keep, above 0, by their file names and the seed: see `anymask.datasets.subset`.
        seed: another one keeps other photos.
        collections: names to keep; all when None.
        problems: where given, what is wrong with the whole is told there as far as it can be read.

    Raises:
        DatasetError: the path is of no known layout, cannot be read, or has no such photos.
        SettingsError: ``subset`` is out of its range, or ``images`` is given where the layout says where they are.
        MissingExtraError: data.yaml cannot be read without PyYAML.
    """
    kind = kind_of(path)
    wanted = partial(in_subset, share=subset, seed=seed)
    wanted("")  # raises for a wrong share
    if images is not None and kind != "coco":
        raise SettingsError(
            f"{path}: a folder of pictures (--images) is named for COCO and LVIS files alone; leave it out"
        )
    photos: Sequence[PhotoEntry]
    if kind == "collections":
        if side is not None and split is not None:
            photos = list_side(path, split, side, collections)
        else:
            photos = list_collections(path, collections)
        photos = [photo for photo in photos if wanted(photo.path.name)]
    elif kind == "coco":
        photos = list_coco(path, images, wanted, problems)
    elif kind == "yolo":
        photos = list_yolo(path, side, wanted, problems)
    else:
        photos = list_sa1b(path, wanted, problems)
    photos = [photo for photo in photos if collections is None or photo.collection in collections]
    if not photos:
        named = f" of {', '.join(sorted(collections))}" if collections else ""
        raise DatasetError(f"{path}: no photos{named} found; check the path, the subset and the collections")
    return photos
