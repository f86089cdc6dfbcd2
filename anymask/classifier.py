"""`Classifier`: how much every mask looks like every label, from what the detector's trunk saw of the picture."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from anymask import rle
from anymask.errors import WeightsError
from anymask.letterbox import Letterbox
from anymask.runtimes.onnx_classifier import CURE, LABELS, STRIDE, OnnxClassifier
from anymask.words.nouns import nouns


@dataclass(frozen=True, eq=False)
class Seen:
    """What a trunk saw of a picture, kept among the features of its masks."""

    NAME: ClassVar[str] = "seen"

    trunk: str  # its fingerprint
    features: tuple[NDArray[np.float32], ...]  # four, by `Runtime.features`
    letterbox: Letterbox

    def is_of(self, size: tuple[int, int]) -> bool:
        """Whether the picture was of this (height, width)."""
        return size == (self.letterbox.source_height, self.letterbox.source_width)


class Classifier:
    """Scores masks for labels. Safe to share between threads.

    network: the classifier's model.

    Raises WeightsError if it is of other labels than the nouns of this version.
    """

    def __init__(self, network: OnnxClassifier) -> None:
        self.network = network
        got, expected = network.metadata.get(LABELS, "none"), labels_hash()
        if got != expected or network.labels != len(nouns().labels):
            raise WeightsError(
                f"{network.name}: expected scores for the {len(nouns().labels)} labels {expected} that this version "
                f"has nouns for, got {network.labels} labels {got}: {CURE}"
            )

    def label_scores(self, rles: Sequence[bytes], seen: Seen) -> NDArray[np.float32]:
        """(N, L) in [0, 1], how much each of N masks looks like each of ``nouns().labels``.

        ImageNet's classes add up to 1 at most: the rest is that it is none of them. Labels of photos are independent.

        rles: masks of the picture that was seen.
        """
        return self.network.run(seen.features, coverage(rles, seen.letterbox))


def labels_hash() -> str:
    """16 hex digits of the SHA-256 of the labels' names in their order."""
    return hashlib.sha256("\n".join(nouns().labels).encode()).hexdigest()[:16]


def coverage(rles: Sequence[bytes], letterbox: Letterbox) -> NDArray[np.float32]:
    """(N, H / 8, W / 8) what share of each cell of the network's input N masks cover, in [0, 1].

    rles: masks of the picture of ``letterbox``.
    """
    h, w = letterbox.height // STRIDE, letterbox.width // STRIDE
    across, down = letterbox.shares_of_cells(h, w)
    x_scale, y_scale = letterbox.scale_x / STRIDE, letterbox.scale_y / STRIDE  # cells a pixel
    covered = np.zeros((len(rles), h, w), np.float32)
    boxes = rle.boxes(rles, letterbox.source_height, letterbox.source_width).astype(np.int64).tolist()
    for each, counts, (x1, y1, x2, y2) in zip(covered, rles, boxes, strict=True):
        columns, rows = (
            slice(int(x1 * x_scale), ceil(x2 * x_scale) + 1),
            slice(int(y1 * y_scale), ceil(y2 * y_scale) + 1),
        )
        crop = rle.decode_crop(counts, (x1, y1, x2, y2), letterbox.source_height).astype(np.float32)
        each[rows, columns] = down[rows, y1:y2] @ crop @ across[columns, x1:x2].T
    return covered
