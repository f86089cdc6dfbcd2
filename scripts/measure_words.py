"""Time descriptions: reading them, and answering them on 300 masks and more.

python scripts/measure_words.py

The masks are made up, ellipses of many sizes on a picture of 1280 x 960 pixels, with made-up scores for all labels.
"First" is the first query on a picture, with its forest, its colours and all that is kept; "text" is one further query
with its parser, of a text that was never read before. Each time is the best of some repeats, which other work on the
machine changes least.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

import anymask
from anymask.prompts import select
from anymask.words.nouns import nouns
from anymask.words.parse import read

COUNTS = (100, 300, 1000)
SIZE = (960, 1280)
REPEATS = 15
PHRASES = (
    "dog",
    "the red car on the left",
    "the second dog from the left",
    "all cars except the red one",
    "the cup on the table",
    "the man behind the car",
    "everything red",
    "the biggest thing",
    "the cup between the fork and the knife",
    "two animals next to the tallest person",
    "everything on the table except the small white cup",
    "the elefant in the middle",
)


def pictured(count: int) -> anymask.MaskSet:
    """So many ellipses, and labels of which a tenth of the masks has each at random."""
    rng = np.random.default_rng(0)
    height, width = SIZE
    rows, columns = np.mgrid[:height, :width]
    masks = np.zeros((count, height, width), np.bool_)
    for mask in masks:
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        a, b = np.exp(rng.uniform(np.log(8), np.log(250), 2))
        mask[:] = ((columns - x) / a) ** 2 + ((rows - y) / b) ** 2 < 1
    image = rng.integers(0, 256, (height, width, 3), np.uint8)
    found = anymask.MaskSet.from_masks(masks, rng.uniform(size=count), image)
    scores = rng.uniform(size=(count, len(nouns().labels))).astype(np.float32) ** 6
    scores[:, :1000] *= 0.01
    return replace(found, label_scores=scores)


def milliseconds(call: Callable[[], object]) -> float:
    """Of one call."""
    began = time.perf_counter()
    call()
    return 1e3 * (time.perf_counter() - began)


def queried(found: anymask.MaskSet, text: str) -> float:
    """Milliseconds of one query, of a text that is read anew."""
    read.cache_clear()
    return milliseconds(lambda: select(found, anymask.Text(text)))


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    print(f"table of nouns, read once: {milliseconds(nouns):.0f} ms")
    nouns().nearest("elefant")
    reading = {phrase: min(milliseconds(partial(read.__wrapped__, phrase)) for _ in range(50)) for phrase in PHRASES}
    usual, most = statistics.median(reading.values()), max(reading.values())
    print(f"reading a text: median {usual:.2f} ms, slowest {most:.2f} ms")
    for count in COUNTS:
        found = pictured(count)
        first = min(queried(replace(found), "red dog") for _ in range(REPEATS))
        queried(found, "red dog")
        taken = {phrase: min(queried(found, phrase) for _ in range(REPEATS)) for phrase in PHRASES}
        slowest = max(taken, key=lambda phrase: taken[phrase])
        print(
            f"{count:5d} masks | first {first:6.1f} ms | text {statistics.median(taken.values()):5.2f} ms | "
            f"slowest {taken[slowest]:5.2f} ms: {slowest}"
        )


if __name__ == "__main__":
    main()
