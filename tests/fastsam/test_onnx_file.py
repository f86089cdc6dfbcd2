"""ONNX files written here are what the `onnx` package reads, and ONNX Runtime runs them."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from anymask.fastsam.onnx_file import Attribute, Graph, Message, attribute, varint

onnx = pytest.importorskip("onnx")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, b"\x00"),
        (127, b"\x7f"),
        (128, b"\x80\x01"),  # the first that needs two groups
        (300, b"\xac\x02"),  # the example of the specification
        (-1, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
        (-(2**63), b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"),
    ],
)
def test_whole_numbers(value: int, expected: bytes) -> None:
    assert varint(value) == expected


def test_messages_in_messages_know_their_length() -> None:
    inner = Message().add(1, "ab").add(2, 150).add(3, memoryview(b"xyz"))
    assert b"".join(inner.parts) == b"\x0a\x02ab\x10\x96\x01\x1a\x03xyz"
    assert b"".join(Message().add(2, inner).parts) == b"\x12\x0c" + b"".join(inner.parts)


@pytest.mark.parametrize("value", [3, -3, 0.5, "nearest", [5, 5], [1, -1, 0]])
def test_attributes_are_what_onnx_reads(value: Attribute) -> None:
    read = onnx.AttributeProto.FromString(b"".join(attribute("name", value).parts))
    expected = onnx.helper.make_attribute("name", value)
    assert read == expected


@pytest.fixture
def graph() -> Graph:
    """The sums and the differences of the first and the second half of the channels, and constants of every kind."""
    graph = Graph("halves")
    x = graph.input("x", ["batch", 4, "side"])
    first, second = graph.split(x, 2, axis=1)
    weighted = graph.node("Mul", first, graph.constant(np.array(2.0, np.float32)))
    graph.node("Add", weighted, second, name="y")
    graph.node("Reshape", first, graph.constant(np.array([0, -1])), name="z")
    graph.output("y", ["batch", 2, "side"])
    graph.output("z", ["batch", "all"])
    return graph


def test_a_graph_is_valid_and_runs(graph: Graph, tmp_path: Path) -> None:
    content = b"".join(graph.parts({"a": "1", "größe": "ä"}, "anymask"))
    model = onnx.load_from_string(content)
    onnx.checker.check_model(model, full_check=True)
    assert (model.producer_name, model.graph.name, model.opset_import[0].version) == ("anymask", "halves", 17)
    assert {entry.key: entry.value for entry in model.metadata_props} == {"a": "1", "größe": "ä"}
    x = np.arange(24, dtype=np.float32).reshape(2, 4, 3)
    y, z = onnxruntime.InferenceSession(content).run(["y", "z"], {"x": x})
    assert np.array_equal(y, 2 * x[:, :2] + x[:, 2:])
    assert np.array_equal(z, x[:, :2].reshape(2, 6))


def test_arrays_are_written_as_they_are_and_in_order(graph: Graph) -> None:
    values = np.arange(6, dtype=np.float32).reshape(2, 3).T  # not in the order of its memory
    graph.constant(values, "w")
    model = onnx.load_from_string(b"".join(graph.parts({}, "")))
    (held,) = (each for each in model.graph.initializer if each.name == "w")
    assert np.array_equal(onnx.numpy_helper.to_array(held), values)


def test_numbers_of_another_kind_have_no_place(graph: Graph) -> None:
    with pytest.raises(KeyError):
        graph.constant(np.zeros(1, np.float16))
