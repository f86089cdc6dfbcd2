"""Every form of a COCO segmentation -> a compressed RLE: polygons, run lengths, compressed run lengths.

The forms are those of cocodataset.org/#format-data. A polygon is filled as pycocotools does, by the even-odd rule, so a
ring that is cut open keeps its hole. Several polygons are one object, the union of them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco


class Annotation(NamedTuple):
    """One object as it stands in a file."""

    name: str | int  # for messages
    segmentation: Any
    label: str | None = None
    annotator: str = ""
    is_crowd: bool = False  # a region neither asked for nor punished


def compressed(segmentation: Any, height: int, width: int) -> bytes:
    """The compressed RLE counts of a mask of height x width pixels.

    Counts that are compressed already are returned as they are: see `rle.fills`.

    Raises ValueError, which says in one line what is wrong.
    """
    if isinstance(segmentation, Mapping):
        size, counts = segmentation.get("size"), segmentation.get("counts")
        if not isinstance(size, Sequence) or list(size) != [height, width]:
            raise ValueError(f"its RLE is of the size {size}, and its picture of [{height}, {width}]")
        if isinstance(counts, str | bytes):
            return counts.encode() if isinstance(counts, str) else counts
        return _from_runs(_numbers(counts), height, width)
    if isinstance(segmentation, Sequence) and not isinstance(segmentation, str) and len(segmentation):
        return _from_polygons([_numbers(polygon) for polygon in segmentation], segmentation, height, width)
    raise ValueError(f"it has no segmentation: expected polygons or an RLE, got {segmentation!r:.60}")


def reaches_outside(segmentation: Any, height: int, width: int, *, by: float) -> bool:
    """Whether polygons have a corner more than ``by`` pixels outside the picture. An RLE cannot reach there."""
    if isinstance(segmentation, Mapping):
        return False
    corners = np.concatenate([_numbers(polygon).reshape(-1, 2) for polygon in segmentation])
    return bool((corners < -by).any() or (corners > np.array([width, height]) + by).any())


def _from_runs(lengths: NDArray[np.float64], height: int, width: int) -> bytes:
    whole = lengths.astype(np.int64)
    if (whole != lengths).any() or (whole < 0).any() or whole.sum() != height * width:
        raise ValueError(f"its runs have {lengths.sum():g} pixels, and its picture {height} x {width}")
    counts: bytes = coco.frPyObjects({"size": [height, width], "counts": whole.tolist()}, height, width)["counts"]
    return counts


def _from_polygons(polygons: list[NDArray[np.float64]], segmentation: Any, height: int, width: int) -> bytes:
    if any(len(polygon) < 6 or len(polygon) % 2 for polygon in polygons):
        lengths = ", ".join(str(len(polygon)) for polygon in polygons)
        raise ValueError(f"a polygon needs x and y of three corners or more, got lists of {lengths} numbers")
    if reaches_outside(segmentation, height, width, by=max(height, width)):
        raise ValueError(f"a corner of its polygon lies far outside the picture of {width} x {height} pixels")
    parts = coco.frPyObjects(polygons, height, width)
    counts: bytes = coco.merge(parts)["counts"]
    return counts


def _numbers(values: Any) -> NDArray[np.float64]:
    try:
        numbers = np.asarray(values, np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"expected a list of numbers, got {values!r:.60}") from error
    if numbers.ndim != 1 or not np.isfinite(numbers).all():
        raise ValueError(f"expected a list of finite numbers, got {values!r:.60}")
    return numbers
