"""Overlay: the picture with every mask tinted in a colour of its own and outlined, for people to look at."""

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from anymask.errors import check_shape
from anymask.maskset import MaskSet
from anymask.outputs.label_map import label_map
from anymask.outputs.palette import rgb_colours
from anymask.outputs.regions import paint_order

SMALL_TINT, LARGE_TINT = 0.5, 0.25  # share of the colour in a mask of no area, and in one as large as the picture
LIGHT = 170  # mean green in 0..255 from which on what a mask shows counts as light
LIGHT_OUTLINE, DARK_OUTLINE = 0.6, 0.4  # share of white in an outline on the dark, of black in one on the light
BAND = 64  # rows drawn at a time


def encode(
    found: MaskSet,
    image: NDArray[np.uint8],
    *,
    name: str = "",
    labels: Sequence[str] | None = None,
    colours: Sequence[str | None] | None = None,
) -> bytes:
    """An RGB PNG of the picture's size. Where masks overlap, the smallest one is seen.

    Raises ShapeError if the picture is not of found.size, or for more than 65,535 masks.
    """
    height, width = found.size
    check_shape(image, f"{height} {width} 3", "image")
    shown = label_map(found)
    layers = np.zeros(len(found) + 1, np.uint16)  # of each label, how many masks were painted before it
    layers[paint_order(found) + 1] = np.arange(1, len(found) + 1)
    tints = np.vstack([np.zeros((1, 3)), rgb_colours(len(found), colours)]).astype(np.float32)
    lighter, darker = tints + LIGHT_OUTLINE * (255 - tints), (1 - DARK_OUTLINE) * tints
    outlines = np.where(_brightness(image, shown, len(tints))[:, np.newaxis] < LIGHT, lighter, darker)
    side = np.sqrt(np.concatenate([[0], found.areas]) / (height * width))  # of a mask, as a share of the picture's
    strength = (SMALL_TINT + (LARGE_TINT - SMALL_TINT) * side).astype(np.float32)[:, np.newaxis]
    thickness = max(1, round(max(height, width) / 700))

    drawn = Image.new("RGB", (width, height))
    for rows in _bands(height):
        label = shown[rows]
        pixels = image[rows].astype(np.float32)
        inside = label > 0
        pixels[inside] += strength[label[inside]] * (tints[label[inside]] - pixels[inside])
        outline = layers[label] > _lowest(layers, shown, rows, thickness)
        pixels[outline] = outlines[label[outline]]
        drawn.paste(Image.fromarray(np.rint(pixels).astype(np.uint8)), (0, rows.start))
    file = io.BytesIO()
    drawn.save(file, "png")
    return file.getvalue()


def _bands(height: int) -> list[slice]:
    return [slice(top, min(top + BAND, height)) for top in range(0, height, BAND)]


def _brightness(image: NDArray[np.uint8], labels: NDArray[np.uint16], count: int) -> NDArray[np.float64]:
    """(count,) mean of the green values, 0..255, where each label is seen; 0 where it is not."""
    total, pixels = np.zeros(count), np.zeros(count)
    for rows in _bands(len(labels)):
        label = labels[rows].reshape(-1)
        total += np.bincount(label, image[rows, :, 1].reshape(-1), count)
        pixels += np.bincount(label, minlength=count)
    return total / np.maximum(pixels, 1)


def _lowest(layers: NDArray[np.uint16], labels: NDArray[np.uint16], rows: slice, reach: int) -> NDArray[np.uint16]:
    """The lowest layer at most `reach` rows and columns away, for some rows of the (H, W) labels: (rows, W)."""
    height, width = labels.shape
    above, below = min(reach, rows.start), min(reach, height - rows.stop)
    around = ((reach - above, reach - below), (reach, reach))
    near = np.pad(layers[labels[rows.start - above : rows.stop + below]], around, mode="edge")
    h = rows.stop - rows.start
    lowest = near[:h].copy()
    for step in range(1, 2 * reach + 1):
        np.minimum(lowest, near[step : step + h], out=lowest)
    result = lowest[:, :width].copy()
    for step in range(1, 2 * reach + 1):
        np.minimum(result, lowest[:, step : step + width], out=result)
    return result
