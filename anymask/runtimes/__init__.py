"""Runtimes run the network: (B, 3, H, W) pictures in, `RawOutput` out. A new one is a file and a row in `RUNTIMES`."""

from pathlib import Path

from anymask.errors import WeightsError
from anymask.runtimes.base import RawOutput, Runtime
from anymask.runtimes.fake_runtime import FakeRuntime
from anymask.runtimes.onnx_mask_head import OnnxMaskHead
from anymask.runtimes.onnx_refiner import OnnxRefiner
from anymask.runtimes.onnx_runtime import OnnxRuntime

__all__ = [
    "RUNTIMES",
    "FakeRuntime",
    "OnnxMaskHead",
    "OnnxRefiner",
    "OnnxRuntime",
    "RawOutput",
    "Runtime",
    "open_runtime",
]

RUNTIMES = {"onnx": OnnxRuntime}  # suffix of the model's file -> class


def open_runtime(path: str | Path, threads: int | None = None) -> Runtime:
    """The runtime for a model file, chosen by its suffix.

    threads: how many threads one run uses; None lets the runtime choose.
    Raises WeightsError for a suffix no runtime takes, and for a file its runtime cannot use.
    """
    name = Path(path).suffix.lower().removeprefix(".")
    if name not in RUNTIMES:
        known = ", ".join(f".{suffix}" for suffix in RUNTIMES)
        raise WeightsError(f"{path} must be a model file ending in {known}: convert other weights first")
    return RUNTIMES[name](path, threads)
