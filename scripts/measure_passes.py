"""How long a picture takes, in network passes: the pass alone, everything with so many masks drawn, the first word.

    python scripts/measure_passes.py PHOTO... [--drawn N,...] [--repeats N] [--threads N]

The ways are taken in turns, so that whatever else the machine does falls on all of them, and of each the best of its
turns counts, which other work changes least. A ratio is taken photo by photo; each figure is the median over photos.
With `--threads 1` the time that the processor spends is told, which hardly depends on what else the machine does; let
BLAS have one thread then too, OPENBLAS_NUM_THREADS=1.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from anymask import MaskSet, Segmenter
from anymask.image import load_image
from anymask.letterbox import Letterbox
from anymask.segment import IMAGE_SIZE

LABELLED = 300  # masks that get label scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--drawn", default="0,30,100,300")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--threads", type=int, default=None)
    given = parser.parse_args()
    clock = time.thread_time if given.threads == 1 else time.perf_counter
    segmenter = Segmenter(threads=given.threads)
    taken: dict[str, list[float]] = {}
    for photo in given.photos:
        image = load_image(photo)
        height, width, _ = image.shape
        batch = Letterbox.fit(height, width, IMAGE_SIZE)(image)
        ways: dict[str, Callable[[], object]] = {"network pass": partial(segmenter.runtime.run, batch)}
        for drawn in map(int, given.drawn.split(",")):
            ways[f"picture, {drawn} masks drawn"] = partial(segmenter, image, drawn=drawn)
        some = segmenter(image)[:LABELLED]
        ways[f"label scores of {len(some)} masks"] = partial(labelled, segmenter, some)
        times: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(given.repeats + 1):
            for name, call in ways.items():
                began = clock()
                call()
                if turn:  # the first one warms up
                    times[name].append(clock() - began)
        for name, each in times.items():
            taken.setdefault(name, []).append(min(each))
    passes = taken.pop("network pass")
    print(f"{len(given.photos)} photos, {1000 * statistics.median(passes):.0f} ms a network pass\n")
    for name, each in taken.items():
        ratios = [seconds / one for seconds, one in zip(each, passes, strict=True)]
        print(f"{name}: {statistics.median(ratios):.2f} passes")


def labelled(segmenter: Segmenter, found: MaskSet) -> MaskSet:
    """Masks that get their label scores as if for the first time."""
    return segmenter.label(replace(found))


if __name__ == "__main__":
    main()
