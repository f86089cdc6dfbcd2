"""Cutout: the picture where there is a mask, transparent elsewhere, as a PNG."""

import io
import struct

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from anymask.errors import check_shape
from anymask.maskset import MaskSet
from anymask.outputs.regions import regions


def encode(found: MaskSet, image: NDArray[np.uint8], *, name: str = "") -> bytes:
    """The pixels that lie in any mask, cropped to the tight box of them all, as an RGBA PNG.

    What is transparent is also black: nothing of the rest of the picture is left in the file. Without masks it is one
    transparent pixel. Where the crop's top left pixel lies in the picture, (x, y) in source pixels, is noted twice: in
    the chunk oFFs, which editors such as GIMP place the layer by (PNG 1.2 extensions, 4.2.3), and as the text "offset",
    "x,y".

    Raises ShapeError if the picture is not of found.size.
    """
    height, width = found.size
    check_shape(image, f"{height} {width} 3", "image")
    union = np.zeros(found.size, np.bool_)
    for region in regions(found):
        union[region.window] |= region.mask
    rows, columns = _extent(union, axis=0), _extent(union, axis=1)
    inside = union[rows, columns]
    pixels = np.zeros((*inside.shape, 4), np.uint8)
    pixels[..., :3][inside] = image[rows, columns][inside]
    pixels[..., 3][inside] = 255
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png", pnginfo=_offset(columns.start, rows.start))
    return file.getvalue()


def _extent(mask: NDArray[np.bool_], axis: int) -> slice:
    """The rows (axis 0) or columns (axis 1) that hold the pixels of a (H, W) mask; the first one if there are none."""
    places = np.flatnonzero(mask.any(axis=1 - axis))
    return slice(int(places[0]), int(places[-1]) + 1) if len(places) else slice(0, 1)


def _offset(x: int, y: int) -> PngInfo:
    notes = PngInfo()
    notes.add(b"oFFs", struct.pack(">iiB", x, y, 0))  # the 0 says that the unit is the pixel
    notes.add_text("offset", f"{x},{y}")
    return notes
