"""From the network's output to masks of the picture, in source pixels.

    RawOutput --decode--> candidates --suppress--> at most max_masks --assemble--> masks --nms_masks--> MaskSet

A mask is where the logits, the candidate's coefficients times the prototypes, are above 0, or a level by `CutRule`.
They are known at the centres of prototype cells, some four network pixels apart. Edges are as sharp as that allows
because the logits themselves are interpolated to the centres of the source pixels, through the exact geometry of
`Letterbox`, and cut afterwards. No array of the size of picture times masks is ever made.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from anymask import rle
from anymask.boxes import area, clip, cxcywh_to_xyxy
from anymask.errors import SettingsError, ShapeError
from anymask.interpolation import Axis
from anymask.letterbox import Letterbox
from anymask.maskset import MaskSet
from anymask.nms import nms_boxes, nms_masks
from anymask.rules import Clipping, CropRule, CutRule, Interpolation, MaskRule, ScoreRule
from anymask.runtimes.base import BOX, RawOutput
from anymask.strip import Strip

DUPLICATE = 0.9  # two masks with a larger IoU are one mask to the eye
AT_ONCE = 128  # masks that are encoded together, which bounds the memory


@dataclass(frozen=True, slots=True)
class Candidates:
    """What the network proposes for one picture.

    boxes: (N, 4) float64 xyxy in source pixels; inside the picture once `suppress` has seen them.
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
    mask_rule: MaskRule = MaskRule(),
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

    The boxes of the set are the tight boxes of its masks, so both agree. Masks without a pixel are dropped, duplicates
    too unless the mask rule keeps them, and so is a candidate for which the network gave NaN or infinity. Raises
    SettingsError and ShapeError.
    """
    _check(raw, score, iou, max_masks)
    size = letterbox.source_height, letterbox.source_width
    candidates = decode(raw, letterbox)
    # Maskness is at most 1 and suppression goes from high to low, so what is dropped here could change nothing
    candidates = candidates[score_rule(candidates.scores, 1.0).astype(np.float32) >= score]
    candidates = suppress(candidates, size, iou, max_masks, mask_rule.clipping)

    best, others = (candidates[:drawn], candidates[drawn:]) if draw is not None else (candidates[:0], candidates)
    rles, maskness = assemble(others, raw.prototypes[0], letterbox, crop_rule, cut_rule, mask_rule)
    believed = score_rule(others.scores, maskness)
    if draw is not None:
        drawn_rles, drawn_scores = draw(best)
        rles, believed = drawn_rles + rles, np.concatenate((drawn_scores, believed))
    scores = believed.astype(np.float32)
    good = np.flatnonzero((rle.areas(rles) > 0) & (scores >= score))
    rles, scores = [rles[index] for index in good], scores[good]

    alike = 1.0 if mask_rule.repeats == "kept" else max(iou, DUPLICATE)  # above 1 is no IoU
    kept = nms_masks(rles, scores, alike, *size)
    rles, scores = [rles[index] for index in kept], scores[kept]
    return MaskSet(size, rle.boxes(rles, *size), scores, tuple(rles))


def decode(raw: RawOutput, letterbox: Letterbox) -> Candidates:
    """The candidates of a batch of one: those with finite numbers, their boxes as the network says them."""
    rows = raw.predictions[0].T  # (A, 4 + C + K)
    rows = rows[np.isfinite(rows).all(axis=1)]
    return Candidates(
        boxes=letterbox.boxes_to_source(cxcywh_to_xyxy(rows[:, :BOX].astype(np.float64))),
        scores=rows[:, BOX : BOX + raw.classes].max(axis=1).clip(0, 1).astype(np.float64),
        coefficients=rows[:, BOX + raw.classes :],
    )


def suppress(
    candidates: Candidates, size: tuple[int, int], iou: float, limit: int, clipping: Clipping = "before"
) -> Candidates:
    """At most ``limit`` candidates, best score first: of those that overlap more than ``iou`` only the best.

    Their boxes are cut to the picture of ``size`` (height, width), before or after they are compared with each other;
    those that do not meet it are dropped.
    """
    if clipping == "before":
        candidates = _inside(candidates, size)
    return _inside(candidates[nms_boxes(candidates.boxes, candidates.scores, iou, limit)], size)


@np.errstate(over="ignore", invalid="ignore")  # numbers too large for float32 are dropped, as NaN is
def assemble(
    candidates: Candidates,
    prototypes: NDArray[np.float32],
    letterbox: Letterbox,
    crop_rule: CropRule = CropRule(),
    cut_rule: CutRule = CutRule(),
    mask_rule: MaskRule = MaskRule(),
) -> tuple[list[bytes], NDArray[np.float64]]:
    """The N masks as RLEs and their (N,) maskness in [0, 1], from (K, h, w) prototypes.

    A candidate whose logits are not finite, or whose crop has no pixel, gets an empty mask.
    """
    _, h, w = prototypes.shape
    size = letterbox.source_height, letterbox.source_width
    axes = pixel_axes(letterbox, h, w, mask_rule.interpolation)
    margins = crop_rule.margins(candidates.boxes, cell_size(letterbox, h, w))
    crops = mask_rule.windows(candidates.boxes + np.hstack([-margins, margins]), size)
    centres = letterbox.cells_in_pixels(h, w)
    cells = np.ascontiguousarray(prototypes.transpose(1, 2, 0))  # (h, w, K)
    most = np.abs(candidates.coefficients) @ np.abs(prototypes).max(axis=(1, 2))  # no logit is further from 0
    bounded = (most < 1e30).tolist()  # saves a look at every logit

    strip, nothing = Strip(size[0]), np.zeros(0, np.float32)
    rles, maskness = [rle.encode_changes(np.zeros(0, np.int64), *size)] * len(crops), np.full(len(crops), 0.5)
    filled = np.flatnonzero((crops[:, 2:] > crops[:, :2]).all(axis=1))
    for start in range(0, len(filled), AT_ONCE):
        some = filled[start : start + AT_ONCE]
        boxes, windows = candidates.boxes[some], crops[some]
        x, y = (
            _along(axis, windows[:, side::2], boxes[:, side::2], margins[some, side], centres[side], crop_rule)
            for side, axis in enumerate(axes)
        )
        inside = [nothing] * len(some)
        for number, (index, crop, across, down) in enumerate(zip(some.tolist(), windows.tolist(), x, y, strict=True)):
            logits = cells[down.cells, across.cells] @ candidates.coefficients[index]
            if bounded[index] or np.isfinite(logits).all():
                inner = logits[down.inner, across.inner]
                inside[number] = inner[inner > 0]
                level = cut_rule.level(len(inside[number]))
                draw_inside(strip, number, logits, *axes, crop, (across.cost, down.cost + level))
        maskness[some] = mean_sigmoids(inside)
        for index, drawn in zip(some.tolist(), rle.encode_all(*strip.changes(), len(some), *size), strict=True):
            rles[index] = drawn
    return rles, maskness


class Along(NamedTuple):
    """A crop along one axis."""

    cells: slice  # that its pixels are made of
    inner: slice  # those of them whose centre is inside the box, counted from the first
    cost: NDArray[np.float32]  # of its pixels


def _along(
    axis: Axis,
    spans: NDArray[np.int64],
    sides: NDArray[np.float64],
    margins: NDArray[np.float64],
    centres: NDArray[np.float64],
    rule: CropRule,
) -> Iterator[Along]:
    """N crops along one axis; spans, sides, margins: see `CropRule.costs`. centres: of the cells, in source pixels."""
    begin, end = axis.begin[spans[:, 0]], axis.end[spans[:, 1] - 1]
    inner = (np.searchsorted(centres, sides) - begin[:, None]).clip(0)
    costs, stop = rule.costs(spans, sides, margins), np.cumsum(spans[:, 1] - spans[:, 0])
    start = stop - spans[:, 1] + spans[:, 0]
    numbers = np.stack([begin, end, *inner.T, start, stop], axis=1).tolist()
    return (Along(slice(a, b), slice(c, d), costs[e:f]) for a, b, c, d, e, f in numbers)


def pixel_axes(letterbox: Letterbox, h: int, w: int, interpolation: Interpolation = "cubic") -> tuple[Axis, Axis]:
    """How the columns and the rows of the picture are made of (h, w) prototype cells.

    Cells that see only padding take no part: they would eat into masks along the picture's border.
    """
    cells_x, cells_y = letterbox.cells_in_pixels(h, w)
    pixels_x, pixels_y = letterbox.pixels_in_cells(h, w)
    axis = Axis.cubic if interpolation == "cubic" else Axis.linear
    return axis(pixels_x, len(cells_x)), axis(pixels_y, len(cells_y))


def cell_size(letterbox: Letterbox, h: int, w: int) -> NDArray[np.float64]:
    """(2,) width and height of one of (h, w) prototype cells, in source pixels."""
    return np.array([letterbox.width / w / letterbox.scale_x, letterbox.height / h / letterbox.scale_y])


def draw_inside(
    strip: Strip,
    mask: int,
    logits: NDArray[np.float32],
    horizontal: Axis,
    vertical: Axis,
    crop: Sequence[int],
    cost: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None,
    corner: tuple[int, int] = (0, 0),
) -> None:
    """Draw the pixels of a crop where the interpolated logits are above the costs of their column and row.

    mask: its number on the strip. logits: on the cells that the crop's pixels are made of. crop: x1, y1, x2, y2 in
    positions of the two axes. cost: of its (w,) columns and of its (h,) rows. corner: x and y of the source pixel that
    is the axes' first.
    """
    x1, y1, x2, y2 = crop
    tall = vertical.of(logits, y1, y2).T  # (cells across, rows of the crop)
    first = int(horizontal.begin[x1])
    for left, right in horizontal.bands(x1, x2, y2 - y1):
        cells = horizontal.cells(left, right)
        # (columns, rows), as RLEs go down columns
        band = horizontal.weights[left:right, cells] @ tall[cells.start - first : cells.stop - first]
        inside = strip.place(mask, left + corner[0], y1 + corner[1], y2 - y1, right - left)
        if cost is None:
            np.greater(band, 0, out=inside)
        else:
            band -= cost[0][left - x1 : right - x1, None]
            np.greater(band, cost[1], out=inside)


def mean_sigmoids(logits: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
    """(N,) in [0.5, 1]: mean of the sigmoids of each of N arrays of logits above 0; 0.5, the least sure, of no logit.

    A mask can have none although it has pixels: when it is too thin to hold the centre of a cell.
    """
    sigmoids = 1 / (1 + np.exp(-np.concatenate(logits)))
    cuts = np.cumsum([0, *map(len, logits)]).tolist()
    means = [sigmoids[start:stop].sum() / (stop - start) if stop > start else 0.5 for start, stop in pairwise(cuts)]
    return np.array(means, np.float64)


def _inside(candidates: Candidates, size: tuple[int, int]) -> Candidates:
    """The candidates whose boxes meet a picture of ``size`` (height, width), cut to it."""
    boxes = clip(candidates.boxes, *size).astype(np.float64)
    return replace(candidates, boxes=boxes)[area(boxes) > 0]


def _check(raw: RawOutput, score: float, iou: float, max_masks: int) -> None:
    if len(raw) != 1:
        raise ShapeError(f"raw must be the output for one picture, but got {len(raw)}: pass raw[0], raw[1], ...")
    for name, value in (("score", score), ("iou", iou)):
        if not 0 <= value <= 1:
            raise SettingsError(f"{name} must lie in [0, 1], but got {value}")
    if max_masks < 1:
        raise SettingsError(f"max_masks must be 1 or more, but got {max_masks}")
