"""Mask head -> ONNX: inputs the trunk's features, prototypes, boxes and coefficients; what `OnnxMaskHead` gives out."""

import copy
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from anymask.export.to_onnx import model_bytes, write_checked
from anymask.network.mask_head import MaskHead, windows_of
from anymask.network.trunk import fingerprint, imagenet_trunk
from anymask.runtimes.base import TRUNK
from anymask.runtimes.onnx_mask_head import INPUTS, OUTPUTS, OnnxMaskHead

BOXES, COEFFICIENTS = 3, 32  # of the example


class DeployedMaskHead(nn.Module):
    """A mask head for one picture that answers with windows and chances."""

    def __init__(self, network: MaskHead) -> None:
        super().__init__()
        self.network = network

    def forward(self, *inputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Features of one picture, prototypes, (N, 4) boxes, (N, K) coefficients -> as in ``MaskHeadOutput``."""
        *features, prototypes, boxes, coefficients = inputs
        hints = (coefficients @ prototypes[0].flatten(1)).view(-1, 1, prototypes.shape[2], prototypes.shape[3])
        output = self.network(self.network.pyramid(features), boxes.unsqueeze(0), hints)
        return windows_of(boxes), output.logits, output.quality.sigmoid()


def export_mask_head(network: MaskHead, path: Path) -> float:
    """Write ``network`` to ``path`` with float16 weights, and check it against torch.

    Returns:
        The largest difference to torch over a picture of noise, relative to the largest output.

    Raises:
        WeightsError: the exported file differs by more than ``TOLERANCE``, or cannot be written.
        MissingExtraError: the trunk's ImageNet weights are not installed.
    """
    deployed = DeployedMaskHead(copy.deepcopy(network)).cpu().float().eval()
    trunk = imagenet_trunk(network.config.trunk).eval()
    inputs = example(trunk, 96, 160)
    sizes = {name: {2: f"rows_{name}", 3: f"columns_{name}"} for name in INPUTS[:5]}
    axes = {
        **sizes,
        "prototypes": {1: "coefficients", **sizes["prototypes"]},
        "boxes": {0: "boxes"},
        "coefficients": {0: "boxes", 1: "coefficients"},
        **{name: {0: "boxes"} for name in OUTPUTS},
    }
    content = model_bytes(deployed, inputs, list(INPUTS), list(OUTPUTS), axes, {TRUNK: fingerprint(trunk)})
    *features, prototypes, boxes, coefficients = inputs = example(trunk, 128, 64)  # not the size it was traced with
    with torch.no_grad():
        expected = [tensor.numpy() for tensor in deployed(*inputs)]
    got = OnnxMaskHead(content).run(
        tuple(map(Tensor.numpy, features)), prototypes.numpy(), boxes.numpy(), coefficients.numpy()
    )
    difference = float(np.max([np.abs(a - b).max() / np.abs(a).max() for a, b in zip(expected, got, strict=True)]))
    write_checked(path, content, difference)
    return difference


@torch.no_grad()
def example(trunk: nn.Module, height: int, width: int) -> tuple[Tensor, ...]:
    """Inputs for a picture of noise."""
    generator = torch.Generator().manual_seed(0)
    features = trunk(torch.rand(1, 3, height, width, generator=generator))
    prototypes = torch.randn(1, COEFFICIENTS, height // 4, width // 4, generator=generator)
    boxes = torch.tensor([[3.0, 5.0, 40.0, 60.0], [20.0, 10.0, 28.0, 30.0], [-4.0, 0.0, width, height]])
    return (*features, prototypes, boxes[:BOXES], torch.randn(BOXES, COEFFICIENTS, generator=generator))
