"""A contact sheet: several pictures with their masks on one, for people to look at."""

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from anymask import rle
from anymask.maskset import MaskSet
from anymask.outputs import overlay

TILE = 320  # pixels of a tile's side
GAP = 8
PAPER = (255, 255, 255)


def tile(image: NDArray[np.uint8], rles: Sequence[bytes]) -> Image.Image:
    """A picture with its masks tinted and outlined, its longest side ``TILE`` pixels.

    image: (H, W, 3) uint8 RGB. rles: compressed COCO RLEs of H x W pixels.
    """
    height, width, _ = image.shape
    scale = TILE / max(height, width)
    h, w = max(1, round(height * scale)), max(1, round(width * scale))
    at = np.ix_(((np.arange(h) + 0.5) * height / h).astype(int), ((np.arange(w) + 0.5) * width / w).astype(int))
    masks = np.zeros((len(rles), h, w), np.bool_)
    for index, counts in enumerate(rles):
        masks[index] = rle.decode(counts, height, width)[at]
    small = np.asarray(Image.fromarray(image).resize((w, h), Image.Resampling.LANCZOS))
    return Image.open(io.BytesIO(overlay.encode(MaskSet.from_masks(masks), small)))


def contact_sheet(tiles: Sequence[Image.Image]) -> Image.Image:
    """The tiles in rows, about as many down as across, each in the middle of its square."""
    across = max(1, int(np.ceil(np.sqrt(len(tiles)))))
    down = max(1, -(-len(tiles) // across))
    sheet = Image.new("RGB", (GAP + across * (TILE + GAP), GAP + down * (TILE + GAP)), PAPER)
    for index, each in enumerate(tiles):
        left, top = (GAP + place * (TILE + GAP) for place in (index % across, index // across))
        sheet.paste(each, (left + (TILE - each.width) // 2, top + (TILE - each.height) // 2))
    return sheet
