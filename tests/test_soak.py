"""One `Segmenter` under a long mixed load from several threads."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anymask import MaskSet, Segmenter

THREADS = 4
PICTURES = 40  # of different sizes
ROUNDS = 8
GROWTH_LIMIT = 150 * 1024  # KiB of resident memory, from the end of the first round to the end of the last


def resident_kib() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


@pytest.mark.soak
@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory in use from /proc")
def test_many_threads_same_masks_and_no_growth(astronaut: Path) -> None:
    rng = np.random.default_rng(0)
    photo = Image.open(astronaut)
    sizes = rng.integers(1, 1200, (PICTURES, 2)).tolist()
    pictures = [photo.resize((width, height)) for width, height in sizes]
    segmenter = Segmenter()

    def masks_of(picture: Image.Image) -> MaskSet:
        return segmenter(picture, image_size=320, score=0.05)

    with ThreadPoolExecutor(THREADS) as pool:
        first = list(pool.map(masks_of, pictures))
        before = resident_kib()
        for _ in range(ROUNDS):
            assert list(pool.map(masks_of, pictures)) == first
    assert resident_kib() - before < GROWTH_LIMIT
