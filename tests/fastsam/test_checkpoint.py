"""FastSAM's checkpoints: what is written is read, every size is known by its shapes, and hostile files are refused."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from anymask.errors import WeightsError
from anymask.fastsam.archive import Archive, Array
from anymask.fastsam.checkpoint import (
    BINS,
    PARTS,
    check_values,
    is_published,
    read_checkpoint,
    read_weights,
    to_ours,
    variant,
)
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
    assert read_checkpoint(checkpoint).config == CONFIG
    assert read_checkpoint(checkpoint).image_size == 640
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
        "import sys; from pathlib import Path; from anymask.fastsam.checkpoint import read_checkpoint\n"
        "print(read_checkpoint(Path(sys.argv[1])).config); assert 'torch' not in sys.modules"
    )
    ended = subprocess.run([sys.executable, "-c", code, checkpoint], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == str(CONFIG)


@pytest.mark.parametrize("size", YOLO_SCALES)
@pytest.mark.parametrize(("classes", "reg_max", "coefficients"), [(1, 16, 32), (1, 26, 32), (3, 7, 9)])
def test_the_shapes_tell_the_variant(size: str, classes: int, reg_max: int, coefficients: int) -> None:
    config = NetworkConfig(size, "yolo", classes, reg_max, coefficients, detail=False)
    shapes = {name: tensor.shape for name, tensor in named_tensors(published_model(config)).items()}
    assert variant(shapes, Path("x.pt")) == config


@pytest.mark.parametrize(
    ("size", "reg_max", "tensors", "parameters"),
    [("s", 16, 417, 11_790_483), ("s", 26, 417, 12_315_253), ("x", 16, 657, 71_751_811), ("x", 26, 657, 72_234_149)],
)
def test_counts_are_the_published_ones(size: str, reg_max: int, tensors: int, parameters: int) -> None:
    found = named_tensors(published_model(NetworkConfig(size, "yolo", reg_max=reg_max, detail=False)))
    assert len(found) == tensors
    assert sum(tensor.storage.numbers for tensor in found.values() if tensor.trained) == parameters


BIAS = "model.0.bn.bias"


def replaced(**others: Array) -> Callable[[Weights], Weights]:
    return lambda weights: {**weights, **others}


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
        (replaced(**{BINS: np.zeros((1, 1, 1, 1))}), r"a single bin for box distances \(reg_max = 1\)"),
        (replaced(**{BINS: np.zeros((1, 129, 1, 1))}), "one with 129 reg_max, more than 128"),
        (replaced(**{"model.22.cv3.0.2.bias": np.zeros(2001)}), "one with 2001 classes, more than 2000"),
        (replaced(**{"model.22.cv4.0.2.bias": np.zeros(257)}), "one with 257 coefficients, more than 256"),
        (lambda weights: {**weights, "model.\x1b[31m": NUMBERS}, r"such as 'model.\\x1b\[31m'"),
    ],
)
def test_another_network_is_refused(weights: Weights, change: Callable[[Weights], Weights], said: str) -> None:
    with pytest.raises(WeightsError, match=said) as caught:
        variant({name: value.shape for name, value in change(weights).items()}, Path("x.pt"))
    assert str(caught.value).startswith("x.pt: expected a FastSAM checkpoint") and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda weights: {BINS: weights[BINS] + 1}, "bins of the box distances that are not 0 to 4"),
        (lambda weights: {BIAS: weights[BIAS] * np.float16("nan")}, "model.0.bn.bias that is not finite"),
        (lambda weights: {BIAS: weights[BIAS].astype(np.float64) + 1e300}, "is not finite numbers of float32"),
        (lambda weights: {BIAS: weights[BIAS].astype(np.int8)}, "model.0.bn.bias of int8, expected floating-point"),
        (lambda weights: {"model.0.bn.num_batches_tracked": np.array(True)}, "num_batches_tracked of bool"),
    ],
)
def test_numbers_that_are_no_weights_are_refused(
    weights: Weights, change: Callable[[Weights], Weights], said: str
) -> None:
    check_values(weights, CONFIG, Path("x.pt"))
    with pytest.raises(WeightsError, match=said):
        check_values({**weights, **change(weights)}, CONFIG, Path("x.pt"))


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


TRAINED = dict.fromkeys(("network", "optimiser", "step", "settings", "run"))


@pytest.mark.parametrize(
    ("content", "published"),
    [
        ({**TRAINED, "ema": {"trunk.stem": SIX}}, False),
        ({**TRAINED, "ema": {"model.0.conv.weight": SIX}}, False),
        ({"ema": {"trunk.stem": SIX}}, True),  # some other file, which is not what `anymask train` writes
        ({"model.0.conv.weight": SIX}, True),
    ],
)
def test_whose_checkpoint_it_is(archive: Callable[..., Path], content: object, published: bool) -> None:
    assert is_published(archive(content, s0=NUMBERS)) == published
