"""Runs the mask head's ONNX file on the CPU by ONNX Runtime."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anymask.errors import ShapeError, check_shape
from anymask.runtimes.base import FEATURE_STRIDES, TRUNK, name_of
from anymask.runtimes.onnx_session import open_model, run_session

INPUTS = (*(f"features{stride}" for stride in FEATURE_STRIDES), "prototypes", "boxes", "coefficients")
OUTPUTS = ("windows", "logits", "quality")
GRID = 56  # cells along a side of what it draws
CURE = "install anymask again, or give a file that `anymask export` wrote from a mask head's checkpoint"
BATCH = 128  # boxes at once at most: what is made of one takes about half a megabyte,
HINTS = 1 << 24  # and its hint as many numbers as the prototypes have cells: so many at once, 64 MB


class MaskHeadOutput(NamedTuple):
    """What the mask head draws for N boxes."""

    windows: NDArray[np.float32]  # (N, 4) x1, y1, x2, y2 in network pixels: what each mask covers, beyond its box too
    logits: NDArray[np.float32]  # (N, G, G) on a window's cells, inside where above 0
    quality: NDArray[np.float32]  # (N,) in [0, 1]: the IoU each is believed to have


class OnnxMaskHead:
    """An ONNX model with the inputs and outputs that `anymask.export` gives a mask head; safe to share between threads.

    source: the path of the file, or its bytes.
    threads: how many threads one run uses; None lets ONNX Runtime choose.

    Raises WeightsError if the file is missing, damaged, or another model.
    """

    def __init__(self, source: str | Path | bytes, threads: int | None = None) -> None:
        self._session = open_model(source, threads, "a mask head", INPUTS, OUTPUTS, CURE)
        self.name = name_of(source)
        self.metadata: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)
        self.trunk = self.metadata.get(TRUNK, "")  # whose features it reads

    def run(
        self,
        features: tuple[NDArray[np.float32], ...],
        prototypes: NDArray[np.float32],
        boxes: NDArray[np.float32],
        coefficients: NDArray[np.float32],
    ) -> MaskHeadOutput:
        """Draw the masks of N boxes of one picture.

        features: of the picture, by `Runtime.features`: four.
        prototypes: (1, K, h, w), and coefficients: (N, K), what the detector says of the masks; 0 for nothing.
        boxes: (N, 4) x1, y1, x2, y2 in network pixels.

        Raises ShapeError where these do not fit together.
        """
        check_shape(prototypes, "1 K h w", "prototypes")
        check_shape(boxes, "N 4", "boxes")
        check_shape(coefficients, f"{len(boxes)} {prototypes.shape[1]}", "coefficients")
        if len(features) != len(FEATURE_STRIDES):
            raise ShapeError(f"features must be {len(FEATURE_STRIDES)} maps, but got {len(features)}")
        if not len(boxes):
            return MaskHeadOutput(*(np.zeros((0, *rest), np.float32) for rest in ((4,), (GRID, GRID), ())))
        whole = dict(zip(INPUTS, (*features, prototypes), strict=False))
        at_once = min(BATCH, max(1, HINTS // prototypes[0, 0].size))
        parts = []
        for start in range(0, len(boxes), at_once):
            chosen = {
                name: np.ascontiguousarray(array[start : start + at_once], np.float32)
                for name, array in (("boxes", boxes), ("coefficients", coefficients))
            }
            parts.append(run_session(self._session, OUTPUTS, {**whole, **chosen}, self.name, CURE))
        return MaskHeadOutput(*(np.concatenate(each) for each in zip(*parts, strict=True)))
