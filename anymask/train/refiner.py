"""What the refiner learns: to draw what a prompt means, at native pixels."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from anymask.datasets import PhotoEntry
from anymask.network.checkpoint import check_same, refiner_config
from anymask.network.refiner import Refiner, RefinerOutput
from anymask.network.trunk import imagenet_trunk
from anymask.train.frozen import FrozenTrunk
from anymask.train.loop import Lesson
from anymask.train.refiner_batches import Drawn, RefinerBatch, RefinerBatches
from anymask.train.refiner_loss import RefinerLosses, corrected, refiner_losses
from anymask.train.refiner_settings import RefinerSettings
from anymask.train.warm_start import check_trunk, fill_from_onnx


class RefinerLesson(Lesson[Refiner]):
    """The refiner on labelled photos, over a frozen trunk.

    drawn: what a detector drew on these photos, see `anymask.train.detected`; made from the labels where None.

    Raises:
        SettingsError: there is no photo.
    """

    model = "refiner"
    checkpoint = "refiner.pt"

    def __init__(self, photos: Sequence[PhotoEntry], settings: RefinerSettings, drawn: Drawn | None = None) -> None:
        self.settings: RefinerSettings = settings
        self.batches = RefinerBatches(photos, settings, drawn)
        self.batches_per_epoch = self.batches.photos * settings.objects / settings.windows
        self.trunk: FrozenTrunk | None = None

    def build(self, state: dict[str, Any] | None, path: Path) -> Refiner:
        if state is not None:
            check_same(refiner_config(state, path), self.settings.network, path)
        return Refiner(self.settings.network)

    def start_from(self, network: Refiner, weights: Path) -> None:
        check_trunk(weights, imagenet_trunk(self.settings.network.trunk))
        fill_from_onnx(network, weights)

    def begin(self, network: Refiner, device: str) -> None:
        network.train()
        frozen: nn.Module = imagenet_trunk(self.settings.network.trunk).requires_grad_(False).to(device)
        self.trunk = FrozenTrunk(frozen, device)

    def losses(self, network: Refiner, batch: RefinerBatch, number: int) -> RefinerLosses:
        if self.trunk is None:
            raise RuntimeError("begin comes first")
        generator = torch.Generator().manual_seed(self.settings.seed * 2**32 + number)
        pixels = batch.pixels.float().div(255).contiguous(memory_format=torch.channels_last)
        # Without the cache: weights that `corrected` casts without gradients would be used again with them
        mixed = self.settings.precision == "bf16"
        with torch.autocast(pixels.device.type, torch.bfloat16, enabled=mixed, cache_enabled=False):
            maps = self.trunk(pixels)
            for share in (self.settings.corrected, self.settings.corrected_again):
                if torch.rand((), generator=generator) >= share:
                    break
                batch = corrected(network, batch, pixels, maps, generator)
            output = network(pixels, batch.prompts, maps)
        output = RefinerOutput(*(tensor.float() for tensor in output))
        return refiner_losses(output, batch, self.settings)
