"""Masks from the output of FastSAM's network as this package makes them, with single ways of it switched off.

What is switched off is done as the published FastSAM does it, with the plainest means. With nothing switched off, the
package's own functions do all, so what is compared is what users get.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anymask import rle
from anymask.boxes import area, clip, cxcywh_to_xyxy, iou
from anymask.cubic import CubicAxis
from anymask.letterbox import Letterbox
from anymask.nms import nms_boxes
from anymask.postprocess import Candidates, CropRule, assemble, crop_windows, decode, encode_inside
from anymask.runtimes.base import BOX, RawOutput

# name -> what this package does / what FastSAM does
WAYS = {
    "letterbox": "the picture lies top left, shrunk with antialiasing / in the middle, shrunk without",
    "clipping": "boxes are cut to the picture before suppression / after it",
    "interpolation": "cubic / bilinear",
    "crop": "a mask has the pixels that its box touches / those whose top left corner lies in it",
    "shift": "logits at the pixels' exact centres / after enlarging and cutting off the padding in whole cells",
    "whole image": "boxes stay where they are / those within 20 px of the border move to it, or fill the picture",
}
NEAR_BORDER = 20  # pixels
WHOLE = 0.9  # IoU with the picture


@dataclass(frozen=True, slots=True)
class Detections:
    """boxes: (N, 4) float64 xyxy in source pixels. scores: (N,). masks: N RLEs of the picture."""

    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    masks: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """conf: scores must be above it. iou: of boxes that overlap more only the best stays. max_det: how many at most."""

    conf: float
    iou: float
    max_det: int


@dataclass(frozen=True, slots=True)
class Centred:
    """Where FastSAM puts a picture of source (height, width) in a network input of (height, width) pixels."""

    source: tuple[int, int]
    network: tuple[int, int]

    @property
    def resized(self) -> tuple[int, int]:
        """Height and width of the picture in network pixels, as they are worked out from the network's input."""
        gain = min(self.network[0] / self.source[0], self.network[1] / self.source[1])
        return round(self.source[0] * gain), round(self.source[1] * gain)

    @property
    def padding(self) -> tuple[int, int]:
        """Network pixels above and left of the picture."""
        free = [whole - part for whole, part in zip(self.network, self.resized, strict=True)]
        return round(free[0] / 2 - 0.1), round(free[1] / 2 - 0.1)

    @property
    def gain(self) -> tuple[float, float]:
        """Network pixels per source pixel, down and across."""
        return self.resized[0] / self.source[0], self.resized[1] / self.source[1]


def detect(raw: RawOutput, letterbox: Letterbox, limits: Limits, crop_rule: CropRule) -> Detections:
    """What the package makes of the network's output, before masks that are nearly the same are dropped."""
    candidates = decode(raw, letterbox)
    candidates = candidates[candidates.scores > limits.conf]
    candidates = candidates[nms_boxes(candidates.boxes, candidates.scores, limits.iou, limits.max_det)]
    masks, _ = assemble(candidates, raw.prototypes[0], letterbox, crop_rule)
    return _with_pixels(candidates, masks)


def detect_without(
    raw: RawOutput,
    size: tuple[int, int],
    network: tuple[int, int],
    limits: Limits,
    off: Collection[str],
) -> Detections:
    """The same for weights of FastSAM, with the `WAYS` in ``off`` switched off.

    raw: of the picture as FastSAM puts it into the network's input where "letterbox" is off, else as `Letterbox` does.
    size, network: height and width of the picture and of the network's input.
    """
    centred = Centred(size, network)
    letterbox = Letterbox.fit(*size, max(network))
    candidates = _candidates(raw, letterbox, centred, limits, off)
    prototypes, horizontal, vertical = _grid(raw.prototypes[0], letterbox, centred, off)
    windows = crop_windows(candidates.boxes, np.zeros((len(candidates.boxes), 2)), size)
    if "crop" in off:  # columns c with x1 <= c < x2, and rows alike
        windows = np.ceil(candidates.boxes).astype(np.int64)
    masks = []
    for (x1, y1, x2, y2), coefficients in zip(windows.tolist(), candidates.coefficients, strict=True):
        if x2 <= x1 or y2 <= y1:
            masks.append(rle.encode_changes(np.zeros(0, np.int64), *size))
            continue
        cells = prototypes[:, vertical.cells(y1, y2), horizontal.cells(x1, x2)]
        logits = np.tensordot(coefficients, cells, 1)
        nothing = np.zeros(x2 - x1, np.float32), np.zeros(y2 - y1, np.float32)
        masks.append(encode_inside(logits, horizontal, vertical, (x1, y1, x2, y2), nothing, size))
    found = _with_pixels(candidates, masks)
    return Detections(at_border(found.boxes, size), found.scores, found.masks) if "whole image" in off else found


def at_border(boxes: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float64]:
    """FastSAM's rule for (N, 4) boxes: edges near the picture's border move there, what is nearly all becomes all."""
    whole = np.array([0, 0, size[1], size[0]], np.float64)
    near = np.abs(boxes - whole) < NEAR_BORDER
    moved = np.where(near, whole, boxes)
    return np.where((iou(moved, whole[None])[:, :1] > WHOLE), whole, moved)


def linear_axis(positions: NDArray[np.floating[Any]], cells: int) -> CubicAxis:
    """Bilinear weights in the place of cubic ones, positions and cells as in `CubicAxis.at`."""
    positions = np.clip(positions, 0, cells - 1)
    first = np.minimum(np.floor(positions).astype(np.int64), max(cells - 2, 0))
    weights = np.maximum(1 - np.abs(positions[:, None] - np.arange(cells)), 0)
    return CubicAxis(weights.astype(np.float32), first)


def _candidates(
    raw: RawOutput, letterbox: Letterbox, centred: Centred, limits: Limits, off: Collection[str]
) -> Candidates:
    """The candidates whose masks are made."""
    rows = raw.predictions[0].T  # (A, 4 + C + K)
    size = letterbox.source_height, letterbox.source_width
    network = cxcywh_to_xyxy(rows[:, :BOX].astype(np.float64))
    if "letterbox" in off:
        (top, left), (down, across) = centred.padding, centred.gain
        boxes = (network - [left, top, left, top]) / [across, down, across, down]
    else:
        boxes = letterbox.boxes_to_source(network)
    clipped = clip(boxes, *size).astype(np.float64)
    scores = rows[:, BOX : BOX + raw.classes].max(axis=1).astype(np.float64)
    good = (area(clipped) > 0) & (scores > limits.conf)
    candidates = Candidates(clipped[good], scores[good], rows[good, BOX + raw.classes :])
    compared = boxes[good] if "clipping" in off else candidates.boxes
    return candidates[nms_boxes(compared, candidates.scores, limits.iou, limits.max_det)]


def _grid(
    prototypes: NDArray[np.float32], letterbox: Letterbox, centred: Centred, off: Collection[str]
) -> tuple[NDArray[np.float32], CubicAxis, CubicAxis]:
    """(K, h, w) prototypes, and how the columns and the rows of the picture are made of them."""
    _, h, w = prototypes.shape
    axis = linear_axis if "interpolation" in off else CubicAxis.at
    tall, wide = letterbox.source_height, letterbox.source_width
    if "letterbox" in off:
        (top, left), (shown_y, shown_x) = centred.padding, centred.resized
    else:
        (top, left), (shown_y, shown_x) = (0, 0), (letterbox.resized_height, letterbox.resized_width)
    cell_y, cell_x = centred.network[0] / h, centred.network[1] / w
    if "shift" in off:
        # Enlarged until the padding is whole cells, or four times; what is left of it then is cut off
        ends = (top / cell_y, left / cell_x, (top + shown_y) / cell_y, (left + shown_x) / cell_x)
        times = next((each for each in (1, 2) if all(end * each % 1 == 0 for end in ends)), 4)
        down, across = (linear_axis((np.arange(n * times) + 0.5) / times - 0.5, n) for n in (h, w))
        first_y, first_x, last_y, last_x = (int(end * times) for end in ends)
        larger = np.asarray(down.weights @ prototypes @ across.weights.T, np.float32)[:, first_y:last_y, first_x:last_x]
        y = (np.arange(tall) + 0.5) * ((last_y - first_y) / tall) - 0.5
        x = (np.arange(wide) + 0.5) * ((last_x - first_x) / wide) - 0.5
        return larger, axis(x, last_x - first_x), axis(y, last_y - first_y)
    if "letterbox" in off:
        x = ((np.arange(wide) + 0.5) * (shown_x / wide) + left) / cell_x - 0.5
        y = ((np.arange(tall) + 0.5) * (shown_y / tall) + top) / cell_y - 0.5
        return prototypes, axis(x, w), axis(y, h)
    x, y = letterbox.pixels_in_cells(h, w)
    cells_x, cells_y = letterbox.cells_in_pixels(h, w)
    return prototypes, axis(x, len(cells_x)), axis(y, len(cells_y))


def _with_pixels(candidates: Candidates, masks: list[bytes]) -> Detections:
    """Those of the candidates whose masks have a pixel."""
    kept = np.flatnonzero(rle.areas(masks) > 0)
    return Detections(candidates.boxes[kept], candidates.scores[kept], tuple(masks[index] for index in kept))
