"""Are labelled photos what their annotations say? What is wrong with one, and the figures of what is drawn on it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anymask import rle
from anymask.compat.small_regions import regions
from anymask.datasets import LabelledPhoto, PhotoEntry, Problem
from anymask.errors import DatasetError


@dataclass(frozen=True)
class Inspected:
    """One photo with G objects of all annotators.

    photo: as far as it could be read; None where nothing could.
    pixels: (H, W, 3) uint8 RGB; None where they are not as the annotations say.
    areas: (G,) pixels of the objects.
    holes: (G,) which of them have a hole.
    coverage: share of the pixels that lie on an object.
    """

    photo: LabelledPhoto | None
    pixels: NDArray[np.uint8] | None
    problems: list[Problem]
    areas: NDArray[np.int64]
    holes: NDArray[np.bool_]
    coverage: float


def inspect(entry: PhotoEntry) -> Inspected:
    """Read a photo, its picture and every annotation, and tell all that is wrong."""
    problems: list[Problem] = []
    try:
        photo = entry.load(problems)
    except DatasetError as error:
        problems.append(Problem(str(error)))
        return Inspected(None, None, problems, np.zeros(0, np.int64), np.zeros(0, np.bool_), 0.0)
    pixels = None
    try:
        pixels = photo.pixels()
    except DatasetError as error:
        problems.append(Problem(str(error)))
    rles = [counts for layer in photo.layers for counts in layer]
    areas = rle.areas(rles)
    if empty := int((areas == 0).sum()):
        problems.append(Problem(f"{photo.path}: {empty} of {len(rles)} masks have no pixels", False))
    if twice := sum(len(layer) - len(set(layer)) for layer in photo.layers):
        problems.append(Problem(f"{photo.path}: {twice} of {len(rles)} masks are there twice", False))
    if not rles:
        problems.append(Problem(f"{photo.path}: there are no objects", False))
    covered = rle.areas([rle.union(rles, photo.height, photo.width)])[0] / (photo.height * photo.width)
    return Inspected(photo, pixels, problems, areas, holed(rles, photo.height, photo.width), float(covered))


def holed(rles: list[bytes], height: int, width: int) -> NDArray[np.bool_]:
    """(N,) which masks have a hole: pixels outside of which no path, corners included, leads around the mask."""
    found = np.zeros(len(rles), np.bool_)
    for index, (counts, box) in enumerate(zip(rles, rle.boxes(rles, height, width).astype(int), strict=True)):
        x1, y1, x2, y2 = box.tolist()
        if x2 > x1:
            outside = np.pad(~rle.decode_crop(counts, (x1, y1, x2, y2), height), 1, constant_values=True)
            found[index] = len(regions(outside)[1]) > 1
    return found
