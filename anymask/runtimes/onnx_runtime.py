"""Runs an ONNX file on the CPU by ONNX Runtime."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anymask.errors import ShapeError, WeightsError, check_shape
from anymask.runtimes.base import FEATURE_STRIDES, RawOutput, Runtime
from anymask.runtimes.onnx_session import name_of, open_session

INPUT = "images"
OUTPUTS = ("output0", "output1")  # predictions, prototypes
FEATURES = tuple(f"features{stride}" for stride in FEATURE_STRIDES)
CURE = "give a file that anymask exported, or export the weights again with a dynamic height and width"


class OnnxRuntime(Runtime):
    """An ONNX model with the input `images` and the outputs `output0`, `output1`; see `RawOutput` for their shapes.

    The outputs `features4`, `features8`, `features16` and `features32` are the trunk's, where the file has them.

    source: the path of the file, or its bytes.
    threads: how many threads one run uses; None lets ONNX Runtime choose, which is one per physical core.
    spin: whether threads wait for the next run at full speed; False where others need the cores between runs.

    Raises WeightsError if the file is missing, damaged, or not a model of that form for pictures of any size.
    """

    def __init__(self, source: str | Path | bytes, threads: int | None = None, *, spin: bool = True) -> None:
        self._name = name_of(source)
        self._session = open_session(source, threads, CURE, spin=spin)
        self._check()
        self.metadata = dict(self._session.get_modelmeta().custom_metadata_map)

    def run(self, batch: NDArray[np.float32]) -> RawOutput:
        """See `Runtime.run`."""
        self._check_batch(batch)
        predictions, prototypes = self._session.run(OUTPUTS, {INPUT: np.ascontiguousarray(batch, np.float32)})
        return RawOutput(predictions, prototypes)

    def features(self, batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """See `Runtime.features`."""
        import onnxruntime

        self._check_batch(batch)
        if not self._has_features:
            return super().features(batch)
        options = onnxruntime.RunOptions()
        options.only_execute_path_to_fetches = True  # the trunk alone
        return tuple(self._session.run(FEATURES, {INPUT: np.ascontiguousarray(batch, np.float32)}, options))

    def run_with_features(self, batch: NDArray[np.float32]) -> tuple[RawOutput, tuple[NDArray[np.float32], ...]]:
        """See `Runtime.run_with_features`."""
        self._check_batch(batch)
        if not self._has_features:
            return super().run_with_features(batch)
        values = {INPUT: np.ascontiguousarray(batch, np.float32)}
        predictions, prototypes, *features = self._session.run((*OUTPUTS, *FEATURES), values)
        return RawOutput(predictions, prototypes), tuple(features)

    def _check_batch(self, batch: NDArray[np.float32]) -> None:
        check_shape(batch, "B 3 H W", "batch")
        if batch.shape[2] % self.stride or batch.shape[3] % self.stride:
            raise ShapeError(f"height and width of a batch must be multiples of {self.stride}, but got {batch.shape}")

    def _check(self) -> None:
        inputs = {each.name: each.shape for each in self._session.get_inputs()}
        outputs = {each.name for each in self._session.get_outputs()}
        if set(inputs) != {INPUT} or not outputs.issuperset(OUTPUTS):
            raise WeightsError(
                f"{self._name} must have the input {INPUT} and the outputs {', '.join(OUTPUTS)}, "
                f"but has {', '.join(inputs)} and {', '.join(sorted(outputs))}: {CURE}"
            )
        if any(isinstance(side, int) for side in inputs[INPUT][2:]):
            raise WeightsError(f"{self._name} takes pictures of one size only, {inputs[INPUT]}: {CURE}")
        self._has_features = outputs.issuperset(FEATURES)
