"""Refiner -> ONNX: inputs ``pixels``, ``prompts`` and the trunk's features; outputs ``logits`` and ``quality``."""

import copy
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import helper
from torch import Tensor, nn

from anymask.errors import WeightsError
from anymask.export.agreement import TOLERANCE
from anymask.export.to_onnx import store_half, to_model
from anymask.files import replace_file
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
    model = to_model(deployed, (pixels, prompts, *features), list(INPUTS), list(OUTPUTS), axes)
    store_half(model)
    helper.set_model_props(model, {TRUNK: fingerprint(trunk)})
    onnx.checker.check_model(model)
    content = model.SerializeToString()
    with torch.no_grad():
        expected = [tensor.numpy() for tensor in deployed(pixels, prompts, *features)]
    got = OnnxRefiner(content).run(pixels.numpy(), prompts.numpy(), tuple(map(Tensor.numpy, features)))
    difference = float(np.max([np.abs(a - b).max() / np.abs(a).max() for a, b in zip(expected, got, strict=True)]))
    if not difference < TOLERANCE:
        raise WeightsError(
            f"{path}: the exported model differs from torch by {difference:.1e} of the largest output, "
            f"expected below {TOLERANCE:.0e}; nothing was written"
        )
    replace_file(path, lambda stream: stream.write(content))
    return difference
