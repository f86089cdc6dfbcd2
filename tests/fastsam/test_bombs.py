"""Small files that claim to be huge, and huge ones that hold nothing: refused, in little memory."""

import json
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from anymask.fastsam.archive import write_archive
from anymask.fastsam.checkpoint import BINS
from anymask.fastsam.modules import named_tensors
from anymask.fastsam.pickles import Storage, StoredTensor, write_pickle
from anymask.fastsam.yolov8_seg import published_model
from anymask.network.config import NetworkConfig

MEMORY = 700  # MB at most, Python and numpy and all; before there were limits some took 4 GB
GB = 1 << 30
Write = Callable[[Path], object]


def pickled(*parts: bytes) -> Write:
    """A torch file of one pickle."""

    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("a/data.pkl", b"\x80\x02" + b"".join(parts) + b".")

    return write


def many_texts() -> bytes:
    text = b"X" + struct.pack("<I", 60) + "\U0001f600".encode() + b"a" * 56  # four bytes a character in memory
    return b"](" + text * 480_000 + b"e"


def shared_numbers(path: Path) -> None:
    """A network of size x with 2,000 classes, all of whose tensors show the numbers of one storage."""
    tensors = named_tensors(published_model(NetworkConfig("x", "yolo", classes=2000, detail=False)))
    largest = max(int(np.prod(tensor.shape)) for tensor in tensors.values())
    one, bins = Storage("HalfStorage", "0", largest), Storage("HalfStorage", "1", 16)
    content = {
        name: StoredTensor(bins if name == BINS else one, 0, tensor.shape, tensor.strides)
        for name, tensor in tensors.items()
    }
    with path.open("wb") as stream:
        write_archive(stream, content, {"0": np.ones(largest, np.float16), "1": np.arange(16, dtype=np.float16)})


def sparse(begin: bytes, size: int, end: bytes = b"") -> Write:
    """A file of which only the two ends are on the disk."""

    def write(path: Path) -> None:
        with path.open("wb") as stream:
            stream.write(begin)
            stream.truncate(size - len(end))
            stream.seek(size - len(end))
            stream.write(end)

    return write


def end_record(files: int, directory: int, place: int) -> bytes:
    return struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, files, files, directory, place, 0)


def sparse_storage(path: Path) -> None:
    """A zip, true in every part, with a storage of almost 2 GB of nothing."""
    size = 2 * GB - (1 << 20)
    tensor = StoredTensor(Storage("CharStorage", "0", size), 0, (1,), (1,))
    content = write_pickle({"model.0.conv.weight": tensor})
    files = ((b"a/data.pkl", len(content), zlib.crc32(content)), (b"a/data/0", size, 0))
    directory = b""
    with path.open("wb") as stream:
        for name, length, crc in files:
            sizes = struct.pack("<3L2H", crc, length, length, len(name), 0)
            directory += struct.pack("<4s6H", b"PK\1\2", 20, 20, 0, 0, 0, 0) + sizes
            directory += struct.pack("<3H2L", 0, 0, 0, 0, stream.tell()) + name
            stream.write(struct.pack("<4s5H", b"PK\3\4", 20, 0, 0, 0, 0) + sizes + name)
            stream.write(content) if name.endswith(b"pkl") else stream.seek(size, 1)
        place = stream.tell()
        stream.write(directory + end_record(2, len(directory), place))


def deflated(path: Path) -> None:
    """100 KB of which PyTorch would make 100 MB, or 100 GB as well."""
    numbers = 100 << 18
    tensor = StoredTensor(Storage("FloatStorage", "0", numbers), 0, (numbers,), (1,))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a/data.pkl", write_pickle({"ema": tensor}))
        with file.open("a/data/0", "w") as stream:
            for _ in range(100):
                stream.write(bytes(1 << 20))


def header(text: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text


BOMBS: dict[str, tuple[Write, str]] = {
    "tuples.pt": (pickled(b"N", b"\x85" * 499_990), "in the place of the network"),
    "lists.pt": (pickled(b"]" * 240_000, b"a" * 239_999), "in the place of the network"),
    "objects.pt": (
        pickled(b"ctorch.nn\nX\nq\x00", b"h\x00)\x81" * 120_000, b"b" * 119_999, b"\x86"),
        "a tuple in the place",
    ),
    "calls.pt": (
        pickled(b"ctorch\ndevice\nq\x00", b"h\x00" * 120_000, b")R", b"\x85R" * 119_999, b"\x86"),
        "in the place of the network",
    ),
    "text.pt": (pickled(b"X", struct.pack("<I", 31 << 20), "\U0001f600".encode(), b"a" * ((31 << 20) - 4)), "a str in"),
    "texts.pt": (pickled(many_texts()), "a list in the place"),
    "dictionaries.pt": (pickled(b"](", b"}" * 499_000, b"e"), "a list in the place"),
    "shared.pt": (shared_numbers, "bytes in a file of"),
    "directory.pt": (
        sparse(b"PK\3\4", 2 * GB - 1, end_record(60_000, 2 * GB - 100, 10)),
        "a directory of more than 4 MB",
    ),
    "storage.pt": (sparse_storage, "another network, whose layer 22"),
    "huge.pt": (sparse(b"PK\3\4", 8 * GB), "one of 8589934592 bytes, more than 2147483648"),
    "deflated.pt": (deflated, "compressed or encrypted"),
    "brackets.safetensors": (
        lambda path: path.write_bytes(header(b'{"a":[' + b"{}," * 5_500_000 + b"{}]}")),
        "a header of",
    ),
    "huge.safetensors": (sparse(header(b"{}"), 8 * GB), "one of 8589934592 bytes"),
    "large.safetensors": (sparse(header(b"{}"), 2 * GB), "no weights"),
    "numbers.safetensors": (
        sparse(
            header(json.dumps({"a": {"dtype": "I8", "shape": [2**30], "data_offsets": [0, 2**30]}}).encode()), 2 * GB
        ),
        "weights of other names",
    ),
}

CHILD = """
import sys
from pathlib import Path
from anymask.errors import WeightsError
from anymask.fastsam.weights import convert
try:
    convert(Path(sys.argv[1]))
except WeightsError as error:
    print(error)
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(int(status["VmHWM"].split()[0]) >> 10)  # MB; what getrusage tells is at least what the parent had
"""


@pytest.mark.skipif(sys.platform != "linux", reason="sparse files, and memory as Linux counts it")
@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_in_little_memory(tmp_path: Path, name: str) -> None:
    write, said = BOMBS[name]
    write(tmp_path / name)
    ended = subprocess.run(
        [sys.executable, "-c", CHILD, name], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
    )
    refused, peak = ended.stdout.splitlines()
    assert refused.startswith(f"{name}: expected a FastSAM checkpoint") and said in refused
    assert int(peak) < MEMORY
