"""FastSAM's checkpoints: what is written is read, every size is known by its shapes, and hostile files are refused."""

import io
import json
import random
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anymask.errors import WeightsError
from anymask.fastsam.archive import Array, write_archive
from anymask.fastsam.checkpoint import BINS, PARTS, is_published, read_weights, to_ours, variant
from anymask.fastsam.modules import named_tensors
from anymask.fastsam.pickles import Instance, Named, Storage, StoredTensor, read_pickle, write_pickle
from anymask.fastsam.yolov8_seg import module, published_model
from anymask.network.config import YOLO_SCALES, NetworkConfig

Weights = dict[str, Array]
CONFIG = NetworkConfig("n", "yolo", reg_max=5, coefficients=6, detail=False)
SIX = StoredTensor(Storage("HalfStorage", "0", 6), 0, (2, 3), (3, 1))
NUMBERS = np.arange(6, dtype=np.float16)


def archive(path: Path, content: Any, **storages: Array) -> Path:
    """A torch file of any content; a storage's keyword is its key with an s before it."""
    with path.open("wb") as stream:
        write_archive(stream, content, {key.removeprefix("s"): values for key, values in storages.items()})
    return path


def safetensors(path: Path, weights: Weights, kind: str = "F16") -> Path:
    header, data = {}, b""
    for name, values in weights.items():
        content = values.tobytes()
        dtype = kind if values.dtype.kind == "f" else "I64"
        header[name] = {
            "dtype": dtype,
            "shape": list(values.shape),
            "data_offsets": [len(data), len(data) + len(content)],
        }
        data += content
    text = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def test_what_is_written_is_read(checkpoint: Path, weights: Weights) -> None:
    read = read_weights(checkpoint)
    assert list(read) == list(weights)
    assert all(np.array_equal(read[name], values) for name, values in weights.items())
    assert {values.dtype.str for values in read.values()} == {"<f2", "<i8"}
    assert variant(read, checkpoint) == CONFIG
    assert is_published(checkpoint)


def test_safetensors_are_read_too(tmp_path: Path, weights: Weights) -> None:
    path = safetensors(tmp_path / "small.safetensors", weights)
    read = read_weights(path)
    assert all(np.array_equal(read[name], values) for name, values in weights.items())
    assert variant(read, path) == CONFIG


def test_reading_imports_no_torch(checkpoint: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from anymask.fastsam.checkpoint import read_weights, variant\n"
        "path = Path(sys.argv[1]); print(variant(read_weights(path), path)); assert 'torch' not in sys.modules"
    )
    ended = subprocess.run([sys.executable, "-c", code, checkpoint], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == str(CONFIG)


@pytest.mark.parametrize("size", YOLO_SCALES)
@pytest.mark.parametrize(("classes", "reg_max", "coefficients"), [(1, 16, 32), (1, 26, 32), (3, 7, 9)])
def test_the_shapes_tell_the_variant(size: str, classes: int, reg_max: int, coefficients: int) -> None:
    config = NetworkConfig(size, "yolo", classes, reg_max, coefficients, detail=False)
    shapes = {name: tensor.shape for name, tensor in named_tensors(published_model(config)).items()}
    # arrays of one zero each, shown over and over, so that size x takes no memory
    weights: Weights = {name: np.broadcast_to(np.float16(0), shape) for name, shape in shapes.items()}
    weights[BINS] = np.arange(reg_max).reshape(1, -1, 1, 1)
    assert variant(weights, Path("x.pt")) == config


@pytest.mark.parametrize(
    ("size", "reg_max", "tensors", "parameters"),
    [("s", 16, 417, 11_790_483), ("s", 26, 417, 12_315_253), ("x", 16, 657, 71_751_811), ("x", 26, 657, 72_234_149)],
)
def test_counts_are_the_published_ones(size: str, reg_max: int, tensors: int, parameters: int) -> None:
    found = named_tensors(published_model(NetworkConfig(size, "yolo", reg_max=reg_max, detail=False)))
    assert len(found) == tensors
    assert sum(tensor.storage.numbers for tensor in found.values() if tensor.trained) == parameters


def without(name: str) -> Callable[[Weights], Weights]:
    return lambda weights: {key: value for key, value in weights.items() if name not in key}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without("cv4"), "a detector without masks"),
        (without("dfl"), "whose layer 22 is no head"),
        (lambda weights: {"trunk.stem": weights[BINS]}, "weights of other names"),
        (lambda weights: {}, "no weights"),
        (without("model.9."), "another network: of size n, 12 tensors do not fit, such as 'model.9.cv1.bn.bias'"),
        (  # YOLO11-seg: more layers, the head is the 23rd
            lambda weights: {name.replace("model.22.", "model.23."): value for name, value in weights.items()},
            "whose layer 22 is no head",
        ),
        (lambda weights: {**weights, "model.0.conv.bias": NUMBERS}, "batch norms are folded"),
        (lambda weights: {**weights, "model.0.conv.weight": NUMBERS}, "1 tensors do not fit"),
        (lambda weights: {**weights, BINS: weights[BINS] + 1}, "bins of the box distances that are not 0 to 4"),
        (
            lambda weights: {**weights, "model.0.bn.bias": weights["model.0.bn.bias"] * np.float16("nan")},
            "model.0.bn.bias that is not finite",
        ),
    ],
)
def test_another_network_is_refused(weights: Weights, change: Callable[[Weights], Weights], said: str) -> None:
    with pytest.raises(WeightsError, match=said) as caught:
        variant(change(weights), Path("x.pt"))
    assert str(caught.value).startswith("x.pt: expected a FastSAM checkpoint") and "\n" not in str(caught.value)


def test_the_names_are_those_of_the_table() -> None:
    assert to_ours("model.2.m.0.cv1.conv.weight") == "trunk.stages.0.m.0.cv1.conv.weight"
    assert len(set(PARTS.values())) == len(PARTS)
    with pytest.raises(KeyError):
        to_ours("model.10.weight")  # an upsampling


def test_of_a_training_checkpoint_the_average_is_taken(tmp_path: Path) -> None:
    one = module("Sequential", parameters={"a": SIX})
    other = module("Sequential", parameters={"a": SIX._replace(shape=(6,), strides=(1,))})
    for content, shape in (
        ({"ema": one, "model": other}, (2, 3)),
        ({"ema": None, "model": other}, (6,)),
        ({"a": SIX, "epoch": 3}, (2, 3)),  # a bare state dict
        (other, (6,)),  # a bare model
    ):
        (values,) = read_weights(archive(tmp_path / "x.pt", content, s0=NUMBERS)).values()
        assert values.shape == shape


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
def test_views(tmp_path: Path, tensor: StoredTensor, expected: Any) -> None:
    read = read_weights(archive(tmp_path / "x.pt", {"a": tensor}, s0=NUMBERS))["a"]
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
def test_kinds_of_numbers(tmp_path: Path, kind: str, values: Array) -> None:
    tensor = StoredTensor(Storage(kind, "0", 2), 0, (2,), (1,))
    read = read_weights(archive(tmp_path / "x.pt", {"a": tensor}, s0=values))["a"]
    assert read.tolist() == ([1.5, -2.0] if kind == "BFloat16Storage" else values.tolist())


@pytest.mark.parametrize(
    ("tensor", "said"),
    [
        (SIX._replace(offset=-1), "at -1"),
        (SIX._replace(offset=1), "in a storage of 6 numbers"),  # the last one is outside
        (SIX._replace(shape=(2, -3)), r"\(2, -3\)"),
        (SIX._replace(shape=(2, 0)), r"\(2, 0\)"),
        (SIX._replace(strides=(-3, 1)), r"\(-3, 1\)"),
        (SIX._replace(shape=(2**30, 2**30)), "in a storage of 6 numbers"),
        (
            SIX._replace(shape=(2**30, 2**30), strides=(0, 0)),
            "in a storage of 6 numbers",
        ),  # one number shown 2^60 times
        (SIX._replace(shape=(3, 3), strides=(1, 1)), "in a storage of 6 numbers"),
        (SIX._replace(storage=Storage("HalfStorage", "0", 7)), "not of 7 numbers"),
        (SIX._replace(storage=Storage("HalfStorage", "0", 10**9)), "not of 1000000000 numbers"),
        (SIX._replace(storage=Storage("FloatStorage", "0", 6)), "not of 6 numbers"),
        (SIX._replace(storage=Storage("QUInt8Storage", "0", 12)), "kind 'QUInt8Storage'"),
        (SIX._replace(storage=Storage("HalfStorage", "1", 6)), "no storage '1'"),
        (SIX._replace(storage=Storage("HalfStorage", "../../etc/passwd", 6)), "no storage '../../etc/passwd'"),
    ],
)
def test_tensors_that_claim_too_much_are_refused(tmp_path: Path, tensor: StoredTensor, said: str) -> None:
    path = archive(tmp_path / "x.pt", {"a": tensor}, s0=NUMBERS)
    with pytest.raises(WeightsError, match=said):
        read_weights(path)


def test_one_storage_has_one_kind(tmp_path: Path) -> None:
    other = SIX._replace(storage=Storage("ShortStorage", "0", 6))
    with pytest.raises(WeightsError, match="two kinds"):
        read_weights(archive(tmp_path / "x.pt", {"a": SIX, "b": other}, s0=NUMBERS))


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
def test_what_is_no_network_is_refused(tmp_path: Path, content: Any, said: str) -> None:
    with pytest.raises(WeightsError, match=said):
        read_weights(archive(tmp_path / "x.pt", content, s0=NUMBERS))


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
    assert not is_published(path)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    for name in ("none.pt", "none.safetensors"):
        with pytest.raises(WeightsError, match="No such file"):
            read_weights(tmp_path / name)
    with pytest.raises(WeightsError, match="cannot be read"):
        read_weights(tmp_path)


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
    read_pickle(pickled)
    header = safetensors(tmp_path / "x.safetensors", {"a": NUMBERS, "b": NUMBERS}).read_bytes()
    ends = {"read": 0, "refused": 0}
    for number in range(1000):
        if number % 4 < 2:
            name, content = "x.pt", zipped({**GOOD, "x/data.pkl": mutants(pickled, rng)})
        elif number % 4 == 2:
            name, content = "x.pt", mutants(whole, rng)
        else:
            name, content = "x.safetensors", mutants(header, rng)
        path = tmp_path / name
        path.write_bytes(content)
        try:
            read = read_weights(path)
        except WeightsError as error:
            ends["refused"] += 1
            assert "\n" not in str(error)
        else:
            ends["read"] += 1
            assert sum(values.nbytes for values in read.values()) <= len(content)
    assert min(ends.values()) > 25, ends
