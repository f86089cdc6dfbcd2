"""Folders of collections, and their split into training and kept-out photos.

One collection is a folder with ``images/`` and ``annotations.json.gz``, COCO-shaped, whose images state in ``labelled``
what an unlabelled pixel means. In the collection ``bsds``, ``label`` is the person who drew; in ``coco`` some names are
wrong and are mended here, see `anymask.datasets.coco_names`.
"""

import csv
import hashlib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from anymask.datasets.coco import BROKEN, ListedPhoto, read_json
from anymask.datasets.coco_names import are_wrong, is_of_coco128, true_name
from anymask.datasets.photo import LabelledPhoto, PhotoEntry, Problem, Side, checked_labelled
from anymask.datasets.segmentation import Annotation
from anymask.errors import DatasetError

PATTERN = "*/annotations.json.gz"


def read_split(split_file: Path) -> dict[tuple[str, str], Side]:
    """(collection, file name) -> side, from the CSV that ``scripts/make_split.py`` wrote.

    Raises:
        DatasetError: the file is missing or has other columns.
    """
    try:
        with split_file.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
            return {(row["collection"], row["file_name"]): _side(row["side"]) for row in rows}
    except (OSError, KeyError, ValueError, csv.Error) as error:
        raise DatasetError(
            f"{split_file}: expected a CSV with the columns collection, file_name, side, got {error!r}; "
            "write it with scripts/make_split.py"
        ) from error


def _side(word: str) -> Side:
    if word == "train":
        return "train"
    if word == "kept_out":
        return "kept_out"
    raise ValueError(f"side {word!r} is neither 'train' nor 'kept_out'")


def list_collections(folder: Path, collections: frozenset[str] | None = None) -> list[ListedPhoto]:
    """Every photo of a folder of collections, in the order of collection and file name.

    collections: names to keep; all when None.

    Raises DatasetError if a collection cannot be read.
    """
    return [
        photo
        for annotations in sorted(folder.glob(PATTERN))
        if collections is None or annotations.parent.name in collections
        for photo in _list_collection(annotations)
    ]


def in_split(photos: Sequence[PhotoEntry], split_file: Path, problems: list[Problem]) -> list[PhotoEntry]:
    """The photos that a split names, on either side; those that it names and that are not there are told as problems.

    Raises DatasetError if the split cannot be read.
    """
    split = read_split(split_file)
    there = {(photo.collection, photo.path.name): photo for photo in photos}
    problems += [Problem(f"{split_file}: {'/'.join(each)} is not there") for each in split if each not in there]
    return [photo for named, photo in there.items() if named in split]


def list_side(
    folder: Path, split_file: Path, side: Side, collections: frozenset[str] | None = None
) -> list[ListedPhoto]:
    """The photos of one side of the split, in the order of collection and file name.

    Args:
        folder: holds one folder per collection.
        split_file: see ``read_split``; photos it does not name are left out, and those on which nothing is drawn.
        side: "train" or "kept_out".
        collections: names to keep; all when None.

    Raises:
        DatasetError: nothing was found, or a collection cannot be read.
    """
    split = read_split(split_file)
    photos = [
        photo
        for photo in list_collections(folder, collections)
        if split.get((photo.collection, photo.path.name)) == side and photo.annotations
    ]
    if not photos:
        wanted = ", ".join(sorted(collections)) if collections else "<collection>"
        raise DatasetError(
            f"{folder}: no photos of the side {side!r} found; expected {wanted}/annotations.json.gz and images/ in it, "
            f"with photos that {split_file} names"
        )
    return photos


def read_photos(
    folder: Path, split_file: Path, side: Side, collections: frozenset[str] | None = None
) -> list[LabelledPhoto]:
    """``list_side``, with all annotations read. Raises DatasetError, also if one of them cannot be read."""
    return [photo.load() for photo in list_side(folder, split_file, side, collections)]


def _list_collection(path: Path) -> list[ListedPhoto]:
    try:
        document = read_json(path)
        drawn: dict[Any, list[Annotation]] = defaultdict(list)
        by_annotator = path.parent.name == "bsds"  # there `label` is the person who drew, not a class
        for number, each in enumerate(document["annotations"]):
            label, annotator = (None, each["label"]) if by_annotator else (each["label"], "")
            annotation = Annotation(f"annotation {each.get('id', number)}", each["segmentation"], label, annotator)
            drawn[each["image_id"]].append(annotation)
        if path.parent.name == "coco":
            _mend_names(document["images"], drawn)
        return [
            ListedPhoto(
                path.parent.name,
                path.parent / "images" / image["file_name"],
                image["height"],
                image["width"],
                checked_labelled(image["labelled"]),
                tuple(drawn[image["id"]]),
            )
            for image in sorted(document["images"], key=lambda image: str(image["file_name"]))
        ]
    except BROKEN as error:
        raise DatasetError(
            f"{path}: expected gzipped COCO-shaped JSON, got {error!r}; write it again, or name the collections to read"
        ) from error


def _mend_names(images: Sequence[Any], drawn: dict[Any, list[Annotation]]) -> None:
    """The true names for those of COCO128's photos, unless one of them has a name that only a mended file has."""
    chosen = [image["id"] for image in images if is_of_coco128(image["file_name"])]
    if are_wrong(each.label for number in chosen for each in drawn[number]):
        for number in chosen:
            drawn[number] = [each._replace(label=true_name(each.label)) for each in drawn[number]]


def content_hash(path: Path) -> str:
    """The first 16 hex digits of the SHA-256 of a file: how the split file names a photo's content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
