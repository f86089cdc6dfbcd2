"""Runs the classifier's ONNX file on the CPU by ONNX Runtime."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anymask.errors import ShapeError, check_shape
from anymask.runtimes.base import FEATURE_STRIDES, TRUNK, name_of
from anymask.runtimes.onnx_session import open_model, run_session

INPUTS = (*(f"features{stride}" for stride in FEATURE_STRIDES), "masks")
OUTPUT = "label_scores"
STRIDE = 8  # network pixels a side of a cell of the masks
CURE = "install anymask again, or rebuild the classifier with `anymask train --model classifier`"
BATCH = 256  # masks at once

# Name in the metadata of a file
LABELS = "labels"  # the hash of the labels that its scores are of


class OnnxClassifier:
    """An ONNX model with the inputs and the output that `anymask.export` gives a classifier.

    Safe to share between threads.

    source: the path of the file, or its bytes.
    threads: how many threads one run uses; None lets ONNX Runtime choose.

    Raises WeightsError if the file is missing, damaged, or another model.
    """

    def __init__(self, source: str | Path | bytes, threads: int | None = None) -> None:
        self._session = open_model(source, threads, "a classifier", INPUTS, (OUTPUT,), CURE)
        self.name = name_of(source)
        self.metadata: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)
        self.trunk = self.metadata.get(TRUNK, "")  # whose features it reads
        self.labels = int(self._session.get_outputs()[0].shape[1])  # L

    def run(self, features: tuple[NDArray[np.float32], ...], masks: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, L) in [0, 1], how much each of N masks of one picture looks like each label.

        features: of the picture, by `Runtime.features`: four, of a picture of H x W network pixels.
        masks: (N, H / 8, W / 8), the share of each cell that a mask covers.

        Raises ShapeError where these do not fit together.
        """
        if len(features) != len(FEATURE_STRIDES):
            raise ShapeError(f"features must be {len(FEATURE_STRIDES)} maps, but got {len(features)}")
        rows, columns = features[1].shape[2:]
        check_shape(masks, f"N {rows} {columns}", "masks")
        whole = dict(zip(INPUTS, features, strict=False))
        scores = [np.zeros((0, self.labels), np.float32)]
        for start in range(0, len(masks), BATCH):
            chosen = np.ascontiguousarray(masks[start : start + BATCH], np.float32)
            scores += run_session(self._session, (OUTPUT,), {**whole, INPUTS[-1]: chosen}, self.name, CURE)
        return np.concatenate(scores)
