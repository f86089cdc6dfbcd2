"""The .safetensors format: the header's length (8 bytes, little-endian), a JSON header, the numbers.

https://huggingface.co/docs/safetensors
"""

import json
from math import prod
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from anymask.fastsam.archive import from_bfloat16

LARGEST_HEADER = 2 << 20  # bytes; that of a network of size x has 80 KB

BFLOAT16 = "BF16"  # numpy has no such numbers: the upper half of a float32
DTYPES: dict[str, np.dtype[Any]] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    BFLOAT16: np.dtype("<u2"),
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("i1"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("?"),
}


class Entry(NamedTuple):
    """A tensor in a file: what numbers, and where they begin and end, in bytes of the file."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


def read_header(stream: BinaryIO, size: int) -> dict[str, Entry]:
    """Where every tensor of a file of ``size`` bytes is, by its name. Raises ValueError with what is wrong."""
    length = int.from_bytes(stream.read(8), "little")
    if size < 8 or length > min(size - 8, LARGEST_HEADER):
        raise ValueError(f"a header of {length} bytes in a file of {size}")
    try:
        header = json.loads(stream.read(length))
    except RecursionError as error:
        raise ValueError("a header of brackets in brackets") from error
    if not isinstance(header, dict):
        raise ValueError("a header that is no table of tensors")
    header.pop("__metadata__", None)
    begin = 8 + length
    found: dict[str, Entry] = {}
    taken = 0
    for name, about in header.items():
        found[name] = entry = read_entry(name, about, begin, size)
        taken += entry.end - entry.start
        if taken > size - begin:
            raise ValueError("tensors that share their numbers")
    return found


def read_entry(name: str, about: Any, begin: int, size: int) -> Entry:
    """One tensor, whose header entry is ``about``, of numbers from ``begin`` to ``size`` in the file."""
    match about:
        case {"dtype": str(kind), "shape": list(shape), "data_offsets": [int(start), int(end)]} if kind in DTYPES:
            sides_fit = len(shape) <= 8 and all(type(side) is int and 0 < side < 2**31 for side in shape)
            if sides_fit and 0 <= start <= end <= size - begin and DTYPES[kind].itemsize * prod(shape) == end - start:
                return Entry(kind, tuple(shape), begin + start, begin + end)
    raise ValueError(f"a tensor {name!r:.80} whose dtype, shape and data_offsets do not fit the file")


def read_tensor(stream: BinaryIO, entry: Entry) -> NDArray[Any]:
    """The numbers of one tensor; bfloat16 as float32. Raises ValueError where the file has become shorter."""
    stream.seek(entry.start)
    content = stream.read(entry.end - entry.start)
    if len(content) != entry.end - entry.start:
        raise ValueError("fewer bytes than before")
    values: NDArray[Any] = np.frombuffer(content, DTYPES[entry.dtype]).reshape(entry.shape)
    return from_bfloat16(values) if entry.dtype == BFLOAT16 else values
