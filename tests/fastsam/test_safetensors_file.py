"""Files of the .safetensors format: tensors by name, and hostile ones are refused."""

import json
import logging
import random
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anymask.errors import WeightsError
from anymask.fastsam.archive import Array
from anymask.fastsam.checkpoint import read_checkpoint, read_weights
from anymask.network.config import NetworkConfig

logger = logging.getLogger(__name__)

Weights = dict[str, Array]
NUMBERS = np.arange(6, dtype=np.float16)


def safetensors(path: Path, weights: Weights) -> Path:
    header, data = {}, b""
    for name, values in weights.items():
        content = values.tobytes()
        dtype = "F16" if values.dtype.kind == "f" else "I64"
        header[name] = {
            "dtype": dtype,
            "shape": list(values.shape),
            "data_offsets": [len(data), len(data) + len(content)],
        }
        data += content
    text = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def test_safetensors_are_read_too(tmp_path: Path, weights: Weights) -> None:
    path = safetensors(tmp_path / "small.safetensors", weights)
    read = read_weights(path)
    assert all(np.array_equal(read[name], values) for name, values in weights.items())
    assert read_checkpoint(path).config == NetworkConfig("n", "yolo", reg_max=5, coefficients=6, detail=False)


def test_bfloat16_is_read_as_float32(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    text = json.dumps({"a": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + np.array([0x3FC0, 0xC000], np.uint16).tobytes())
    assert read_weights(path)["a"].tolist() == [1.5, -2]


def entry(**changes: Any) -> bytes:
    about = {"dtype": "F16", "shape": [2, 3], "data_offsets": [0, 12], **changes}
    text = json.dumps({"a": about, "b": about} if changes == {} else {"a": about}).encode()
    return struct.pack("<Q", len(text)) + text + NUMBERS.tobytes()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "a header of 0 bytes in a file of 0"),
        (struct.pack("<Q", 2**60) + b"{}", "a header of 1152921504606846976 bytes"),
        (struct.pack("<Q", 2) + b"[]", "no table of tensors"),
        (struct.pack("<Q", 2) + b"{]", "Expecting property name"),
        (struct.pack("<Q", 1) + b"\xff", "."),  # no text
        (struct.pack("<Q", 200_000) + b"[" * 200_000, "brackets in brackets"),
        (struct.pack("<Q", 7) + b'{"a":1}', "a tensor 'a' whose"),
        (entry(shape=[2, 4]), "a tensor 'a' whose"),
        (entry(shape=[2, -3]), "a tensor 'a' whose"),
        (entry(shape=[True, 6]), "a tensor 'a' whose"),
        (entry(shape=[1] * 9 + [6]), "a tensor 'a' whose"),
        (entry(data_offsets=[0, 24], shape=[12]), "a tensor 'a' whose"),  # more than there is
        (entry(data_offsets=[-12, 0]), "a tensor 'a' whose"),
        (entry(data_offsets=[0, 12, 24]), "a tensor 'a' whose"),
        (entry(dtype="F4"), "a tensor 'a' whose"),
        (entry(), "share their numbers"),  # two tensors at one place
    ],
    ids=range(16),
)
def test_hostile_safetensors_are_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=said) as caught:
        read_weights(path)
    assert "\n" not in str(caught.value)


def test_spoilt_files_are_refused_or_read(tmp_path: Path) -> None:
    """Nothing but a WeightsError comes out, and nothing larger than the file."""
    rng, path = random.Random(0), tmp_path / "x.safetensors"
    content = safetensors(path, {"a": NUMBERS, "b": NUMBERS}).read_bytes()
    read = 0
    for _ in range(500):
        spoilt = bytearray(content)
        spoilt[rng.randrange(len(spoilt))] = rng.randrange(256)
        path.write_bytes(spoilt)
        try:
            assert sum(values.nbytes for values in read_weights(path).values()) <= len(spoilt)
            read += 1
        except WeightsError as error:
            assert "\n" not in str(error)
    logger.info("500 spoilt files: %s", {"read": read, "refused": 500 - read})
    assert 25 < read < 475
