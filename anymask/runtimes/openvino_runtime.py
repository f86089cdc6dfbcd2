"""Runs an OpenVINO or an ONNX file on the CPU by OpenVINO."""

from collections import deque
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anymask.errors import WeightsError, printable
from anymask.runtimes.base import FEATURES, INPUT, OUTPUTS, RawOutput, Runtime, check_form, name_of, run_error
from anymask.runtimes.openvino_engine import core, load_openvino, metadata_of, read_model

CURE = "give a file that anymask exported; an .xml file needs its .bin file beside it"


class OpenVinoRuntime(Runtime):
    """A model with the input and the outputs that `OnnxRuntime` describes, as .xml with its .bin beside it, or as ONNX.

    It computes in float32 whatever the processor prefers, so that it agrees with the other runtimes.

    source: the path of the file, or the bytes of an ONNX file.
    threads: how many threads one run uses; None lets OpenVINO choose, which is one per physical core.

    Raises WeightsError if the file is missing, damaged, or not a model of that form for pictures of any size, and
    MissingExtraError where OpenVINO is not installed.
    """

    suffixes = (".xml", ".onnx")

    def __init__(self, source: str | Path | bytes, threads: int | None = None) -> None:
        self._name = name_of(source)
        self._threads = threads
        self._model = read_model(source, CURE)
        taken, given = self._model.inputs, self._model.outputs
        inputs = {each.get_any_name(): sides_of(each.get_partial_shape()) for each in taken if each.get_names()}
        outputs = {name for each in given for name in each.get_names()}
        odd = [each for each in (*taken, *given) if each.get_element_type().get_type_name() != "f32"]
        check_form(self._name, inputs, outputs, {name for each in odd for name in each.get_names()}, CURE)
        self._has_features = outputs.issuperset(FEATURES)
        self.metadata = metadata_of(self._model)
        wanted = (*OUTPUTS, *FEATURES) if self._has_features else OUTPUTS
        self._network = Part(self._model, wanted, threads, self._name)
        self._compiling = Lock()

    def run(self, batch: NDArray[np.float32]) -> RawOutput:
        """See `Runtime.run`."""
        return RawOutput(*self._network(self.check_batch(batch), len(OUTPUTS)))

    def features(self, batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """See `Runtime.features`."""
        batch = self.check_batch(batch)
        if not self._has_features:
            return super().features(batch)
        with self._compiling:
            trunk = self._trunk
        return trunk(batch, len(FEATURES))

    def run_with_features(self, batch: NDArray[np.float32]) -> tuple[RawOutput, tuple[NDArray[np.float32], ...]]:
        """See `Runtime.run_with_features`."""
        batch = self.check_batch(batch)
        if not self._has_features:
            return super().run_with_features(batch)
        predictions, prototypes, *features = self._network(batch, len(OUTPUTS) + len(FEATURES))
        return RawOutput(predictions, prototypes), tuple(features)

    @cached_property
    def _trunk(self) -> "Part":
        return Part(self._model, FEATURES, self._threads, self._name)


def sides_of(shape: Any) -> list[int | None]:
    """The sides of a partial shape, None where one is free; none at all where their number is."""
    if shape.rank.is_dynamic:
        return []
    return [side.get_length() if side.is_static else None for side in shape]


class Part:
    """What some outputs of a model need, compiled for the CPU. Each call has an infer request of its own, for a request
    holds its outputs; those that are idle are used again.
    """

    def __init__(self, model: Any, outputs: Sequence[str], threads: int | None, name: str) -> None:
        openvino = load_openvino()
        self._name = name
        settings: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": "f32",
            "PERFORMANCE_HINT": "LATENCY",  # every thread works on one picture
            "ENABLE_CPU_PINNING": False,  # or several processes would share the same few cores
        }
        if threads is not None:
            settings["INFERENCE_NUM_THREADS"] = threads
        results = [model.output(output).get_node() for output in outputs]
        try:
            part = openvino.Model(results, model.get_parameters(), "part")
            self._compiled = core().compile_model(part, "CPU", settings)
        except Exception as error:  # RuntimeErrors, as in reading
            reason = printable(" ".join(str(error).split()), 500)
            raise WeightsError(f"{name} cannot be compiled by OpenVINO ({reason}): {CURE}") from error
        self._idle: deque[Any] = deque()

    def __call__(self, batch: NDArray[np.float32], count: int) -> tuple[NDArray[np.float32], ...]:
        """The first ``count`` outputs for a batch."""
        try:
            request = self._idle.pop()
        except IndexError:
            request = self._compiled.create_infer_request()
        try:
            request.infer({INPUT: batch})
            outputs = tuple(request.get_output_tensor(index).data.copy() for index in range(count))
        except Exception as error:  # RuntimeErrors once more
            raise run_error(self._name, error, CURE) from error
        self._idle.append(request)
        return outputs
