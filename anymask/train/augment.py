"""Canvases to train on: crops of labelled photos, scaled, mirrored, recoloured, some of them mosaics, some with
objects of another photo pasted onto them.

Masks are sampled straight from the full-resolution labels to the canvas, so nothing is rasterised coarsely.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from anymask import rle
from anymask.datasets import LabelledPhoto
from anymask.train.settings import CanvasSettings

Pixels = NDArray[np.uint8]  # (H, W, 3) RGB

PADDING_GREY = 114  # as the letterbox pads at inference
MIN_PIXELS = 12  # smaller scraps of an object cannot be learnt from


@dataclass(frozen=True)
class Canvas:
    """A square training example of side S pixels."""

    image: Pixels  # (S, S, 3)
    masks: NDArray[np.bool_]  # (N, S, S)
    unlabelled: NDArray[np.float32]  # (S, S): what a detection on an unlabelled pixel costs there, in [0, 1]


def make_canvas(photos: list[LabelledPhoto], side: int, settings: CanvasSettings, rng: np.random.Generator) -> Canvas:
    """A canvas of ``side`` pixels from one photo, or from n x n of them, row by row."""
    across = math.isqrt(len(photos))
    if across == 1:
        return crop(photos[0], side, settings, rng)
    cell = side // across
    image = np.full((side, side, 3), PADDING_GREY, np.uint8)
    unlabelled = np.ones((side, side), np.float32)
    masks = []
    for index, photo in enumerate(photos):
        top, left = index // across * cell, index % across * cell
        rows, columns = slice(top, top + cell), slice(left, left + cell)
        part = crop(photo, cell, settings, rng)
        image[rows, columns] = part.image
        unlabelled[rows, columns] = part.unlabelled
        placed = np.zeros((len(part.masks), side, side), bool)
        placed[:, rows, columns] = part.masks
        masks.append(placed)
    return Canvas(image, np.concatenate(masks), unlabelled)


def crop(photo: LabelledPhoto, side: int, settings: CanvasSettings, rng: np.random.Generator) -> Canvas:
    """A window of ``side`` pixels on the photo, at a random scale, aspect and place, maybe mirrored."""
    low, high = np.log(settings.zoom)
    longest = side * np.exp(rng.uniform(low, high))
    stretch = np.exp(rng.uniform(-0.5, 0.5) * np.log(settings.stretch))
    scale = longest / max(photo.height, photo.width)
    scale_x, scale_y = scale * stretch, scale / stretch
    shown_x, left, right = _window(photo.width, side, scale_x, rng)
    shown_y, top, bottom = _window(photo.height, side, scale_y, rng)
    pixels = _resample(photo, (left, top, right, bottom), int(shown_x.sum()), int(shown_y.sum()))
    mirrored = rng.random() < 0.5
    layer = int(rng.integers(len(photo.layers)))  # one annotator at a time
    rles = (*photo.layers[layer], *photo.ignored)
    at = np.ix_(_centres(top, bottom, len(pixels)), _centres(left, right, pixels.shape[1]))
    seen = np.zeros((len(rles), *pixels.shape[:2]), bool)
    for index, counts in enumerate(rles):  # one at a time: a hundred masks of a large photo fill the memory
        seen[index] = rle.decode(counts, photo.height, photo.width)[at]
    if mirrored:
        shown_x, pixels, seen = shown_x[::-1], pixels[:, ::-1], seen[:, :, ::-1]

    image = np.full((side, side, 3), PADDING_GREY, np.uint8)
    image[np.ix_(shown_y, shown_x)] = pixels
    drawn = np.zeros((len(rles), side, side), bool)
    drawn[np.ix_(np.ones(len(rles), bool), shown_y, shown_x)] = seen
    objects = len(photo.layers[layer])
    masks, ignored = drawn[:objects], drawn[objects:]
    areas = rle.areas(rles[:objects]) * (scale_x * scale_y)
    visible = masks.sum((1, 2))
    keep = (visible >= MIN_PIXELS) & (visible >= settings.min_visible * areas)
    unlabelled = np.ones((side, side), np.float32)  # padding shows nothing: a detection there is a mistake
    unlabelled[np.ix_(shown_y, shown_x)] = settings.unlabelled_weight[photo.labelled]
    for dropped in (masks[~keep], ignored):  # scraps of a cropped object, and crowds: neither asked for nor punished
        unlabelled[dropped.any(0)] = 0.0
    return Canvas(image, masks[keep], unlabelled)


def _window(size: int, side: int, scale: float, rng: np.random.Generator) -> tuple[NDArray[np.bool_], float, float]:
    """One axis of a crop: anywhere inside the photo, or with the photo anywhere inside it.

    Returns:
        (side,) which canvas pixels show the photo, and from where to where on it they do, in source pixels.
    """
    slack = size - side / scale
    origin = float(rng.uniform(min(slack, 0.0), max(slack, 0.0)))
    centres = origin + (np.arange(side) + 0.5) / scale  # source pixels
    shown = (centres >= 0) & (centres < size)
    if not shown.any():  # a photo so narrow that it falls between two canvas pixels
        return shown, 0.0, 0.0
    # Fractions of a source pixel count: a window rounded to whole ones would shift the picture against its masks.
    half = 0.5 / scale
    return shown, max(0.0, float(centres[shown][0]) - half), min(float(size), float(centres[shown][-1]) + half)


def _centres(low: float, high: float, count: int) -> NDArray[np.int64]:
    """(count,) the source pixels at the centres of ``count`` equal parts from ``low`` to ``high``."""
    return (low + (np.arange(count) + 0.5) * ((high - low) / max(count, 1))).astype(np.int64)


def _resample(photo: LabelledPhoto, box: tuple[float, float, float, float], width: int, height: int) -> Pixels:
    """(height, width, 3) the part ``box`` of a photo, x1, y1, x2, y2 in source pixels."""
    if width == 0 or height == 0:
        return np.empty((height, width, 3), np.uint8)
    picture = Image.fromarray(photo.pixels())
    return np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR, box=box))


def paste(canvas: Canvas, other: Canvas, settings: CanvasSettings, rng: np.random.Generator) -> Canvas:
    """The canvas with some objects of another of its size laid over it (copy-paste, Ghiasi et al. 2020, 2012.07177).

    Objects below lose what is covered; what little is left of one is neither asked for nor punished. Of the other
    canvas, everything that came along whole is asked for, so the parts of a whole are too.
    """
    chosen = rng.random(len(other.masks)) < settings.pasted
    cover = np.asarray(other.masks[chosen].any(0))  # (S, S)
    if not cover.any():
        return canvas
    image = np.where(cover[:, :, None], other.image, canvas.image)
    below = canvas.masks & ~cover
    kept = below.sum((1, 2)) >= np.maximum(MIN_PIXELS, settings.min_visible * canvas.masks.sum((1, 2)))
    whole = (other.masks & cover).sum((1, 2)) == other.masks.sum((1, 2))
    unlabelled = np.where(cover, other.unlabelled, canvas.unlabelled)
    unlabelled[below[~kept].any(0)] = 0.0
    unlabelled[(other.masks[~whole] & cover).any(0)] = 0.0  # halves of others that lie over what was pasted
    return Canvas(image, np.concatenate([below[kept], other.masks[whole]]), unlabelled)


def recolour(pixels: Pixels, jitter: float, rng: np.random.Generator) -> Pixels:
    """Brightness, contrast and saturation changed by at most a share of ``jitter`` each."""
    saturation, contrast, brightness = 1 + rng.uniform(-jitter, jitter, 3).astype(np.float32)
    values = pixels.astype(np.float32)
    grey = values.mean(axis=2, keepdims=True)
    mean = grey.mean()
    gain = contrast * brightness
    values = values * (gain * saturation) + grey * (gain * (1 - saturation)) + mean * brightness * (1 - contrast)
    recoloured: Pixels = np.clip(values, 0, 255).astype(np.uint8)
    return recoloured


def limit_objects(canvas: Canvas, settings: CanvasSettings, rng: np.random.Generator) -> Canvas:
    """At most ``settings.max_objects`` objects; the others' pixels are neither asked for nor punished."""
    count = len(canvas.masks)
    if count <= settings.max_objects:
        return canvas
    keep = np.zeros(count, bool)
    keep[rng.choice(count, settings.max_objects, replace=False)] = True
    unlabelled = canvas.unlabelled.copy()
    unlabelled[canvas.masks[~keep].any(0)] = 0.0
    return Canvas(canvas.image, canvas.masks[keep], unlabelled)
