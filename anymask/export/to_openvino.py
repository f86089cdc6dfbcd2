"""ONNX -> OpenVINO: an .xml file and, beside it, the .bin file with the weights.

OpenVINO's own reader of ONNX makes the model, and `save_model` writes it: the same that `openvino.convert_model` does
with an ONNX file, which reports to a web service besides.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anymask.errors import WeightsError
from anymask.export.agreement import SAME_WEIGHTS, TOLERANCE, Difference, check, noise
from anymask.runtimes.base import Runtime
from anymask.runtimes.onnx_runtime import OnnxRuntime
from anymask.runtimes.openvino_engine import OURS, load_openvino, metadata_of, read_model
from anymask.runtimes.openvino_runtime import CURE, OpenVinoRuntime


def export_openvino(
    content: bytes, path: Path, *, ours: Runtime | None = None, batch: NDArray[np.float32] | None = None
) -> Difference:
    """Write the ONNX model ``content`` as ``path``, which ends in .xml, and check it.

    Its metadata go into the section "anymask" of the model's information (``rt_info``). Weights keep their precision.

    Args:
        content: of an ONNX file that anymask exported.
        path: replaced, with its .bin, only by a model that passed the check.
        ours: what ``content`` was made from, to compare with; ``content`` itself by ONNX Runtime when None.
        batch: (B, 3, H, W) to compare on; noise when None.

    Returns:
        The largest differences.

    Raises:
        WeightsError: the model cannot be read, cannot be written, or differs by more than ``TOLERANCE``; where it is
            compared with its own ``content``, by more than ``SAME_WEIGHTS``.
        MissingExtraError: OpenVINO is not installed.
    """
    model = read_model(content, CURE)
    set_metadata(model, metadata_of(model))
    images = noise() if batch is None else batch
    reference, tolerance = (OnnxRuntime(content), SAME_WEIGHTS) if ours is None else (ours, TOLERANCE)
    with saved(model, path) as written:
        found = check(path, reference, OpenVinoRuntime(written), images, tolerance)
        put(written, path)
    return found


def write_metadata(path: Path, metadata: Mapping[str, str]) -> None:
    """Add to what an OpenVINO model says of itself; a name that is there already gets the new value."""
    model = read_model(path, CURE)
    set_metadata(model, {**metadata_of(model), **metadata})
    with saved(model, path) as written:
        del model  # it holds the .bin file open, which Windows would not replace
        put(written, path)


def set_metadata(model: Any, metadata: Mapping[str, str]) -> None:
    """Put ``metadata`` into a model that is not written yet."""
    for name, value in metadata.items():
        model.set_rt_info(value, [OURS, name])


@contextmanager
def saved(model: Any, path: Path) -> Iterator[Path]:
    """The .xml file of ``model`` in a folder beside ``path`` that goes away afterwards. Raises WeightsError."""
    openvino = load_openvino()
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        holder = tempfile.TemporaryDirectory(prefix=f"{path.stem}.", dir=path.parent)
    with holder as folder:
        written = Path(folder) / f"{path.stem}.xml"  # OpenVINO takes no .XML
        with writing(path):
            openvino.save_model(model, written, compress_to_fp16=False)
        yield written


def put(written: Path, path: Path) -> None:
    """Move an .xml file and its .bin to their place. The .bin goes first: a new .xml never stands beside an old one."""
    with writing(path):
        written.with_suffix(".bin").replace(path.with_suffix(".bin"))
        written.replace(path)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Around writing what becomes ``path``. Raises WeightsError where that fails."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        raise WeightsError(f"{path}: cannot be written ({error}); make room there or name another folder") from error
