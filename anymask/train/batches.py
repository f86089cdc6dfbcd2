"""Batches: step number -> images and labels, a pure function of seed and step: a resumed run goes on exactly."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from anymask.datasets import PhotoEntry
from anymask.train.augment import crop, limit_objects, make_canvas, paste, recolour
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
        self._draw = PhotoSampler(photos, settings.sampling)
        self.photos = self._draw.count  # how many there are to draw

    def _across(self, rng: np.random.Generator) -> int:
        """Of how many photos along a side the next canvas is made."""
        drawn = rng.random()
        for across, share in self.settings.mosaics.items():
            if drawn < share:
                return across
            drawn -= share
        return 1

    def __len__(self) -> int:
        return 2**31

    def __getitem__(self, step: int) -> Batch:
        rng = np.random.default_rng((self.settings.seed, step))
        sides, chances = zip(*self.settings.sides.items(), strict=True)
        side = int(rng.choice(sides, p=np.array(chances) / sum(chances)))
        count = max(1, round(self.settings.pixels_per_step / side**2))
        canvases = []
        for _ in range(count):
            across = self._across(rng)
            canvas = make_canvas([self._draw(rng) for _ in range(across**2)], side, self.settings, rng)
            if rng.random() < self.settings.copy_paste:
                canvas = paste(canvas, crop(self._draw(rng), side, self.settings, rng), self.settings, rng)
            canvas = replace(canvas, image=recolour(canvas.image, self.settings.jitter, rng))
            canvases.append(limit_objects(canvas, self.settings, rng))
        masks = np.concatenate([canvas.masks for canvas in canvases])
        cells = slice(LABEL_STRIDE // 2, None, LABEL_STRIDE)  # the pixel at every anchor of the finest level
        background = np.stack(
            [np.where(c.masks[:, cells, cells].any(0), 1.0, c.unlabelled[cells, cells]) for c in canvases]
        )
        return Batch(
            torch.from_numpy(np.stack([canvas.image for canvas in canvases])).permute(0, 3, 1, 2).contiguous(),
            torch.from_numpy(masks),
            torch.from_numpy(boxes_of(masks)),
            torch.from_numpy(np.repeat(np.arange(count), [len(canvas.masks) for canvas in canvases])),
            torch.from_numpy(background.astype(np.float32)),
        )


def boxes_of(masks: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(N, H, W) non-empty masks -> (N, 4) tight boxes x1, y1, x2, y2 in pixels."""
    columns, rows = np.asarray(masks.any(axis=1)), np.asarray(masks.any(axis=2))  # (N, W), (N, H)
    return np.stack(
        (
            columns.argmax(1),
            rows.argmax(1),
            columns.shape[1] - columns[:, ::-1].argmax(1),
            rows.shape[1] - rows[:, ::-1].argmax(1),
        ),
        axis=1,
    ).astype(np.float32)
