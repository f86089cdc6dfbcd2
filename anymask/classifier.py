"""`Classifier`: how much every mask looks like every label, from what the detector's trunk saw of the picture."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from anymask import rle
from anymask.errors import WeightsError
from anymask.letterbox import Letterbox
from anymask.overlap import in_columns
from anymask.runtimes.onnx_classifier import CURE, LABELS, STRIDE, OnnxClassifier
from anymask.words.nouns import nouns

AT_ONCE = 32  # masks whose columns are looked at together: bounds the memory


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
    covered = np.zeros((len(rles), h, w), np.float32)
    for start in range(0, len(rles), AT_ONCE):
        _cover(covered[start : start + AT_ONCE], rles[start : start + AT_ONCE], letterbox)
    return covered


def _cover(covered: NDArray[np.float32], rles: Sequence[bytes], letterbox: Letterbox) -> None:
    """Fill in the shares of cells, (N, h, w) zeros, that few masks cover: first down their columns, then across."""
    _, h, w = covered.shape
    across, _ = letterbox.shares_of_cells(h, w)
    height, width = letterbox.source_height, letterbox.source_width
    x_scale, y_scale = letterbox.scale_x / STRIDE, letterbox.scale_y / STRIDE  # cells a pixel
    mask, starts, ends = rle.runs(rles, height, width)
    run, starts, ends = in_columns(starts, ends, height)
    mask = mask[run]
    x1, y1, x2, y2 = rle.boxes(rles, height, width).astype(np.int64).T
    top = (y1 * y_scale).astype(np.int64)
    rows = (y2 * y_scale).astype(np.int64) - top + 2  # that each column of a mask has here, the last for what is behind
    stop = np.cumsum((x2 - x1) * rows)
    begin = stop - (x2 - x1) * rows
    column = (begin - top)[mask] + (starts // height - x1[mask]) * rows[mask]
    # From a place on, the cell that it lies in is covered in part, and all behind it in whole: steps to be summed up
    cell, part = np.divmod(np.stack([starts % height, (ends - 1) % height + 1]) * y_scale, 1)
    at, part = cell.astype(np.int64) + column, part * [[1], [-1]]
    steps = np.stack([[[1], [-1]] - part, part])
    shares = np.bincount(np.stack([at, at + 1]).ravel(), steps.ravel(), int(stop[-1])).cumsum().astype(np.float32)
    left, right = (x1 * x_scale).astype(np.int64), np.ceil(x2 * x_scale).astype(np.int64) + 1
    numbers = np.stack([x1, x2, begin, stop, top, rows, left, right], axis=1).tolist()
    for each, (first, last, start, end, upper, count, c1, c2) in zip(covered, numbers, strict=True):
        columns = shares[start:end].reshape(-1, count)[:, : h - upper]
        share = (across[c1:c2, first:last] @ columns).T
        np.clip(share, 0, 1, out=each[upper : upper + count, c1:c2])  # sums end a hair beside them
