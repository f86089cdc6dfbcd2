"""Runtimes run the network: (B, 3, H, W) pictures in, `RawOutput` out. A new one is a file and a row in `RUNTIMES`."""

from collections.abc import Mapping
from pathlib import Path

from anymask.errors import SettingsError, WeightsError
from anymask.runtimes.base import RawOutput, Runtime
from anymask.runtimes.fake_runtime import FakeRuntime
from anymask.runtimes.onnx_classifier import OnnxClassifier
from anymask.runtimes.onnx_mask_head import OnnxMaskHead
from anymask.runtimes.onnx_refiner import OnnxRefiner
from anymask.runtimes.onnx_runtime import OnnxRuntime
from anymask.runtimes.openvino_runtime import OpenVinoRuntime
from anymask.runtimes.torch_runtime import TorchRuntime

__all__ = [
    "MORE_SUFFIXES",
    "RUNTIMES",
    "FakeRuntime",
    "OnnxClassifier",
    "OnnxMaskHead",
    "OnnxRefiner",
    "OnnxRuntime",
    "OpenVinoRuntime",
    "RawOutput",
    "Runtime",
    "TorchRuntime",
    "check_runtime",
    "open_runtime",
    "runtime_name",
]

# name -> class. Each imports its engine when it is opened; a file is opened by the first that takes its suffix.
RUNTIMES: Mapping[str, type[OnnxRuntime | OpenVinoRuntime | TorchRuntime]] = {
    "onnx": OnnxRuntime,
    "openvino": OpenVinoRuntime,
    "torch": TorchRuntime,
}
MODEL_SUFFIXES = tuple(dict.fromkeys(suffix for each in RUNTIMES.values() for suffix in each.suffixes))
MORE_SUFFIXES = tuple(suffix for suffix in MODEL_SUFFIXES if suffix not in OnnxRuntime.suffixes)


def open_runtime(
    path: str | Path, threads: int | None = None, runtime: str | None = None, *, source: Path | None = None
) -> Runtime:
    """The runtime for a model file.

    threads: how many threads one run uses; None lets the runtime choose.
    runtime: a name in RUNTIMES; None takes the first that opens such files, which is ONNX Runtime for an ONNX file.
    source: the file that the user gave, where this one was made of it.

    Raises SettingsError for a name that is none, WeightsError for a suffix that the runtime does not take and for a
    file that it cannot use, MissingExtraError where its engine is not installed.
    """
    check_runtime(runtime)
    suffix = Path(path).suffix.lower()
    names = [runtime] if runtime is not None else list(RUNTIMES)
    taking = [name for name in names if suffix in RUNTIMES[name].suffixes]
    if taking:
        return RUNTIMES[taking[0]](path, threads)
    if runtime is None:
        raise WeightsError(f"{path} must be a model file ending in {' or '.join(MODEL_SUFFIXES)}: convert it first")
    wanted = RUNTIMES[runtime].suffixes
    given = Path(source or path)
    raise WeightsError(
        f"{given}: the runtime {runtime!r} opens files ending in {' or '.join(wanted)}, and none in {given.suffix!r}; "
        f"write one with: anymask export WEIGHTS --to NAME{wanted[0]}"
    )


def runtime_name(runtime: Runtime) -> str:
    """Its name in `RUNTIMES`; that of its class for another."""
    names = (name for name, kind in RUNTIMES.items() if type(runtime) is kind)
    return next(names, type(runtime).__name__)


def check_runtime(runtime: str | None) -> None:
    """Raise SettingsError for a name that is neither None nor in `RUNTIMES`."""
    if runtime is not None and runtime not in RUNTIMES:
        raise SettingsError(f"runtime must be one of {', '.join(RUNTIMES)}, but got {runtime!r}")
