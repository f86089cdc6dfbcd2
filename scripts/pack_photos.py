"""Write a small copy of labelled photos, to train where there is little room: on a machine with a GPU and no disk.

    python scripts/pack_photos.py PHOTOS TO [--split data/photos_split.csv] [--longest 416] [--quality 55]

PHOTOS is a folder of collections, see docs/training.md. TO becomes one, of the training photos alone, and holds their
split: anymask train --photos TO --split TO/split.csv. Photos are made smaller to at most ``--longest`` pixels and
stored as AVIF; masks are read at the middles of the new pixels, and those that have none left are dropped.
"""

import argparse
import csv
import gzip
import json
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from anymask import rle
from anymask.datasets.coco import read_json
from anymask.datasets.collections import PATTERN, read_split
from anymask.datasets.segmentation import compressed
from anymask.image import load_image

ROOT = Path(__file__).resolve().parent.parent


class Task(NamedTuple):
    """One photo to be made smaller."""

    source: Path
    target: Path
    segmentations: list[Any]  # of its masks
    longest: int  # pixels
    quality: int  # of AVIF, in [0, 100]


class Made(NamedTuple):
    """What became of it."""

    height: int
    width: int
    rles: list[str | None]  # of the masks that it was given, None of one that has no pixel left


def shrink(task: Task) -> Made:
    """Write the photo. Raises ImageError if it cannot be read."""
    pixels = load_image(task.source)
    height, width, _ = pixels.shape
    scale = min(1.0, task.longest / max(height, width))
    new_height, new_width = max(1, round(height * scale)), max(1, round(width * scale))
    picture = Image.fromarray(pixels).resize((new_width, new_height), Image.Resampling.LANCZOS)
    picture.save(task.target, quality=task.quality)
    rows, columns = (
        ((np.arange(new) + 0.5) * size / new).astype(np.int64)
        for new, size in ((new_height, height), (new_width, width))
    )
    rles: list[str | None] = []
    for segmentation in task.segmentations:
        mask = rle.decode(compressed(segmentation, height, width), height, width)[np.ix_(rows, columns)]
        rles.append(rle.encode_crop(mask, 0, 0, new_height, new_width).decode() if mask.any() else None)
    return Made(new_height, new_width, rles)


def pack(photos: Path, to: Path, split_file: Path, longest: int, quality: int) -> int:
    """Write all of them. Returns how many photos there are."""
    split = read_split(split_file)
    rows = [("collection", "file_name", "side")]
    with ProcessPoolExecutor() as processes:
        for annotations in sorted(photos.glob(PATTERN)):
            collection = annotations.parent.name
            document = read_json(annotations)
            images = [each for each in document["images"] if split.get((collection, each["file_name"])) == "train"]
            drawn: dict[Any, list[Any]] = {image["id"]: [] for image in images}
            for each in document["annotations"]:
                if each["image_id"] in drawn:
                    drawn[each["image_id"]].append(each)
            (to / collection / "images").mkdir(parents=True)
            tasks = [
                Task(
                    annotations.parent / "images" / image["file_name"],
                    to / collection / "images" / Path(image["file_name"]).with_suffix(".avif").name,
                    [each["segmentation"] for each in drawn[image["id"]]],
                    longest,
                    quality,
                )
                for image in images
            ]
            packed: dict[str, list[Any]] = {"images": [], "annotations": []}
            for image, task, made in zip(images, tasks, processes.map(shrink, tasks, chunksize=8), strict=True):
                size = {"height": made.height, "width": made.width}
                packed["images"].append({**image, **size, "file_name": task.target.name})
                packed["annotations"] += [
                    {**each, "segmentation": {"size": [made.height, made.width], "counts": counts}}
                    for each, counts in zip(drawn[image["id"]], made.rles, strict=True)
                    if counts is not None
                ]
                rows.append((collection, task.target.name, "train"))
            with gzip.open(to / collection / annotations.name, "wt", encoding="utf-8") as text:
                json.dump(packed, text)
    with (to / "split.csv").open("w", newline="", encoding="utf-8") as table:
        csv.writer(table, lineterminator="\n").writerows(rows)
    return len(rows) - 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("to", type=Path)
    parser.add_argument("--split", type=Path, default=ROOT / "data" / "photos_split.csv")
    parser.add_argument("--longest", type=int, default=416, help="pixels of a photo's longest side")
    parser.add_argument("--quality", type=int, default=55, help="of AVIF")
    given = parser.parse_args()
    if given.to.exists() and any(given.to.iterdir()):
        raise SystemExit(f"{given.to}: expected an empty folder or none, got one with files in it; name another")
    count = pack(given.photos, given.to, given.split, given.longest, given.quality)
    size = sum(path.stat().st_size for path in given.to.rglob("*") if path.is_file())
    print(f"{count} photos, {size / 2**20:.1f} MiB: {given.to}")


if __name__ == "__main__":
    main()
