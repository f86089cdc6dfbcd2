"""Torch files: tensors are windows on storages, and hostile files are refused."""

import io
import logging
import random
import struct
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anymask.errors import WeightsError
from anymask.fastsam.archive import Array
from anymask.fastsam.checkpoint import is_published, read_weights
from anymask.fastsam.pickles import Instance, Named, Storage, StoredTensor, write_pickle
from anymask.fastsam.yolov8_seg import module

logger = logging.getLogger(__name__)

Archive = Callable[..., Path]
SIX = StoredTensor(Storage("HalfStorage", "0", 6), 0, (2, 3), (3, 1))
NUMBERS = np.arange(6, dtype=np.float16)


@pytest.mark.parametrize(
    ("tensor", "expected"),
    [
        (SIX, [[0, 1, 2], [3, 4, 5]]),
        (SIX._replace(shape=(3, 2), strides=(1, 3)), [[0, 3], [1, 4], [2, 5]]),  # transposed
        (SIX._replace(offset=4, shape=(2,), strides=(1,)), [4, 5]),  # a window
        (SIX._replace(shape=(1, 2), strides=(2**31 - 1, 5)), [[0, 5]]),  # the stride of a single row means nothing
        (SIX._replace(shape=(), strides=()), 0),
    ],
)
def test_views(archive: Archive, tensor: StoredTensor, expected: Any) -> None:
    read = read_weights(archive({"a": tensor}, s0=NUMBERS))["a"]
    assert read.tolist() == expected
    assert not read.flags.writeable


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("DoubleStorage", np.array([1.5, -2])),
        ("FloatStorage", np.array([1.5, -2], np.float32)),
        ("HalfStorage", np.array([1.5, -2], np.float16)),
        ("BFloat16Storage", np.array([0x3FC0, 0xC000], np.uint16)),  # 1.5 and -2
        ("LongStorage", np.array([1, -2])),
        ("IntStorage", np.array([1, -2], np.int32)),
        ("ShortStorage", np.array([1, -2], np.int16)),
        ("CharStorage", np.array([1, -2], np.int8)),
        ("ByteStorage", np.array([1, 2], np.uint8)),
        ("BoolStorage", np.array([True, False])),
    ],
)
def test_kinds_of_numbers(archive: Archive, kind: str, values: Array) -> None:
    tensor = StoredTensor(Storage(kind, "0", 2), 0, (2,), (1,))
    read = read_weights(archive({"a": tensor}, s0=values))["a"]
    assert read.tolist() == ([1.5, -2.0] if kind == "BFloat16Storage" else values.tolist())


@pytest.mark.parametrize(
    ("tensor", "said"),
    [
        (SIX._replace(offset=-1), "at -1"),
        (SIX._replace(offset=1), "in a storage of 6 numbers"),  # the last one is outside
        (SIX._replace(shape=(2, -3)), r"\(2, -3\)"),
        (SIX._replace(shape=(2, 0)), r"\(2, 0\)"),
        (SIX._replace(strides=(-3, 1)), r"\(-3, 1\)"),
        (SIX._replace(shape=(2**30, 2**30)), "tensors of 2305843009213693952 bytes"),
        (
            SIX._replace(shape=(2**30, 2**30), strides=(0, 0)),
            "tensors of 2305843009213693952 bytes",
        ),  # one number shown 2^60 times
        (SIX._replace(shape=(3, 3), strides=(1, 1)), "in a storage of 6 numbers"),
        (SIX._replace(storage=Storage("HalfStorage", "0", 7)), "not of 7 numbers"),
        (SIX._replace(storage=Storage("HalfStorage", "0", 10**9)), "not of 1000000000 numbers"),
        (SIX._replace(storage=Storage("FloatStorage", "0", 6)), "not of 6 numbers"),
        (SIX._replace(storage=Storage("QUInt8Storage", "0", 12)), "kind 'QUInt8Storage'"),
        (SIX._replace(storage=Storage("HalfStorage", "1", 6)), "no storage '1'"),
        (SIX._replace(storage=Storage("HalfStorage", "../../etc/passwd", 6)), "no storage '../../etc/passwd'"),
        (SIX._replace(storage=Storage("\x1b[31m", "1", 6)), r"kind '\\x1b\[31m'"),
    ],
)
def test_tensors_that_claim_too_much_are_refused(archive: Archive, tensor: StoredTensor, said: str) -> None:
    path = archive({"a": tensor}, s0=NUMBERS)
    with pytest.raises(WeightsError, match=said):
        read_weights(path)


def test_numbers_that_are_shown_again_and_again_are_refused(archive: Archive) -> None:
    """Each tensor fits its storage, and all of them together would be a hundred times the file."""
    whole = StoredTensor(Storage("HalfStorage", "0", 10_000), 0, (10_000,), (1,))
    numbers = np.zeros(10_000, np.float16)
    assert len(read_weights(archive({"a": whole}, s0=numbers))) == 1
    with pytest.raises(WeightsError, match=r"tensors of 2000000 bytes in a file of \d{5}; "):
        read_weights(archive({str(number): whole for number in range(100)}, s0=numbers))


def test_one_storage_has_one_kind(archive: Archive) -> None:
    other = SIX._replace(storage=Storage("ShortStorage", "0", 6))
    with pytest.raises(WeightsError, match="two kinds"):
        read_weights(archive({"a": SIX, "b": other}, s0=NUMBERS))


def in_itself() -> Instance:
    tree = module("Sequential")
    tree.state["_modules"]["0"] = tree
    return tree


def countless() -> Instance:
    """A module of ten modules of ten modules ..., each the same: 10^20 names in a small file."""
    tree = module("Sequential", parameters={"a": SIX})
    for _ in range(20):
        tree = module("Sequential", [tree] * 10)
    return tree


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([1], "a list in the place of the network"),
        ({"model": "detector"}, "a str in the place of the network"),
        (Instance(Named("far", "Thing")), "without its _parameters"),
        (Instance(Named("far", "Thing"), {"_parameters": []}), "without its _parameters"),
        (module("Sequential", {"0": Instance(Named("far", "Thing"))}), "without its _parameters"),
        (in_itself(), "one that is in itself"),
        (countless(), "more than 100000 parts"),
        (module("Sequential", parameters={"a" * 600: SIX}), "names that never end"),
    ],
    ids=range(8),
)
def test_what_is_no_network_is_refused(archive: Archive, content: Any, said: str) -> None:
    with pytest.raises(WeightsError, match=said):
        read_weights(archive(content, s0=NUMBERS))


GOOD = {"x/data.pkl": write_pickle({"a": SIX}), "x/data/0": NUMBERS.tobytes(), "x/version": b"3\n"}


def zipped(files: dict[str, bytes], **options: Any) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", **options) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return stream.getvalue()


def encrypted() -> bytes:
    content = bytearray(zipped(GOOD))
    content[content.rindex(b"PK\x01\x02") + 8] |= 1  # the flag in the directory
    return bytes(content)


def claiming() -> bytes:
    """Sizes in the directory that are larger than the file."""
    content = bytearray(zipped(GOOD))
    place = content.rindex(b"PK\x01\x02")
    content[place + 20 : place + 28] = struct.pack("<II", 2**30, 2**30)
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no zip"),
        (b"no checkpoint", "no zip"),
        (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "no zip"),  # torch before 1.6
        (zipped(GOOD)[:-30], "not a zip"),  # the end is cut off
        (zipped({"x/data.pkl": GOOD["x/data.pkl"]}), "no storage '0'"),
        (zipped({"x/data/0": b""}), "0 files data.pkl"),
        (zipped({**GOOD, "y/data.pkl": b""}), "2 files data.pkl"),
        (zipped({**GOOD, "../../evil.py": b""}), "leads elsewhere"),
        (zipped({**GOOD, "/etc/evil": b""}), "leads elsewhere"),
        (zipped({**GOOD, "x/..\\evil": b""}), "leads elsewhere"),
        (zipped({**GOOD, "x/byteorder": b"big"}), "big-endian"),
        (zipped({**GOOD, "x/bomb": bytes(10**7)}, compression=zipfile.ZIP_DEFLATED), "compressed"),  # 1000 : 1
        (encrypted(), "encrypted"),
        (claiming(), "claim more bytes than the whole"),
        (zipped({f"x/{number}": b"" for number in range(20_001)}), "a zip of 20001 files"),
        (zipped({**GOOD, "x/data.pkl": b"\x80\x02cos\nsystem\nX\x01\x00\x00\x00a\x85R."}), "os.system"),
        (zipped({**GOOD, "x/data.pkl": bytes((32 << 20) + 1)}), "more than 32 MB"),
    ],
    ids=range(17),
)
def test_hostile_files_are_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "x.pt"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=said) as caught:
        read_weights(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: expected a FastSAM checkpoint") and "\n" not in message
    assert message.endswith("; download the file again, or name another")
    with suppress(WeightsError):
        assert is_published(path)  # nothing else should open it


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    for name in ("none.pt", "none.safetensors"):
        with pytest.raises(WeightsError, match="No such file"):
            read_weights(tmp_path / name)
    with pytest.raises(WeightsError, match="cannot be read"):
        read_weights(tmp_path)


def mutants(content: bytes, rng: random.Random) -> bytes:
    """``content`` with a few bytes flipped, or cut out, or doubled."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 4))):
        place = rng.randrange(len(data))
        match rng.randrange(4):
            case 0:
                del data[place : place + rng.randint(1, 20)]
            case 1:
                data[place:place] = data[place : place + rng.randint(1, 20)]
            case _:
                data[place] = rng.randrange(256)
        if not data:
            break
    return bytes(data)


def test_a_thousand_spoilt_files_are_refused_or_read(tmp_path: Path) -> None:
    """Nothing but a WeightsError comes out, and nothing larger than the file. Half of them are spoilt in the pickle."""
    rng = random.Random(0)
    layer = module("Sequential", [module("Conv2d", parameters={"weight": SIX}, stride=(1, 1))], names={0: "a"})
    pickled = write_pickle({"epoch": -1, "model": layer, "ema": None})
    whole = zipped({**GOOD, "x/data.pkl": pickled})
    path, ends = tmp_path / "x.pt", {"read": 0, "refused": 0}
    for number in range(1000):
        content = zipped({**GOOD, "x/data.pkl": mutants(pickled, rng)}) if number % 2 else mutants(whole, rng)
        path.write_bytes(content)
        try:
            read = read_weights(path)
        except WeightsError as error:
            ends["refused"] += 1
            assert "\n" not in str(error)
        else:
            ends["read"] += 1
            assert sum(values.nbytes for values in read.values()) <= len(content)
    logger.info("%d spoilt files: %s", sum(ends.values()), ends)
    assert min(ends.values()) > 25, ends
