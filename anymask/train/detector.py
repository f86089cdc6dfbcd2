"""What the detector learns: to find every object of a canvas."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from anymask.datasets import PhotoEntry
from anymask.errors import WeightsError
from anymask.fastsam.checkpoint import SUFFIXES, read_checkpoint
from anymask.network.checkpoint import network_config
from anymask.network.published import fill_from_published
from anymask.network.trunk import EfficientNetLite, imagenet_state
from anymask.network.yolo import Network
from anymask.train.batches import Batch, Batches
from anymask.train.frozen import FrozenTrunk
from anymask.train.loop import Lesson
from anymask.train.loss import Losses, compute_losses
from anymask.train.settings import Settings
from anymask.train.warm_start import check_trunk, fill_from_onnx


class DetectorLesson(Lesson[Network]):
    """The detector on labelled photos.

    Raises:
        SettingsError: there is no photo.
    """

    model = "detector"
    checkpoint = "last.pt"
    batches: Batches

    def __init__(self, photos: Sequence[PhotoEntry], settings: Settings) -> None:
        self.settings: Settings = settings
        self.batches = Batches(photos, settings)
        canvases = sum(
            share * max(1, round(settings.pixels_per_step / side**2)) for side, share in settings.sides.items()
        )
        self.batches_per_epoch = self.batches.photos * sum(settings.sides.values()) / canvases
        self.trunk: nn.Module | FrozenTrunk | None = None

    def build(self, state: dict[str, Any] | None, path: Path) -> Network:
        if state is not None:
            check_resumable(state, path, self.settings)
            return Network(self.settings.network)
        network = Network(self.settings.network)
        if isinstance(network.trunk, EfficientNetLite):
            network.trunk.load_imagenet(imagenet_state(self.settings.network.trunk))
        return network

    def start_from(self, network: Network, weights: Path) -> None:
        if weights.suffix.lower() in SUFFIXES:
            fill_from_published(network, weights)
            return
        if self.settings.freeze_trunk and isinstance(network.trunk, EfficientNetLite):
            check_trunk(weights, network.trunk)
        fill_from_onnx(network, weights, "trunk." if self.settings.freeze_trunk else "")

    def begin(self, network: Network, device: str) -> None:
        if self.settings.resident:
            self.batches.keep_on(device)
        network.train()
        self.trunk = network.trunk
        if self.settings.freeze_trunk:  # and its batch statistics stay ImageNet's
            network.trunk.requires_grad_(False).eval()
            self.trunk = FrozenTrunk(network.trunk, device)

    def losses(self, network: Network, batch: Batch, number: int) -> Losses:
        images = batch.images.float().div(255).contiguous(memory_format=torch.channels_last)
        generator = torch.Generator().manual_seed(self.settings.seed * 2**32 + number)
        trunk = self.trunk or network.trunk
        with torch.autocast(images.device.type, torch.bfloat16, enabled=self.settings.precision == "bf16"):
            output = network.forward_maps(trunk(images))
        return compute_losses(output.in_float32(), batch, self.settings, generator)


def fitted_to(settings: Settings, weights: Path | None) -> Settings:
    """The settings for a run that begins with ``weights``: of a FastSAM checkpoint, its network, every layer trained.

    Raises:
        WeightsError: the checkpoint cannot be read.
        SettingsError: it has more than one class.
    """
    if weights is None or weights.suffix.lower() not in SUFFIXES:
        return settings
    return replace(settings, network=read_checkpoint(weights).config, freeze_trunk=False)


def check_resumable(state: dict[str, Any], path: Path, settings: Settings) -> None:
    """Raise WeightsError where a run with ``settings`` cannot go on from the checkpoint ``state`` of the file ``path``.

    It may be of another network, or of a trunk that was trained where this is frozen.
    """
    before = {"network": network_config(state, path), "freeze_trunk": state["settings"].get("freeze_trunk")}
    for name, held in before.items():
        wanted = getattr(settings, name)
        if held != wanted:
            raise WeightsError(
                f"{path}: cannot go on from it, its {name} is {held} and that of the settings is {wanted}; "
                f"give the same {name}, or another folder to begin anew"
            )
