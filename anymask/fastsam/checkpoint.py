"""FastSAM's checkpoints: which network they hold, its weights by name, and a file like them written."""

import stat
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from anymask.errors import WeightsError, printable
from anymask.fastsam.archive import Archive, Array, write_archive
from anymask.fastsam.modules import named_tensors
from anymask.fastsam.pickles import Instance, StoredTensor
from anymask.fastsam.safetensors_file import read_header, read_tensor
from anymask.fastsam.yolov8_seg import NOTHING, STRIDES, published_model
from anymask.letterbox import LARGEST, SMALLEST, STRIDE
from anymask.network.config import YOLO_SCALES, NetworkConfig

PT, SAFETENSORS = ".pt", ".safetensors"
SUFFIXES = (PT, SAFETENSORS)
BINS = "model.22.dfl.conv.weight"  # 0, 1, 2, ...: no weights, and `anymask.network` does not keep them
COUNTS = "num_batches_tracked"  # the end of the names of whole numbers
TRAINING = {"network", "ema", "optimiser", "step", "settings"}  # what a checkpoint of `anymask train` holds

LARGEST_FILE = 2 << 30  # bytes; a training checkpoint of size x in float32, with its optimiser, has 1.2 GB
MOST = {"classes": 2000, "reg_max": 128, "coefficients": 256}  # what a head may have; the largest data sets have 1203

# layer of the published table -> the part of `anymask.network.yolo.Network`; the names inside are the same
PARTS = {
    0: "trunk.stem",
    1: "trunk.down.0",
    2: "trunk.stages.0",
    3: "trunk.down.1",
    4: "trunk.stages.1",
    5: "trunk.down.2",
    6: "trunk.stages.2",
    7: "trunk.down.3",
    8: "trunk.stages.3",
    9: "neck.sppf",
    12: "neck.top_down4",
    15: "neck.top_down3",
    16: "neck.down3",
    18: "neck.bottom_up4",
    19: "neck.down4",
    21: "neck.bottom_up5",
    22: "head",
}

_EXPECTED = "expected a FastSAM checkpoint, a .pt or .safetensors file of YOLOv8-seg,"
_CURE = "download the file again, or name another"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The network of a checkpoint.

    weights: its tensors by their published names. They may be windows on one another; do not write.
    image_size: the network pixels along the longest side at which it was trained, a multiple of 32 from 32 to 4096;
        None where the file does not tell, as no .safetensors file does.
    """

    config: NetworkConfig
    weights: dict[str, Array]
    image_size: int | None


@dataclass(frozen=True, slots=True)
class _Held:
    """A file that is open: the shapes of its tensors by name, and what reads one of them."""

    shapes: dict[str, tuple[int, ...]]
    read: Callable[[str], Array]
    image_size: int | None = None
    is_ours: bool = False  # of `anymask train`


def read_checkpoint(path: Path) -> Checkpoint:
    """The network of a checkpoint, read without running anything in it; of a training checkpoint, the averaged one.

    Its tensors are read only when their names and shapes are those of such a network.

    Raises:
        WeightsError: the file is missing, damaged, hostile or of another kind.
    """
    with _open(path) as held:
        config = variant(held.shapes, path)
        weights = {name: held.read(name) for name in held.shapes}
        check_values(weights, config, path)
    return Checkpoint(config, weights, held.image_size)


def read_weights(path: Path) -> dict[str, Array]:
    """The tensors of a checkpoint of any network, as in `Checkpoint`. Raises WeightsError."""
    with _open(path) as held:
        return {name: held.read(name) for name in held.shapes}


@contextmanager
def _open(path: Path, expected: str = _EXPECTED) -> Iterator[_Held]:
    """Around reading a checkpoint. Raises WeightsError for whatever is wrong with the file."""
    try:
        size = check_file(path)
        if path.suffix.lower() == SAFETENSORS:
            with path.open("rb") as stream:
                entries = read_header(stream, size)
                shapes = {name: entry.shape for name, entry in entries.items()}
                yield _Held(shapes, lambda name: read_tensor(stream, entries[name]))
        else:
            with Archive(path) as archive:
                tensors = tensors_of(archive.content)
                archive.check_sum(tensors.values())
                shapes = {name: tensor.shape for name, tensor in tensors.items()}
                is_ours = isinstance(archive.content, dict) and archive.content.keys() >= TRAINING
                yield _Held(shapes, lambda name: archive.array(tensors[name]), trained_at(archive.content), is_ours)
    except OSError as error:
        raise WeightsError(f"{path}: {expected} which cannot be read ({error.strerror or error}); {_CURE}") from error
    except MemoryError as error:
        raise WeightsError(f"{path}: does not fit in memory; close other programs, or {_CURE}") from error
    except (ValueError, EOFError, RuntimeError, struct.error, zipfile.BadZipFile) as error:
        # RuntimeError: NotImplementedError too, for a zip that needs what Python's zipfile has not
        raise WeightsError(f"{path}: {expected} got {printable(error, 300)}; {_CURE}") from error


def check_file(path: Path) -> int:
    """The size of a checkpoint's file, in bytes. Raises WeightsError for one that is too large to be read at all."""
    try:
        status = path.stat()
    except OSError as error:
        raise WeightsError(f"{path}: {_EXPECTED} which cannot be read ({error.strerror or error}); {_CURE}") from error
    if not stat.S_ISREG(status.st_mode):
        raise WeightsError(f"{path}: {_EXPECTED} which cannot be read (it is no plain file); {_CURE}")
    if status.st_size > LARGEST_FILE:
        raise refusal(path, f"one of {status.st_size} bytes, more than {LARGEST_FILE}")
    return status.st_size


def trained_at(content: Any) -> int | None:
    """The `Checkpoint.image_size` of what a .pt file holds."""
    match content:
        case {"train_args": {"imgsz": int(size) | [int(size), *_]}} if not isinstance(size, bool):
            rounded = -(-size // STRIDE) * STRIDE
            return rounded if SMALLEST <= rounded <= LARGEST else None
    return None


def tensors_of(content: Any) -> dict[str, StoredTensor]:
    """The named tensors in what a checkpoint holds: its average, its model, or itself where it is one of these."""
    held = content
    if isinstance(content, dict):
        held = next((content[name] for name in ("ema", "model") if content.get(name) is not None), content)
    if isinstance(held, Instance):
        return named_tensors(held)
    if not isinstance(held, dict):
        raise ValueError(f"a {type(held).__name__} in the place of the network")
    return {name: value for name, value in held.items() if isinstance(name, str) and isinstance(value, StoredTensor)}


def is_published(path: Path) -> bool:
    """Whether a checkpoint is to be read as a published one: not one of `anymask train`, by the names in it.

    Raises:
        WeightsError: it is neither, as far as can be said without reading the tensors; nothing else should open it.
    """
    if path.suffix.lower() == SAFETENSORS:  # `anymask train` writes none
        return True
    with _open(path, "expected a checkpoint of `anymask train` or FastSAM's,") as held:
        return not held.is_ours


def variant_of(weights: Mapping[str, Array], path: Path) -> NetworkConfig:
    """The ``variant`` of weights that were read."""
    return variant({name: array.shape for name, array in weights.items()}, path)


def variant(shapes: Mapping[str, tuple[int, ...]], path: Path) -> NetworkConfig:
    """Which network weights are of, by their names and ``shapes``.

    Raises:
        WeightsError: none of YOLOv8-seg; ``path`` is the file it names.
    """
    if not any(name.startswith("model.") for name in shapes):
        if any(name.startswith("trunk.") for name in shapes):
            raise WeightsError(
                f"{path}: {_EXPECTED} got one of `anymask train`; `anymask export` makes an ONNX file of it"
            )
        raise refusal(path, "weights of other names" if shapes else "no weights")
    if "model.0.conv.bias" in shapes:
        raise refusal(path, "one whose batch norms are folded into its convolutions")
    ends = [shapes.get(name) for name in (BINS, "model.22.cv3.0.2.bias", "model.22.cv4.0.2.bias")]
    match ends:
        case [(1, reg_max, 1, 1), (classes,), (coefficients,)] if min(reg_max - 1, classes, coefficients) > 0:
            pass
        case [(_, _, _, _), (_,), None]:
            raise refusal(path, "a detector without masks")
        case [(1, 1, 1, 1), (_,), (_,)]:
            raise refusal(path, "one with a single bin for box distances (reg_max = 1)")
        case _:
            raise refusal(path, "another network, whose layer 22 is no head of YOLOv8-seg")
    for name, got in (("classes", classes), ("reg_max", reg_max), ("coefficients", coefficients)):
        if got > MOST[name]:
            raise refusal(path, f"one with {got} {name}, more than {MOST[name]}")
    misfits = {}
    for size in YOLO_SCALES:
        config = NetworkConfig(size, "yolo", classes, reg_max, coefficients, detail=False)
        expected = {name: tensor.shape for name, tensor in named_tensors(published_model(config)).items()}
        misfits[size] = [name for name in expected.keys() | shapes.keys() if expected.get(name) != shapes.get(name)]
        if not misfits[size]:
            return config
    nearest = min(misfits, key=lambda size: len(misfits[size]))
    names = sorted(misfits[nearest])
    raise refusal(
        path, f"another network: of size {nearest}, {len(names)} tensors do not fit, such as {names[0]!r:.80}"
    )


def check_values(weights: Mapping[str, Array], config: NetworkConfig, path: Path) -> None:
    """Raise WeightsError where the ``weights`` of a network are no numbers that float32 can hold."""
    for name, value in weights.items():
        if value.dtype.kind != "f" and not (value.dtype.kind == "i" and name.endswith(COUNTS)):
            raise refusal(path, f"a tensor {name} of {value.dtype}, expected floating-point numbers")
        with np.errstate(over="ignore"):
            if not np.isfinite(value.astype(np.float32, copy=False)).all():
                raise refusal(path, f"a tensor {name} that is not finite numbers of float32")
    if not np.array_equal(weights[BINS].reshape(-1), np.arange(config.reg_max)):
        raise refusal(path, f"bins of the box distances that are not 0 to {config.reg_max - 1}")


def refusal(path: Path, got: str) -> WeightsError:
    """The error for a file that holds something else."""
    return WeightsError(f"{path}: {_EXPECTED} got {printable(got)}; {_CURE}")


def to_ours(name: str) -> str:
    """Our name of a tensor, "trunk.stem.conv.weight" for "model.0.conv.weight". Raises KeyError if we have none."""
    _, layer, inner = name.split(".", 2)
    return f"{PARTS[int(layer)]}.{inner}"


def our_weights(weights: Mapping[str, Array]) -> dict[str, NDArray[Any]]:
    """The weights of a published network under the names of ours, numbers as float32 and counts as int64."""
    return {
        to_ours(name): value.astype(np.float32 if value.dtype.kind == "f" else np.int64)
        for name, value in weights.items()
        if name != BINS
    }


def write_weights(stream: BinaryIO, config: NetworkConfig, ours: Mapping[str, NDArray[Any]]) -> None:
    """Write a checkpoint in the published structure, numbers as float16.

    stream: a file open for writing.
    config: of a network with the trunk "yolo" and without detail.
    ours: its weights by our names, float32 or int64.
    """
    model = published_model(config)
    storages: dict[str, Array] = {STRIDES: np.array([8, 16, 32], np.float32), NOTHING: np.zeros(0, np.float16)}
    for name, tensor in named_tensors(model).items():
        values = np.arange(config.reg_max) if name == BINS else ours[to_ours(name)]
        storages[tensor.storage.key] = values.astype(np.int64 if tensor.storage.kind == "LongStorage" else np.float16)
    content = {
        **dict.fromkeys(("best_fitness", "ema", "updates", "optimizer")),
        "epoch": -1,
        "model": model,
        "train_args": {"task": "segment", "imgsz": 640},
        "date": None,
        "version": "8.0.120",  # of the structure
    }
    write_archive(stream, content, storages)
