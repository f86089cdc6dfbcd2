"""A part of an ONNX file is what onnx's own tool cuts out of it."""

from pathlib import Path

import numpy as np
import pytest

from anymask.models import default_weights
from anymask.runtimes import OnnxRuntime
from anymask.runtimes.base import FEATURES
from anymask.runtimes.onnx_part import part_of, read_varint, varint
from tests.runtimes.test_onnx_runtime import model

onnx = pytest.importorskip("onnx")


@pytest.mark.parametrize("outputs", [FEATURES, ("output1",)])
def test_it_holds_what_the_outputs_need_and_no_more(outputs: tuple[str, ...], tmp_path: Path) -> None:
    part = onnx.load_from_string(part_of(default_weights().read_bytes(), outputs))
    onnx.checker.check_model(part)
    whole = onnx.load(default_weights())
    onnx.utils.extract_model(default_weights(), tmp_path / "part.onnx", ["images"], list(outputs))
    expected = onnx.load(tmp_path / "part.onnx")
    for kind in ("node", "initializer", "input", "output"):
        names, wanted = ([each.name for each in getattr(some.graph, kind)] for some in (part, expected))
        assert sorted(names) == sorted(wanted)
    assert part.metadata_props == whole.metadata_props
    assert 0 < len(part.graph.node) < len(whole.graph.node)


def test_features_are_those_of_the_whole_file() -> None:
    runtime = OnnxRuntime(default_weights(), threads=1)
    batch = np.random.default_rng(0).random((2, 3, 64, 96), np.float32)
    whole = runtime._session.run(FEATURES, {"images": batch})
    assert runtime._trunk is not runtime._session
    assert all(np.array_equal(a, b) for a, b in zip(whole, runtime.features(batch), strict=True))


def test_what_cannot_be_cut_is_told() -> None:
    content = model()
    for damaged in (content[:-100], b"not a model", b"\xff" * 20):
        with pytest.raises(ValueError, match="protobuf message"):
            part_of(damaged, ["output0"])
    helper = onnx.helper
    inner = helper.make_graph([], "inner", [], [])
    node = helper.make_node("If", ["images"], ["output0"], then_branch=inner, else_branch=inner)
    nested = helper.make_model(helper.make_graph([node], "outer", [], []))
    with pytest.raises(ValueError, match="a graph of its own"):
        part_of(nested.SerializeToString(), ["output0"])


@pytest.mark.parametrize("number", [0, 1, 127, 128, 300, 2**31, 2**63])
def test_numbers_are_read_as_they_are_written(number: int) -> None:
    written = varint(number)
    assert read_varint(memoryview(b"x" + written), 1) == (number, 1 + len(written))
