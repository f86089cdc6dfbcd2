"""Runs an ONNX file on the CPU by ONNX Runtime."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anymask.errors import ShapeError, WeightsError, check_shape
from anymask.runtimes.base import RawOutput, Runtime

INPUT = "images"
OUTPUTS = ("output0", "output1")  # predictions, prototypes
CURE = "give a file that anymask exported, or export the weights again with a dynamic height and width"


class OnnxRuntime(Runtime):
    """An ONNX model with the input `images` and the outputs `output0`, `output1`; see `RawOutput` for their shapes.

    source: the path of the file, or its bytes.
    threads: how many threads one run uses; None lets ONNX Runtime choose, which is one per physical core.

    Raises WeightsError if the file is missing, damaged, or not a model of that form for pictures of any size.
    """

    def __init__(self, source: str | Path | bytes, threads: int | None = None) -> None:
        self._name = "the model's bytes" if isinstance(source, bytes) else str(source)
        self._session = self._open(source, threads)
        self._check()
        self.metadata = dict(self._session.get_modelmeta().custom_metadata_map)

    def run(self, batch: NDArray[np.float32]) -> RawOutput:
        """See `Runtime.run`."""
        check_shape(batch, "B 3 H W", "batch")
        if batch.shape[2] % self.stride or batch.shape[3] % self.stride:
            raise ShapeError(f"height and width of a batch must be multiples of {self.stride}, but got {batch.shape}")
        predictions, prototypes = self._session.run(OUTPUTS, {INPUT: np.ascontiguousarray(batch, np.float32)})
        return RawOutput(predictions, prototypes)

    def _open(self, source: str | Path | bytes, threads: int | None) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors only
        options.intra_op_num_threads = threads or 0
        model = source if isinstance(source, bytes) else str(source)
        if isinstance(model, str) and not Path(model).is_file():
            raise WeightsError(f"{self._name} is not there: {CURE}")
        try:
            return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime has a dozen unrelated exceptions for a bad file
            reason = " ".join(str(error).split())
            raise WeightsError(f"{self._name} cannot be read as an ONNX model ({reason}): {CURE}") from error

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
