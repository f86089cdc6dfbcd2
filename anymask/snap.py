"""Masks snapped to the edges of the picture: a watershed in a narrow band along the contour, taken where it helps.

What a network draws lies some pixels beside the edge that the eye sees. In a band of a few pixels along the contour,
each pixel is given to the inside or to the outside, whichever reaches it over the smaller steps between colours. Where
the picture shows no edge the contour stays. Edges in the picture are not always those of the object, hence the gate:
the new mask is taken only if the steps across its contour are clearly larger than those across the old one.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from anymask import rle
from anymask.errors import ImageError, SettingsError, check_shape
from anymask.maskset import MaskSet

Mask = NDArray[np.bool_]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SnapRule:
    """How far a contour may move, and what makes it move.

    reach: pixels to either side of the contour, 1 or more.
    stay: by how much the highest step on the way to a pixel from its new side must be below that from its old side, as
        a share of the mean step in the band, 0 or more.
    gain: by which share the mean step across the contour must rise for the new mask to be taken, 0 or more.
    least: pixels that a mask must have; smaller ones stay, for which the picture shows too few pixels of an edge.

    Raises SettingsError out of these ranges. The defaults are fitted on training photos (scripts/fit_borders.py).
    """

    reach: int = 2
    stay: float = 0.5
    gain: float = 0.0
    least: int = 2048

    def __post_init__(self) -> None:
        if self.reach < 1:
            raise SettingsError(f"reach of a SnapRule must be 1 or more, but got {self.reach}")
        for name in ("stay", "gain", "least"):
            if not 0 <= (value := getattr(self, name)) < np.inf:
                raise SettingsError(f"{name} of a SnapRule must be a number from 0 up, but got {value}")


@dataclass(frozen=True, slots=True)
class Steps:
    """How much colour changes from each pixel of an (h, w) crop to the next, in grey levels.

    across: (h, w - 1) float32, from a pixel to the one at its right. down: (h - 1, w) float32, to the one below.
    """

    across: Floats
    down: Floats

    @classmethod
    def of(cls, image: NDArray[np.uint8]) -> "Steps":
        """Steps of the channel that changes most, averaged (1, 2, 1) / 4 along the edge, of (h, w, 3) colours."""
        padded = np.pad(image.astype(np.float32), ((1, 1), (1, 1), (0, 0)), mode="edge")
        tall = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
        wide = (padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]) / 4
        return cls(
            across=np.abs(np.diff(tall[:, 1:-1], axis=1)).max(axis=2),
            down=np.abs(np.diff(wide[1:-1], axis=0)).max(axis=2),
        )

    def over_contour(self, mask: Mask) -> float:
        """The mean step from a pixel inside an (h, w) mask to one outside; 0 where the mask has no contour."""
        crossed = np.concatenate(
            [self.across[mask[:, 1:] != mask[:, :-1]], self.down[mask[1:] != mask[:-1]]], dtype=np.float64
        )
        return float(crossed.mean()) if crossed.size else 0.0


def snap(counts: bytes, image: NDArray[np.uint8], rule: SnapRule = SnapRule()) -> bytes:
    """The RLE of a mask moved to the edges of its picture, or the same bytes where that does not pass the gate.

    counts: the mask's RLE. image: (H, W, 3) uint8 RGB, the whole picture. Raises ShapeError for another shape.
    """
    check_shape(image, "H W 3", "image")
    height, width, _ = image.shape
    x1, y1, x2, y2 = rle.boxes([counts], height, width)[0].astype(int).tolist()
    if x1 == x2 or rle.areas([counts])[0] < rule.least:
        return counts
    grow = rule.reach + 1
    x1, y1, x2, y2 = max(x1 - grow, 0), max(y1 - grow, 0), min(x2 + grow, width), min(y2 + grow, height)
    mask = rle.decode_crop(counts, (x1, y1, x2, y2), height)
    steps = Steps.of(image[y1:y2, x1:x2])
    moved = watershed(mask, steps, rule.reach, rule.stay)
    if steps.over_contour(moved) <= (1 + rule.gain) * steps.over_contour(mask):
        return counts
    return rle.encode_crop(moved, x1, y1, height, width)


def snap_all(found: MaskSet, rule: SnapRule = SnapRule()) -> MaskSet:
    """Every mask of a set snapped; in the same order, with the same scores. Boxes of masks that moved are tight.

    Raises ImageError if the set has no picture.
    """
    if found.image is None:
        raise ImageError(
            "found: expected masks with their picture, whose edges they snap to, got none: pass what the Segmenter "
            "returned, or dataclasses.replace(found, image=picture)"
        )
    rles = tuple(snap(counts, found.image, rule) for counts in found.rles)
    moved = np.array([after != before for after, before in zip(rles, found.rles, strict=True)], np.bool_)
    boxes = np.where(moved[:, None], rle.boxes(rles, *found.size), found.boxes)
    return replace(found, boxes=boxes, rles=rles)


def watershed(mask: Mask, steps: Steps, reach: int, stay: float) -> Mask:
    """The (h, w) mask with each pixel of the band along its contour given to the side that has the easier way to it.

    reach: pixels of the band to either side. stay: see `SnapRule`.

    The seeds are what is deeper than the band, and the middle of what is too thin to be deeper: nothing vanishes. A
    path costs its highest step (the watershed of "The image foresting transform", Falcao et al. 2004). The cheapest
    paths from both sides are found by relaxing all pixels of the band at once (Bellman-Ford). 2 * reach steps get to
    any pixel of the band; longer paths may lead around an edge, and half as many steps again are allowed.
    """
    inside, outside = core(mask, reach), core(~mask, reach)
    rows, columns = np.nonzero(~(inside | outside))
    if len(rows) == 0:
        return mask
    width = mask.shape[1] + 2
    at = (rows + 1) * width + columns + 1  # in the flat picture with a margin of one pixel
    right = np.pad(steps.across, ((1, 1), (1, 2))).ravel()
    below = np.pad(steps.down, ((1, 2), (1, 1))).ravel()
    neighbours = [
        (at - 1, right[at - 1]),
        (at + 1, right[at]),
        (at - width, below[at - width]),
        (at + width, below[at]),
    ]
    costs = []
    for seeds in (inside, outside):
        cost = np.where(np.pad(seeds, 1), np.float32(0), np.float32(np.inf)).ravel()
        for _ in range(3 * reach):
            nearest = cost[at]
            for beside, step in neighbours:
                nearest = np.minimum(nearest, np.maximum(cost[beside], step))
            cost[at] = nearest
        costs.append(cost[at])
    was = mask[rows, columns]
    own, other = np.where(was, costs, costs[::-1])
    mean = np.mean([step for _, step in neighbours])
    moved = mask.copy()
    moved[rows, columns] = was ^ (own > other + stay * mean)
    return moved


def core(mask: Mask, reach: int) -> Mask:
    """The pixels of an (h, w) mask that are deeper than reach, and those as deep as any pixel around them.

    Depth is the chessboard distance from the nearest pixel outside. Beyond the border the mask goes on.
    """
    depth = mask.astype(np.int8)
    deep = mask
    for _ in range(reach):
        deep = ~(_largest_around((~deep).view(np.int8)) > 0)
        depth += deep
    seeds: Mask = mask & (depth == _largest_around(depth))
    return seeds


def _largest_around(values: NDArray[np.int8]) -> NDArray[np.int8]:
    """The largest of (h, w) values, 0 or more, among each pixel and the eight around it."""
    padded = np.pad(values, 1)
    rows = np.maximum(np.maximum(padded[:-2], padded[1:-1]), padded[2:])
    return np.maximum(np.maximum(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:])
