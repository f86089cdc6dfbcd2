"""From the network's output to masks of the picture, in source pixels.

    RawOutput --decode--> candidates --nms_boxes--> at most max_masks --assemble--> masks --nms_masks--> MaskSet

A mask is where the logits, the candidate's coefficients times the prototypes, are above 0, or a level by `CutRule`.
They are known at the centres of prototype cells, some four network pixels apart. Edges are as sharp as that allows
because the logits themselves are interpolated to the centres of the source pixels, through the exact geometry of
`Letterbox`, and cut afterwards. No array of the size of picture times masks is ever made.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anymask import rle
from anymask.boxes import area, clip, cxcywh_to_xyxy
from anymask.cubic import CubicAxis
from anymask.errors import SettingsError, ShapeError
from anymask.letterbox import Letterbox
from anymask.maskset import MaskSet
from anymask.nms import nms_boxes, nms_masks
from anymask.runtimes.base import BOX, RawOutput

DUPLICATE = 0.9  # two masks with a larger IoU are one mask to the eye
BAND = 1 << 17  # pixels of a mask interpolated at once: 512 KB of float32, which stays in the processor's cache


@dataclass(frozen=True, slots=True)
class ScoreRule:
    """score = factor * class score ** class_power * maskness ** maskness_power, all in [0, 1].

    Maskness is the mean of sigmoid(logit) over the inside of a mask: a mask that the network is sure of scores higher
    than a blurred one whose box is as good. The mask head has a rule of its own, in which the IoU that it believes in
    takes the place of maskness, and the factor makes its scores mean what those of other masks do. Powers are 0 or
    more, the factor is in [0, 1]; SettingsError otherwise.
    """

    class_power: float = 1.0
    maskness_power: float = 1.0
    factor: float = 1.0

    def __post_init__(self) -> None:
        for name, power in (("class_power", self.class_power), ("maskness_power", self.maskness_power)):
            if not 0 <= power < np.inf:
                raise SettingsError(f"{name} must be a number from 0 up, but got {power}")
        if not 0 <= self.factor <= 1:
            raise SettingsError(f"factor of a ScoreRule must be in [0, 1], but got {self.factor}")

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> Self:
        """The rule that was fitted for a weights file and is kept in it; the default where it holds none."""
        return cls(**{name: float(metadata[key]) for name, key in cls._keys().items() if key in metadata})

    def to_metadata(self) -> dict[str, str]:
        """What ``from_metadata`` reads."""
        return {key: repr(getattr(self, name)) for name, key in self._keys().items()}

    @staticmethod
    def _keys() -> Mapping[str, str]:
        """Which field is called what in the metadata."""
        return {"class_power": "class_power", "maskness_power": "maskness_power", "factor": "score_factor"}

    def __call__(self, class_scores: NDArray[np.float64], maskness: ArrayLike) -> NDArray[np.float64]:
        """Scores, (N,), of (N,) class scores and (N,) maskness."""
        powers = class_scores**self.class_power * np.asarray(maskness, np.float64) ** self.maskness_power
        return self.factor * powers


@dataclass(frozen=True, slots=True)
class CropRule:
    """How far a mask may reach beyond the box that the network predicts for it, on each side.

    The box keeps out what the prototypes say about other objects, but it is a prediction too: cutting at it takes off
    tips. It is off by about a cell for a small object, and by about a share of its side for a large one; the larger
    of both is allowed. Beyond the box a mask must be surer of itself the farther it goes, so that a tip stays and a
    neighbour does not: the logits lose falloff from the box to the end of the margin, evenly. On training photos this
    gives better masks than the margin alone, and than none. None may be negative; SettingsError otherwise.
    """

    cells: float = 1.0  # prototype cells
    share: float = 0.05  # of the side of the box
    falloff: float = 5.0  # of a logit

    def __post_init__(self) -> None:
        for name in ("cells", "share", "falloff"):
            if not 0 <= (value := getattr(self, name)) < np.inf:
                raise SettingsError(f"{name} of a CropRule must be a number from 0 up, but got {value}")

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> Self:
        """The rule that a weights file asks for; the default where it does not."""
        names = {name: f"crop_{name}" for name in ("cells", "share", "falloff")}
        return cls(**{name: float(metadata[key]) for name, key in names.items() if key in metadata})

    def margins(self, boxes: NDArray[np.float64], cell: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far each of (N, 4) boxes may be left along x and y, (N, 2); cell is the width and height of a cell."""
        return np.maximum(self.cells * cell, self.share * (boxes[:, 2:] - boxes[:, :2]))

    def cost(
        self, crop: tuple[int, int, int, int], box: NDArray[np.float64], margin: NDArray[np.float64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """What a logit loses in each column (w,) and each row (h,) of a crop x1, y1, x2, y2: nothing in the box."""
        costs = []
        for axis in (0, 1):
            centres = np.arange(crop[axis], crop[axis + 2]) + 0.5
            outside = np.maximum(np.maximum(box[axis] - centres, centres - box[axis + 2]), 0)
            costs.append((self.falloff * outside / max(margin[axis], 1e-9)).astype(np.float32))
        return costs[0], costs[1]


@dataclass(frozen=True, slots=True)
class CutRule:
    """Above which level a logit is inside, by the size of the mask.

    It is (small * scale + large * cells) / (scale + cells) for a mask of so many prototype cells.

    small, large: the levels of a mask without a cell and of a huge one; halfway for one of `scale` cells. A level below
    0 grows a mask, one above shrinks it. Both are 0 by default, as no other rule gained enough with the default
    weights (docs/borders.md). SettingsError for a level that is not finite or a scale of 0 or less.
    """

    small: float = 0.0  # of a logit
    large: float = 0.0
    scale: float = 100.0  # prototype cells

    def __post_init__(self) -> None:
        for name in ("small", "large"):
            if not np.isfinite(value := getattr(self, name)):
                raise SettingsError(f"{name} of a CutRule must be a finite number, but got {value}")
        if not 0 < self.scale < np.inf:
            raise SettingsError(f"scale of a CutRule must be a number above 0, but got {self.scale}")

    def level(self, cells: int) -> float:
        """The level for a mask that holds the centres of so many prototype cells."""
        return (self.small * self.scale + self.large * cells) / (self.scale + cells)


@dataclass(frozen=True, slots=True)
class Candidates:
    """What the network proposes for one picture.

    boxes: (N, 4) float64 xyxy in source pixels, inside the picture.
    scores: (N,) float64, class scores in [0, 1].
    coefficients: (N, K) float32.
    """

    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    coefficients: NDArray[np.float32]

    def __getitem__(self, index: NDArray[Any] | slice) -> "Candidates":
        return Candidates(self.boxes[index], self.scores[index], self.coefficients[index])


# Candidates -> their masks as RLEs and their scores, (N,) in [0, 1]
Draw = Callable[[Candidates], tuple[list[bytes], NDArray[np.float64]]]


def postprocess(
    raw: RawOutput,
    letterbox: Letterbox,
    *,
    score: float = 0.0,
    iou: float = 0.7,
    max_masks: int = 1000,
    score_rule: ScoreRule = ScoreRule(),
    crop_rule: CropRule = CropRule(),
    cut_rule: CutRule = CutRule(),
    drawn: int = 0,
    draw: Draw | None = None,
) -> MaskSet:
    """The masks of one picture, best score first.

    raw: the network's output for the picture, a batch of one.
    letterbox: how the picture was fitted into the network's input.
    score: masks with a lower score are dropped, in [0, 1].
    iou: of boxes that overlap more than this only the best is kept, in [0, 1].
    max_masks: how many masks at most.
    drawn, draw: so many of the candidates with the best class scores get their masks and scores from ``draw``.

    The boxes of the set are the tight boxes of its masks, so both agree. Masks without a pixel and duplicates are
    dropped, and so is a candidate for which the network gave NaN or infinity. Raises SettingsError and ShapeError.
    """
    _check(raw, score, iou, max_masks)
    candidates = decode(raw, letterbox)
    # Maskness is at most 1 and suppression goes from high to low, so what is dropped here could change nothing
    candidates = candidates[score_rule(candidates.scores, 1.0).astype(np.float32) >= score]
    candidates = candidates[nms_boxes(candidates.boxes, candidates.scores, iou, max_masks)]

    best, others = (candidates[:drawn], candidates[drawn:]) if draw is not None else (candidates[:0], candidates)
    rles, maskness = assemble(others, raw.prototypes[0], letterbox, crop_rule, cut_rule)
    believed = score_rule(others.scores, maskness)
    if draw is not None:
        drawn_rles, drawn_scores = draw(best)
        rles, believed = drawn_rles + rles, np.concatenate((drawn_scores, believed))
    scores = believed.astype(np.float32)
    good = np.flatnonzero((rle.areas(rles) > 0) & (scores >= score))
    rles, scores = [rles[index] for index in good], scores[good]

    size = letterbox.source_height, letterbox.source_width
    kept = nms_masks(rles, scores, max(iou, DUPLICATE), *size)
    rles, scores = [rles[index] for index in kept], scores[kept]
    return MaskSet(size, rle.boxes(rles, *size), scores, tuple(rles))


def decode(raw: RawOutput, letterbox: Letterbox) -> Candidates:
    """The candidates of a batch of one: those with finite numbers and with a box that meets the picture."""
    rows = raw.predictions[0].T  # (A, 4 + C + K)
    rows = rows[np.isfinite(rows).all(axis=1)]
    boxes = letterbox.boxes_to_source(cxcywh_to_xyxy(rows[:, :BOX].astype(np.float64)))
    boxes = clip(boxes, letterbox.source_height, letterbox.source_width).astype(np.float64)
    candidates = Candidates(
        boxes=boxes,
        scores=rows[:, BOX : BOX + raw.classes].max(axis=1).clip(0, 1).astype(np.float64),
        coefficients=rows[:, BOX + raw.classes :],
    )
    return candidates[area(boxes) > 0]


@np.errstate(over="ignore", invalid="ignore")  # numbers too large for float32 are dropped, as NaN is
def assemble(
    candidates: Candidates,
    prototypes: NDArray[np.float32],
    letterbox: Letterbox,
    crop_rule: CropRule = CropRule(),
    cut_rule: CutRule = CutRule(),
) -> tuple[list[bytes], NDArray[np.float64]]:
    """The N masks as RLEs and their (N,) maskness in [0, 1], from (K, h, w) prototypes.

    A candidate whose logits are not finite gets an empty mask.
    """
    _, h, w = prototypes.shape
    size = letterbox.source_height, letterbox.source_width
    horizontal, vertical = pixel_axes(letterbox, h, w)
    margins = crop_rule.margins(candidates.boxes, cell_size(letterbox, h, w))
    crops = crop_windows(candidates.boxes, margins, size)
    cells_x, cells_y = letterbox.cells_in_pixels(h, w)
    inner_x = np.searchsorted(cells_x, candidates.boxes[:, 0::2])  # (N, 2) cells whose centre is inside the box
    inner_y = np.searchsorted(cells_y, candidates.boxes[:, 1::2])

    cells = np.ascontiguousarray(prototypes.transpose(1, 2, 0))  # (h, w, K)
    rles, maskness = [], np.zeros(len(crops))
    for index, (x1, y1, x2, y2) in enumerate(crops.tolist()):
        x, y = horizontal.cells(x1, x2), vertical.cells(y1, y2)
        logits = cells[y, x] @ candidates.coefficients[index]
        if not np.isfinite(logits).all():
            rles.append(rle.encode_changes(np.zeros(0, np.int64), *size))
            continue
        inside = logits[_within(y, inner_y[index]), _within(x, inner_x[index])]
        level = cut_rule.level(int(np.count_nonzero(inside > 0)))
        across, down = crop_rule.cost((x1, y1, x2, y2), candidates.boxes[index], margins[index])
        rles.append(encode_inside(logits, horizontal, vertical, (x1, y1, x2, y2), (across, down + level), size))
        maskness[index] = mean_sigmoid(inside)
    return rles, maskness


def pixel_axes(letterbox: Letterbox, h: int, w: int) -> tuple[CubicAxis, CubicAxis]:
    """How the columns and the rows of the picture are made of (h, w) prototype cells.

    Cells that see only padding take no part: they would eat into masks along the picture's border.
    """
    cells_x, cells_y = letterbox.cells_in_pixels(h, w)
    pixels_x, pixels_y = letterbox.pixels_in_cells(h, w)
    return CubicAxis.at(pixels_x, len(cells_x)), CubicAxis.at(pixels_y, len(cells_y))


def cell_size(letterbox: Letterbox, h: int, w: int) -> NDArray[np.float64]:
    """(2,) width and height of one of (h, w) prototype cells, in source pixels."""
    return np.array([letterbox.width / w / letterbox.scale_x, letterbox.height / h / letterbox.scale_y])


def crop_windows(boxes: NDArray[np.float64], margins: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.int64]:
    """The source pixels that the masks of (N, 4) boxes may cover, (N, 4): columns x1..x2 - 1 and rows y1..y2 - 1.

    These are all pixels of the picture that the box touches once it has grown by its (N, 2) margins.
    """
    grown = np.concatenate([np.floor(boxes[:, :2] - margins), np.ceil(boxes[:, 2:] + margins)], axis=1)
    return clip(grown, *size).astype(np.int64)


def encode_inside(
    logits: NDArray[np.float32],
    horizontal: CubicAxis,
    vertical: CubicAxis,
    crop: tuple[int, int, int, int],
    cost: tuple[NDArray[np.float32], NDArray[np.float32]],
    size: tuple[int, int],
    corner: tuple[int, int] = (0, 0),
) -> bytes:
    """The RLE of the pixels of a crop where the interpolated logits are above the costs of their column and row.

    logits: on the cells that the crop's pixels are made of. crop: (x1, y1, x2, y2) in positions of the two axes.
    cost: of its (w,) columns and of its (h,) rows. corner: x and y of the source pixel that is the axes' first.
    """
    x1, y1, x2, y2 = crop
    tall = logits.T @ vertical.weights_of(y1, y2).T  # (cells across, rows of the crop)
    first = horizontal.cells(x1, x2).start
    bands = []
    # A band of columns needs few cells, so this costs much less than one product; transposed as RLEs go down columns
    step = max(1, BAND // (y2 - y1))
    for left in range(x1, x2, step):
        right = min(left + step, x2)
        cells = horizontal.cells(left, right)
        band = horizontal.weights_of(left, right) @ tall[cells.start - first : cells.stop - first]  # (columns, rows)
        inside = band - cost[0][left - x1 : right - x1, None] > cost[1]  # (columns, rows)
        bands.append(rle.changes(inside.T, left + corner[0], y1 + corner[1], size[0]))
    return rle.encode_changes(np.concatenate(bands), *size)


def mean_sigmoid(logits: NDArray[np.float32]) -> float:
    """Mean of sigmoid(logit) over the logits above 0, in (0.5, 1]; 0.5, the least sure, where there is none.

    A mask can have none although it has pixels: when it is too thin to hold the centre of a cell.
    """
    inside = logits[logits > 0]
    return float(np.mean(1 / (1 + np.exp(-inside)))) if inside.size else 0.5


def _within(window: slice, span: NDArray[np.int64]) -> slice:
    """The cells from span[0] to span[1] - 1, counted from the start of a window of cells."""
    return slice(*(span - window.start).clip(0).tolist())


def _check(raw: RawOutput, score: float, iou: float, max_masks: int) -> None:
    if len(raw) != 1:
        raise ShapeError(f"raw must be the output for one picture, but got {len(raw)}: pass raw[0], raw[1], ...")
    for name, value in (("score", score), ("iou", iou)):
        if not 0 <= value <= 1:
            raise SettingsError(f"{name} must lie in [0, 1], but got {value}")
    if max_masks < 1:
        raise SettingsError(f"max_masks must be 1 or more, but got {max_masks}")
