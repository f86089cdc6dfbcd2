"""A look at one region of a picture, grafted into the masks of the whole.

    box --region_of--> region --network on the crop--> masks of the crop --place--> of the picture --graft--> MaskSet

The network sees the region larger than it saw the picture, so what a look finds is finer. But it sees nothing beyond
the region's border: of what that cuts off, only the inside is known.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anymask import rle
from anymask.boxes import intersection
from anymask.errors import PromptError, ShapeError
from anymask.letterbox import STRIDE
from anymask.maskset import MaskSet
from anymask.nms import nms_masks
from anymask.postprocess import DUPLICATE

Region = tuple[int, int, int, int]  # x1, y1, x2, y2 in whole source pixels, inside the picture
Boxed = tuple[bytes, NDArray[np.float32]]  # the RLE of a mask, and its tight box

WHOLE = 0.7  # two masks with at least this IoU show one object
CUT = 0.5  # a mask that the border cuts off is part of one beyond it, if inside the region their IoU is at least this
SURE = 0.5  # a mask's pixels give way only to those of a mask with at least this share of its score
EDGE = 4  # source pixels: a mask that ends so near to the border is cut off, as the network is no more exact than that

SMALLEST_LOOK, LARGEST_LOOK = 320, 1024  # network pixels
FINER = 2  # a look enlarges at least so many times more than the pass over the whole picture


def region_of(box: Sequence[float], size: tuple[int, int]) -> Region:
    """Every pixel of a (height, width) picture that a box x1, y1, x2, y2 in source pixels touches.

    Raises PromptError if there is none.
    """
    height, width = size
    x1, y1, x2, y2 = np.clip(box, 0, [width, height, width, height]).tolist()
    if not (x1 < x2 and y1 < y2):
        raise PromptError(
            f"box: {list(box)} holds nothing of the picture, which spans x 0 to {width} and y 0 to {height}"
        )
    return math.floor(x1), math.floor(y1), math.ceil(x2), math.ceil(y2)


def look_size(region: Region, size: tuple[int, int], image_size: int) -> int:
    """The network pixels along the longest side of a region: as many as it has source pixels, a multiple of 32.

    More where that is below ``SMALLEST_LOOK``, or shows the region less than ``FINER`` times as large as the whole
    picture is shown at image_size. But never more than ``LARGEST_LOOK``.
    """
    longest = max(region[2] - region[0], region[3] - region[1])
    wanted = max(longest, SMALLEST_LOOK, FINER * image_size * longest / max(size))
    return min(math.ceil(wanted / STRIDE) * STRIDE, LARGEST_LOOK)


def place(seen: MaskSet, region: Region, size: tuple[int, int]) -> MaskSet:
    """The masks of a crop, which shows the region of a (height, width) picture, as masks of that picture.

    Raises ShapeError if the crop's size is not the region's.
    """
    x0, y0, x2, y2 = region
    if seen.size != (y2 - y0, x2 - x0):
        raise ShapeError(f"seen must be of the {y2 - y0} x {x2 - x0} pixels of the region, but got {seen.size}")
    boxes = rle.boxes(seen.rles, *seen.size)
    rles = []
    for counts, (left, top, right, bottom) in zip(seen.rles, boxes.astype(np.int64).tolist(), strict=True):
        crop = rle.decode_crop(counts, (left, top, right, bottom), seen.size[0])
        rles.append(rle.encode_crop(crop, x0 + left, y0 + top, *size))
    return MaskSet(size, boxes + np.array([x0, y0, x0, y0], np.float32), seen.scores, tuple(rles))


def graft(found: MaskSet, seen: MaskSet, region: Region) -> MaskSet:
    """The masks of ``found`` with what was ``seen`` inside a region: finer where they agree, and more of them.

    found: N masks of a picture. seen: masks of the same picture, all inside the region, see `place`.

    The first N masks of the result are those of ``found``, in their order: what had an index keeps it. From the best of
    the seen masks down, each takes the place, inside the region, of the old mask it agrees with most; pixels outside
    the region never change, so an object across the border stays one mask. The score is the higher of both. A seen mask
    that agrees with none is appended, best first, unless the region's border cuts it off: only a part of its object is
    known then. The picture's own border cuts nothing off. No mask is made whose IoU with another one is above
    ``DUPLICATE``. The result keeps the picture and its features, not ``prompt`` and ``rank``.

    Grafting the same again changes nothing. Raises ShapeError if the region or the seen masks lie elsewhere.
    """
    _check(found, seen, region)
    seen = seen[seen.areas > 0]
    seen = seen[nms_masks(seen.rles, seen.scores, DUPLICATE, *seen.size)]
    cut_off = _cut_off(rle.boxes(seen.rles, *seen.size), region, seen.size)
    joined, left = _join(found, seen, cut_off, region)
    return MaskSet.concatenate([joined, _undoubled(joined, seen[left & ~cut_off], region)])


def _join(
    found: MaskSet, seen: MaskSet, cut_off: NDArray[np.bool_], region: Region
) -> tuple[MaskSet, NDArray[np.bool_]]:
    """``found`` with the seen masks that agree with its own, and which of the (M,) seen ones are left over."""
    size = found.size
    rles, scores, areas = list(found.rles), found.scores.copy(), found.areas.copy()
    boxes, seen_boxes = rle.boxes(found.rles, *size), rle.boxes(seen.rles, *size)  # tight
    free, left = np.ones(len(found), np.bool_), np.ones(len(seen), np.bool_)
    pairs = _pairs(found, boxes, seen, cut_off, region)
    joining = True
    while joining:  # a join may make room for another; once none is left a second graft finds nothing to do
        joining, waiting = False, list[tuple[int, int, bool]]()
        for old, new, identical in pairs:
            if not (free[old] and left[new]):
                continue
            if not identical:
                merged = _merge((rles[old], boxes[old]), (seen.rles[new], seen_boxes[new]), region, size)
                area, box = rle.areas([merged]), rle.boxes([merged], *size)
                shared = np.minimum(intersection(box, boxes)[0], areas)  # at most; rules out nearly all
                alike = np.flatnonzero(shared >= DUPLICATE * np.maximum(area, areas))
                overlap = rle.iou([merged], [rles[other] for other in alike if other != old], *size)
                if (overlap > DUPLICATE).any():
                    waiting.append((old, new, identical))
                    continue
                rles[old], areas[old], boxes[old] = merged, area[0], box[0]
            scores[old] = max(scores[old], seen.scores[new])
            free[old] = left[new] = False
            joining = True
        pairs = waiting
    kept = np.array([one == other for one, other in zip(rles, found.rles, strict=True)], np.bool_)
    boxes = np.where(kept[:, None], found.boxes, boxes)
    return replace(found, boxes=boxes, scores=scores, rles=tuple(rles), prompt=None, rank=None), left


def _pairs(
    found: MaskSet, boxes: NDArray[np.float32], seen: MaskSet, cut_off: NDArray[np.bool_], region: Region
) -> list[tuple[int, int, bool]]:
    """Which old and new mask may join, and whether they are identical inside the region; in the order of preference.

    What is there already comes first: a new mask that has joined an old one before shall join it again.
    """
    near = _meet(region, boxes)
    inside = [_cut_to(region, (found.rles[index], boxes[index]), found.size) for index in near]
    agreement = rle.iou(inside, seen.rles, *found.size)  # (near, M), of what is inside the region
    inner = rle.areas(inside)
    outer = (found.areas[near] - inner)[:, None]
    union = np.rint((inner[:, None] + seen.areas) / (1 + agreement))
    iou = agreement * union / np.maximum(union + outer, 1)  # with what is outside
    fits = (iou >= WHOLE) | ((agreement >= CUT) & (outer > 0) & cut_off)
    fits &= seen.scores >= SURE * found.scores[near, None]
    row, new = np.nonzero(fits)
    old, agreement = near[row], agreement[row, new]
    order = np.lexsort((old, -agreement, new, agreement < 1))
    return list(zip(old[order].tolist(), new[order].tolist(), (agreement[order] == 1).tolist(), strict=True))


def _undoubled(found: MaskSet, seen: MaskSet, region: Region) -> MaskSet:
    """Those of the seen masks that double neither one of ``found`` nor a better one of their own, best first."""
    near = _meet(region, rle.boxes(found.rles, *found.size))
    rles = [*(found.rles[index] for index in near), *seen.rles]
    scores = np.concatenate([np.full(len(near), 2.0), seen.scores])  # what was found comes first
    kept = nms_masks(rles, scores, DUPLICATE, *found.size)
    return seen[kept[kept >= len(near)] - len(near)]


def _meet(region: Region, boxes: NDArray[np.float32]) -> NDArray[np.int64]:
    """Indices of the boxes that share an area with the region."""
    return np.flatnonzero(intersection(np.array([region], np.float32), boxes)[0])


def _cut_off(boxes: NDArray[np.float32], region: Region, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Which of (N, 4) tight boxes end at a border of the region that is not the picture's, (N,)."""
    x1, y1, x2, y2 = region
    height, width = size
    edge = max(1, min(EDGE, min(x2 - x1, y2 - y1) // 16))
    beyond = np.array([x1 > 0, y1 > 0, x2 < width, y2 < height])
    gap = np.abs(boxes - np.array(region))
    cut: NDArray[np.bool_] = ((gap < edge) & beyond).any(axis=1)
    return cut


def _cut_to(region: Region, mask: Boxed, size: tuple[int, int]) -> bytes:
    """The RLE of what a mask has inside the region."""
    inside = _common(region, mask[1])
    return rle.encode_crop(rle.decode_crop(mask[0], inside, size[0]), *inside[:2], *size)


def _merge(old: Boxed, new: Boxed, region: Region, size: tuple[int, int]) -> bytes:
    """The RLE of an old mask outside the region and of a new one inside it."""
    left, top = np.minimum(old[1], new[1])[:2].astype(np.int64).tolist()
    right, bottom = np.maximum(old[1], new[1])[2:].astype(np.int64).tolist()
    crop = rle.decode_crop(old[0], (left, top, right, bottom), size[0])
    x1, y1, x2, y2 = inside = _common(region, np.array([left, top, right, bottom]))
    crop[y1 - top : y2 - top, x1 - left : x2 - left] = rle.decode_crop(new[0], inside, size[0])
    return rle.encode_crop(crop, left, top, *size)


def _common(region: Region, box: NDArray[Any]) -> Region:
    """The pixels that a box of whole pixels shares with the region; without width or height where it shares none."""
    x1, y1 = (max(a, int(b)) for a, b in zip(region[:2], box[:2], strict=True))
    x2, y2 = (min(a, int(b)) for a, b in zip(region[2:], box[2:], strict=True))
    return x1, y1, max(x1, x2), max(y1, y2)


def _check(found: MaskSet, seen: MaskSet, region: Region) -> None:
    x1, y1, x2, y2 = region
    height, width = found.size
    if not (0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height):
        raise ShapeError(f"region must lie inside the {height} x {width} picture, but got {region}: see region_of")
    if seen.size != found.size:
        raise ShapeError(f"seen must be of the {height} x {width} picture, but got {seen.size}: see place")
    boxes = rle.boxes(seen.rles, height, width)[seen.areas > 0]
    if (boxes[:, :2] < (x1, y1)).any() or (boxes[:, 2:] > (x2, y2)).any():
        raise ShapeError(f"seen must lie inside the region {region}, but some masks do not: see place")
