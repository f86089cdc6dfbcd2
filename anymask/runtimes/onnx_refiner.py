"""Runs the refiner's ONNX file on the CPU by ONNX Runtime."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anymask.errors import check_shape
from anymask.runtimes.base import FEATURES, TRUNK, name_of
from anymask.runtimes.onnx_session import open_model, run_session

INPUTS = ("pixels", "prompts", *FEATURES)
OUTPUTS = ("logits", "quality")
CURE = "install anymask again, or give a file that `anymask export` wrote from a refiner's checkpoint"


class RefinerOutput(NamedTuple):
    """What the refiner draws in B windows: a mask for prompts that leave no doubt, then three guesses at one click."""

    logits: NDArray[np.float32]  # (B, 4, S, S), inside where above 0
    quality: NDArray[np.float32]  # (B, 4) in [0, 1]: the IoU each is believed to have


class OnnxRefiner:
    """An ONNX model with the inputs and outputs that `anymask.export` gives a refiner; safe to share between threads.

    source: the path of the file, or its bytes.
    threads: how many threads one run uses; None lets ONNX Runtime choose.

    Raises WeightsError if the file is missing, damaged, or another model.
    """

    def __init__(self, source: str | Path | bytes, threads: int | None = None) -> None:
        self._session = open_model(source, threads, "a refiner", INPUTS, OUTPUTS, CURE)
        self.name = name_of(source)
        self.trunk: str = self._session.get_modelmeta().custom_metadata_map.get(TRUNK, "")  # whose features it reads

    def run(
        self,
        pixels: NDArray[np.float32],
        prompts: NDArray[np.float32],
        features: tuple[NDArray[np.float32], ...],
    ) -> RefinerOutput:
        """Draw the masks of B windows.

        pixels: (B, 3, S, S) RGB in [0, 1].
        prompts: (B, 4, S, S), see `anymask.refine.hints`.
        features: of the pixels, by `Runtime.features`.
        """
        check_shape(pixels, "B 3 S S", "pixels")
        check_shape(prompts, "B 4 S S", "prompts")
        values = dict(zip(INPUTS, (pixels, prompts, *features), strict=True))
        return RefinerOutput(*run_session(self._session, OUTPUTS, values, self.name, CURE))
