"""FastSAM's checkpoints: what is written is read, every size is known by its shapes, and hostile files are refused."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from anymask.errors import WeightsError
from anymask.fastsam.archive import Archive, Array
from anymask.fastsam.checkpoint import BINS, PARTS, is_published, read_weights, to_ours, variant
from anymask.fastsam.modules import named_tensors
from anymask.fastsam.pickles import GETATTR, Storage, StoredTensor
from anymask.fastsam.yolov8_seg import module, published_model
from anymask.network.config import YOLO_SCALES, NetworkConfig
from tests.published_weights import CONFIG

Weights = dict[str, Array]
SIX = StoredTensor(Storage("HalfStorage", "0", 6), 0, (2, 3), (3, 1))
NUMBERS = np.arange(6, dtype=np.float16)


def test_what_is_written_is_read(checkpoint: Path, weights: Weights) -> None:
    read = read_weights(checkpoint)
    assert list(read) == list(weights)
    assert all(np.array_equal(read[name], values) for name, values in weights.items())
    assert {values.dtype.str for values in read.values()} == {"<f2", "<i8"}
    assert variant(read, checkpoint) == CONFIG
    assert is_published(checkpoint)


def test_the_head_keeps_what_the_program_of_its_time_calls(checkpoint: Path) -> None:
    with Archive(checkpoint) as archive:
        model = archive.content["model"]
    head = model.state["_modules"]["model"].state["_modules"]["22"]
    detect = head.state["detect"]
    assert (detect.function, detect.arguments[1:]) == (GETATTR, ("forward",))
    assert str(detect.arguments[0]) == "ultralytics.nn.modules.head.Detect"


def test_reading_imports_no_torch(checkpoint: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from anymask.fastsam.checkpoint import read_weights, variant\n"
        "path = Path(sys.argv[1]); print(variant(read_weights(path), path)); assert 'torch' not in sys.modules"
    )
    ended = subprocess.run([sys.executable, "-c", code, checkpoint], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == str(CONFIG)


@pytest.mark.parametrize("size", YOLO_SCALES)
@pytest.mark.parametrize(("classes", "reg_max", "coefficients"), [(1, 16, 32), (1, 26, 32), (3, 7, 9)])
def test_the_shapes_tell_the_variant(size: str, classes: int, reg_max: int, coefficients: int) -> None:
    config = NetworkConfig(size, "yolo", classes, reg_max, coefficients, detail=False)
    shapes = {name: tensor.shape for name, tensor in named_tensors(published_model(config)).items()}
    # arrays of one zero each, shown over and over, so that size x takes no memory
    weights: Weights = {name: np.broadcast_to(np.float16(0), shape) for name, shape in shapes.items()}
    weights[BINS] = np.arange(reg_max).reshape(1, -1, 1, 1)
    assert variant(weights, Path("x.pt")) == config


@pytest.mark.parametrize(
    ("size", "reg_max", "tensors", "parameters"),
    [("s", 16, 417, 11_790_483), ("s", 26, 417, 12_315_253), ("x", 16, 657, 71_751_811), ("x", 26, 657, 72_234_149)],
)
def test_counts_are_the_published_ones(size: str, reg_max: int, tensors: int, parameters: int) -> None:
    found = named_tensors(published_model(NetworkConfig(size, "yolo", reg_max=reg_max, detail=False)))
    assert len(found) == tensors
    assert sum(tensor.storage.numbers for tensor in found.values() if tensor.trained) == parameters


def without(name: str) -> Callable[[Weights], Weights]:
    return lambda weights: {key: value for key, value in weights.items() if name not in key}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without("cv4"), "a detector without masks"),
        (without("dfl"), "whose layer 22 is no head"),
        (lambda weights: {"stem": weights[BINS]}, "weights of other names"),
        (lambda weights: {"trunk.stem": weights[BINS]}, "got one of `anymask train`"),
        (lambda weights: {}, "no weights"),
        (without("model.9."), "another network: of size n, 12 tensors do not fit, such as 'model.9.cv1.bn.bias'"),
        (  # YOLO11-seg: more layers, the head is the 23rd
            lambda weights: {name.replace("model.22.", "model.23."): value for name, value in weights.items()},
            "whose layer 22 is no head",
        ),
        (lambda weights: {**weights, "model.0.conv.bias": NUMBERS}, "batch norms are folded"),
        (lambda weights: {**weights, "model.0.conv.weight": NUMBERS}, "1 tensors do not fit"),
        (lambda weights: {**weights, BINS: weights[BINS] + 1}, "bins of the box distances that are not 0 to 4"),
        (
            lambda weights: {**weights, "model.0.bn.bias": weights["model.0.bn.bias"] * np.float16("nan")},
            "model.0.bn.bias that is not finite",
        ),
    ],
)
def test_another_network_is_refused(weights: Weights, change: Callable[[Weights], Weights], said: str) -> None:
    with pytest.raises(WeightsError, match=said) as caught:
        variant(change(weights), Path("x.pt"))
    assert str(caught.value).startswith("x.pt: expected a FastSAM checkpoint") and "\n" not in str(caught.value)


def test_the_names_are_those_of_the_table() -> None:
    assert to_ours("model.2.m.0.cv1.conv.weight") == "trunk.stages.0.m.0.cv1.conv.weight"
    assert len(set(PARTS.values())) == len(PARTS)
    with pytest.raises(KeyError):
        to_ours("model.10.weight")  # an upsampling


def test_of_a_training_checkpoint_the_average_is_taken(archive: Callable[..., Path]) -> None:
    one = module("Sequential", parameters={"a": SIX})
    other = module("Sequential", parameters={"a": SIX._replace(shape=(6,), strides=(1,))})
    for content, shape in (
        ({"ema": one, "model": other}, (2, 3)),
        ({"ema": None, "model": other}, (6,)),
        ({"a": SIX, "epoch": 3}, (2, 3)),  # a bare state dict
        (other, (6,)),  # a bare model
    ):
        (values,) = read_weights(archive(content, s0=NUMBERS)).values()
        assert values.shape == shape
