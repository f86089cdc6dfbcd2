"""A drawn picture for checks that must not depend on a file of the user's."""

import numpy as np
from numpy.typing import NDArray

BLOBS = 12
GRAIN = 12  # how far noise moves a channel


def sample_picture(height: int = 480, width: int = 640) -> NDArray[np.uint8]:
    """(height, width, 3) RGB: ellipses and rectangles on a sky, with shading and grain; always the same."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:height, :width] + 0.5
    picture = np.stack([rows / height * 90 + base for base in (110, 130, 160)], axis=2)
    for number in range(BLOBS):
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        reach_x, reach_y = rng.uniform(0.03, 0.25, 2) * (width, height)
        across, down = (columns - x) / reach_x, (rows - y) / reach_y
        inside = across**2 + down**2 < 1 if number % 2 else np.maximum(abs(across), abs(down)) < 1
        shade = 1 - 0.3 * (across + down)[inside, None] / 2
        picture[inside] = rng.uniform(20, 235, 3) * shade
    picture += rng.normal(0, GRAIN / 2, picture.shape)
    return picture.clip(0, 255).astype(np.uint8)
