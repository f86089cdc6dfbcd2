"""Contact sheets."""

import numpy as np
import pytest
from PIL import Image

from anymask import rle
from anymask.outputs.sheet import GAP, PAPER, TILE, contact_sheet, tile


def test_a_tile_shows_the_picture_and_its_masks() -> None:
    grey = np.full((90, 120, 3), 100, np.uint8)
    counts = rle.encode_crop(np.ones((90, 60), np.bool_), 60, 0, 90, 120)
    drawn = tile(grey, [counts])
    assert drawn.size == (TILE, TILE * 3 // 4)
    pixels = np.asarray(drawn)
    assert (pixels[:, : TILE // 2 - 4] == 100).all()
    assert (pixels[:, TILE // 2 + 4 :] != 100).any(axis=2).all()  # tinted
    assert (np.asarray(tile(grey, [])) == 100).all()


@pytest.mark.parametrize(
    ("count", "across", "down"),
    [
        (0, 1, 1),
        (1, 1, 1),
        (3, 2, 2),
        (5, 3, 2),
        (9, 3, 3),
    ],
)
def test_a_sheet_is_about_square(count: int, across: int, down: int) -> None:
    sheet = contact_sheet([Image.new("RGB", (TILE, 100), "black")] * count)
    assert sheet.size == (GAP + across * (TILE + GAP), GAP + down * (TILE + GAP))
    black = (np.asarray(sheet) == 0).all(2)
    assert black.sum() == count * TILE * 100
    assert sheet.getpixel((0, 0)) == PAPER
