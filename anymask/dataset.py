"""Labelled photographs: COCO-shaped annotations with masks, and the split into training and kept-out photos.

One collection is a folder with ``images/`` and ``annotations.json.gz`` whose images state in ``labelled`` what an
unlabelled pixel means: "all" background, "most" a few objects are missing, "some" only some objects are labelled.
"""

import csv
import gzip
import hashlib
import json
import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from anymask import rle
from anymask.errors import DatasetError

Side = Literal["train", "kept_out"]
Item = TypeVar("Item")


@dataclass(frozen=True)
class LabelledPhoto:
    """One photo and what was drawn on it. ``layers`` holds one entry per annotator, each a full labelling."""

    collection: str
    path: Path
    height: int  # pixels
    width: int
    labelled: str  # "all", "most" or "some"
    layers: tuple[tuple[bytes, ...], ...]  # compressed COCO RLE counts of every mask
    labels: tuple[tuple[str | None, ...], ...]  # class names beside them, where the collection has any

    def masks(self, layer: int = 0) -> NDArray[np.bool_]:
        """(N, height, width) masks of one annotator.

        Raises:
            DatasetError: the run lengths of a mask do not fill the picture.
        """
        masks = np.empty((len(self.layers[layer]), self.height, self.width), bool)
        for index, counts in enumerate(self.layers[layer]):
            try:
                masks[index] = rle.decode(counts, self.height, self.width)
            except (ValueError, IndexError) as error:
                raise DatasetError(
                    f"{self.path}: mask {index} is no compressed COCO RLE of {self.height} x {self.width} pixels "
                    f"({error}); mend its annotation or take the photo out of the split file"
                ) from error
        return masks


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


def read_photos(
    folder: Path, split_file: Path, side: Side, collections: frozenset[str] | None = None
) -> list[LabelledPhoto]:
    """The photos of one side of the split, in the order of collection and file name.

    Args:
        folder: holds one folder per collection.
        split_file: see ``read_split``; photos it does not name are left out.
        side: "train" or "kept_out".
        collections: names to keep; all when None.

    Raises:
        DatasetError: nothing was found, or a collection cannot be read.
    """
    split = read_split(split_file)
    photos: list[LabelledPhoto] = []
    for annotations in sorted(folder.glob("*/annotations.json.gz")):
        collection = annotations.parent.name
        if collections is None or collection in collections:
            photos += [
                photo
                for photo in _read_collection(annotations)
                if split.get((collection, photo.path.name)) == side and photo.layers
            ]
    if not photos:
        wanted = ", ".join(sorted(collections)) if collections else "<collection>"
        raise DatasetError(
            f"{folder}: no photos of the side {side!r} found; expected {wanted}/annotations.json.gz and images/ in it, "
            f"with photos that {split_file} names"
        )
    return photos


def _read_collection(annotations: Path) -> list[LabelledPhoto]:
    try:
        with gzip.open(annotations, "rt", encoding="utf-8") as stream:
            document: dict[str, Any] = json.load(stream)
        drawn: dict[int, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
        by_annotator = annotations.parent.name == "bsds"  # there `label` is the person who drew, not a class
        for annotation in document["annotations"]:
            layer = annotation["label"] if by_annotator else ""
            drawn[annotation["image_id"]][layer].append(annotation)
        photos = []
        for image in sorted(document["images"], key=lambda image: str(image["file_name"])):
            layers = [drawn[image["id"]][name] for name in sorted(drawn[image["id"]])]
            photos.append(
                LabelledPhoto(
                    annotations.parent.name,
                    annotations.parent / "images" / image["file_name"],
                    image["height"],
                    image["width"],
                    _labelled(image["labelled"]),
                    tuple(tuple(a["segmentation"]["counts"].encode() for a in layer) for layer in layers),
                    tuple(tuple(None if by_annotator else a["label"] for a in layer) for layer in layers),
                )
            )
        return photos
    except (OSError, EOFError, zlib.error, KeyError, ValueError, TypeError, AttributeError) as error:
        raise DatasetError(
            f"{annotations}: expected gzipped COCO-shaped JSON with compressed RLE, got {error!r}; "
            "write it again, or name the collections to read"
        ) from error


def _labelled(word: str) -> str:
    if word not in ("all", "most", "some"):
        raise ValueError(f"labelled {word!r} is neither 'all' nor 'most' nor 'some'")
    return word


def content_hash(path: Path) -> str:
    """The first 16 hex digits of the SHA-256 of a file: how the split file names a photo's content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def first_of_each(photos: Sequence[LabelledPhoto], limit: int | None) -> list[LabelledPhoto]:
    """The first so many photos of each collection, which lie side by side; all when None."""
    return [photo for _, members in groupby(photos, lambda photo: photo.collection) for photo in islice(members, limit)]


def spread(items: Sequence[Item], most: int) -> Sequence[Item]:
    """At most so many of the items, evenly spread; in their order."""
    return [items[index * len(items) // most] for index in range(most)] if len(items) > most else items
