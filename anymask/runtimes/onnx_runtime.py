"""Runs an ONNX file on the CPU by ONNX Runtime."""

from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anymask.runtimes.base import FEATURES, INPUT, OUTPUTS, RawOutput, Runtime, check_form, name_of
from anymask.runtimes.onnx_part import part_of
from anymask.runtimes.onnx_session import open_session, run_session

CURE = "give a file that anymask exported, or export the weights again with a dynamic height and width"


class OnnxRuntime(Runtime):
    """An ONNX model with the input `images` and the outputs `output0`, `output1`; see `RawOutput` for their shapes.

    The outputs `features4`, `features8`, `features16` and `features32` are the trunk's, where the file has them.

    source: the path of the file, or its bytes.
    threads: how many threads one run uses; None lets ONNX Runtime choose, which is one per physical core.
    spin: whether threads wait for the next run at full speed; False where others need the cores between runs.

    Raises WeightsError if the file is missing, damaged, or not a model of that form for pictures of any size.
    """

    suffixes = (".onnx",)

    def __init__(self, source: str | Path | bytes, threads: int | None = None, *, spin: bool = True) -> None:
        self._open = partial(open_session, threads=threads, cure=CURE, spin=spin)
        self._session = self._open(source)
        self._name = name_of(source)
        taken, given = self._session.get_inputs(), self._session.get_outputs()
        inputs = {each.name: [side if isinstance(side, int) else None for side in each.shape] for each in taken}
        outputs = {each.name for each in given}
        others = {each.name for each in (*taken, *given) if each.type != "tensor(float)"}
        check_form(self._name, inputs, outputs, others, CURE)
        self._has_features = outputs.issuperset(FEATURES)
        self._trunk_bytes = trunk_of(source) if self._has_features else None
        self._opening = Lock()
        self.metadata = dict(self._session.get_modelmeta().custom_metadata_map)

    def run(self, batch: NDArray[np.float32]) -> RawOutput:
        """See `Runtime.run`."""
        predictions, prototypes = self._run(self._session, OUTPUTS, self.check_batch(batch))
        return RawOutput(predictions, prototypes)

    def features(self, batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """See `Runtime.features`."""
        batch = self.check_batch(batch)
        if not self._has_features:
            return super().features(batch)
        with self._opening:
            trunk = self._trunk
        return tuple(self._run(trunk, FEATURES, batch))

    def run_with_features(self, batch: NDArray[np.float32]) -> tuple[RawOutput, tuple[NDArray[np.float32], ...]]:
        """See `Runtime.run_with_features`."""
        batch = self.check_batch(batch)
        if not self._has_features:
            return super().run_with_features(batch)
        predictions, prototypes, *features = self._run(self._session, (*OUTPUTS, *FEATURES), batch)
        return RawOutput(predictions, prototypes), tuple(features)

    def _run(self, session: Any, outputs: Sequence[str], batch: NDArray[np.float32]) -> list[Any]:
        return run_session(session, outputs, {INPUT: batch}, self._name, CURE)

    @cached_property
    def _trunk(self) -> Any:
        """A session of its own, for ONNX Runtime runs every node of a file."""
        return self._session if self._trunk_bytes is None else self._open(self._trunk_bytes)


def trunk_of(source: str | Path | bytes) -> bytes | None:
    """The part of a file that its features need; None where it cannot be cut out."""
    try:
        return part_of(source if isinstance(source, bytes) else Path(source).read_bytes(), FEATURES)
    except (ValueError, OSError):
        return None
