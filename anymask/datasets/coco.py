"""COCO and LVIS JSON, plain or gzipped (cocodataset.org/#format-data, lvisdataset.org/dataset).

Annotations are packed as they are read and become masks when their photo is loaded.
"""

import gzip
import json
import zlib
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from anymask.datasets.photo import Frame, Labelled, LabelledPhoto, Problem, checked_labelled, draw
from anymask.datasets.segmentation import Annotation
from anymask.errors import DatasetError

BROKEN = (OSError, EOFError, zlib.error, KeyError, ValueError, TypeError, AttributeError)  # JSON of another shape
LOOKED_FOR = 20  # pictures, until one is found that tells their folder


@dataclass(frozen=True, slots=True)
class ListedPhoto:
    """A photo of a JSON document with its annotations as they stand there; see `PhotoEntry`."""

    collection: str
    path: Path
    height: int
    width: int
    labelled: Labelled
    annotations: tuple[Annotation, ...]

    def load(self, problems: list[Problem] | None = None) -> LabelledPhoto:
        """See `PhotoEntry`."""
        frame = Frame(self.collection, self.path, self.height, self.width, self.labelled)
        return draw(frame, self.annotations, problems)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON document, gzipped or not. Raises one of ``BROKEN``."""
    with path.open("rb") as stream:
        is_gzipped = stream.read(2) == b"\x1f\x8b"
    with gzip.open(path, "rb") if is_gzipped else path.open("rb") as stream:
        document: dict[str, Any] = json.load(stream, object_hook=_packed)
    return document


def _packed(fields: dict[str, Any]) -> dict[str, Any]:
    """Polygons as arrays of eight bytes a number: as Python's floats they take several times as much."""
    if isinstance(segmentation := fields.get("segmentation"), list):
        with suppress(TypeError):  # no numbers: told when the photo is loaded
            fields["segmentation"] = [array("d", polygon) for polygon in segmentation]
    return fields


def list_coco(
    path: Path,
    images: Path | None = None,
    wanted: Callable[[str], bool] = lambda name: True,
    problems: list[Problem] | None = None,
) -> list[ListedPhoto]:
    """The photos of a COCO or LVIS document, in the order of their file names.

    ``labelled`` is what an image states, else "some" in LVIS and "most" in COCO. Crowds are ignored regions. Photos
    without an object are listed too.

    Args:
        path: the JSON file.
        images: the folder of the pictures; looked for beside the annotations when None.
        wanted: is asked with each picture's name.
        problems: where given, annotations of unknown images are told there.

    Raises:
        DatasetError: the file is of another shape, or not one of its pictures is found.
    """
    try:
        document = read_json(path)
        labels = {each["id"]: str(each["name"]) for each in document.get("categories", [])}
        objects: dict[Any, list[Annotation]] = defaultdict(list)
        for each in document["annotations"]:
            label = labels.get(each.get("category_id"), each.get("label"))
            annotation = Annotation(each.get("id", ""), each.get("segmentation"), label, "", bool(each.get("iscrowd")))
            objects[each["image_id"]].append(annotation._replace(name=f"annotation {annotation.name}"))
        is_lvis = any("not_exhaustive_category_ids" in image for image in document["images"])
        names = {image["id"]: _file_name(image) for image in document["images"]}
        if len(names) < len(document["images"]):
            raise ValueError(f"{len(document['images']) - len(names)} images with the id of another")
        folder = _folder_of_pictures(path, images, sorted(names.values()))
        photos = [
            ListedPhoto(
                path.name.partition(".")[0],
                folder / names[image["id"]],
                int(image["height"]),
                int(image["width"]),
                checked_labelled(image.get("labelled", "some" if is_lvis else "most")),
                tuple(objects.get(image["id"], ())),
            )
            for image in sorted(document["images"], key=lambda image: names[image["id"]])
            if wanted(names[image["id"]])
        ]
    except BROKEN as error:
        raise DatasetError(
            f"{path}: expected COCO or LVIS JSON with images and annotations, got {error!r}; name such a file"
        ) from error
    if problems is not None:
        unknown = objects.keys() - names.keys()
        problems += [Problem(f"{path}: annotations of the image {each}, which is not listed") for each in unknown]
    return photos


def _file_name(image: dict[str, Any]) -> str:
    """A picture's name with its folder, if any; LVIS gives both at the end of an address."""
    if "file_name" in image:
        return str(image["file_name"])
    return str(PurePosixPath(*PurePosixPath(urlsplit(image["coco_url"]).path).parts[-2:]))


def _folder_of_pictures(path: Path, images: Path | None, names: list[str]) -> Path:
    """The folder in which one of the first pictures lies."""
    if not names:
        raise ValueError("no images")
    folders = [images] if images is not None else list(_near(path.parent))
    for name in islice(names, LOOKED_FOR):
        for folder in folders:
            if (folder / name).is_file():
                return folder
    looked = ", ".join(map(str, folders[:4])) + (" and other folders near it" if len(folders) > 4 else "")
    raise DatasetError(f"{path}: its pictures, such as {names[0]}, are not in {looked}; name their folder (--images)")


def _near(folder: Path) -> Iterator[Path]:
    """Where pictures lie by custom: beside the annotations or one folder up, in ``images`` or a folder by the split."""
    for base in (folder, folder / "images", folder.parent, folder.parent / "images"):
        if base.is_dir():
            yield base
            yield from sorted(child for child in base.iterdir() if child.is_dir())
