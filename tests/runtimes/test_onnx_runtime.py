"""ONNX files of the right form run, and others are refused with the cure."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anymask.errors import ShapeError, WeightsError
from anymask.runtimes import OnnxRuntime, open_runtime

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
