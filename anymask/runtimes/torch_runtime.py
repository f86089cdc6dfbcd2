"""Runs a TorchScript file on the CPU by PyTorch. The one file outside of training and export that imports it."""

import io
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anymask.errors import WeightsError
from anymask.runtimes.base import OUTPUTS, RawOutput, Runtime, missing_engine, name_of

ABOUT = "anymask.json"  # the file inside a TorchScript file that holds the metadata
FEATURES_METHOD = "features"
CURE = "give a file that `anymask export --to NAME.torchscript` wrote"


class TorchRuntime(Runtime):
    """A TorchScript module whose ``forward`` gives what `RawOutput` describes, and then the trunk's features.

    Its method ``features`` gives those alone, where it has one. A TorchScript file is a program: open only
    files that you trust.

    source: the path of the file, or its bytes.
    threads: how many threads one run uses; None leaves PyTorch's own number. PyTorch has one for the whole process.

    Raises WeightsError if the file is missing, damaged, or not written by anymask, and MissingExtraError where PyTorch
    is not installed.
    """

    suffixes = (".torchscript",)

    def __init__(self, source: str | Path | bytes, threads: int | None = None) -> None:
        try:
            import torch
        except ModuleNotFoundError as error:
            if error.name != "torch":
                raise
            raise missing_engine("torch") from error
        self._torch = torch
        self._threads = threads
        module, self.metadata = load_script(source)
        self._has_features = hasattr(module, FEATURES_METHOD)
        kept = [FEATURES_METHOD] if self._has_features else []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._module = torch.jit.freeze(module, preserved_attrs=kept)  # folds the norms into the convolutions

    def run(self, batch: NDArray[np.float32]) -> RawOutput:
        """See `Runtime.run`."""
        return RawOutput(*self._call(self._module.forward, self.check_batch(batch))[: len(OUTPUTS)])

    def features(self, batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """See `Runtime.features`."""
        batch = self.check_batch(batch)
        return self._call(self._module.features, batch) if self._has_features else super().features(batch)

    def run_with_features(self, batch: NDArray[np.float32]) -> tuple[RawOutput, tuple[NDArray[np.float32], ...]]:
        """See `Runtime.run_with_features`."""
        batch = self.check_batch(batch)
        if not self._has_features:
            return super().run_with_features(batch)
        predictions, prototypes, *features = self._call(self._module.forward, batch)
        return RawOutput(predictions, prototypes), tuple(features)

    def _call(self, method: Any, batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        # Asked for in every calling thread, as each begins with a number of its own
        if self._threads is not None and self._torch.get_num_threads() != self._threads:
            self._torch.set_num_threads(self._threads)
        with self._torch.inference_mode():
            return tuple(output.numpy() for output in method(self._torch.tensor(batch)))


def load_script(source: str | Path | bytes) -> tuple[Any, dict[str, str]]:
    """The module of a TorchScript file, ready to run, and its metadata. Raises WeightsError."""
    import torch

    if not isinstance(source, bytes) and not Path(source).is_file():
        raise WeightsError(f"{source} is not there: {CURE}")
    extra: dict[str, Any] = {ABOUT: ""}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it announces its own retirement
            file = io.BytesIO(source) if isinstance(source, bytes) else str(source)
            module = torch.jit.load(file, map_location="cpu", _extra_files=extra)  # type: ignore[no-untyped-call]
    except Exception as error:  # RuntimeErrors of many lines
        reason = " ".join(str(error).split())[:200]
        raise WeightsError(f"{name_of(source)} cannot be read as TorchScript ({reason}): {CURE}") from error
    if not extra[ABOUT]:
        raise WeightsError(f"{name_of(source)} holds no {ABOUT}, so anymask did not write it: {CURE}")
    return module.eval(), json.loads(extra[ABOUT])
