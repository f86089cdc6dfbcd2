"""Masks as COCO run lengths, made and read without an array of the picture's size.

An RLE is the `counts` bytes of a compressed COCO RLE of the whole picture, byte for byte what
`pycocotools.mask.encode` writes: pixels are read column by column from the top left, and counts are the lengths of the
runs outside, inside, outside, ... the mask (github.com/cocodataset/cocoapi, common/maskApi.c). The bytes do not hold
the size of the picture, so height and width, in source pixels, go along with them.
"""

import itertools
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco

from anymask.errors import ShapeError, check_shape
from anymask.strip import Strip

Integers = NDArray[np.int64]

# pycocotools reserves six characters, of five bits each and one of them the sign, for every run, and writes past its
# memory when a run is longer
MOST_PIXELS = 2**29 - 1

CHARACTERS = bytes(range(48, 112))  # of which an RLE is made
TOO_LONG = re.compile(rb"[P-o]{6}")  # a count of seven characters or more: those from P on say that another follows


def encode_crop(crop: NDArray[np.bool_], x0: int, y0: int, height: int, width: int) -> bytes:
    """The RLE of a height x width mask that is false outside a crop.

    crop: (h, w) bool, whose top left pixel is (row y0, column x0) of the picture. May be empty.
    Raises ShapeError if the crop does not lie inside the picture.
    """
    check_shape(crop, "h w", "crop")
    h, w = crop.shape
    if x0 < 0 or y0 < 0 or x0 + w > width or y0 + h > height:
        raise ShapeError(
            f"a {h} x {w} crop at row {y0}, column {x0} is not inside a {height} x {width} picture: cut it"
        )
    return encode_changes(changes(crop, x0, y0, height), height, width)


def changes(crop: NDArray[np.bool_], x0: int, y0: int, height: int) -> Integers:
    """Where the mask begins and ends, reading the picture column by column, (2 R,), see `Strip.changes`.

    Concatenating the changes of crops that lie side by side, from left to right, gives the changes of the crop they
    form: a mask can be encoded in bands.
    """
    h, w = crop.shape
    strip = Strip(height, w * (h + 1) + 1)
    strip.place(0, x0, y0, h, w)[:] = crop.T
    return strip.changes()[0]


def encode_changes(positions: Integers, height: int, width: int) -> bytes:
    """The RLE of a mask from its (2 R,) `changes`. Runs that touch, from one column's foot to the next top, merge.

    Raises ShapeError for a picture of more than `MOST_PIXELS`.
    """
    return encode_all(positions, np.zeros(len(positions), np.int64), 1, height, width)[0]


def encode_all(positions: Integers, masks: Integers, count: int, height: int, width: int) -> list[bytes]:
    """The RLEs of ``count`` masks from their changes, as `Strip.changes` gives them: (2 R,) places, and whose they are.

    Runs that touch, from one column's foot to the next top, merge. A mask without changes is empty.

    Raises ShapeError for a picture of more than `MOST_PIXELS`.
    """
    if height * width > MOST_PIXELS:
        raise ShapeError(
            f"a mask can have at most {MOST_PIXELS} pixels, but got {height} x {width}: shrink the picture"
        )
    touching = (positions[1:-1:2] == positions[2::2]) & (masks[1:-1:2] == masks[2::2])
    if touching.any():
        alone = np.ones(len(positions), np.bool_)
        alone[1:-1] = ~np.repeat(touching, 2)
        positions, masks = positions[alone], masks[alone]
    number = np.bincount(masks, minlength=count) + 1  # of counts in each RLE: one more, to the end of the picture
    last = np.cumsum(number) - 1
    ends = np.full(len(positions) + count, height * width, np.int32)
    ends[np.arange(len(positions)) + masks] = positions
    counts = np.diff(ends, prepend=np.int32(0))
    counts[last[:-1] + 1] = ends[last[:-1] + 1]
    full = (counts[last] == 0) & (number > 1)  # the mask goes on to the end of the picture
    return _written(np.delete(counts, last[full]), number - full)


def _written(counts: NDArray[np.int32], number: Integers) -> list[bytes]:
    """RLEs of ``number`` (N,) counts each, one behind the other: what `_counts` reads."""
    first = np.cumsum(number) - number
    values = counts.copy()
    values[2:] -= counts[:-2]
    for place in range(3):
        whole = first[number > place] + place
        values[whole] = counts[whole]
    size = values ^ (values >> 31)  # without its sign
    groups = np.ones(len(values), np.uint8)
    for bits in range(4, 32, 5):  # as many as a group holds besides its sign, and five more for each further group
        groups += size >= 1 << bits
    ends = np.cumsum(groups, dtype=np.int64)
    starts = ends - groups
    written = np.empty(int(groups.sum(dtype=np.int64)), np.uint8)
    written[starts] = 48 + (values & 31) + 32 * (groups > 1)
    for place in range(1, int(groups.max(initial=0))):
        longer = np.flatnonzero(groups > place)
        written[starts[longer] + place] = 48 + (values[longer] >> 5 * place & 31) + 32 * (groups[longer] > place + 1)
    text, cuts = written.tobytes(), np.append(0, ends[first + number - 1]).tolist()
    return [text[begin:end] for begin, end in itertools.pairwise(cuts)]


def run_lengths(rle: bytes) -> Integers:
    """The (R,) counts of an RLE, uncompressed: lengths of the runs outside, inside, outside, ... the mask."""
    return _counts([rle])[0]


def runs(rles: Sequence[bytes], height: int, width: int) -> tuple[Integers, Integers, Integers]:
    """Every run inside N masks of a height x width picture: whose it is, where it begins and ends, (R,) each.

    A place is that of a pixel, column * height + row. Runs come mask by mask, and have at least one pixel.

    Raises ShapeError for an RLE of another number of pixels.
    """
    counts, number = _counts(rles)
    first = np.flatnonzero(number == 0)
    mask = np.repeat(np.arange(len(first)), np.diff(np.append(first, len(counts))))
    places = np.cumsum(counts)
    before = np.append(0, places)[first]  # pixels of earlier masks
    pixels = np.diff(np.append(before, places[-1:]))
    if len(first) != len(rles) or (pixels != height * width).any():
        raise ShapeError(f"rles: expected {height} x {width} pixels in each, but got {pixels.tolist()}")
    places -= before[mask]
    inside = (number % 2 == 1) & (counts > 0)
    return mask[inside], places[inside] - counts[inside], places[inside]


def fills(rles: Sequence[bytes], height: int, width: int) -> NDArray[np.bool_]:
    """Whether each of N byte strings is a well formed RLE of height x width pixels, (N,) bool.

    Nothing but such ones may be given to the other functions.
    """
    whole = np.array([_is_whole(each) for each in rles], np.bool_)
    if whole.any():
        counts, number = _counts([each for each, good in zip(rles, whole, strict=True) if good])
        first = np.flatnonzero(number == 0)
        pixels, least = np.add.reduceat(counts, first), np.minimum.reduceat(counts, first)
        whole[whole] = (pixels == height * width) & (least >= 0)
    return whole


def _is_whole(rle: bytes) -> bool:
    """Whether every character is one of an RLE's, no count is cut off, and none is longer than any can be."""
    return (
        len(rle) > 0
        and not rle.translate(None, CHARACTERS)
        and not (rle[-1] - 48) & 32
        and TOO_LONG.search(rle) is None
    )


def tidied(rle: bytes, height: int, width: int) -> bytes:
    """The same mask as `encode_changes` writes it: without the runs of no pixels that pycocotools trips over."""
    _, begins, ends = runs([rle], height, width)
    return encode_changes(np.stack([begins, ends], axis=1).reshape(-1), height, width)


def union(rles: Sequence[bytes], height: int, width: int) -> bytes:
    """The RLE of all pixels that lie on one of N masks of a height x width picture."""
    if not rles:
        return encode_changes(np.zeros(0, np.int64), height, width)
    merged: bytes = coco.merge(_objects(rles, height, width))["counts"]
    return merged


def _counts(rles: Sequence[bytes]) -> tuple[Integers, Integers]:
    """The counts of all RLEs, one behind the other, and the number of each in its own RLE, from 0 up.

    Each count is written in groups of five bits, lowest first, as the character 48 + bits, plus 32 if more groups
    follow; the highest bit of the last group is the sign. From the fourth on, counts are differences to the last but
    one (`rleFrString` in maskApi.c).
    """
    groups = np.frombuffer(b"".join(rles), np.uint8) - np.uint8(48)
    last = np.flatnonzero((groups & 32) == 0)  # the last group of each count
    starts = np.concatenate([[0], last + 1])[: len(last)]
    more = last - starts  # groups of each count after its first
    counts = (groups[starts] & 31).astype(np.int64)
    for place in range(1, int(more.max(initial=0)) + 1):
        longer = np.flatnonzero(more >= place)
        counts[longer] |= (groups[starts[longer] + place] & np.int64(31)) << 5 * place
    negative = np.flatnonzero(groups[last] & 16)
    counts[negative] -= np.int64(32) << 5 * more[negative]
    # Undo the differences, RLE by RLE: odd and even counts add up apart
    first = np.searchsorted(starts, np.cumsum([0, *map(len, rles)])[:-1])
    number = np.arange(len(counts)) - np.repeat(first, np.diff(np.append(first, len(counts))))
    for chosen in (number % 2 == 1, (number % 2 == 0) & (number > 0)):
        summed = np.cumsum(counts[chosen])
        begins = np.flatnonzero(number[chosen] <= 2)
        base = summed[begins] - counts[chosen][begins]
        counts[chosen] = summed - np.repeat(base, np.diff(np.append(begins, len(summed))))
    return counts, number


def decode(rle: bytes, height: int, width: int) -> NDArray[np.bool_]:
    """The whole mask, (height, width) bool."""
    return decode_crop(rle, (0, 0, width, height), height)


def decode_crop(rle: bytes, box: tuple[int, int, int, int], height: int) -> NDArray[np.bool_]:
    """The mask inside a box, (y2 - y1, x2 - x1) bool, without drawing the rest of the picture.

    box: (x1, y1, x2, y2) in whole source pixels, inside the picture. height: of the picture.
    """
    x1, y1, x2, y2 = box
    lengths = run_lengths(rle)
    ends = np.clip(np.cumsum(lengths) - x1 * height, 0, (x2 - x1) * height)
    inside = (np.arange(len(lengths)) % 2).astype(np.bool_)
    flat = np.repeat(inside, np.diff(ends, prepend=0))
    return np.ascontiguousarray(flat.reshape(x2 - x1, height)[:, y1:y2].T)


def areas(rles: Sequence[bytes]) -> Integers:
    """Number of pixels of each mask, (N,) int64."""
    objects = _objects(rles, 1, 1)  # areas do not depend on the size
    # pycocotools 2.0.11 passes the number of masks through a uint8, so numpy 2 refuses more than 255 at once
    parts = [coco.area(objects[start : start + 255]) for start in range(0, len(objects), 255)]
    return np.concatenate([np.zeros(0, np.int64), *parts]).astype(np.int64)


def boxes(rles: Sequence[bytes], height: int, width: int) -> NDArray[np.float32]:
    """The tight box of each mask, (N, 4) float32 xyxy in source pixels; (0, 0, 0, 0) for a mask without pixels."""
    if not rles:
        return np.zeros((0, 4), np.float32)
    xywh = coco.toBbox(_objects(rles, height, width)).astype(np.float32)
    return np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1)


def iou(rles: Sequence[bytes], others: Sequence[bytes], height: int, width: int) -> NDArray[np.float64]:
    """Pixels that each of N masks shares with each of M others, over the pixels of both, (N, M) in [0, 1]."""
    return _overlap(rles, others, height, width, over_first=False)


def coverage(rles: Sequence[bytes], others: Sequence[bytes], height: int, width: int) -> NDArray[np.float64]:
    """Which share of each of N masks lies inside each of M others, (N, M) in [0, 1]."""
    return _overlap(rles, others, height, width, over_first=True)


def contains(rles: Sequence[bytes], points: NDArray[Any], height: int, width: int) -> NDArray[np.bool_]:
    """Whether each of (P, 2) points (x, y), in source pixels, lies on a pixel of each of N masks, (P, N) bool.

    A point outside the picture lies on no mask.
    """
    check_shape(points, "P 2", "points")
    x, y = np.asarray(points, np.float64).T
    found = np.zeros((len(points), len(rles)), np.bool_)
    valid = np.flatnonzero((x >= 0) & (x < width) & (y >= 0) & (y < height))
    pixels = [
        encode_changes(np.array([position, position + 1]), height, width)
        for position in x[valid].astype(np.int64) * height + y[valid].astype(np.int64)
    ]
    found[valid] = coverage(pixels, rles, height, width) > 0
    return found


def _overlap(
    rles: Sequence[bytes], others: Sequence[bytes], height: int, width: int, over_first: bool
) -> NDArray[np.float64]:
    if not rles or not others:
        return np.zeros((len(rles), len(others)))
    # What COCO calls the IoU with a crowd is the intersection over the first mask alone
    crowd = [int(over_first)] * len(others)
    return np.asarray(coco.iou(_objects(rles, height, width), _objects(others, height, width), crowd), np.float64)


def _objects(rles: Sequence[bytes], height: int, width: int) -> list[dict[str, Any]]:
    size = [height, width]
    return [{"size": size, "counts": rle} for rle in rles]
