"""A segmenter, a disc on a plain picture, and what is found on the example photograph."""

from pathlib import Path

import numpy as np
import pytest

from anymask import MaskSet, Segmenter


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter(threads=1)


@pytest.fixture(scope="module")
def disc() -> MaskSet:
    """Its only mask is the true one."""
    x, y, radius = 70, 60, 25  # a bright disc on a dark picture
    rows, columns = np.mgrid[:120, :160] + 0.5
    mask = np.hypot(columns - x, rows - y) < radius
    image = np.full((120, 160, 3), (40, 60, 50), np.uint8)
    image[mask] = (230, 80, 60)
    return MaskSet.from_masks(mask[None], [0.9], image)


@pytest.fixture(scope="module")
def found(segmenter: Segmenter, astronaut: Path) -> MaskSet:
    return segmenter(astronaut, image_size=320, max_masks=200)
