"""Cutout: the picture where there is a mask, transparent elsewhere, as a PNG."""

import io
import struct
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from anymask.errors import check_shape
from anymask.maskset import MaskSet
from anymask.outputs.regions import regions

HEADER = 8 + 25  # bytes of a PNG's signature and of IHDR, the chunk that must come first


def encode(
    found: MaskSet,
    image: NDArray[np.uint8],
    *,
    name: str = "",
    labels: Sequence[str] | None = None,
    colours: Sequence[str | None] | None = None,
) -> bytes:
    """The pixels that lie in any mask, cropped to the tight box of them all, as an RGBA PNG.

    What is transparent is also black: nothing of the rest of the picture is left in the file. Without masks it is one
    transparent pixel. Where the crop's top left pixel lies in the picture, (x, y) in source pixels, is noted twice: in
    the chunk oFFs (Extensions to the PNG 1.2 Specification), by which editors such as GIMP place the layer, and as the
    text "x,y" under the keyword "offset".

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
    notes = PngInfo()
    notes.add_text("offset", f"{columns.start},{rows.start}")
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png", pnginfo=notes)
    written = file.getvalue()
    return written[:HEADER] + _offset_chunk(columns.start, rows.start) + written[HEADER:]


def _extent(mask: NDArray[np.bool_], axis: int) -> slice:
    """The rows (axis 0) or columns (axis 1) that hold the pixels of a (H, W) mask; the first one if there are none."""
    places = np.flatnonzero(mask.any(axis=1 - axis))
    return slice(int(places[0]), int(places[-1]) + 1) if len(places) else slice(0, 1)


def _offset_chunk(x: int, y: int) -> bytes:
    body = b"oFFs" + struct.pack(">iiB", x, y, 0)  # the 0 says that the unit is the pixel
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
