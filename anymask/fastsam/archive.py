"""The zip around a torch file: a pickle, and beside it a file of plain numbers for every storage."""

import io
import zipfile
from collections.abc import Iterable, Mapping
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from anymask.fastsam.pickles import Storage, StoredTensor, read_pickle, write_pickle

Array = NDArray[Any]

PICKLE = "data.pkl"
LARGEST_PICKLE = 32 << 20  # bytes; that of a network of size x has 300 KB
LARGEST_DIRECTORY = 4 << 20  # bytes; that of a network of size x has 60 KB
MOST_FILES = 20_000

BFLOAT16 = "BFloat16Storage"  # numpy has no such numbers: the upper half of a float32
DTYPES: dict[str, np.dtype[Any]] = {
    "DoubleStorage": np.dtype("<f8"),
    "FloatStorage": np.dtype("<f4"),
    "HalfStorage": np.dtype("<f2"),
    BFLOAT16: np.dtype("<u2"),
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
    "ShortStorage": np.dtype("<i2"),
    "CharStorage": np.dtype("i1"),
    "ByteStorage": np.dtype("u1"),
    "BoolStorage": np.dtype("?"),
}


class Archive:
    """A torch file that is open for reading; nothing of it is run or unpacked to disk.

    content: what its pickle holds, see `read_pickle`.

    Raises ValueError with what is wrong, or one of zipfile's errors.
    """

    def __init__(self, path: Path) -> None:
        self.stream = _Bounded(io.FileIO(path))
        try:
            if self.stream.read(2) != b"PK":
                raise ValueError("no zip (a file of PyTorch before 1.6, or of something else)")
            self.zip = zipfile.ZipFile(self.stream)
            self.stream.most = None
            self.storages: dict[str, tuple[Storage, Array]] = {}  # those read so far, by key
            self.size = path.stat().st_size
            self.folder = self.checked()
            self.content = read_pickle(self.zip.read(self.folder + PICKLE))
        except BaseException:
            self.stream.close()
            raise

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, *_: object) -> None:
        self.zip.close()
        self.stream.close()

    def checked(self) -> str:
        """The folder inside, after everything that the zip claims was held against the size of the file."""
        files = self.zip.infolist()
        names = {file.filename for file in files}
        if len(files) > MOST_FILES or len(names) != len(files):
            raise ValueError(f"a zip of {len(files)} files, of which {len(names)} have names of their own")
        for file in files:
            if file.filename.startswith("/") or "\\" in file.filename or ".." in file.filename.split("/"):
                raise ValueError(f"the name {file.filename!r:.80} in its zip, which leads elsewhere")
            if file.compress_type != zipfile.ZIP_STORED or file.compress_size != file.file_size or file.flag_bits & 1:
                raise ValueError(f"{file.filename!r:.80} in its zip compressed or encrypted, as torch never does")
        if sum(file.file_size for file in files) > self.size:
            raise ValueError("files in its zip that claim more bytes than the whole")
        pickles = [name for name in names if name.rpartition("/")[2] == PICKLE]
        if len(pickles) != 1:
            raise ValueError(f"{len(pickles)} files {PICKLE} in its zip, where torch writes one")
        folder = pickles[0].removesuffix(PICKLE)
        if self.zip.getinfo(pickles[0]).file_size > LARGEST_PICKLE:
            raise ValueError(f"a {PICKLE} of more than {LARGEST_PICKLE >> 20} MB")
        if folder + "byteorder" in names and self.zip.read(folder + "byteorder") != b"little":
            raise ValueError("numbers in the byte order of a big-endian machine")
        return folder

    def check_sum(self, tensors: Iterable[StoredTensor]) -> None:
        """Raise ValueError where tensors claim more numbers together than the file has, by showing some of them twice.

        For each is copied sooner or later, and a small file would fill the memory.
        """
        claimed = sum(
            prod(max(axis, 0) for axis in tensor.shape) * DTYPES[tensor.storage.kind].itemsize
            for tensor in tensors
            if tensor.storage.kind in DTYPES
        )
        if claimed > self.size:
            raise ValueError(f"tensors of {claimed} bytes in a file of {self.size}")

    def array(self, tensor: StoredTensor) -> Array:
        """The numbers of a tensor, a window on its storage that may not be written to; bfloat16 as float32."""
        numbers = self.storage(tensor.storage)
        if min(tensor.shape, default=1) < 1 or min(tensor.strides, default=0) < 0 or tensor.offset < 0:
            raise ValueError(f"a tensor of shape {tensor.shape} at {tensor.offset} with strides {tensor.strides}")
        last = sum((axis - 1) * stride for axis, stride in zip(tensor.shape, tensor.strides, strict=True))
        # The last number must be there; and none may be shown again and again: a small file would claim any size
        if tensor.offset + last >= len(numbers) or np.prod(tensor.shape, dtype=object) > len(numbers):
            raise ValueError(f"a tensor of shape {tensor.shape} in a storage of {len(numbers)} numbers")
        strides = [
            stride * numbers.itemsize if axis > 1 else 0
            for axis, stride in zip(tensor.shape, tensor.strides, strict=True)
        ]
        return np.lib.stride_tricks.as_strided(numbers[tensor.offset :], tensor.shape, strides, writeable=False)

    def storage(self, storage: Storage) -> Array:
        """All numbers of a storage."""
        if storage.key not in self.storages:
            if storage.kind not in DTYPES:
                raise ValueError(f"numbers of the kind {storage.kind!r:.80}")
            name, dtype = f"{self.folder}data/{storage.key}", DTYPES[storage.kind]
            try:
                file = self.zip.getinfo(name)
            except KeyError as error:
                raise ValueError(f"no storage {storage.key!r:.80}, which a tensor has its numbers from") from error
            if file.file_size != storage.numbers * dtype.itemsize:
                raise ValueError(f"the storage {storage.key!r:.80} not of {storage.numbers} numbers, as it claims")
            numbers = np.frombuffer(self.zip.read(file), dtype)
            if storage.kind == BFLOAT16:
                numbers = from_bfloat16(numbers)
            self.storages[storage.key] = storage, numbers
        held, numbers = self.storages[storage.key]
        if held != storage:
            raise ValueError(f"the storage {storage.key!r:.80} with two kinds of numbers")
        return numbers


class _Bounded(io.BufferedReader):
    """A file that gives a few bytes at once only, however many a zip's end claims for its directory.

    most: bytes; None for any number.
    """

    most: int | None = LARGEST_DIRECTORY

    def read(self, size: int | None = -1, /) -> bytes:
        """Up to so many bytes from here; all that follow for -1. Raises ValueError for more than ``most``."""
        if self.most is None or (size is not None and 0 <= size <= self.most):
            return super().read(size)
        content = super().read(self.most + 1)
        if len(content) > self.most:
            raise ValueError(f"a zip with a directory of more than {self.most >> 20} MB")
        return content


def from_bfloat16(numbers: Array) -> Array:
    """The float32 numbers of which ``numbers``, uint16, are the upper halves."""
    return (numbers.astype(np.uint32) << 16).view(np.float32)


def write_archive(stream: BinaryIO, content: Any, storages: Mapping[str, Array]) -> None:
    """Write ``content`` as torch.save would.

    stream: a file open for writing.
    content: what `write_pickle` takes.
    storages: by key, the numbers that its tensors show.
    """
    files = {PICKLE: write_pickle(content), "byteorder": b"little"}
    files |= {f"data/{key}": np.ascontiguousarray(numbers).tobytes() for key, numbers in storages.items()}
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as file:
        for name, data in {**files, "version": b"3\n"}.items():
            file.writestr(zipfile.ZipInfo(f"archive/{name}"), data)  # no date: the same weights give the same bytes
