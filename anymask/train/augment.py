"""Canvases to train on: crops of labelled photos, scaled, mirrored, recoloured, some of them mosaics, some with
objects of another photo pasted onto them.

What is drawn by chance is drawn first, as a `Plan`, without looking at a pixel; so the same canvas can be painted by a
process of its own from files, or by a GPU from photos in its memory. Masks are sampled straight from the
full-resolution labels to the canvas, so nothing is rasterised coarsely.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from anymask import rle
from anymask.datasets import LabelledPhoto
from anymask.train.settings import CanvasSettings

PADDING_GREY = 114  # as the letterbox pads at inference
MIN_PIXELS = 12  # smaller scraps of an object cannot be learnt from

Draw = Callable[[np.random.Generator], LabelledPhoto]


class Axis(NamedTuple):
    """One axis of a view: which of its pixels show the photo, and from where to where on it they do."""

    first: int  # view pixels
    length: int
    low: float  # source pixels
    high: float

    def shown(self) -> slice:
        """The view's pixels that show the photo."""
        return slice(self.first, self.first + self.length)

    def centres(self) -> NDArray[np.floating[Any]]:
        """(length,) where on the photo their centres are, in source pixels."""
        return self.low + (np.arange(self.length) + 0.5) * ((self.high - self.low) / max(self.length, 1))


@dataclass(frozen=True)
class View:
    """A square window on a photo, at some scale, aspect and place, maybe mirrored."""

    photo: LabelledPhoto
    side: int  # pixels
    rows: Axis  # before it is mirrored
    columns: Axis
    mirrored: bool
    growth: float  # canvas pixels for each source pixel
    layer: int  # one annotator at a time
    lots: NDArray[np.float64]  # (N,) in [0, 1), of the layer's objects: which are pasted, which a crowd keeps


class Tint(NamedTuple):
    """What the colours of a canvas are multiplied by."""

    saturation: float
    contrast: float
    brightness: float


@dataclass(frozen=True)
class Plan:
    """A canvas that is not painted yet."""

    side: int  # pixels
    views: tuple[View, ...]  # one, or n x n of which a mosaic is made, row by row
    pasted: View | None  # whose objects are pasted, if any
    tint: Tint


@dataclass(frozen=True)
class Canvas:
    """A square training example of side S pixels."""

    image: Tensor  # (S, S, 3) uint8 RGB
    masks: Tensor  # (N, S, S) bool
    unlabelled: Tensor  # (S, S) float32: what a detection on an unlabelled pixel costs there, in [0, 1]
    lots: Tensor  # (N,) float64 of the masks, see `View`


class Crop(NamedTuple):
    """The part of a photo that a view shows, before it is mirrored; h x w canvas pixels."""

    pixels: Tensor  # (h, w, 3) uint8 RGB
    masks: Tensor  # (N + I, h, w) bool: the objects of the view's layer, and the regions to ignore


class Source(Protocol):
    """Where crops come from."""

    def crop(self, view: View) -> Crop:
        """What a view shows. Raises DatasetError if the photo cannot be read."""


class Files:
    """Photos that are read from their files each time."""

    def crop(self, view: View) -> Crop:
        """See `Source`."""
        photo, rows, columns = view.photo, view.rows, view.columns
        picture = photo.pixels()  # read even where nothing shows: a file that is gone is told
        height, width = rows.length, columns.length
        if height and width:
            box = columns.low, rows.low, columns.high, rows.high
            resized = Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR, box=box)
            picture = np.array(resized)
        else:
            picture = np.empty((height, width, 3), np.uint8)
        at = np.ix_(rows.centres().astype(np.int64), columns.centres().astype(np.int64))
        rles = (*photo.layers[view.layer], *photo.ignored)
        masks = np.zeros((len(rles), height, width), bool)
        for index, counts in enumerate(rles):  # one at a time: a hundred masks of a large photo fill the memory
            masks[index] = rle.decode(counts, photo.height, photo.width)[at]
        return Crop(torch.from_numpy(picture), torch.from_numpy(masks))


def plan_canvas(draw: Draw, side: int, settings: CanvasSettings, rng: np.random.Generator) -> Plan:
    """What a canvas of ``side`` pixels will be of photos that ``draw`` draws. Raises DatasetError from ``draw``."""
    across = _across(settings, rng)
    views = tuple(plan_view(draw(rng), side // across, settings, rng) for _ in range(across**2))
    pasted = plan_view(draw(rng), side, settings, rng) if rng.random() < settings.copy_paste else None
    return Plan(side, views, pasted, draw_tint(settings.jitter, rng))


def draw_tint(jitter: float, rng: np.random.Generator) -> Tint:
    """Each changed by at most a share of ``jitter``."""
    saturation, contrast, brightness = (1 + rng.uniform(-jitter, jitter, 3)).tolist()
    return Tint(saturation, contrast, brightness)


def _across(settings: CanvasSettings, rng: np.random.Generator) -> int:
    """Of how many photos along a side a canvas is made."""
    drawn = rng.random()
    for across, share in settings.mosaics.items():
        if drawn < share:
            return across
        drawn -= share
    return 1


def plan_view(photo: LabelledPhoto, side: int, settings: CanvasSettings, rng: np.random.Generator) -> View:
    """A window of ``side`` pixels on the photo, by chance."""
    low, high = np.log(settings.zoom)
    longest = side * np.exp(rng.uniform(low, high))
    stretch = np.exp(rng.uniform(-0.5, 0.5) * np.log(settings.stretch))
    scale = longest / max(photo.height, photo.width)
    columns = _axis(photo.width, side, scale * stretch, rng)
    rows = _axis(photo.height, side, scale / stretch, rng)
    mirrored = bool(rng.random() < 0.5)
    layer = int(rng.integers(len(photo.layers)))
    return View(photo, side, rows, columns, mirrored, float(scale**2), layer, rng.random(len(photo.layers[layer])))


def _axis(size: int, side: int, scale: float, rng: np.random.Generator) -> Axis:
    """Anywhere inside the photo of ``size`` pixels, or with the photo anywhere inside it."""
    slack = size - side / scale
    origin = float(rng.uniform(min(slack, 0.0), max(slack, 0.0)))
    centres = origin + (np.arange(side) + 0.5) / scale  # source pixels
    shown = np.flatnonzero((centres >= 0) & (centres < size))
    if not len(shown):  # a photo so narrow that it falls between two canvas pixels
        return Axis(0, 0, 0.0, 0.0)
    # Fractions of a source pixel count: a window rounded to whole ones would shift the picture against its masks.
    half = 0.5 / scale
    low, high = float(centres[shown[0]]) - half, float(centres[shown[-1]]) + half
    return Axis(int(shown[0]), len(shown), max(0.0, low), min(float(size), high))


def paint(plan: Plan, source: Source, settings: CanvasSettings) -> Canvas:
    """The canvas of a plan, on the device of the source. Raises DatasetError if a photo cannot be read."""
    canvas = join([show(view, source, settings) for view in plan.views], plan.side)
    if plan.pasted is not None:
        canvas = paste(canvas, show(plan.pasted, source, settings), settings)
    image = recolour(canvas.image, plan.tint)
    return limit_objects(Canvas(image, canvas.masks, canvas.unlabelled, canvas.lots), settings)


def show(view: View, source: Source, settings: CanvasSettings) -> Canvas:
    """The canvas that a view is."""
    side, rows, columns = view.side, view.rows.shown(), view.columns.shown()
    pixels, seen = source.crop(view)
    device = pixels.device
    image = torch.full((side, side, 3), PADDING_GREY, dtype=torch.uint8, device=device)
    image[rows, columns] = pixels
    drawn = torch.zeros((len(seen), side, side), dtype=torch.bool, device=device)
    drawn[:, rows, columns] = seen
    unlabelled = torch.ones((side, side), device=device)  # padding shows nothing: a detection there is a mistake
    unlabelled[rows, columns] = settings.unlabelled_weight[view.photo.labelled]
    if view.mirrored:
        image, drawn, unlabelled = image.flip(1), drawn.flip(2), unlabelled.flip(1)

    objects = len(view.lots)
    masks, ignored = drawn[:objects], drawn[objects:]
    areas = torch.from_numpy(rle.areas(view.photo.layers[view.layer]) * view.growth).to(device)
    visible = masks.sum((1, 2))
    keep = (visible >= MIN_PIXELS) & (visible >= settings.min_visible * areas)
    for dropped in (masks[~keep], ignored):  # scraps of a cropped object, and crowds: neither asked for nor punished
        unlabelled[dropped.any(0)] = 0.0
    return Canvas(image, masks[keep], unlabelled, torch.from_numpy(view.lots).to(device)[keep])


def join(parts: list[Canvas], side: int) -> Canvas:
    """A canvas of ``side`` pixels made of n x n smaller ones, row by row."""
    across = math.isqrt(len(parts))
    if across == 1:
        return parts[0]
    cell, device = side // across, parts[0].image.device
    image = torch.full((side, side, 3), PADDING_GREY, dtype=torch.uint8, device=device)
    unlabelled = torch.ones((side, side), device=device)
    masks = []
    for index, part in enumerate(parts):
        top, left = index // across * cell, index % across * cell
        rows, columns = slice(top, top + cell), slice(left, left + cell)
        image[rows, columns] = part.image
        unlabelled[rows, columns] = part.unlabelled
        placed = torch.zeros((len(part.masks), side, side), dtype=torch.bool, device=device)
        placed[:, rows, columns] = part.masks
        masks.append(placed)
    return Canvas(image, torch.cat(masks), unlabelled, torch.cat([part.lots for part in parts]))


def paste(canvas: Canvas, other: Canvas, settings: CanvasSettings) -> Canvas:
    """The canvas with some objects of another of its size laid over it (copy-paste, Ghiasi et al. 2020, 2012.07177).

    Objects below lose what is covered; what little is left of one is neither asked for nor punished. Of the other
    canvas, everything that came along whole is asked for, so the parts of a whole are too.
    """
    cover = other.masks[other.lots < settings.pasted].any(0)  # (S, S)
    image = torch.where(cover[:, :, None], other.image, canvas.image)
    below = canvas.masks & ~cover
    kept = below.sum((1, 2)) >= (settings.min_visible * canvas.masks.sum((1, 2))).clamp(min=MIN_PIXELS)
    whole = (other.masks & cover).sum((1, 2)) == other.masks.sum((1, 2))
    unlabelled = torch.where(cover, other.unlabelled, canvas.unlabelled)
    unlabelled[below[~kept].any(0)] = 0.0
    unlabelled[(other.masks[~whole] & cover).any(0)] = 0.0  # halves of others that lie over what was pasted
    return Canvas(
        image,
        torch.cat((below[kept], other.masks[whole])),
        unlabelled,
        torch.cat((canvas.lots[kept], other.lots[whole])),
    )


def recolour(pixels: Tensor, tint: Tint) -> Tensor:
    """(H, W, 3) uint8 pixels in other colours."""
    saturation, contrast, brightness = tint
    values = pixels.float()
    grey = values.mean(dim=2, keepdim=True)
    # Of whole numbers, whose sum is the same in whatever order it is made
    mean = pixels.sum(dtype=torch.int64).float() / max(pixels.numel(), 1)
    gain = contrast * brightness
    values = values * (gain * saturation) + grey * (gain * (1 - saturation)) + mean * (brightness * (1 - contrast))
    return values.clamp(0, 255).to(torch.uint8)


def limit_objects(canvas: Canvas, settings: CanvasSettings) -> Canvas:
    """At most ``settings.max_objects`` objects; the others' pixels are neither asked for nor punished."""
    if len(canvas.masks) <= settings.max_objects:
        return canvas
    keep = torch.zeros(len(canvas.masks), dtype=torch.bool, device=canvas.masks.device)
    keep[canvas.lots.argsort()[: settings.max_objects]] = True
    unlabelled = canvas.unlabelled.clone()
    unlabelled[canvas.masks[~keep].any(0)] = 0.0
    return Canvas(canvas.image, canvas.masks[keep], unlabelled, canvas.lots[keep])
