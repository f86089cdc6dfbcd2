"""How long a picture takes, in network passes: the pass alone, and everything with so many masks drawn.

    python scripts/measure_passes.py PHOTO... [--drawn N,...] [--repeats N]

The ways are taken in turns, so that whatever else the machine does falls on all of them. Each figure is the median over
photos of a photo's median.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from anymask import Segmenter
from anymask.image import load_image
from anymask.letterbox import Letterbox
from anymask.segment import IMAGE_SIZE


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--drawn", default="0,30,100,300")
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    segmenter = Segmenter()
    taken: dict[str, list[float]] = {}
    for photo in given.photos:
        image = load_image(photo)
        height, width, _ = image.shape
        batch = Letterbox.fit(height, width, IMAGE_SIZE)(image)
        ways: dict[str, Callable[[], object]] = {"network pass": partial(segmenter.runtime.run, batch)}
        for drawn in map(int, given.drawn.split(",")):
            ways[f"picture, {drawn} masks drawn"] = partial(segmenter, image, drawn=drawn)
        times: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(given.repeats + 1):
            for name, call in ways.items():
                began = time.perf_counter()
                call()
                if turn:  # the first one warms up
                    times[name].append(time.perf_counter() - began)
        for name, each in times.items():
            taken.setdefault(name, []).append(statistics.median(each))
    one = statistics.median(taken["network pass"])
    print(f"{len(given.photos)} photos, {1000 * one:.0f} ms a network pass\n")
    for name, each in taken.items():
        print(f"{name}: {statistics.median(each) / one:.2f} passes")


if __name__ == "__main__":
    main()
