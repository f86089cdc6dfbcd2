"""How many more small objects a look finds, on kept-out photos laid four by four into mosaics.

    python scripts/measure_zoom.py PHOTOS [--collections NAME,...] [--mosaics N] [--look windows|cells] [--score S]

PHOTOS holds the labelled photographs. Each mosaic is segmented once at 640 network pixels along its longest side, and
then looked at piece by piece at native pixels: in 640-pixel windows that overlap, or at each photo's cell. Small are
objects under 32 x 32 *network* pixels of the first pass: what it shows too small to see. Recall is that of the 1000
masks of the highest score; "all masks" counts every mask.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anymask import MaskSet, Segmenter, rle
from anymask.datasets import LabelledPhoto, read_photos
from anymask.evaluate.recall import match
from anymask.letterbox import GREY

ROOT = Path(__file__).resolve().parent.parent
ACROSS = 4  # photos along each side of a mosaic
IMAGE_SIZE = 640  # network pixels of the first pass
WINDOW = 640  # source pixels
SMALL = 32**2  # network pixels
TOP = 1000  # masks

Boxes = list[tuple[int, int, int, int]]


@dataclass(frozen=True)
class Mosaic:
    """An (H, W, 3) picture, the RLEs of its objects, and the box of each cell."""

    picture: NDArray[np.uint8]
    truth: list[bytes]
    cells: Boxes


def lay(photos: list[LabelledPhoto]) -> Mosaic:
    """16 photos at their own size, each in the top left corner of a cell as large as the largest of them."""
    height, width = max(photo.height for photo in photos), max(photo.width for photo in photos)
    size = (ACROSS * height, ACROSS * width)
    picture = np.full((*size, 3), GREY, np.uint8)
    truth, cells = [], []
    for index, photo in enumerate(photos):
        top, left = index // ACROSS * height, index % ACROSS * width
        picture[top : top + photo.height, left : left + photo.width] = photo.pixels()
        truth += [rle.encode_crop(mask, left, top, *size) for mask in photo.masks() if mask.any()]
        cells.append((left, top, left + photo.width, top + photo.height))
    return Mosaic(picture, truth, cells)


def mosaics(photos: list[LabelledPhoto]) -> Iterator[Mosaic]:
    """Photos of like shape lie together, so that little is empty; those that do not fill a mosaic are left out."""
    alike = sorted(photos, key=lambda photo: (photo.width, photo.height, photo.path.name))
    for start in range(0, len(alike) - ACROSS**2 + 1, ACROSS**2):
        yield lay(alike[start : start + ACROSS**2])


def windows(height: int, width: int) -> Boxes:
    """Squares of ``WINDOW`` pixels, evenly spaced, that cover a picture."""
    starts = []
    for side in (height, width):
        count = -(-side // WINDOW)
        starts.append(np.linspace(0, max(0, side - WINDOW), count).astype(int).tolist())
    return [(x, y, min(x + WINDOW, width), min(y + WINDOW, height)) for y in starts[0] for x in starts[1]]


def ranks(found: MaskSet, truth: list[bytes], chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(T, G) rank by score of the mask that finds each of the chosen objects, for each IoU from .50 to .95."""
    order = np.argsort(-found.scores, kind="stable")
    objects = [counts for counts, wanted in zip(truth, chosen, strict=True) if wanted]
    return match(rle.iou([found.rles[index] for index in order], objects, *found.size))


def line(name: str, before: list[NDArray[np.int64]], after: list[NDArray[np.int64]]) -> str:
    """One group of objects as a row: AR@1000, recall@1000 at IoU .5, and that of all masks, before -> after."""
    cells = [f"{name:6}{sum(rank.shape[1] for rank in before):8}"]
    for limit, thresholds in ((TOP, slice(None)), (TOP, slice(1)), (np.iinfo(np.int64).max, slice(1))):
        old, new = (
            float(np.concatenate([rank[thresholds] < limit for rank in side], axis=1).mean())
            for side in (before, after)
        )
        cells.append(f"{old:.3f} -> {new:.3f} (x {new / max(old, 1e-9):.2f})")
    return "  ".join(cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--collections", default="coco,coco_panoptic")
    parser.add_argument("--mosaics", type=int, default=None, help="only the first so many")
    parser.add_argument("--look", choices=("windows", "cells"), default="windows")
    parser.add_argument("--score", type=float, default=0.0, help="of the masks that a look adds, at least")
    given = parser.parse_args()
    collections = frozenset(given.collections.split(","))
    photos = read_photos(given.photos, ROOT / "data" / "photos_split.csv", "kept_out", collections)

    segmenter = Segmenter()
    segmenter(np.zeros((IMAGE_SIZE, IMAGE_SIZE, 3), np.uint8), image_size=IMAGE_SIZE)  # the first run is slower
    before: dict[str, list[NDArray[np.int64]]] = {"small": [], "others": []}
    after: dict[str, list[NDArray[np.int64]]] = {"small": [], "others": []}
    first = looking = 0.0
    looks = 0
    for number, mosaic in enumerate(mosaics(photos)):
        if number == given.mosaics:
            break
        height, width, _ = mosaic.picture.shape
        start = time.perf_counter()
        found = segmenter(mosaic.picture, image_size=IMAGE_SIZE)
        once = time.perf_counter()
        seen = found
        boxes = windows(height, width) if given.look == "windows" else mosaic.cells
        for box in boxes:
            seen = segmenter.look(seen, box, score=given.score)
        end = time.perf_counter()
        first, looking, looks = first + once - start, looking + end - once, looks + len(boxes)
        small = rle.areas(mosaic.truth) * (IMAGE_SIZE / max(height, width)) ** 2 < SMALL
        for name, chosen in (("small", small), ("others", ~small)):
            before[name].append(ranks(found, mosaic.truth, chosen))
            after[name].append(ranks(seen, mosaic.truth, chosen))
        print(f"{width} x {height}: {len(found)} masks, {len(seen)} after {len(boxes)} looks", flush=True)
    if not looks:
        raise SystemExit(f"{len(photos)} photos do not fill a mosaic of {ACROSS**2}: name more --collections")
    print("objects  number  AR@1000                    recall@1000, IoU .5        recall of all masks, IoU .5")
    for name in before:
        print(line(name, before[name], after[name]))
    count = len(before["small"])
    print(f"first pass {first / count:.2f} s a mosaic; {looks / count:.0f} looks {looking / count:.2f} s", end="; ")
    print(
        f"all in all {(first + looking) / first:.1f} times as long, a look {looking / looks / first * count:.2f} times"
    )


if __name__ == "__main__":
    main()
