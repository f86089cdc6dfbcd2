"""Is the edge benchmark the published one? Canny's edges, and each annotator against the others, on photos of bsds.

    pip install '.[evaluate]'
    python scripts/verify_edges.py PHOTOS [--limit N] [--thresholds N] [--workers N] [--counts FILE]

PHOTOS holds the labelled photographs; all of bsds are used, those for training too, as nothing is learnt here.
Published: Canny ODS .60, OIS .64, AP .58; people ODS .80 (Arbelaez et al. 2011). With --counts, what was counted on a
photo is appended to a file, one JSON object a line, and a run that is started again goes on from there.
"""

import argparse
import json
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, sobel
from skimage.feature import canny
from skimage.filters import apply_hysteresis_threshold

from anymask.datasets import LabelledPhoto, read_photos
from anymask.evaluate.edges.boundary import annotator_boundaries
from anymask.evaluate.edges.counting import count_annotators, count_map, thresholds
from anymask.evaluate.edges.figures import FIGURES, summarise
from anymask.image import load_image

ROOT = Path(__file__).resolve().parent.parent
SIGMA = 2.0  # pixels, of the Gaussian before the gradient: the default of the benchmark's own Canny
LOW = 1 / 3  # of the high threshold of the hysteresis
TO_GREY = (0.299, 0.587, 0.114)


def canny_strength(image: NDArray[np.uint8], number: int) -> NDArray[np.float64]:
    """(H, W) the highest of so many thresholds at which Canny (1986) draws an edge pixel, in [0, 1].

    Canny's maps are nested: what a threshold draws, a lower one does too. 1 is the slope of a step from black to white,
    which is 1 / (SIGMA sqrt(2 pi)) once it is smoothed; thresholds of the slope are squared since most edges are weak.
    """
    grey = image @ np.array(TO_GREY) / 255
    ridges = canny(grey, SIGMA, low_threshold=0, high_threshold=0)
    smooth = gaussian_filter(grey, SIGMA)
    slope = np.hypot(sobel(smooth, 0), sobel(smooth, 1)) / 8 * SIGMA * np.sqrt(2 * np.pi) * ridges
    strength = np.zeros(grey.shape)
    for level in thresholds(number):
        strength[apply_hysteresis_threshold(slope, LOW * level**2, level**2)] = level
    return strength


def count(photo: LabelledPhoto, number: int) -> dict[str, Any]:
    """The counts of one photo: (thresholds, 4) of Canny, (1, 4) of the annotators."""
    boundaries = annotator_boundaries(photo)
    strength = canny_strength(load_image(photo.path), number)
    counts = {
        "Canny": count_map(strength, boundaries, number).tolist(),
        "one annotator against the others": count_annotators(boundaries).tolist(),
    }
    return {"photo": photo.path.name, "thresholds": number, "counts": counts}


def counted(
    photos: list[LabelledPhoto], number: int, workers: int, file: Path | None
) -> Iterator[dict[str, dict[str, Any]]]:
    """The counts of every photo, from the file where they are there already."""
    lines = file.read_text("utf-8").splitlines() if file is not None and file.exists() else []
    known = {row["photo"]: row for row in map(json.loads, lines) if row["thresholds"] == number}
    names = {photo.path.name for photo in photos}
    yield from (row["counts"] for name, row in known.items() if name in names)
    left = [photo for photo in photos if photo.path.name not in known]
    with ProcessPoolExecutor(workers) as pool:
        for row in pool.map(partial(count, number=number), left):
            if file is not None:
                with file.open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps(row) + "\n")
            yield row["counts"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--limit", type=int, default=None, help="only so many photos of each side of the split")
    parser.add_argument(
        "--thresholds", type=int, default=33, help="the benchmark has 99, which takes three times as long"
    )
    parser.add_argument("--workers", type=int, default=2, help="photos at a time")
    parser.add_argument("--counts", type=Path, default=None, help="keep counts here, and go on from it")
    given = parser.parse_args()
    split, bsds = ROOT / "data" / "photos_split.csv", frozenset({"bsds"})
    sides = [read_photos(given.photos, split, side, bsds)[: given.limit] for side in ("train", "kept_out")]
    photos = [photo for side in sides for photo in side]
    began, rows = time.perf_counter(), []
    for row in counted(photos, given.thresholds, given.workers, given.counts):
        rows.append(row)
        if len(rows) % 20 == 0:
            print(f"{len(rows)} of {len(photos)} photos, {time.perf_counter() - began:.0f} s", flush=True)
    print("| | " + " | ".join(name.upper() for name in FIGURES) + " |")
    print("|---" * (len(FIGURES) + 1) + "|")
    for name in rows[0]:
        figures = summarise(np.array([row[name] for row in rows]))
        shown = [f"{each['value']:.3f} ({each['low']:.3f} to {each['high']:.3f})" for each in figures.values()]
        print(f"| {name} | {' | '.join(shown if len(rows[0][name]) > 1 else [shown[0], '-', '-', '-'])} |")


if __name__ == "__main__":
    main()
