"""Runs a TorchScript file on the CPU by PyTorch. The one file outside of training and export that imports it."""

import io
import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anymask.errors import WeightsError, printable
from anymask.runtimes.base import (
    FEATURES,
    OUTPUTS,
    RawOutput,
    Runtime,
    broken_engine,
    missing_engine,
    name_of,
    run_error,
)

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
        self._torch = load_torch()
        self._name = name_of(source)
        self._threads = threads
        module, self.metadata = load_script(source)
        self._has_features = hasattr(module, FEATURES_METHOD)
        kept = [FEATURES_METHOD] if self._has_features else []
        with _reading(self._name):
            self._module = self._torch.jit.freeze(module, preserved_attrs=kept)  # folds the norms into the convolutions

    def run(self, batch: NDArray[np.float32]) -> RawOutput:
        """See `Runtime.run`."""
        return RawOutput(*self._call("forward", self.check_batch(batch), len(OUTPUTS))[: len(OUTPUTS)])

    def features(self, batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """See `Runtime.features`."""
        batch = self.check_batch(batch)
        return self._call(FEATURES_METHOD, batch, len(FEATURES)) if self._has_features else super().features(batch)

    def run_with_features(self, batch: NDArray[np.float32]) -> tuple[RawOutput, tuple[NDArray[np.float32], ...]]:
        """See `Runtime.run_with_features`."""
        batch = self.check_batch(batch)
        if not self._has_features:
            return super().run_with_features(batch)
        predictions, prototypes, *features = self._call("forward", batch, len(OUTPUTS) + len(FEATURES))
        return RawOutput(predictions, prototypes), tuple(features)

    def _call(self, method: str, batch: NDArray[np.float32], least: int) -> tuple[NDArray[np.float32], ...]:
        """What a method gives for a batch: at least so many tensors."""
        # Asked for in every calling thread, as each begins with a number of its own
        if self._threads is not None and self._torch.get_num_threads() != self._threads:
            self._torch.set_num_threads(self._threads)
        try:
            with self._torch.inference_mode():
                found = getattr(self._module, method)(self._torch.tensor(batch))
        except Exception as error:  # RuntimeErrors of many lines
            raise run_error(self._name, error, CURE) from error
        kinds = [getattr(each, "dtype", None) for each in found] if isinstance(found, tuple) else []
        if len(kinds) < least or any(kind != self._torch.float32 for kind in kinds):
            raise WeightsError(f"{self._name} must give {least} tensors of float32 from {method}, and does not: {CURE}")
        return tuple(each.numpy() for each in found)


def load_torch() -> Any:
    """The module `torch`. Raises MissingExtraError where it is not installed, or is broken."""
    try:
        import torch
    except Exception as error:  # of a broken library anything
        if isinstance(error, ModuleNotFoundError) and error.name == "torch":
            raise missing_engine("torch") from error
        raise broken_engine("torch", error) from error
    return torch


@contextmanager
def _reading(name: str) -> Iterator[None]:
    """Around what PyTorch makes of a file called ``name``. Raises WeightsError for whatever it raises."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it announces its own retirement
            yield
    except Exception as error:  # RuntimeErrors of many lines
        reason = printable(" ".join(str(error).split()), 200)
        raise WeightsError(f"{name} cannot be read as TorchScript ({reason}): {CURE}") from error


def load_script(source: str | Path | bytes) -> tuple[Any, dict[str, str]]:
    """The module of a TorchScript file, ready to run, and its metadata. Raises WeightsError."""
    torch = load_torch()
    name = name_of(source)
    if not isinstance(source, bytes) and not Path(source).is_file():
        raise WeightsError(f"{source} is not there: {CURE}")
    extra: dict[str, Any] = {ABOUT: ""}
    with _reading(name):
        file = io.BytesIO(source) if isinstance(source, bytes) else str(source)
        module = torch.jit.load(file, map_location="cpu", _extra_files=extra).eval()
    if not extra[ABOUT]:
        raise WeightsError(f"{name} holds no {ABOUT}, so anymask did not write it: {CURE}")
    try:
        metadata = json.loads(extra[ABOUT])
    except (ValueError, RecursionError):
        metadata = None
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise WeightsError(f"{name} holds no table of texts in its {ABOUT}: {CURE}")
    return module, metadata
