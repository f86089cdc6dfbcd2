"""What the mask head learns: to draw the object of a box, be it one that the detector found or one drawn by hand."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from anymask.datasets import PhotoEntry
from anymask.models import default_weights
from anymask.network.checkpoint import check_same, mask_head_config
from anymask.network.head import STRIDES
from anymask.network.mask_head import GRID, MaskHead, MaskHeadOutput, grid_points, windows_of
from anymask.network.trunk import imagenet_trunk
from anymask.runtimes.base import BOX
from anymask.train.assign import assign, complete_iou, pad_boxes
from anymask.train.batches import Batch, Batches
from anymask.train.frozen import FrozenDetector
from anymask.train.loop import Lesson
from anymask.train.mask_head_loss import MaskHeadLosses, Wanted, mask_head_losses
from anymask.train.mask_head_settings import MaskHeadSettings
from anymask.train.warm_start import check_trunk, fill_from_onnx


class MaskHeadLesson(Lesson[MaskHead]):
    """The mask head on labelled photos, over a frozen detector.

    detector: an ONNX file that gives its trunk's features.

    Raises:
        SettingsError: there is no photo.
        WeightsError: the detector gives no features, or those of another trunk.
    """

    model = "mask_head"
    checkpoint = "mask_head.pt"
    batches: Batches

    def __init__(self, photos: Sequence[PhotoEntry], settings: MaskHeadSettings, detector: Path | None = None) -> None:
        self.settings: MaskHeadSettings = settings
        self.batches = Batches(photos, settings)
        canvases = sum(
            share * max(1, round(settings.pixels_per_step / side**2)) for side, share in settings.sides.items()
        )
        self.batches_per_epoch = self.batches.photos * sum(settings.sides.values()) / canvases
        self.file = detector or default_weights()
        check_trunk(self.file, imagenet_trunk(settings.network.trunk))
        self.detector: FrozenDetector | None = None

    def build(self, state: dict[str, Any] | None, path: Path) -> MaskHead:
        if state is not None:
            check_same(mask_head_config(state, path), self.settings.network, path)
        return MaskHead(self.settings.network)

    def start_from(self, network: MaskHead, weights: Path) -> None:
        check_trunk(weights, imagenet_trunk(self.settings.network.trunk))
        fill_from_onnx(network, weights)

    def begin(self, network: MaskHead, device: str) -> None:
        if self.settings.resident:
            self.batches.keep_on(device)
        network.train()
        self.detector = FrozenDetector(self.file, device)

    def losses(self, network: MaskHead, batch: Batch, number: int) -> MaskHeadLosses:
        if self.detector is None:
            raise RuntimeError("begin comes first")
        generator = torch.Generator().manual_seed(self.settings.seed * 2**32 + number)
        images = batch.images.float().div(255)
        predictions, prototypes, maps = self.detector(images)
        middles, sizes = predictions[:, :BOX].transpose(1, 2).chunk(2, dim=-1)
        boxes = torch.cat((middles - sizes / 2, middles + sizes / 2), dim=-1).clamp(0, images.shape[-1])  # as in use
        found = Found(boxes, predictions[:, BOX], predictions[:, -prototypes.shape[1] :])
        windows = choose(found, batch, self.settings, generator)
        hints = (windows.coefficients @ prototypes.flatten(2)).view(-1, 1, *prototypes.shape[2:])
        with torch.autocast(images.device.type, torch.bfloat16, enabled=self.settings.precision == "bf16"):
            output = MaskHeadOutput(*network(network.pyramid(maps), windows.boxes, hints))
        output = MaskHeadOutput(output.logits.float(), output.quality.float())
        cells = grid_points(windows_of(windows.boxes), 2 * GRID).flatten(0, 1)
        return mask_head_losses(output, Wanted(batch.masks, windows.wanted, windows.real, cells), self.settings)


class Found(NamedTuple):
    """What the detector says about B canvases, of A anchors each."""

    boxes: Tensor  # (B, A, 4) x1, y1, x2, y2 in canvas pixels
    scores: Tensor  # (B, A)
    coefficients: Tensor  # (B, K, A)


class Windows(NamedTuple):
    """N boxes on each of B canvases; R = B * N."""

    boxes: Tensor  # (B, N, 4) canvas pixels
    coefficients: Tensor  # (B, N, K) of the hint; 0 where there is none
    wanted: Tensor  # (R,) index of the object that is meant
    real: Tensor  # (R,) bool: False where a canvas has no object to mean


@torch.no_grad()
def choose(found: Found, batch: Batch, settings: MaskHeadSettings, generator: torch.Generator) -> Windows:
    """Boxes to learn from: some that the detector found, some drawn around the labels."""
    count, side = len(batch.images), batch.images.shape[-1]
    per_canvas = max(1, settings.windows // count)
    centres, strides = anchors(side)
    objects, exist, index = pad_boxes(batch.boxes, batch.owner, count)
    device = objects.device
    given = assign(found.scores, found.boxes, centres.to(device), strides.to(device), objects, exist, settings)
    boxes = torch.tensor([0.0, 0.0, 8.0, 8.0], device=device).repeat(count, per_canvas, 1)
    coefficients = torch.zeros(count, per_canvas, found.coefficients.shape[1], device=device)
    wanted = torch.zeros(count, per_canvas, dtype=torch.int64, device=device)
    real = torch.zeros(count, per_canvas, dtype=torch.bool, device=device)
    for canvas in range(count):
        if not exist[canvas].any():
            continue
        positive = given.assigned[canvas].nonzero().squeeze(1)
        slots = given.objects[canvas, positive]
        overlap = complete_iou(found.boxes[canvas, positive], objects[canvas, slots])
        positive, slots = positive[overlap >= settings.least_iou], slots[overlap >= settings.least_iou]
        order = torch.randperm(len(positive), generator=generator)[: round(settings.found * per_canvas)].to(device)
        positive, slots = positive[order], slots[order]
        taken = len(positive)
        boxes[canvas, :taken] = found.boxes[canvas, positive]
        hinted = (torch.rand(taken, 1, generator=generator) < settings.hinted).to(device)
        coefficients[canvas, :taken] = found.coefficients[canvas, :, positive].T * hinted
        total = int(exist[canvas].sum())
        others = torch.randint(total, (per_canvas - taken,), generator=generator).to(device)
        boxes[canvas, taken:] = jittered(objects[canvas, others], settings, generator)
        wanted[canvas] = index[canvas, torch.cat((slots, others))]
        real[canvas] = True
    return Windows(boxes, coefficients, wanted.flatten(), real.flatten())


def jittered(boxes: Tensor, settings: MaskHeadSettings, generator: torch.Generator) -> Tensor:
    """(N, 4) boxes as people draw them: some tight, the others off by a share of their sides."""
    sides = (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)
    noise = torch.randn(boxes.shape, generator=generator).clamp(-2.5, 2.5).to(boxes)
    loose = (torch.rand(len(boxes), 1, generator=generator) >= settings.exact_box).to(boxes)
    return boxes + noise * loose * settings.box_jitter * sides


def anchors(side: int) -> tuple[Tensor, Tensor]:
    """(A, 2) centres x, y and (A,) strides of the anchors of a square canvas, in pixels, as the head orders them."""
    centres, strides = [], []
    for stride in STRIDES:
        cells = (np.arange(side // stride) + 0.5) * stride
        centres.append(np.stack(np.meshgrid(cells, cells), axis=-1).reshape(-1, 2))
        strides.append(np.full(len(cells) ** 2, stride))
    return torch.from_numpy(np.concatenate(centres)).float(), torch.from_numpy(np.concatenate(strides)).float()
