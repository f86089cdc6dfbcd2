"""Label map: a 16 bit PNG of the picture's size in which every pixel holds the number of a mask."""

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from anymask.errors import ShapeError
from anymask.maskset import MaskSet
from anymask.outputs.regions import regions

MOST = np.iinfo(np.uint16).max


def encode(
    found: MaskSet,
    image: NDArray[np.uint8],
    *,
    name: str = "",
    labels: Sequence[str] | None = None,
    colours: Sequence[str | None] | None = None,
) -> bytes:
    """The `label_map` as a grayscale PNG of 16 bits. The picture is not read."""
    file = io.BytesIO()
    Image.fromarray(label_map(found)).save(file, "png")
    return file.getvalue()


def label_map(found: MaskSet) -> NDArray[np.uint16]:
    """(height, width) uint16: 0 where there is no mask, i + 1 for mask i; where masks overlap, the smallest one.

    Raises ShapeError for more masks than 16 bits can count.
    """
    if len(found) > MOST:
        raise ShapeError(f"a label map holds at most {MOST} masks, got {len(found)}: take found[:{MOST}]")
    labels = np.zeros(found.size, np.uint16)
    for region in regions(found):
        labels[region.window][region.mask] = region.index + 1
    return labels
