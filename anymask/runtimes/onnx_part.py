"""The part of an ONNX file that some of its outputs need, cut out of its bytes.

ONNX Runtime runs every node of a file, whatever is asked of it. An ONNX file is a protobuf message: fields one after
the other, each with its number; so a part of it is made by leaving fields out, and nothing has to be understood but the
names of nodes' inputs and outputs.
"""

from collections.abc import Collection, Iterator

# Numbers of fields in onnx.proto
GRAPH = 7  # of a model
NODE, INITIALIZER, OUTPUT, VALUE_INFO = 1, 5, 12, 13  # of a graph
NODE_INPUT, NODE_OUTPUT, NODE_TYPE = 1, 2, 4  # of a node
TENSOR_NAME, VALUE_NAME = 8, 1

NESTED = {b"If", b"Loop", b"Scan"}  # nodes with graphs of their own, which may use any name of the outer one


def part_of(content: bytes, outputs: Collection[str]) -> bytes:
    """An ONNX file of the same inputs and metadata with ``outputs`` alone, and what they need.

    Raises ValueError where the bytes are no protobuf message, or a node has a graph of its own.
    """
    model = list(fields(memoryview(content)))
    parts = [part for number, value, _ in model if number == GRAPH for part in fields(value)]
    wanted = {name.encode() for name in outputs}
    needed = set(wanted)
    for number, value, _ in reversed(parts):  # nodes stand behind those whose outputs they read
        if number == NODE:
            node = [(field, bytes(text)) for field, text, _ in fields(value)]
            if any(field == NODE_TYPE and text in NESTED for field, text in node):
                raise ValueError("a node holds a graph of its own")
            if any(field == NODE_OUTPUT and text in needed for field, text in node):
                needed.update(text for field, text in node if field == NODE_INPUT)
    graph = b"".join(raw for number, value, raw in parts if stays(number, value, needed, wanted))
    return b"".join(
        varint(number << 3 | 2) + varint(len(graph)) + graph if number == GRAPH else raw for number, _, raw in model
    )


def stays(number: int, value: memoryview, needed: set[bytes], wanted: set[bytes]) -> bool:
    """Whether a field of a graph is part of what is needed."""
    if number == NODE:
        return any(field == NODE_OUTPUT and bytes(text) in needed for field, text, _ in fields(value))
    if number == INITIALIZER:
        return any(field == TENSOR_NAME and bytes(text) in needed for field, text, _ in fields(value))
    if number == OUTPUT:
        return any(field == VALUE_NAME and bytes(text) in wanted for field, text, _ in fields(value))
    return number != VALUE_INFO  # only hints, and about what is gone


def fields(message: memoryview) -> Iterator[tuple[int, memoryview, memoryview]]:
    """Number, content and whole of each field of a protobuf message; the content of a plain number is empty.

    Raises ValueError where it ends in the middle of a field.
    """
    at = 0
    while at < len(message):
        start = at
        key, at = read_varint(message, at)
        kind = key & 7
        value = message[:0]
        if kind == 0:
            _, at = read_varint(message, at)
        elif kind == 2:
            size, at = read_varint(message, at)
            value = message[at : at + size]
            at += size
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        else:
            raise ValueError(f"expected a protobuf message, got a field of kind {kind}")
        if at > len(message):
            raise ValueError("the protobuf message ends in the middle of a field")
        yield key >> 3, value, message[start:at]


def read_varint(message: memoryview, at: int) -> tuple[int, int]:
    """The number that begins at a place, seven bits a byte with the lowest first, and the place behind it."""
    number = shift = 0
    while at < len(message):
        byte = message[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at
    raise ValueError("the protobuf message ends in the middle of a number")


def varint(number: int) -> bytes:
    """What `read_varint` reads."""
    encoded = bytearray()
    while number >= 0x80:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])
