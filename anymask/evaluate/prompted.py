"""How well one click, or one box, gets the object that was meant."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from anymask import rle
from anymask.maskset import MaskSet
from anymask.prompts import Box, Point, Prompt

GUESSES = 3  # answers to a click that count
BORDER = 2  # pixels: how wide the border of a mask is

Choose = Callable[[Prompt], MaskSet]  # what answers prompts on one picture, best first


def depth(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(H, W) city-block distance of each pixel of a mask from the nearest pixel outside of it, 0 outside.

    Outside the picture is outside the mask.
    """
    inside = np.pad(mask, 1)
    distance = np.where(inside, float(sum(inside.shape)), 0.0)
    for axis in (0, 1):  # the city-block distance is separable: a running minimum along each axis, there and back
        steps = np.arange(distance.shape[axis], dtype=float).reshape((-1, 1) if axis == 0 else (1, -1))
        there = np.minimum.accumulate(distance - steps, axis=axis) + steps
        back = np.flip(np.minimum.accumulate(np.flip(distance + steps, axis), axis=axis), axis) - steps
        distance = np.minimum(there, back)
    return distance[1:-1, 1:-1]


def deepest_point(mask: NDArray[np.bool_]) -> tuple[float, float]:
    """The centre (x, y) of the pixel farthest from the mask's border in city-block distance; the first of several.

    The mask must not be empty.
    """
    row, column = np.unravel_index(int(depth(mask).argmax()), mask.shape)
    return float(column) + 0.5, float(row) + 0.5


def click_answers(choose: Choose, truth: Sequence[bytes], size: tuple[int, int]) -> list[bytes]:
    """For each true mask, the best of the first three answers to a click at its deepest point.

    A mask without pixels where there is none. size: (height, width) of the picture.
    """
    answers = []
    for counts in truth:
        picked = choose(Point([deepest_point(rle.decode(counts, *size))]))[:GUESSES]
        answers.append(best(picked, [counts])[0])
    return answers


def click_ious(choose: Choose, truth: Sequence[bytes], size: tuple[int, int]) -> NDArray[np.float64]:
    """(G,) IoU of ``click_answers`` with the true masks."""
    return mask_ious(click_answers(choose, truth, size), truth, size)


def best(found: MaskSet, truth: Sequence[bytes]) -> list[bytes]:
    """For each true mask, the one that overlaps it most; a mask without pixels where there is none."""
    if len(found) == 0:
        return [nothing(found.size)] * len(truth)
    return [found.rles[index] for index in rle.iou(found.rles, truth, *found.size).argmax(axis=0)]


def nothing(size: tuple[int, int]) -> bytes:
    """A mask without pixels."""
    return rle.encode_changes(np.zeros(0, np.int64), *size)


def box_answers(choose: Choose, truth: Sequence[bytes], size: tuple[int, int]) -> list[bytes]:
    """For each true mask, the first answer to its tight box; a mask without pixels where there is none."""
    return first_answers(choose, rle.boxes(truth, *size), size)[0]


def first_answers(
    choose: Choose, boxes: NDArray[np.floating], size: tuple[int, int]
) -> tuple[list[bytes], NDArray[np.float64]]:
    """The first answer to each of (N, 4) boxes, and its score, (N,).

    A mask without pixels, and a score of 0, where there is none.
    """
    answers, scores = [], np.zeros(len(boxes))
    for index, box in enumerate(boxes):
        picked = choose(Box(box.tolist()))
        answers.append(picked.rles[0] if len(picked) else nothing(size))
        scores[index] = picked.scores[0] if len(picked) else 0.0
    return answers, scores


def mask_ious(answers: Sequence[bytes], truth: Sequence[bytes], size: tuple[int, int]) -> NDArray[np.float64]:
    """(G,) IoU of each answer with the true mask beside it."""
    return np.array([rle.iou([answer], [true], *size)[0, 0] for answer, true in zip(answers, truth, strict=True)])


def corrected_ious(
    choose: Choose, truth: Sequence[bytes], size: tuple[int, int], corrections: int = 2
) -> NDArray[np.float64]:
    """(G, 1 + corrections) IoU of the first answer to one click, and after each corrective click.

    The first click is at the deepest point of the object, each corrective one at the deepest point of what is wrong:
    inside where something was missed, outside where too much was taken.
    """
    ious = np.zeros((len(truth), 1 + corrections))
    for index, counts in enumerate(truth):
        true = rle.decode(counts, *size)
        points, labels = [deepest_point(true)], [1]
        for turn in range(1 + corrections):
            picked = choose(Point(points, labels))
            answer = picked.mask(0) if len(picked) else np.zeros_like(true)
            ious[index, turn] = (answer & true).sum() / (answer | true).sum()
            wrong = answer ^ true
            if not wrong.any():
                ious[index, turn:] = 1.0
                break
            x, y = deepest_point(wrong)
            points.append((x, y))
            labels.append(int(true[int(y), int(x)]))
    return ious


def border_ious(answers: Sequence[bytes], truth: Sequence[bytes], size: tuple[int, int]) -> NDArray[np.float64]:
    """(G,) IoU of the borders of each answer and of the true mask beside it, 1 where both are empty.

    A mask's border is its pixels that are at most two pixels from one outside of it: boundary IoU (Cheng et al. 2021,
    arXiv 2103.16562) at a fixed distance.
    """
    ious = np.ones(len(truth))
    for index, pair in enumerate(zip(answers, truth, strict=True)):
        x1, y1, x2, y2 = _around(rle.boxes(pair, *size))
        answer, true = (border(rle.decode_crop(counts, (x1, y1, x2, y2), size[0])) for counts in pair)
        if (both := (answer | true).sum()) > 0:
            ious[index] = (answer & true).sum() / both
    return ious


def border(mask: NDArray[np.bool_], distance: int = BORDER) -> NDArray[np.bool_]:
    """The pixels of an (H, W) mask that are at most so many pixels, in any direction, from one outside of it.

    Outside the picture is outside the mask.
    """
    height, width = mask.shape
    deep = mask.copy()
    for axis, length in ((0, height), (1, width)):  # a square window is separable
        wide = np.pad(deep, [(distance, distance) if axis == each else (0, 0) for each in (0, 1)])
        deep = np.ones_like(mask)
        for shift in range(2 * distance + 1):
            deep &= wide[shift : shift + length] if axis == 0 else wide[:, shift : shift + length]
    return mask & ~deep


def _around(boxes: NDArray[np.float32]) -> tuple[int, int, int, int]:
    """The box around those of (N, 4) boxes that are not empty."""
    full = boxes[boxes[:, 2] > boxes[:, 0]].astype(int)
    if len(full) == 0:
        return 0, 0, 1, 1
    x1, y1 = full[:, :2].min(axis=0).tolist()
    x2, y2 = full[:, 2:].max(axis=0).tolist()
    return x1, y1, x2, y2
