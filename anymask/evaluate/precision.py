"""Average precision of masks that answer given boxes, as in table 6 of FastSAM (arXiv 2306.12156) and in SAM's paper.

A detector's boxes, with its scores and classes, are prompts; the first answer to each is a detection. The figures are
those of pycocotools itself: at most 100 detections a photo, IoU .50 to .95.
"""

import contextlib
import io
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from anymask import rle
from anymask.boxes import clip
from anymask.datasets import LabelledPhoto, PhotoEntry
from anymask.errors import SettingsError
from anymask.evaluate.tables import PRECISIONS

MOST = 100  # detections of a photo that COCO looks at


@dataclass(frozen=True)
class GivenBox:
    """One box of a detector."""

    box: tuple[float, float, float, float]  # x1, y1, x2, y2 in source pixels
    score: float
    category: str | None  # the name of its class


class GivenBoxes:
    """A detector's boxes of many photos, by file name, or by the number that is a COCO photo's file name."""

    def __init__(self, by_photo: Mapping[str, Sequence[GivenBox]]) -> None:
        self._by_photo = by_photo

    def named(self, picture: Path) -> Sequence[GivenBox]:
        """All boxes of the photo whose picture lies at a path."""
        number = str(int(picture.stem)) if picture.stem.isascii() and picture.stem.isdigit() else ""
        return self._by_photo.get(picture.name) or self._by_photo.get(number) or ()

    def of(self, photo: LabelledPhoto) -> list[GivenBox]:
        """The best hundred boxes of a photo, as far as they lie in it; those without area there are left out."""
        given = sorted(self.named(photo.path), key=lambda box: -box.score)
        boxes = clip(np.array([each.box for each in given], np.float64).reshape(-1, 4), photo.height, photo.width)
        inside = np.all(boxes[:, 2:] > boxes[:, :2], axis=1)
        moved = [
            GivenBox((x1, y1, x2, y2), each.score, each.category)
            for each, (x1, y1, x2, y2), keep in zip(given, boxes.tolist(), inside.tolist(), strict=True)
            if keep
        ]
        return moved[:MOST]


def read_boxes(words: str, photos: Sequence[PhotoEntry]) -> GivenBoxes | Literal["truth"]:
    """Boxes of photos from a COCO results file, or "truth" for that word.

    The file is a list of {"image_id", "category_id", "bbox": [x, y, width, height], "score"}.

    An entry may have "file_name" in place of "image_id", and "category", a name, in place of "category_id". The file
    may also be {"images": [{"id", "file_name"}], "categories": [{"id", "name"}], "annotations": the list}. Without
    either an "image_id" is the number that is the photo's file name, as it is for COCO, and classes are not known.

    Raises SettingsError if the file is missing, is something else, or has boxes of none of the photos.
    """
    if words == "truth":
        return "truth"
    file = Path(words)
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        tables = {} if isinstance(document, list) else document
        names = {image["id"]: image["file_name"] for image in tables.get("images", ())}
        categories = {category["id"]: category["name"] for category in tables.get("categories", ())}
        by_photo: dict[str, list[GivenBox]] = defaultdict(list)
        for entry in tables["annotations"] if tables else document:
            name = entry["file_name"] if "file_name" in entry else names.get(entry["image_id"], str(entry["image_id"]))
            category = entry.get("category", categories.get(entry.get("category_id")))
            x, y, width, height = map(float, entry["bbox"])
            by_photo[name].append(GivenBox((x, y, x + width, y + height), float(entry["score"]), category))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingsError(
            f"{file}: expected a list of boxes with image_id, category_id, bbox and score, as COCO's results are, "
            f"got {error!r}; or write --boxes truth"
        ) from error
    given = GivenBoxes(by_photo)
    if not any(given.named(photo.path) for photo in photos):
        raise SettingsError(
            f"{file}: expected boxes of the photos measured, such as {photos[0].path.name}, got boxes of none of them; "
            "name photos by file_name"
        )
    return given


@dataclass(frozen=True)
class Instances:
    """What is on one photo, and what was found there."""

    size: tuple[int, int]  # (height, width) of the picture
    truth: Sequence[bytes]  # (G,) compressed COCO RLE counts
    classes: Sequence[str | None]  # (G,)
    found: Sequence[bytes]  # (D,)
    found_classes: Sequence[str | None]  # (D,)
    scores: NDArray[np.float64]  # (D,)
    crowds: Sequence[bytes] = ()  # (C,) regions in which detections are neither right nor wrong, as COCO's iscrowd
    crowd_classes: Sequence[str | None] = ()  # (C,)


def average_precision(photos: Sequence[Instances]) -> dict[str, float | None]:
    """{"AP", "AP50", "AP75", "small", "medium", "large": value in [0, 1]}, None where there is no object.

    By class, unless the class of an object or of a detection is unknown: then without regard to classes.
    """
    names = {name for photo in photos for name in (*photo.classes, *photo.crowd_classes, *photo.found_classes)}
    known = None not in names
    numbers = {name: number for number, name in enumerate(sorted(names, key=str), start=1)} if known else {}
    truth: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    for image, photo in enumerate(photos, start=1):
        for kind, rles, classes, crowd in (
            (truth, photo.truth, photo.classes, 0),
            (truth, photo.crowds, photo.crowd_classes, 1),
            (found, photo.found, photo.found_classes, 0),
        ):
            for counts, area, name in zip(rles, rle.areas(rles).tolist(), classes, strict=True):
                about = {"id": len(kind) + 1, "image_id": image, "category_id": numbers.get(name, 1), "iscrowd": crowd}
                kind.append(about | {"area": area, "segmentation": {"size": [*photo.size], "counts": counts}})
        for annotation, score in zip(found[len(found) - len(photo.found) :], photo.scores.tolist(), strict=True):
            annotation["score"] = score
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints what it does
        evaluation = COCOeval(*(_coco(photos, each, max(len(numbers), 1)) for each in (truth, found)), "segm")
        evaluation.params.useCats = int(known)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    values = evaluation.stats[: len(PRECISIONS)].tolist()
    return {name: value if value >= 0 else None for name, value in zip(PRECISIONS, values, strict=True)}


def _coco(photos: Sequence[Instances], annotations: list[dict[str, Any]], classes: int) -> COCO:
    coco = COCO()
    coco.dataset = {
        "images": [{"id": image, "height": p.size[0], "width": p.size[1]} for image, p in enumerate(photos, start=1)],
        "categories": [{"id": number} for number in range(1, classes + 1)],
        "annotations": annotations,
    }
    coco.createIndex()
    return coco
