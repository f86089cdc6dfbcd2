"""An ONNX file, written from its specification: nodes and weights in, a protocol buffer out.

The `onnx` package would do, and adds 32 MB to the 230 MB of an installation for what these lines need of it. Field
numbers are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto; tests hold the result against that package.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

OPSET = 17
IR_VERSION = 8  # what opset 17 came with
ELEMENTS = {np.dtype(np.float32): 1, np.dtype(np.int64): 7}  # TensorProto.DataType
FLOAT = 1
VARINT, DELIMITED, FIXED32 = 0, 2, 5  # how a protocol buffer writes a field
BITS64 = (1 << 64) - 1

Attribute = int | float | str | Sequence[int]
Size = int | str  # of an axis: a number, or the name of one that may change


def varint(value: int) -> bytes:
    """A whole number in groups of seven bits, the lowest first; negative ones as 64 bits."""
    value &= BITS64
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)


class Message:
    """A protocol buffer that is put together field by field; arrays in it are not copied."""

    def __init__(self) -> None:
        self.parts: list[bytes | memoryview] = []
        self.length = 0  # bytes

    def add(self, field: int, value: "int | float | str | bytes | memoryview | Message") -> Self:
        """Append one field; a repeated field is one that is added again and again."""
        match value:
            case int():
                self._append(varint(field << 3 | VARINT) + varint(value))
            case float():
                self._append(varint(field << 3 | FIXED32) + struct.pack("<f", value))
            case str():
                self.add(field, value.encode())
            case Message():
                self._append(varint(field << 3 | DELIMITED) + varint(value.length))
                self.parts += value.parts
                self.length += value.length
            case _:
                self._append(varint(field << 3 | DELIMITED) + varint(len(value)))
                self._append(value)
        return self

    def _append(self, part: bytes | memoryview) -> None:
        self.parts.append(part)
        self.length += len(part)


class Graph:
    """A graph that grows node by node. Values are known by their names, which it gives."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.nodes: list[Message] = []
        self.tensors: list[Message] = []
        self.infos: list[tuple[int, Message]] = []
        self.numbers = count()

    def constant(self, values: NDArray[Any], name: str | None = None) -> str:
        """A float32 or int64 array that is part of the file; its name."""
        name = name or f"constant{next(self.numbers)}"
        content = np.ascontiguousarray(values, values.dtype.newbyteorder("<")).reshape(-1).view(np.uint8)
        message = Message()
        for side in values.shape:
            message.add(1, side)
        message.add(2, ELEMENTS[values.dtype]).add(8, name)
        message.add(9, content.data)
        self.tensors.append(message)
        return name

    def node(self, operator: str, *inputs: str, name: str | None = None, **attributes: Attribute) -> str:
        """What an operator makes of its inputs: the name of its only output, which ``name`` may choose."""
        return self.nodes_of(operator, inputs, [name or f"{operator.lower()}{next(self.numbers)}"], **attributes)[0]

    def split(self, value: str, parts: int, axis: int) -> list[str]:
        """Equal parts of a value along an axis."""
        number = next(self.numbers)
        return self.nodes_of("Split", [value], [f"split{number}.{part}" for part in range(parts)], axis=axis)

    def nodes_of(self, operator: str, inputs: Iterable[str], outputs: list[str], **attributes: Attribute) -> list[str]:
        """A node with any number of outputs, whose names are given; those names."""
        message = Message()
        for name in inputs:
            message.add(1, name)
        for name in outputs:
            message.add(2, name)
        message.add(3, outputs[0]).add(4, operator)
        for key, value in attributes.items():
            message.add(5, attribute(key, value))
        self.nodes.append(message)
        return outputs

    def input(self, name: str, shape: Sequence[Size]) -> str:
        """Declare a float32 input; its name."""
        self.infos.append((11, value_info(name, shape)))
        return name

    def output(self, name: str, shape: Sequence[Size]) -> None:
        """Declare a value to be a float32 output."""
        self.infos.append((12, value_info(name, shape)))

    def parts(self, metadata: Mapping[str, str], producer: str) -> list[bytes | memoryview]:
        """The model's bytes, in parts that follow on one another; the same graph gives the same bytes.

        metadata: what the file says of itself, by name. producer: who made it.
        """
        graph = Message()
        for node in self.nodes:
            graph.add(1, node)
        graph.add(2, self.name)
        for tensor in self.tensors:
            graph.add(5, tensor)
        for field, info in self.infos:
            graph.add(field, info)
        model = Message().add(1, IR_VERSION).add(2, producer).add(7, graph)
        model.add(8, Message().add(1, "").add(2, OPSET))
        for key, value in metadata.items():
            model.add(14, Message().add(1, key).add(2, value))
        return model.parts


def attribute(name: str, value: Attribute) -> Message:
    """An AttributeProto; the kind of number follows from its Python type."""
    message = Message().add(1, name)
    match value:
        case int():
            return message.add(3, value).add(20, 2)
        case float():
            return message.add(2, value).add(20, 1)
        case str():
            return message.add(4, value).add(20, 3)
    for each in value:
        message.add(8, each)
    return message.add(20, 7)


def value_info(name: str, shape: Sequence[Size]) -> Message:
    """A ValueInfoProto of float32 numbers."""
    sides = Message()
    for side in shape:
        sides.add(1, Message().add(1 if isinstance(side, int) else 2, side))
    return Message().add(1, name).add(2, Message().add(1, Message().add(1, FLOAT).add(2, sides)))
