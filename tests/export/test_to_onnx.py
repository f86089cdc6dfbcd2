import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from anymask.errors import WeightsError
from anymask.export import export_onnx, write_metadata
from anymask.export.agreement import difference, noise
from anymask.export.deployed import TorchNetwork
from anymask.network.head import predictions
from anymask.network.yolo import Network, NetworkConfig
from anymask.runtimes.onnx_runtime import OnnxRuntime

CONFIG = NetworkConfig("n", "yolo", reg_max=8, coefficients=8)


@pytest.fixture(scope="module")
def network() -> Network:
    torch.manual_seed(0)
    network = Network(CONFIG)
    # A few batches give the norms statistics of their own, so that a run in training mode would differ.
    with torch.no_grad():
        for _ in range(3):
            network(torch.rand(2, 3, 64, 64))
    return network.eval()


@pytest.mark.parametrize(("half", "tolerance"), [(False, 1e-4), (True, 2e-2)])
@pytest.mark.parametrize("shape", [(1, 3, 64, 64), (2, 3, 96, 32)])  # one file for every size and batch
def test_the_file_agrees_with_torch(
    network: Network, tmp_path: Path, half: bool, tolerance: float, shape: tuple[int, ...]
) -> None:
    path = tmp_path / "models" / "model.onnx"  # the folder is made
    assert 0 < export_onnx(network, path, half=half).largest < tolerance
    images = torch.rand(shape, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        output = network(images)
    found = OnnxRuntime(path).run(images.numpy())
    for expected, got in ((predictions(output), found.predictions), (output.prototypes, found.prototypes)):
        assert got.dtype == np.float32
        assert got.shape == expected.shape
        assert np.abs(expected.numpy() - got).max() < tolerance * expected.abs().max()


def test_half_is_about_half_the_size(network: Network, tmp_path: Path) -> None:
    sizes = []
    for half in (True, False):
        export_onnx(network, tmp_path / "model.onnx", half=half)
        sizes.append((tmp_path / "model.onnx").stat().st_size)
    assert 0.45 < sizes[0] / sizes[1] < 0.6
    assert [each.name for each in tmp_path.iterdir()] == ["model.onnx"]


def test_the_network_stays_as_it_is(tmp_path: Path) -> None:
    network = Network(CONFIG).half().train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    export_onnx(network, tmp_path / "model.onnx")
    assert network.training
    assert all(module.training for module in network.modules())
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


@pytest.mark.parametrize("part", ["scores", "coefficients", "prototypes"])
def test_a_difference_in_any_output_is_seen(network: Network, tmp_path: Path, part: str) -> None:
    export_onnx(network, tmp_path / "model.onnx", half=False)
    content = (tmp_path / "model.onnx").read_bytes()
    changed = Network(CONFIG).eval()
    changed.load_state_dict(network.state_dict())
    exported = OnnxRuntime(content)
    assert difference(TorchNetwork(changed), exported, noise()).largest < 1e-4
    bias = {
        "scores": changed.head.cv3[0][2].bias,  # type: ignore[index]
        "coefficients": changed.head.cv4[0][2].bias,  # type: ignore[index]
        "prototypes": changed.head.proto.cv3.bn.bias,
    }[part]
    with torch.no_grad():
        bias += 5.0 if part == "scores" else 0.5
    # scores move from 1e-3 to 0.1, while boxes count some hundred pixels
    found = difference(TorchNetwork(changed), exported, noise())
    assert found.largest > 0.05 and getattr(found, part) > 0.05 and found.boxes < 1e-2


@pytest.mark.parametrize("half", [True, False])
def test_numbers_that_are_none_are_refused(network: Network, tmp_path: Path, half: bool) -> None:
    broken = Network(CONFIG).eval()
    broken.load_state_dict(network.state_dict())
    with torch.no_grad():
        broken.head.proto.cv3.bn.bias[0] = float("nan")
    path = tmp_path / "model.onnx"
    path.write_text("the model of yesterday")
    with pytest.raises(WeightsError, match="differs by nan"):
        export_onnx(broken, path, half=half)
    assert path.read_text() == "the model of yesterday"


def test_a_path_that_takes_no_file(network: Network, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WeightsError, match="cannot be written"):
        export_onnx(network, tmp_path / "file" / "model.onnx")


def test_metadata_is_added_and_replaced(network: Network, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    export_onnx(network, path)
    write_metadata(path, {"a": "1", "b": "2"})
    write_metadata(path, {"b": "3"})
    held = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    assert NetworkConfig(**json.loads(held.pop("network"))) == CONFIG
    assert held == {"a": "1", "b": "3"}
    OnnxRuntime(path).run(np.zeros((1, 3, 32, 32), np.float32))  # and it is still a model
