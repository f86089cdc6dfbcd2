"""The .safetensors format: the header's length (8 bytes, little-endian), a JSON header, the numbers.

https://huggingface.co/docs/safetensors
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anymask.fastsam.archive import from_bfloat16

LARGEST_HEADER = 16 << 20  # bytes

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


def read_safetensors(path: Path) -> dict[str, NDArray[Any]]:
    """Every tensor of a file, by its name; bfloat16 as float32. Raises ValueError with what is wrong."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or length > min(len(content) - 8, LARGEST_HEADER):
        raise ValueError(f"a header of {length} bytes in a file of {len(content)}")
    try:
        header = json.loads(content[8 : 8 + length])
    except RecursionError as error:
        raise ValueError("a header of brackets in brackets") from error
    if not isinstance(header, dict):
        raise ValueError("a header that is no table of tensors")
    numbers = memoryview(content)[8 + length :]
    header.pop("__metadata__", None)
    taken = 0
    found: dict[str, NDArray[Any]] = {}
    for name, about in header.items():
        found[name] = read_tensor(name, about, numbers)
        taken += about["data_offsets"][1] - about["data_offsets"][0]
        if taken > len(numbers):
            raise ValueError("tensors that share their numbers")
    return found


def read_tensor(name: str, about: Any, numbers: memoryview) -> NDArray[Any]:
    """One tensor, whose header entry is ``about``."""
    match about:
        case {"dtype": str(kind), "shape": list(shape), "data_offsets": [int(start), int(end)]} if kind in DTYPES:
            sides_fit = len(shape) <= 8 and all(type(side) is int and 0 < side < 2**31 for side in shape)
            if sides_fit and 0 <= start <= end <= len(numbers):
                size = DTYPES[kind].itemsize * int(np.prod(shape, dtype=object))
                if size == end - start:
                    values: NDArray[Any] = np.frombuffer(numbers[start:end], DTYPES[kind]).reshape(shape)
                    return from_bfloat16(values) if kind == BFLOAT16 else values
    raise ValueError(f"a tensor {name!r:.80} whose dtype, shape and data_offsets do not fit the file")
