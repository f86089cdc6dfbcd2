"""ONNX files of the right form run, and others are refused with the cure."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anymask.errors import ShapeError, WeightsError
from anymask.models import refiner_weights
from anymask.runtimes import OnnxRefiner, OnnxRuntime, open_runtime

onnx = pytest.importorskip("onnx")


def model(
    *, sides: tuple[str | int, str | int] = ("height", "width"), input_name: str = "images", output: str = "output1"
) -> bytes:
    """A network of two convolutions: predictions are means of 32 x 32 pixels, prototypes of 4 x 4."""
    helper, floats = onnx.helper, onnx.TensorProto.FLOAT

    def mean(name: str, rows: int, side: int) -> Any:
        """Row r averages channel r % 3 over side x side pixels, and adds nothing."""
        weights = np.zeros((rows, 3, side, side), np.float32)
        weights[np.arange(rows), np.arange(rows) % 3] = 1 / side**2
        return onnx.numpy_helper.from_array(weights, name)

    graph = helper.make_graph(
        [
            helper.make_node("Conv", [input_name, "w0"], ["grid"], strides=[32, 32]),
            helper.make_node("Reshape", ["grid", "flat"], ["output0"]),
            helper.make_node("Conv", [input_name, "w1"], [output], strides=[4, 4]),
        ],
        "tiny",
        [helper.make_tensor_value_info(input_name, floats, ["batch", 3, *sides])],
        [
            helper.make_tensor_value_info("output0", floats, ["batch", 7, "anchors"]),
            helper.make_tensor_value_info(output, floats, ["batch", 2, "rows", "columns"]),
        ],
        [mean("w0", 7, 32), mean("w1", 2, 4), onnx.numpy_helper.from_array(np.array([0, 7, -1]), "flat")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.helper.set_model_props(made, {"class_power": "2.0"})
    content: bytes = made.SerializeToString()
    return content


def odd(
    *,
    taken: tuple[str | int, ...] = ("batch", 3, "height", "width"),
    kind: str = "FLOAT",
    name: str = "images",
    given: str = "float32",
    bad: str = "",
) -> bytes:
    """A file whose outputs are constants and the sum of its input, unlike ours in one thing.

    bad: an operator between them that fails when it runs.
    """
    helper, to_tensor = onnx.helper, onnx.numpy_helper.from_array
    shape = np.array([2**20, 2**20, 2**10] if bad == "ConstantOfShape" else [7, 11])
    constants = [
        to_tensor(np.zeros((1, 7, 2), given), "k0"),
        to_tensor(np.zeros((1, 2, 8, 16), given), "k1"),
        to_tensor(shape, "shape"),
    ]
    sources = {"": [name], "ConstantOfShape": ["shape"], "Reshape": [name, "shape"]}[bad]
    nodes = [
        helper.make_node("Identity", ["k0"], ["output0"]),
        helper.make_node(bad or "Identity", sources, ["values"]),
        helper.make_node("Cast", ["values"], ["numbers"], to=helper.np_dtype_to_tensor_dtype(np.dtype(given))),
        helper.make_node("ReduceSum", ["numbers"], ["sum"], keepdims=0),
        helper.make_node("Add", ["k1", "sum"], ["output1"]),
    ]
    types = onnx.TensorProto
    kinds = {"float32": types.FLOAT, "int64": types.INT64}
    graph = helper.make_graph(
        nodes,
        "odd",
        [helper.make_tensor_value_info(name, getattr(types, kind), list(taken))],
        [helper.make_tensor_value_info(f"output{each}", kinds[given], None) for each in (0, 1)],
        constants,
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    content: bytes = made.SerializeToString()
    return content


ODD: list[tuple[bytes, str]] = [
    (odd(kind="FLOAT16"), "must take and give float32 numbers, but of another type is images"),
    (odd(given="int64"), "must take and give float32 numbers, but of another type is output0, output1"),
    (
        odd(taken=("b", 7, "h", "w")),
        r"must take pictures of shape \(any, 3, any, any\), but takes \(any, 7, any, any\)",
    ),
    (odd(taken=(4, 3, "h", "w")), r"but takes \(4, 3, any, any\)"),
    (odd(taken=("b", 3, "h")), r"but takes \(any, 3, any\)"),
    (odd(name="\x1b]0;title\x07" + "x" * 200), r"but has \\x1b\]0;title\\x07x{70}\.\.\. and .*output0, output1"),
]
FAILING: list[tuple[bytes, str]] = [
    (odd(bad="Reshape"), r"cannot be run \("),
    (odd(bad="ConstantOfShape"), r"(needs more memory than there is|cannot be run) \("),
]


@pytest.mark.parametrize(("content", "message"), ODD, ids=range(6))
def test_files_of_another_form_are_refused(content: bytes, message: str) -> None:
    with pytest.raises(WeightsError, match=f"the model's bytes .*{message}.*export the weights again") as caught:
        OnnxRuntime(content)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(("content", "message"), FAILING, ids=["reshape", "memory"])
def test_what_fails_when_it_runs_is_told(content: bytes, message: str) -> None:
    runtime = OnnxRuntime(content, threads=1)
    with pytest.raises(WeightsError, match=f"the model's bytes .*{message}.*export the weights again") as caught:
        runtime.run(np.zeros((1, 3, 32, 64), np.float32))
    assert str(caught.value).isprintable() and len(str(caught.value)) < 600


def test_the_refiner_tells_what_fails_too() -> None:
    refiner = OnnxRefiner(refiner_weights(), threads=1)
    maps = tuple(np.zeros((1, 3, 32 // stride, 32 // stride), np.float32) for stride in (4, 8, 16, 32))  # of 3 channels
    with pytest.raises(WeightsError, match=r"refiner\.onnx cannot be run \("):
        refiner.run(np.zeros((1, 3, 32, 32), np.float32), np.zeros((1, 4, 32, 32), np.float32), maps)


def test_any_size_and_batch() -> None:
    runtime = OnnxRuntime(model(), threads=1)
    for batch, height, width in ((1, 32, 64), (2, 96, 32)):
        pictures = np.random.default_rng(0).random((batch, 3, height, width), np.float32)
        raw = runtime.run(pictures)
        assert raw.predictions.shape == (batch, 7, height // 32 * width // 32)
        assert raw.prototypes.shape == (batch, 2, height // 4, width // 4)
        assert raw.predictions.dtype == raw.prototypes.dtype == np.float32
        assert raw.predictions[0, 1, 0] == pytest.approx(pictures[0, 1, :32, :32].mean(), rel=1e-4)
        assert raw.prototypes[-1, 0, 0, 1] == pytest.approx(pictures[-1, 0, :4, 4:8].mean(), rel=1e-4)


def test_a_file_and_its_bytes_are_the_same(tmp_path: Path) -> None:
    (tmp_path / "model.ONNX").write_bytes(model())
    batch = np.random.default_rng(0).random((1, 3, 32, 32), np.float32)
    opened = open_runtime(tmp_path / "model.ONNX")
    assert np.array_equal(opened.run(batch).predictions, OnnxRuntime(model()).run(batch).predictions)
    assert opened.metadata == {"class_power": "2.0"}


def test_threads_may_share_a_runtime() -> None:
    runtime = OnnxRuntime(model(), threads=1)
    batches = [np.full((1, 3, 32, 32), value, np.float32) for value in np.linspace(0, 1, 16)]
    with ThreadPoolExecutor(4) as pool:
        outputs = list(pool.map(runtime.run, batches))
    for batch, raw in zip(batches, outputs, strict=True):
        assert raw.predictions == pytest.approx(batch[0, 0, 0, 0], rel=1e-4)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read as an ONNX model"),
        (b"not a model", "cannot be read as an ONNX model"),
        (model()[:-100], "cannot be read as an ONNX model"),  # cut off
        (model(input_name="pixels"), "must have the input images .* but has pixels"),
        (model(output="masks"), "the outputs output0, output1, but has images and masks, output0"),
        (model(sides=(640, 640)), "takes pictures of one size only"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=rf"model\.onnx.* {message}.*export the weights again"):
        OnnxRuntime(path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"model\.onnx is not there"):
        open_runtime(tmp_path / "model.onnx")


def test_a_suffix_without_a_runtime() -> None:
    with pytest.raises(WeightsError, match=r"weights\.h5 must be a model file ending in \.onnx"):
        open_runtime("weights.h5")


@pytest.mark.parametrize(
    ("shape", "message"),
    [((1, 3, 32, 33), "multiples of 32"), ((1, 1, 32, 32), r"\(B, 3, H, W\)"), ((3, 32, 32), r"\(B, 3, H, W\)")],
)
def test_other_batches_are_refused(shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        OnnxRuntime(model(), threads=1).run(np.zeros(shape, np.float32))
