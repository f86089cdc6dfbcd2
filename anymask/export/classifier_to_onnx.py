"""Classifier -> ONNX: inputs the trunk's features and masks; output the scores of every mask for every label."""

import copy
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from anymask.classifier import labels_hash
from anymask.export.to_onnx import model_bytes, write_checked
from anymask.network.classifier import STRIDE, Classifier
from anymask.network.trunk import fingerprint, imagenet_trunk
from anymask.runtimes.base import TRUNK
from anymask.runtimes.onnx_classifier import INPUTS, LABELS, OUTPUT, OnnxClassifier

MASKS = 5  # of the example


class DeployedClassifier(nn.Module):
    """A classifier of one picture's masks."""

    def __init__(self, network: Classifier) -> None:
        super().__init__()
        self.network = network

    def forward(self, *inputs: Tensor) -> Tensor:
        """Features of one picture, (N, H / 8, W / 8) masks -> (N, L) scores."""
        *features, masks = inputs
        return self.network.scores(self.network.describe(features, masks))


def export_classifier(network: Classifier, path: Path) -> float:
    """Write ``network`` to ``path`` with float16 weights, and check it against torch.

    Returns:
        The largest difference to torch over a picture of noise, relative to the largest output.

    Raises:
        WeightsError: the exported file differs by more than ``TOLERANCE``, or cannot be written.
        MissingExtraError: the trunk's ImageNet weights are not installed.
    """
    deployed = DeployedClassifier(copy.deepcopy(network)).cpu().float().eval()
    trunk = imagenet_trunk(network.config.trunk).eval()
    sizes = {name: {2: f"rows_{name}", 3: f"columns_{name}"} for name in INPUTS[:-1]}
    axes = {**sizes, INPUTS[-1]: {0: "masks", 1: "rows", 2: "columns"}, OUTPUT: {0: "masks"}}
    content = model_bytes(
        deployed,
        example(trunk, 96, 160),
        list(INPUTS),
        [OUTPUT],
        axes,
        {TRUNK: fingerprint(trunk), LABELS: labels_hash()},
    )
    *features, masks = inputs = example(trunk, 128, 64)  # not the size it was traced with
    with torch.no_grad():
        expected = deployed(*inputs).numpy()
    got = OnnxClassifier(content).run(tuple(map(Tensor.numpy, features)), masks.numpy())
    difference = float(np.abs(got - expected).max() / np.abs(expected).max())
    write_checked(path, content, difference)
    return difference


@torch.no_grad()
def example(trunk: nn.Module, height: int, width: int) -> tuple[Tensor, ...]:
    """Inputs for a picture of noise; the last mask is empty."""
    generator = torch.Generator().manual_seed(0)
    features = trunk(torch.rand(1, 3, height, width, generator=generator))
    masks = torch.rand(MASKS, height // STRIDE, width // STRIDE, generator=generator)
    masks[-1] = 0
    return (*features, masks)
