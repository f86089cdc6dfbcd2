"""A network as OpenVINO's files and as TorchScript says what it says itself, and keeps what it says of itself."""

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from anymask.errors import WeightsError
from anymask.export import export_onnx, export_openvino, export_torchscript, write_metadata
from anymask.export.agreement import Difference
from anymask.export.deployed import TorchNetwork
from anymask.export.to_onnx import onnx_bytes
from anymask.network.yolo import Network, NetworkConfig
from anymask.runtimes import RawOutput, Runtime, open_runtime
from anymask.train.exported import load_exported

CONFIG = NetworkConfig("n", "yolo", reg_max=8, coefficients=8, detail=False)
Export = Callable[[Network, Path, Runtime], Difference]

EXPORTS: dict[str, Export] = {
    ".onnx": lambda network, path, ours: export_onnx(network, path),
    ".xml": lambda network, path, ours: export_openvino(onnx_bytes(network), path, ours=ours),
    ".torchscript": lambda network, path, ours: export_torchscript(network, path, ours=ours),
}


def made(config: NetworkConfig) -> Network:
    torch.manual_seed(0)
    network = Network(config)
    with torch.no_grad():
        for _ in range(3):  # norms get statistics of their own
            network(torch.rand(2, 3, 64, 64))
    return network.eval()


@pytest.fixture(scope="module")
def network() -> Network:
    return made(CONFIG)


@pytest.fixture(params=EXPORTS)
def suffix(request: pytest.FixtureRequest) -> str:
    if request.param == ".xml" and importlib.util.find_spec("openvino") is None:
        pytest.skip("openvino is not installed")
    return str(request.param)


def test_a_file_says_what_the_network_says(network: Network, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / "models" / f"mine{suffix}"  # the folder is made
    ours = TorchNetwork(network)
    found = EXPORTS[suffix](network, path, ours)
    assert found.largest < (1e-3 if suffix == ".torchscript" else 2e-2)  # the others store float16
    assert found.features is None
    opened = open_runtime(path, 1)
    assert NetworkConfig(**json.loads(opened.metadata["network"])) == CONFIG
    with pytest.raises(WeightsError, match="do not give their trunk's features"):
        opened.features(np.zeros((1, 3, 32, 32), np.float32))
    for shape in ((1, 3, 64, 64), (2, 3, 96, 32)):  # one file for every size and batch
        batch = np.random.default_rng(1).random(shape, np.float32)
        expected, got = ours.run(batch), opened.run(batch)
        for a, b in ((expected.predictions, got.predictions), (expected.prototypes, got.prototypes)):
            assert a.shape == b.shape and np.abs(a - b).max() < 2e-2 * np.abs(a).max()
    assert {each.suffix for each in path.parent.iterdir()} == {suffix, *([".bin"] if suffix == ".xml" else [])}


def test_metadata_are_added_and_replaced(network: Network, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"mine{suffix}"
    EXPORTS[suffix](network, path, TorchNetwork(network))
    before = dict(open_runtime(path, 1).metadata)
    write_metadata(path, {"a": "1", "class_power": "0.5"})
    write_metadata(path, {"a": 'größer, <b> & "c"'})
    opened = open_runtime(path, 1)
    assert opened.metadata == {**before, "a": 'größer, <b> & "c"', "class_power": "0.5"}
    opened.run(np.zeros((1, 3, 32, 32), np.float32))  # and it is still a model


class Off(Runtime):
    """Another runtime, but for one output."""

    def __init__(self, inner: Runtime, row: int | None) -> None:
        self.inner, self.row = inner, row

    def run(self, batch: np.ndarray) -> RawOutput:
        raw = self.inner.run(batch)
        part = raw.prototypes if self.row is None else raw.predictions[:, self.row]
        part += 0.2 * max(1.0, float(np.abs(part).max()))
        return raw


@pytest.mark.parametrize("row", [0, 4, 5, None], ids=["boxes", "scores", "coefficients", "prototypes"])
@pytest.mark.parametrize("other", [".xml", ".torchscript"])
def test_a_file_that_says_something_else_is_not_kept(
    network: Network, tmp_path: Path, other: str, row: int | None
) -> None:
    if other == ".xml" and importlib.util.find_spec("openvino") is None:
        pytest.skip("openvino is not installed")
    path = tmp_path / f"mine{other}"
    path.write_text("the model of yesterday")
    with pytest.raises(WeightsError, match=rf"mine\{other}: the exported model differs by .* expected below"):
        EXPORTS[other](network, path, Off(TorchNetwork(network), row))
    assert path.read_text() == "the model of yesterday"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_takes_no_file(network: Network, suffix: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WeightsError, match=r"mine\..*: cannot be written"):
        EXPORTS[suffix](network, tmp_path / "file" / f"mine{suffix}", TorchNetwork(network))


@pytest.mark.parametrize(
    "config",
    [
        CONFIG,
        NetworkConfig("n", "yolo", reg_max=6, coefficients=4, quality=True),
        NetworkConfig("n", "lite0", reg_max=6, coefficients=4, classes=2),  # a trunk with norms of its own
    ],
)
def test_an_exported_file_becomes_the_network_again(config: NetworkConfig, tmp_path: Path) -> None:
    network = made(config)
    path = tmp_path / "mine.onnx"
    export_onnx(network, path, half=False)
    again = load_exported(path)
    assert again.config == config and not again.training
    batch = np.random.default_rng(1).random((1, 3, 64, 96), np.float32)
    expected, got = TorchNetwork(network).run(batch), TorchNetwork(again).run(batch)
    assert np.abs(expected.predictions - got.predictions).max() < 1e-4 * np.abs(expected.predictions).max()
    assert np.abs(expected.prototypes - got.prototypes).max() < 1e-4 * np.abs(expected.prototypes).max()


@pytest.mark.parametrize("said", ["no json", "[1]", '{"size": "huge"}', '{"colour": 1}'])
def test_a_network_that_cannot_be_built_is_told(network: Network, tmp_path: Path, said: str) -> None:
    path = tmp_path / "mine.onnx"
    export_onnx(network, path)
    write_metadata(path, {"network": said})
    with pytest.raises(WeightsError, match=r"mine\.onnx: expected a network that this version can build"):
        load_exported(path)


@pytest.mark.skipif(importlib.util.find_spec("openvino") is None, reason="openvino is not installed")
def test_a_suffix_may_be_in_capitals(network: Network, tmp_path: Path) -> None:
    for _ in range(2):  # anew, and in the place of what is there
        export_openvino(onnx_bytes(network), tmp_path / "U.XML")
    assert {path.name for path in tmp_path.iterdir()} == {"U.XML", "U.bin"}
    assert open_runtime(tmp_path / "U.XML", 1).run(np.zeros((1, 3, 32, 32), np.float32)).coefficients == 8


@pytest.mark.skipif(importlib.util.find_spec("openvino") is None, reason="openvino is not installed")
def test_what_fails_while_it_is_compared_is_not_blamed_on_the_disk(network: Network, tmp_path: Path) -> None:
    class Failing(TorchNetwork):
        def run(self, batch: NDArray[np.float32]) -> RawOutput:
            raise RuntimeError("out of luck")

    with pytest.raises(RuntimeError, match="out of luck"):
        export_openvino(onnx_bytes(network), tmp_path / "mine.xml", ours=Failing(network))
    assert list(tmp_path.iterdir()) == []
