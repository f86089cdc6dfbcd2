"""Batches: step number -> images and labels, a pure function of seed and step: a resumed run goes on exactly."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from anymask.datasets import PhotoEntry
from anymask.train.augment import Files, Source, paint, plan_canvas
from anymask.train.resident import Resident
from anymask.train.sampling import PhotoSampler
from anymask.train.settings import CanvasSettings

LABEL_STRIDE = 8  # the finest stride anchors have: the grid on which unlabelled pixels are weighed


class Batch(NamedTuple):
    """B canvases of side S with N objects in all."""

    images: Tensor  # (B, 3, S, S) uint8 RGB
    masks: Tensor  # (N, S, S) bool
    boxes: Tensor  # (N, 4) float32 x1, y1, x2, y2 in canvas pixels: tight boxes of the masks
    owner: Tensor  # (N,) int64, which canvas an object is on, ascending
    background: Tensor  # (B, S / 8, S / 8) float32: what a detection centred there costs if it meets no object


class Batches(Dataset[Batch]):
    """``batches[step]`` is the batch of that step; every canvas of a batch has the same side.

    Raises:
        SettingsError: there is no photo.
        DatasetError: on drawing a batch, a photo cannot be read.
    """

    def __init__(self, photos: Sequence[PhotoEntry], settings: CanvasSettings) -> None:
        self.settings = settings
        self._photos = photos
        self._draw = PhotoSampler(photos, settings.sampling)
        self._source: Source = Files()
        self.photos = self._draw.count  # how many there are to draw

    def keep_on(self, device: str) -> None:
        """From now on paint on a device, of photos that are all kept in its memory."""
        resident = Resident([photo.load() for photo in self._photos], device)
        self._draw, self._source = PhotoSampler(resident.photos, self.settings.sampling), resident

    def __len__(self) -> int:
        return 2**31

    def __getitem__(self, step: int) -> Batch:
        rng = np.random.default_rng((self.settings.seed, step))
        sides, chances = zip(*self.settings.sides.items(), strict=True)
        side = int(rng.choice(sides, p=np.array(chances) / sum(chances)))
        count = max(1, round(self.settings.pixels_per_step / side**2))
        plans = [plan_canvas(self._draw, side, self.settings, rng) for _ in range(count)]
        canvases = [paint(plan, self._source, self.settings) for plan in plans]
        masks = torch.cat([canvas.masks for canvas in canvases])
        cells = slice(LABEL_STRIDE // 2, None, LABEL_STRIDE)  # the pixel at every anchor of the finest level
        background = [c.unlabelled[cells, cells].masked_fill(c.masks[:, cells, cells].any(0), 1.0) for c in canvases]
        per_canvas = torch.tensor([len(canvas.masks) for canvas in canvases])
        return Batch(
            torch.stack([canvas.image for canvas in canvases]).permute(0, 3, 1, 2).contiguous(),
            masks,
            boxes_of(masks),
            torch.arange(count).repeat_interleave(per_canvas).to(masks.device),
            torch.stack(background),
        )


def boxes_of(masks: Tensor) -> Tensor:
    """(N, H, W) bool masks, none of them empty -> (N, 4) float32 tight boxes x1, y1, x2, y2 in pixels."""
    if not len(masks):
        return torch.zeros(0, 4, device=masks.device)
    columns, rows = masks.any(dim=1).byte(), masks.any(dim=2).byte()  # (N, W), (N, H)
    first = [each.argmax(dim=1) for each in (columns, rows)]
    last = [each.shape[1] - each.flip(1).argmax(dim=1) for each in (columns, rows)]
    return torch.stack((*first, *last), dim=1).float()
