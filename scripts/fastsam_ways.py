"""Masks from the output of FastSAM's network as this package makes them, with single ways of it switched off.

What is switched off is done as the published FastSAM does it, with the plainest means. With nothing switched off, the
package's own functions do all, so what is compared are the masks that users get; boxes are those that the network
predicts, while a `MaskSet` has the tight boxes of its masks.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from anymask import rle
from anymask.boxes import cxcywh_to_xyxy, iou
from anymask.interpolation import Axis
from anymask.letterbox import Letterbox
from anymask.postprocess import Candidates, assemble, decode, draw_inside, pixel_axes, suppress
from anymask.rules import CropRule, MaskRule
from anymask.runtimes.base import BOX, RawOutput
from anymask.strip import Strip

# name -> what this package does / what FastSAM does
WAYS = {
    "letterbox": "the picture lies top left, shrunk with antialiasing / in the middle, shrunk without",
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


def detect(
    raw: RawOutput, letterbox: Letterbox, limits: Limits, crop_rule: CropRule, mask_rule: MaskRule
) -> Detections:
    """What `postprocess` makes of the network's output by these rules, with the boxes that the network predicts.

    The score is the class score, and masks that are nearly the same are kept.
    """
    size = letterbox.source_height, letterbox.source_width
    candidates = decode(raw, letterbox)
    candidates = candidates[candidates.scores > limits.conf]
    candidates = suppress(candidates, size, limits.iou, limits.max_det, mask_rule.clipping)
    masks, _ = assemble(candidates, raw.prototypes[0], letterbox, crop_rule, mask_rule=mask_rule)
    return _with_pixels(candidates, masks)


def detect_without(
    raw: RawOutput,
    size: tuple[int, int],
    network: tuple[int, int],
    limits: Limits,
    mask_rule: MaskRule,
    off: Collection[str],
) -> Detections:
    """The same for weights whose masks end at their boxes, with the `WAYS` in ``off`` switched off.

    raw: of the picture as FastSAM puts it into the network's input where "letterbox" is off, else as `Letterbox` does.
    size, network: height and width of the picture and of the network's input.
    """
    centred = Centred(size, network)
    letterbox = Letterbox.fit(*size, max(network))
    candidates = decode(raw, letterbox)
    if "letterbox" in off:
        (top, left), (down, across) = centred.padding, centred.gain
        rows = raw.predictions[0].T[:, :BOX].astype(np.float64)
        boxes = (cxcywh_to_xyxy(rows) - [left, top, left, top]) / [across, down, across, down]
        candidates = replace(candidates, boxes=boxes)
    candidates = candidates[candidates.scores > limits.conf]
    candidates = suppress(candidates, size, limits.iou, limits.max_det, mask_rule.clipping)
    prototypes, horizontal, vertical = _grid(raw.prototypes[0], letterbox, centred, mask_rule, off)
    windows = mask_rule.windows(candidates.boxes, size)
    strip = Strip(size[0])
    for index, (x1, y1, x2, y2) in enumerate(windows.tolist()):
        if x1 < x2 and y1 < y2:
            cells = prototypes[:, vertical.cells(y1, y2), horizontal.cells(x1, x2)]
            logits = np.tensordot(candidates.coefficients[index], cells, 1)
            draw_inside(strip, index, logits, horizontal, vertical, (x1, y1, x2, y2))
    masks = rle.encode_all(*strip.changes(), len(windows), *size)
    found = _with_pixels(candidates, masks)
    return moved(found, size) if "whole image" in off else found


def moved(found: Detections, size: tuple[int, int]) -> Detections:
    """The detections with their boxes moved by FastSAM's rule; their masks stay as they are."""
    return replace(found, boxes=at_border(found.boxes, size))


def at_border(boxes: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float64]:
    """FastSAM's rule for (N, 4) boxes: edges near the picture's border move there, what is nearly all becomes all."""
    whole = np.array([0, 0, size[1], size[0]], np.float64)
    near = np.where(np.abs(boxes - whole) < NEAR_BORDER, whole, boxes)
    return np.where(iou(near, whole[None])[:, :1] > WHOLE, whole, near)


def _grid(
    prototypes: NDArray[np.float32],
    letterbox: Letterbox,
    centred: Centred,
    mask_rule: MaskRule,
    off: Collection[str],
) -> tuple[NDArray[np.float32], Axis, Axis]:
    """(K, h, w) prototypes, and how the columns and the rows of the picture are made of them."""
    _, h, w = prototypes.shape
    axis = Axis.cubic if mask_rule.interpolation == "cubic" else Axis.linear
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
        down, across = (Axis.linear((np.arange(n * times) + 0.5) / times - 0.5, n) for n in (h, w))
        first_y, first_x, last_y, last_x = (int(end * times) for end in ends)
        larger = np.asarray(down.weights @ prototypes @ across.weights.T, np.float32)[:, first_y:last_y, first_x:last_x]
        y = (np.arange(tall) + 0.5) * ((last_y - first_y) / tall) - 0.5
        x = (np.arange(wide) + 0.5) * ((last_x - first_x) / wide) - 0.5
        return larger, axis(x, last_x - first_x), axis(y, last_y - first_y)
    if "letterbox" in off:
        x = ((np.arange(wide) + 0.5) * (shown_x / wide) + left) / cell_x - 0.5
        y = ((np.arange(tall) + 0.5) * (shown_y / tall) + top) / cell_y - 0.5
        return prototypes, axis(x, w), axis(y, h)
    return prototypes, *pixel_axes(letterbox, h, w, mask_rule.interpolation)


def _with_pixels(candidates: Candidates, masks: list[bytes]) -> Detections:
    """Those of the candidates whose masks have a pixel."""
    kept = np.flatnonzero(rle.areas(masks) > 0)
    return Detections(candidates.boxes[kept], candidates.scores[kept], tuple(masks[index] for index in kept))
