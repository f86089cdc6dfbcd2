"""The graph of a checkpoint does what the network in torch does."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anymask.fastsam.archive import Array
from anymask.fastsam.checkpoint import our_weights, variant
from anymask.fastsam.to_onnx import to_graph
from anymask.network import config as network_config
from anymask.network.config import NetworkConfig
from anymask.runtimes import OnnxRuntime
from tests.published_weights import CONFIG

Draw = Callable[[NetworkConfig], dict[str, Array]]
TOLERANCE = 1e-4  # of the largest number of its kind


@pytest.fixture
def thin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes m, l and x with all their layers, but a quarter of their channels."""
    for size in ("m", "l", "x"):
        depth, width, largest = network_config.YOLO_SCALES[size]
        monkeypatch.setitem(network_config.YOLO_SCALES, size, (depth, width / 4, largest))


@pytest.mark.usefixtures("thin")
@pytest.mark.parametrize(
    ("size", "classes", "reg_max", "coefficients"),
    [
        ("n", 1, 16, 32),
        ("s", 1, 16, 32),  # FastSAM-s
        ("m", 1, 26, 32),
        ("l", 3, 16, 8),
        ("x", 1, 26, 32),  # FastSAM-x, if it were thinner
        ("n", 2, 5, 1),
    ],
)
def test_the_graph_does_what_torch_does(
    draw_weights: Draw, size: str, classes: int, reg_max: int, coefficients: int
) -> None:
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    from anymask.network.head import predictions
    from anymask.network.yolo import Network

    config = NetworkConfig(size, "yolo", classes, reg_max, coefficients, detail=False)
    weights = draw_weights(config)
    assert variant({name: value.shape for name, value in weights.items()}, Path("x.pt")) == config
    network = Network(config).eval()
    network.load_state_dict({name: torch.from_numpy(value) for name, value in our_weights(weights).items()})
    runtime = OnnxRuntime(b"".join(to_graph(weights, config).parts({}, "")), threads=1)
    for shape in ((1, 3, 320, 416) if size == "n" else (1, 3, 96, 160), (2, 3, 64, 32)):  # any size and batch
        images = np.random.default_rng(1).random(shape, np.float32)
        with torch.no_grad():
            output = network(torch.from_numpy(images))
        compare(predictions(output).numpy(), output.prototypes.numpy(), runtime.run(images), classes)


def compare(expected: Array, prototypes: Array, got: Any, classes: int) -> None:
    """Boxes, scores, coefficients and prototypes, each by its own largest number."""
    assert got.predictions.shape == expected.shape and got.prototypes.shape == prototypes.shape
    ends = [4, 4 + classes]
    pairs = zip(np.split(expected, ends, axis=1), np.split(got.predictions, ends, axis=1), strict=True)
    for kind, (one, other) in enumerate([*pairs, (prototypes, got.prototypes)]):
        largest = np.abs(one).max()
        assert np.isfinite(largest) and one.std() > 1e-3  # there is something to compare
        assert np.abs(one - other).max() < TOLERANCE * largest, kind


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model.0.bn.running_var": -1.0}, r"model\.0\.bn whose variance is negative"),
        ({"model.0.bn.running_var": -0.0005}, r"model\.0\.bn whose variance is negative"),  # saved by the epsilon
        ({"model.22.proto.cv3.bn.weight": 3e38, "model.22.proto.cv3.bn.running_var": 0.0}, "float32 cannot hold"),
        ({"model.9.cv1.bn.weight": 3e38, "model.9.cv1.conv.weight": 3e38}, "float32 cannot hold"),
    ],
)
def test_norms_that_no_training_leaves_are_refused(
    weights: Mapping[str, Array], change: dict[str, float], said: str
) -> None:
    spoilt = {name: np.full(weights[name].shape, value, np.float32) for name, value in change.items()}
    with pytest.raises(ValueError, match=said):
        to_graph({**weights, **spoilt}, CONFIG)
