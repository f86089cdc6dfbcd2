"""Masks as SAM's low-resolution logits and back.

The frame is 256 x 256. The picture lies at its top left, scaled so that its longest side fills it; the rest is outside.
No logits of the network are kept: a pixel is as far from 0 as the mask covers it, `SURE` where all of it is inside and
-`SURE` where none is.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from anymask import rle
from anymask.compat.transforms import ResizeLongestSide
from anymask.errors import ShapeError

SIDE = 256
SURE = 10.0


def from_mask(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """An (H, W) bool mask as (256, 256) float32 logits."""
    height, width = ResizeLongestSide.get_preprocess_shape(mask.shape[0], mask.shape[1], SIDE)
    picture = Image.fromarray(mask.astype(np.float32))
    logits = np.full((SIDE, SIDE), -SURE, np.float32)
    logits[:height, :width] = full(np.asarray(picture.resize((width, height), Image.Resampling.BOX)))
    return logits


def full(coverage: NDArray[Any]) -> NDArray[np.float32]:
    """Logits of pixels of which a mask covers a share in [0, 1], in source pixels or any other; same shape."""
    return (SURE * (2 * coverage.astype(np.float32) - 1)).astype(np.float32)


def to_rle(logits: NDArray[Any], size: tuple[int, int]) -> bytes:
    """Logits (1, 256, 256) or (256, 256) as the mask of a picture of (height, width), see `anymask.rle`.

    Raises ShapeError for another shape.
    """
    if logits.shape not in ((SIDE, SIDE), (1, SIDE, SIDE)):
        raise ShapeError(f"mask_input must have shape (1, {SIDE}, {SIDE}), as predict gave it, but got {logits.shape}")
    height, width = ResizeLongestSide.get_preprocess_shape(*size, SIDE)
    part = np.ascontiguousarray(logits.reshape(SIDE, SIDE)[:height, :width], np.float32)
    scaled = Image.fromarray(part).resize((size[1], size[0]), Image.Resampling.BILINEAR)
    return rle.encode_crop(np.asarray(scaled) > 0, 0, 0, *size)
