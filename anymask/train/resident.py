"""Photos in the memory of a device, which crops them itself: a GPU paints canvases faster than processes bring them."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anymask import rle
from anymask.datasets import LabelledPhoto
from anymask.train.augment import Axis, Crop, View

BATCH = 64  # photos that are read side by side before they are moved to the device


class Planes(NamedTuple):
    """N masks of a photo as few maps of numbers: in each of them lie masks that share no pixel."""

    maps: Tensor  # (P, H, W) int16: the number of the mask that lies there, or -1
    plane: Tensor  # (N,) int64: in which of them a mask lies


class Kept(NamedTuple):
    """A photo in the device's memory."""

    pixels: Tensor  # (H, W, 3) uint8 RGB
    layers: tuple[Planes, ...]  # of each annotator: the objects, and behind them the regions to ignore


class Resident:
    """A `Source` of crops that keeps its photos on a device.

    A photo takes 3 bytes a pixel, and 2 more for each plane: one of 640 x 480 pixels with parts on two planes 2.1 MB.

    photos: those that a view may be of; their order is kept.

    Raises:
        DatasetError: a photo cannot be read.
        torch.OutOfMemoryError: the device cannot hold them.
    """

    def __init__(self, photos: Sequence[LabelledPhoto], device: str) -> None:
        self.photos = list(photos)
        self._device = torch.device(device)
        self._kept: dict[int, Kept] = {}
        with ThreadPoolExecutor() as threads:
            for first in range(0, len(self.photos), BATCH):
                some = self.photos[first : first + BATCH]
                for photo, kept in zip(some, threads.map(read, some), strict=True):
                    self._kept[id(photo)] = self._moved(kept)

    def _moved(self, kept: Kept) -> Kept:
        layers = (Planes(*(tensor.to(self._device) for tensor in planes)) for planes in kept.layers)
        return Kept(kept.pixels.to(self._device), tuple(layers))

    def crop(self, view: View) -> Crop:
        """See `anymask.train.augment.Source`."""
        kept = self._kept[id(view.photo)]
        height, width, _ = kept.pixels.shape
        down, across = (
            torch.from_numpy(weights(axis, size)).to(self._device)
            for axis, size in ((view.rows, height), (view.columns, width))
        )
        pixels = torch.einsum("wx,yxc->ywc", across, kept.pixels.float())
        pixels = torch.einsum("hy,ywc->hwc", down, pixels)
        rows, columns = (
            torch.from_numpy(axis.centres().astype(np.int64)).to(self._device) for axis in (view.rows, view.columns)
        )
        maps, plane = kept.layers[view.layer]
        seen = maps[:, rows[:, None], columns]  # (P, h, w)
        masks = seen[plane] == torch.arange(len(plane), device=self._device)[:, None, None]
        return Crop((pixels + 0.5).to(torch.uint8), masks)


def read(photo: LabelledPhoto) -> Kept:
    """The photo on the CPU. Raises DatasetError if it cannot be read."""
    layers = tuple(planes_of((*layer, *photo.ignored), photo.height, photo.width) for layer in photo.layers)
    return Kept(torch.tensor(photo.pixels()), layers)


def planes_of(rles: Sequence[bytes], height: int, width: int) -> Planes:
    """Each mask on the first plane on which it covers none before it."""
    maps: list[NDArray[np.int16]] = []
    plane = []
    for number, counts in enumerate(rles):
        mask = rle.decode(counts, height, width)
        free = (at for at, taken in enumerate(maps) if (taken[mask] < 0).all())
        at = next(free, len(maps))
        if at == len(maps):
            maps.append(np.full((height, width), -1, np.int16))
        maps[at][mask] = number
        plane.append(at)
    stacked = np.stack(maps) if maps else np.empty((0, height, width), np.int16)
    return Planes(torch.from_numpy(stacked), torch.tensor(plane, dtype=torch.int64))


def weights(axis: Axis, size: int) -> NDArray[np.float32]:
    """(length, size) how much each source pixel counts for each pixel of the view: as Pillow's BILINEAR does it.

    A triangle around the pixel's centre, as wide as two source pixels, or where the photo is made smaller two pixels of
    the view; cut off at the photo's border.
    """
    scale = (axis.high - axis.low) / max(axis.length, 1)  # source pixels for each pixel of the view
    distance = np.abs(np.arange(size) + 0.5 - axis.centres()[:, None]) / max(scale, 1.0)
    triangle = (1 - distance).clip(min=0).astype(np.float32)
    normed: NDArray[np.float32] = triangle / triangle.sum(axis=1, keepdims=True)
    return normed
