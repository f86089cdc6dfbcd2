"""FastSAM's checkpoints: which network they hold, its weights by name, and a file like them written."""

import struct
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from anymask.errors import WeightsError
from anymask.fastsam.archive import Archive, Array, write_archive
from anymask.fastsam.modules import named_tensors
from anymask.fastsam.pickles import Instance, StoredTensor
from anymask.fastsam.safetensors_file import read_safetensors
from anymask.fastsam.yolov8_seg import NOTHING, STRIDES, published_model
from anymask.letterbox import LARGEST, SMALLEST, STRIDE
from anymask.network.config import YOLO_SCALES, NetworkConfig

PT, SAFETENSORS = ".pt", ".safetensors"
SUFFIXES = (PT, SAFETENSORS)
BINS = "model.22.dfl.conv.weight"  # 0, 1, 2, ...: no weights, and `anymask.network` does not keep them

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


def read_weights(path: Path) -> dict[str, Array]:
    """The tensors of a checkpoint by their published names, read without running anything in it.

    Of a training checkpoint, those of the averaged network. The arrays may be windows on one another; do not write.

    Raises:
        WeightsError: the file is missing, damaged, hostile or of another kind.
    """
    with _reading(path):
        if path.suffix.lower() == SAFETENSORS:
            return read_safetensors(path)
        with Archive(path) as archive:
            return {name: archive.array(tensor) for name, tensor in tensors_of(archive.content).items()}


def training_size(path: Path) -> int | None:
    """The network pixels along the longest side at which a checkpoint was trained, a multiple of 32 from 32 to 4096.

    None where it does not tell, as no .safetensors file does. Raises WeightsError as ``read_weights`` does.
    """
    if path.suffix.lower() == SAFETENSORS:
        return None
    with _reading(path), Archive(path) as archive:
        match archive.content:
            case {"train_args": {"imgsz": int(size) | [int(size), *_]}} if not isinstance(size, bool):
                rounded = -(-size // STRIDE) * STRIDE
                return rounded if SMALLEST <= rounded <= LARGEST else None
    return None


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Around reading a checkpoint. Raises WeightsError for whatever is wrong with the file."""
    try:
        yield
    except OSError as error:
        raise WeightsError(f"{path}: {_EXPECTED} which cannot be read ({error.strerror or error}); {_CURE}") from error
    except (ValueError, EOFError, RuntimeError, struct.error, zipfile.BadZipFile) as error:
        # RuntimeError: NotImplementedError too, for a zip that needs what Python's zipfile has not
        raise WeightsError(f"{path}: {_EXPECTED} got {' '.join(str(error).split())}; {_CURE}") from error


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
    """Whether a file is a checkpoint of the published kind, not one of `anymask train`. False where it is neither."""
    if path.suffix.lower() == SAFETENSORS:  # `anymask train` writes none
        return True
    try:
        weights = read_weights(path)
    except WeightsError:
        return False
    return any(name.startswith("model.") for name in weights)


def variant(weights: Mapping[str, Array], path: Path) -> NetworkConfig:
    """Which network the ``weights`` are of, by their names and shapes.

    Raises:
        WeightsError: none of YOLOv8-seg; ``path`` is the file it names.
    """

    def refuse(got: str) -> WeightsError:
        return WeightsError(f"{path}: {_EXPECTED} got {got}; {_CURE}")

    shapes = {name: value.shape for name, value in weights.items()}
    if not any(name.startswith("model.") for name in shapes):
        if any(name.startswith("trunk.") for name in shapes):
            raise WeightsError(
                f"{path}: {_EXPECTED} got one of `anymask train`; `anymask export` makes an ONNX file of it"
            )
        raise refuse("weights of other names" if shapes else "no weights")
    if "model.0.conv.bias" in shapes:
        raise refuse("one whose batch norms are folded into its convolutions")
    ends = [shapes.get(name) for name in (BINS, "model.22.cv3.0.2.bias", "model.22.cv4.0.2.bias")]
    match ends:
        case [(1, reg_max, 1, 1), (classes,), (coefficients,)] if min(reg_max - 1, classes, coefficients) > 0:
            pass
        case [(_, _, _, _), (_,), None]:
            raise refuse("a detector without masks")
        case _:
            raise refuse("another network, whose layer 22 is no head of YOLOv8-seg")
    misfits = {}
    for size in YOLO_SCALES:
        config = NetworkConfig(size, "yolo", classes, reg_max, coefficients, detail=False)
        expected = {name: tensor.shape for name, tensor in named_tensors(published_model(config)).items()}
        misfits[size] = [name for name in expected.keys() | shapes.keys() if expected.get(name) != shapes.get(name)]
        if not misfits[size]:
            break
    else:
        nearest = min(misfits, key=lambda size: len(misfits[size]))
        names = sorted(misfits[nearest])
        raise refuse(f"another network: of size {nearest}, {len(names)} tensors do not fit, such as {names[0]!r:.80}")
    for name, value in weights.items():
        if value.dtype.kind not in "fi" or not np.isfinite(value).all():
            raise refuse(f"a tensor {name} that is not finite numbers")
    if not np.array_equal(weights[BINS].reshape(-1), np.arange(reg_max)):
        raise refuse(f"bins of the box distances that are not 0 to {reg_max - 1}")
    return config


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
