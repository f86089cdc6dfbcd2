"""Training goes on from a FastSAM checkpoint, and its result is written as one."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from anymask.datasets import LabelledPhoto
from anymask.errors import SettingsError, WeightsError
from anymask.network.checkpoint import load_network
from anymask.network.head import predictions
from anymask.network.published import load_published, save_published
from anymask.network.yolo import Network, NetworkConfig
from anymask.train.detector import DetectorLesson, fitted_to
from anymask.train.loop import learn
from anymask.train.settings import Settings
from anymask.train.warm_start import unfold_norms

Paint = Callable[..., list[LabelledPhoto]]


def published(path: Path, classes: int = 1) -> Path:
    """A checkpoint of size n with norms that have seen a few batches."""
    torch.manual_seed(0)
    network = Network(NetworkConfig("n", "yolo", classes, reg_max=8, coefficients=8, detail=False))
    with torch.no_grad():
        for _ in range(3):
            network(torch.rand(2, 3, 64, 64))
    save_published(network, path)
    return path


def test_the_file_says_what_is_trained(tmp_path: Path) -> None:
    path = published(tmp_path / "small.pt")
    settings = fitted_to(Settings(seed=3), path)
    assert settings.network == NetworkConfig("n", "yolo", reg_max=8, coefficients=8, detail=False)
    assert (settings.freeze_trunk, settings.seed) == (False, 3)
    assert fitted_to(Settings(), None) == fitted_to(Settings(), Path("exported.onnx")) == Settings()
    with pytest.raises(SettingsError, match="one class can be trained, got 2"):
        fitted_to(Settings(), published(tmp_path / "two.pt", classes=2))
    path.write_bytes(b"")
    with pytest.raises(WeightsError, match=r"small\.pt: expected a FastSAM checkpoint"):
        fitted_to(Settings(), path)


def test_a_run_begins_with_the_very_network_and_becomes_a_file_again(
    paint: Paint, settings: Settings, tmp_path: Path
) -> None:
    path = published(tmp_path / "small.pt")
    settings = replace(settings, network=fitted_to(Settings(), path).network, freeze_trunk=False)
    lesson = DetectorLesson(paint(2), settings)
    original, images = load_published(path), torch.rand(2, 3, 64, 64)
    network = lesson.build(None, path)
    lesson.start_from(network, path)
    lesson.begin(network, "cpu")
    unfold_norms(network, lambda number: pytest.fail("there is nothing to unfold"))
    assert all(parameter.requires_grad for parameter in network.parameters())
    network.eval()
    with torch.no_grad():
        one, other = original(images), network(images)
    assert torch.equal(predictions(one), predictions(other))
    assert torch.equal(one.prototypes, other.prototypes)

    learn(lesson, tmp_path / "run", steps=2, weights=path)
    trained, again = load_network(tmp_path / "run" / lesson.checkpoint), tmp_path / "again.pt"
    assert trained.config == original.config
    before, after = original.state_dict(), trained.state_dict()
    assert not torch.equal(before["trunk.stem.conv.weight"], after["trunk.stem.conv.weight"])  # every layer learns
    assert all(torch.isfinite(value).all() for value in after.values())
    save_published(trained, again)
    for name, value in load_published(again).state_dict().items():
        assert torch.allclose(value.float(), after[name].float(), rtol=1e-3, atol=1e-6), name
