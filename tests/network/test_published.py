"""FastSAM's checkpoints as networks, and networks as such checkpoints."""

import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from anymask.errors import WeightsError
from anymask.fastsam.checkpoint import BINS, read_weights, to_ours
from anymask.fastsam.modules import named_tensors
from anymask.fastsam.yolov8_seg import published_model
from anymask.network.config import YOLO_SCALES, NetworkConfig
from anymask.network.head import predictions
from anymask.network.published import fill_from_published, load_published, save_published
from anymask.network.yolo import Network

CONFIG = NetworkConfig("n", "yolo", reg_max=5, coefficients=6, detail=False)


@pytest.fixture
def network() -> Network:
    """Random weights that float16 can hold, and statistics that are not those of a new network."""
    torch.manual_seed(0)
    network = Network(CONFIG).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None and module.running_var is not None
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            assert module.num_batches_tracked is not None
            module.num_batches_tracked.fill_(9)
    return network.half().float()


@pytest.mark.parametrize("size", YOLO_SCALES)
def test_the_published_names_and_ours_are_one_to_one(size: str) -> None:
    config = NetworkConfig(size, "yolo", reg_max=26, detail=False)
    published = {name: tensor.shape for name, tensor in named_tensors(published_model(config)).items() if name != BINS}
    with torch.device("meta"):
        ours = {name: tuple(value.shape) for name, value in Network(config).state_dict().items()}
    renamed = {to_ours(name): shape for name, shape in published.items()}
    assert len(renamed) == len(published)
    assert renamed == ours


def test_a_network_comes_back_from_its_file(network: Network, tmp_path: Path) -> None:
    path = tmp_path / "made" / "mine.pt"  # the folder is made
    save_published(network, path)
    again = load_published(path)
    assert again.config == CONFIG
    assert not again.training
    images = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        one, other = network(images), again(images)
    assert torch.equal(predictions(one), predictions(other))
    assert torch.equal(one.prototypes, other.prototypes)
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in network.state_dict().items())


def test_torch_opens_the_file_and_finds_the_published_modules(network: Network, tmp_path: Path) -> None:
    """Classes of the same names, as a program that knows them has, get their weights and attributes."""
    path = tmp_path / "mine.pt"
    save_published(network, path)
    made: dict[str, type[nn.Module]] = {}

    class Unpickler(pickle.Unpickler):
        def find_class(self, module: str, name: str, /) -> Any:
            if not module.startswith("ultralytics."):
                return super().find_class(module, name)
            return made.setdefault(f"{module}.{name}", type(name, (nn.Module,), {}))

    readers: Any = SimpleNamespace(Unpickler=Unpickler, load=pickle.load, __name__="readers")
    content = torch.load(path, weights_only=False, pickle_module=readers)
    assert set(made) == {
        "ultralytics.nn.tasks.SegmentationModel",
        "ultralytics.nn.modules.conv.Conv",
        "ultralytics.nn.modules.conv.Concat",
        *(f"ultralytics.nn.modules.block.{name}" for name in ("C2f", "Bottleneck", "SPPF", "DFL", "Proto")),
        *(f"ultralytics.nn.modules.head.{name}" for name in ("Segment", "Detect")),
    }
    model = content["model"]
    held, expected = model.state_dict(), read_weights(path)
    assert list(held) == list(expected)
    assert all(torch.equal(value, torch.from_numpy(expected[name].copy())) for name, value in held.items())
    assert {value.dtype for name, value in held.items() if "tracked" not in name} == {torch.float16}
    assert (model.names, model.yaml["scale"], model.stride.tolist()) == ({0: "object"}, "n", [8, 16, 32])
    layers = list(model.model)
    assert [layer.i for layer in layers] == list(range(23))
    assert layers[14].f == [-1, 4]
    # and torch's own modules work: layer 0 without its activation is what ours computes
    images = torch.rand(1, 3, 32, 32).half().float()
    stem = layers[0].float().eval()
    with torch.no_grad():
        ours = network.trunk.stem(images)  # type: ignore[operator]
        assert torch.equal(stem.act(stem.bn(stem.conv(images))), ours)


def test_what_has_no_place_in_such_a_file_is_refused(network: Network, tmp_path: Path) -> None:
    path = tmp_path / "mine.pt"
    for config in (NetworkConfig("n", "lite0", detail=False), NetworkConfig("n", "yolo")):
        with pytest.raises(WeightsError, match=r"mine\.pt: only a network whose trunk is YOLOv8's own"):
            save_published(Network(config), path)
    with torch.no_grad():
        network.head.proto.cv3.bn.bias[0] = 1e6
    with pytest.raises(WeightsError, match=r"head\.proto\.cv3\.bn\.bias does not fit float16"):
        save_published(network, path)
    assert not path.exists()


def test_weights_of_another_size_are_refused(network: Network, tmp_path: Path) -> None:
    path = tmp_path / "mine.pt"
    save_published(network, path)
    with pytest.raises(
        WeightsError, match=r"mine\.pt: expected the weights of .*reg_max=16.* got those of .*reg_max=5"
    ):
        fill_from_published(Network(NetworkConfig("n", "yolo", detail=False)), path)
