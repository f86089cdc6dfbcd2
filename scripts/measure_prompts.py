"""Time the forest, clicks and boxes against the network's pass, side by side in one run.

python scripts/measure_prompts.py [PHOTO] [--image-size N]

Each line is a median over repeats, as a share of the median of a network pass (without postprocessing) on the same
picture in the same run. What the forest answers is timed over many pixels at once, and told per answer.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

import anymask
from anymask.letterbox import Letterbox
from anymask.refine.answers import refine_all
from anymask.snap import snap_all

ROOT = Path(__file__).resolve().parent.parent
COUNTS = (100, 300, 1000)
REPEATS = 7
CLICKS = 1000


def median_s(
    call: Callable[[anymask.MaskSet], object],
    found: anymask.MaskSet,
    prepare: Callable[[anymask.MaskSet], object] = lambda fresh: None,
    repeats: int = REPEATS,
) -> float:
    """Of calls with masks for which nothing was computed or remembered yet, but for what ``prepare`` does."""
    taken = []
    for _ in range(repeats + 1):
        fresh = replace(found, features={})
        prepare(fresh)
        began = time.perf_counter()
        call(fresh)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken[1:])


def timed(
    segmenter: anymask.Segmenter,
    found: anymask.MaskSet,
    pixels: list[tuple[float, float]],
    point: anymask.Point,
    box: anymask.Box,
) -> dict[str, float]:
    """Seconds of each thing that is asked of a set of masks."""
    select = segmenter.select
    wrong = anymask.Point([*point.points, pixels[0]], [1, 0])
    return {
        "forest": median_s(lambda fresh: fresh.forest, found),
        "its index of pixels": median_s(lambda fresh: fresh.forest.at(0, 0), found, lambda fresh: fresh.forest),
        "chain at a pixel": median_s(
            lambda fresh: [fresh.forest.at(x, y) for x, y in pixels], found, lambda fresh: fresh.forest.at(0, 0)
        )
        / CLICKS,
        "click, detector alone": median_s(lambda fresh: select(fresh, point, refine="off", zoom=False), found),
        "click, drawn": median_s(lambda fresh: select(fresh, point), found),
        "corrective click, drawn": median_s(
            lambda fresh: select(fresh, wrong), found, lambda fresh: select(fresh, point)
        ),
        "box, detector alone": median_s(lambda fresh: select(fresh, box, refine="off", zoom=False), found),
        "box, drawn": median_s(lambda fresh: select(fresh, box), found),
        "all snapped": median_s(snap_all, found, repeats=3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo", nargs="?", type=Path, default=ROOT / "examples" / "astronaut.jpg")
    parser.add_argument("--image-size", type=int, default=640)
    given = parser.parse_args()
    segmenter = anymask.Segmenter()
    found = segmenter(given.photo, image_size=given.image_size)
    height, width = found.size
    batch = Letterbox.fit(height, width, given.image_size)(anymask.load_image(given.photo))
    rng = np.random.default_rng(0)
    pixels = list(zip(rng.uniform(0, width, CLICKS).tolist(), rng.uniform(0, height, CLICKS).tolist(), strict=True))
    point = anymask.Point([(0.8 * width, 0.8 * height)])
    box = anymask.Box((0.2 * width, 0.1 * height, 0.6 * width, height))
    network = median_s(lambda fresh: segmenter.runtime.run(batch), found)
    print(f"{width} x {height} pixels, {len(found)} masks found; one network pass: {1e3 * network:.0f} ms")
    for count in COUNTS:
        part = found[: min(count, len(found))]
        for name, seconds in timed(segmenter, part, pixels, point, box).items():
            print(f"{len(part):5d} masks | {name:32s} | {1e3 * seconds:9.4f} ms | {seconds / network:8.5f} passes")
    some = found[:32]
    drawn = median_s(lambda fresh: refine_all(segmenter.refiner, fresh, 0.7), some, repeats=3) / len(some)
    print(f"   32 masks | drawn anew, each                 | {1e3 * drawn:9.4f} ms | {drawn / network:8.5f} passes")


if __name__ == "__main__":
    main()
