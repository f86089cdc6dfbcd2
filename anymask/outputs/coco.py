"""COCO: one JSON document for one picture, with the masks as compressed run lengths (cocodataset.org/#format-data).

`pycocotools.coco.COCO` opens the file, and `loadRes` takes its "annotations".
"""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anymask.maskset import MaskSet

IMAGE_ID = 1
UNNAMED = "object"  # the category of a mask without a label


def encode(
    found: MaskSet,
    image: NDArray[np.uint8],
    *,
    name: str = "",
    labels: Sequence[str] | None = None,
    colours: Sequence[str | None] | None = None,
) -> bytes:
    """The `document` as JSON in ASCII, on one line. The picture is not read."""
    return (json.dumps(document(found, name, labels), separators=(",", ":"), allow_nan=False) + "\n").encode("ascii")


def document(found: MaskSet, name: str = "", labels: Sequence[str] | None = None) -> dict[str, Any]:
    """A COCO dataset of one picture, as plain data.

    Annotation i + 1 is mask i, for COCO keeps the id 0 free. "bbox" is (x, y, width, height) and "area" a number of
    pixels, in source pixels. Beyond COCO there are "score", "parent" (the id of the annotation that holds this one, or
    null), and for the answers to prompts "prompt" and "rank", which count from 0. Categories are the labels, in the
    order of the alphabet.
    """
    height, width = found.size
    names = [label or UNNAMED for label in labels] if labels is not None else [UNNAMED] * len(found)
    ids = {label: number for number, label in enumerate(sorted(set(names)) or [UNNAMED], 1)}
    return {
        "info": {"description": "masks found by anymask"},
        "licenses": [],
        "images": [{"id": IMAGE_ID, "file_name": name, "width": width, "height": height}],
        "categories": [{"id": number, "name": category} for category, number in ids.items()],
        "annotations": [_annotation(found, index, ids[names[index]]) for index in range(len(found))],
    }


def _annotation(found: MaskSet, index: int, category: int) -> dict[str, Any]:
    x1, y1, x2, y2 = (float(side) for side in found.boxes[index])
    parent = int(found.parents[index])
    answers = {"prompt": found.prompt, "rank": found.rank}
    return {
        "id": index + 1,
        "image_id": IMAGE_ID,
        "category_id": category,
        "segmentation": {"size": list(found.size), "counts": found.rles[index].decode("ascii")},
        "bbox": [round(value, 3) for value in (x1, y1, x2 - x1, y2 - y1)],
        "area": int(found.areas[index]),
        "iscrowd": 0,
        "score": round(float(found.scores[index]), 6),
        "parent": None if parent < 0 else parent + 1,
        **{key: int(values[index]) for key, values in answers.items() if values is not None},
    }
