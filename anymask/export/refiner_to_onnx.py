"""Refiner -> ONNX: inputs ``pixels``, ``prompts`` and the trunk's features; outputs ``logits`` and ``quality``."""

import copy
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from anymask.export.to_onnx import model_bytes, write_checked
from anymask.network.refiner import PROMPTS, Refiner
from anymask.network.trunk import fingerprint, imagenet_trunk
from anymask.refine.window import SIDE
from anymask.runtimes.base import TRUNK
from anymask.runtimes.onnx_refiner import INPUTS, OUTPUTS, OnnxRefiner


class DeployedRefiner(nn.Module):
    """A refiner that answers with chances."""

    def __init__(self, network: Refiner) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor, prompts: Tensor, *features: Tensor) -> tuple[Tensor, Tensor]:
        """See ``Refiner.forward``: (B, 4, S, S) logits and (B, 4) quality in [0, 1]."""
        output = self.network(pixels, prompts, list(features))
        return output.logits, output.quality.sigmoid()


def export_refiner(network: Refiner, path: Path) -> float:
    """Write ``network`` to ``path`` with float16 weights, and check it against torch.

    Returns:
        The largest difference to torch over a window of noise, relative to the largest output.

    Raises:
        WeightsError: the exported file differs by more than ``TOLERANCE``, or cannot be written.
        MissingExtraError: the trunk's ImageNet weights are not installed.
    """
    deployed = DeployedRefiner(copy.deepcopy(network)).cpu().float().eval()
    trunk = imagenet_trunk(network.config.trunk).eval()
    generator = torch.Generator().manual_seed(0)
    pixels = torch.rand(1, 3, SIDE, SIDE, generator=generator)
    prompts = torch.rand(1, PROMPTS, SIDE, SIDE, generator=generator)
    with torch.no_grad():
        features = trunk(pixels)
    axes = {name: {0: "batch"} for name in (*INPUTS, *OUTPUTS)}
    content = model_bytes(
        deployed, (pixels, prompts, *features), list(INPUTS), list(OUTPUTS), axes, {TRUNK: fingerprint(trunk)}
    )
    with torch.no_grad():
        expected = [tensor.numpy() for tensor in deployed(pixels, prompts, *features)]
    got = OnnxRefiner(content).run(pixels.numpy(), prompts.numpy(), tuple(map(Tensor.numpy, features)))
    difference = float(np.max([np.abs(a - b).max() / np.abs(a).max() for a, b in zip(expected, got, strict=True)]))
    write_checked(path, content, difference)
    return difference
