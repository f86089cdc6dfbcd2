"""From prompts to the refiner's answers: what it is shown, and how what it drew is ranked.

Measured on training photos, the refiner answers first clicks and boxes better when it is not shown the detector's mask:
what the detector chose follows behind what was drawn.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anymask import rle
from anymask.boxes import clip
from anymask.errors import PromptError
from anymask.maskset import MaskSet
from anymask.nms import nms_masks
from anymask.postprocess import DUPLICATE
from anymask.prompts import Box, Point, Prompt
from anymask.refine.hints import Hint
from anymask.refine.memory import Memory
from anymask.refine.refiner import BATCH, Drawing, Refiner, on_window
from anymask.refine.window import Window

# Fitted on training photos
SCALES = (1.0, 0.4, 0.15)  # sides of the windows around a click, in the longest side of the picture
AREA_POWER = 0.07  # of two drawings believed to be as good, the larger is the likelier to be meant by a click
ALIKE = 0.8  # of two answers to a click with a larger IoU only the likelier is offered
CANDIDATES = 3  # answers to a click that are drawn twice: part, object, group
AGAIN_POWER = 2.0  # how much it counts how good the second drawing is believed to be, beside the first

NO_POINTS = np.zeros((0, 2)), np.zeros(0, np.bool_)


def refine_answers(refiner: Refiner, found: MaskSet, prompts: Sequence[Prompt], picked: MaskSet) -> MaskSet:
    """The answers to prompts, drawn anew at native pixels; each prompt's best first.

    found: the masks of the picture. picked: those that `anymask.prompts.select` chose, with ``prompt`` and ``rank``.
    Scores of drawn masks are the IoU they are believed to have. Masks that were not drawn anew follow as they were.
    """
    if found.image is None or picked.prompt is None:
        return picked
    answers = []
    for index, prompt in enumerate(prompts):
        chosen = picked[picked.prompt == index]
        if (draw := ANSWERS.get(type(prompt))) is not None:
            chosen = draw(refiner, found, prompt, chosen)
        count = len(chosen)
        answers.append(replace(chosen, prompt=np.full(count, index, np.int64), rank=np.arange(count, dtype=np.int64)))
    return MaskSet.concatenate(answers) if answers else picked


def refine_all(
    refiner: Refiner, found: MaskSet, iou: float, report: Callable[[int, int], None] = lambda done, total: None
) -> MaskSet:
    """Every mask of a set drawn anew, best first; of those that then overlap more than ``iou`` the better stays.

    report: called with the number of masks drawn so far, and of all.
    """
    if found.image is None or len(found) == 0:
        return found
    drawn: list[Drawing] = []
    for start in range(0, len(found), BATCH):
        hints = [mask_hint(found, counts) for counts in found.rles[start : start + BATCH]]
        drawn += draw(refiner, found, hints)
        report(min(start + BATCH, len(found)), len(found))
    made = to_set(found, drawn)
    return made[nms_masks(made.rles, made.scores, iou, *found.size)]


def answer_box(refiner: Refiner, found: MaskSet, prompt: Box, chosen: MaskSet) -> MaskSet:
    """One drawing for a box, before the masks that the box chose. Showing it the best of those was found to mislead."""
    height, width = found.size
    box = np.array(prompt.box)
    window = Window.around(clip(box, height, width), height, width)
    return before(to_set(found, draw(refiner, found, [Hint(window, box, *NO_POINTS, None)])), chosen)


def answer_point(refiner: Refiner, found: MaskSet, prompt: Point, chosen: MaskSet) -> MaskSet:
    """Drawings for clicks, before the masks that the clicks chose.

    The first click is answered from windows of several sizes; a detector's mask shown there was found to mislead. Every
    later point corrects the best answer to those before it, as the refiner was trained to. Answers are remembered.
    """
    points, inside = np.array(prompt.points), np.array(prompt.labels, np.bool_)
    order = np.argsort(~inside, kind="stable")[:1].tolist()  # begins with the first point inside
    order += [index for index in range(len(points)) if index not in order]
    points, inside = points[order], inside[order]
    memory = Memory.of(found)
    asked = [(x, y, bool(label)) for (x, y), label in zip(points.tolist(), inside, strict=True)]
    drawn = memory.recall((refiner, *asked[:1]), lambda: answer_click(refiner, found, points[:1]))
    by_points = bool(drawn)  # and not by what was chosen, which another part of the picture's masks may lack
    for count in range(2, len(points) + 1):
        step = partial(correct, refiner, found, points[:count], inside[:count], drawn, chosen)
        drawn = memory.recall((refiner, *asked[:count]), step) if by_points else step()
        by_points &= bool(drawn)
    return before(to_set(found, drawn), chosen)


def answer_click(refiner: Refiner, found: MaskSet, point: NDArray[np.float64]) -> list[Drawing]:
    """The answers to a single click, (1, 2), that differ, the likeliest first.

    The first few are drawn twice: what was seen in a window of a guessed size is drawn again in its own.
    """
    height, width = found.size
    around = np.concatenate((point[0], point[0]))
    windows = [Window.around(around, height, width, least=scale * max(height, width)) for scale in SCALES]
    inside = np.ones(1, np.bool_)
    made = draw(refiner, found, [Hint(window, None, point, inside, None) for window in windows])
    if (hit := holds(made, point, found)).any():
        made = [made[index] for index in np.flatnonzero(hit)]
    areas = rle.areas([drawing.rle for drawing in made])
    likelihood = qualities(made) * (areas / (height * width)) ** AREA_POWER
    differ = unlike(made, likelihood, found)
    first, rest = differ[:CANDIDATES], [made[index] for index in differ[CANDIDATES:]]
    hints = [mask_hint(found, made[index].rle, point, inside) for index in first]
    again = [
        next((drawing for drawing in answer if holds([drawing], point, found).all()), made[index])
        for index, answer in zip(first, refiner.draw(image_of(found), hints), strict=True)
    ]
    order = np.argsort(-likelihood[first] * qualities(again) ** AGAIN_POWER, kind="stable")
    everything = [*(again[index] for index in order), *rest]
    return [everything[index] for index in unlike(everything, np.linspace(1, 0, len(everything)), found)]


def correct(
    refiner: Refiner,
    found: MaskSet,
    points: NDArray[np.float64],
    inside: NDArray[np.bool_],
    best: Sequence[Drawing],
    chosen: MaskSet,
) -> list[Drawing]:
    """The answers to all points so far, given the answers ``best`` to all but the last.

    What the detector ``chosen`` is shown only where there is no earlier answer: beside one it was found to mislead.
    """
    height, width = found.size
    earlier = (*(drawing.rle for drawing in best[:1]), *chosen.rles)[:1]
    hints = [mask_hint(found, counts, points, inside) for counts in earlier]
    if not hints:
        window = Window.around(around_points(points[inside]), height, width)
        hints = [Hint(window, None, points, inside, None)]
    made = draw(refiner, found, hints)
    held = rle.contains([drawing.rle for drawing in made], points, height, width)
    agree = (held == inside[:, None]).mean(axis=0)
    made = [made[index] for index in np.lexsort((-qualities(made), -agree))]
    return [made[index] for index in unlike(made, np.linspace(1, 0, len(made)), found)]


def unlike(drawn: Sequence[Drawing], likelihood: NDArray[np.floating[Any]], found: MaskSet) -> NDArray[np.int64]:
    """Indices of the drawings that differ from every likelier one, the likeliest first."""
    return nms_masks([drawing.rle for drawing in drawn], likelihood, ALIKE, *found.size)


def holds(drawn: Sequence[Drawing], point: NDArray[np.float64], found: MaskSet) -> NDArray[np.bool_]:
    """(N,) which drawings hold a point, (1, 2)."""
    held: NDArray[np.bool_] = rle.contains([drawing.rle for drawing in drawn], point, *found.size)[0]
    return held


def qualities(drawn: Sequence[Drawing]) -> NDArray[np.float64]:
    """(N,) how good drawings are believed to be."""
    return np.array([drawing.quality for drawing in drawn], np.float64)


def mask_hint(
    found: MaskSet,
    counts: bytes,
    points: NDArray[np.float64] = NO_POINTS[0],
    inside: NDArray[np.bool_] = NO_POINTS[1],
) -> Hint:
    """A mask drawn before and points, in the window around them all."""
    height, width = found.size
    box = rle.boxes([counts], height, width)[0].astype(np.float64)
    if inside.any():
        reached = around_points(points[inside])
        box = np.concatenate((np.minimum(box[:2], reached[:2]), np.maximum(box[2:], reached[2:])))
    window = Window.around(box, height, width)
    return Hint(window, None, points, inside, on_window(counts, window, height, width))


def around_points(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(4,) xyxy of (P, 2) points."""
    return np.concatenate((points.min(axis=0), points.max(axis=0)))


def draw(refiner: Refiner, found: MaskSet, hints: Sequence[Hint]) -> list[Drawing]:
    """All that is drawn for some hints, the likeliest first."""
    drawn = [drawing for answer in refiner.draw(image_of(found), hints) for drawing in answer]
    return sorted(drawn, key=lambda drawing: -drawing.quality)


def to_set(found: MaskSet, drawn: Sequence[Drawing]) -> MaskSet:
    """Drawings as a set of the picture, in their order."""
    rles = tuple(drawing.rle for drawing in drawn)
    scores = np.array([drawing.quality for drawing in drawn], np.float32)
    return MaskSet(found.size, rle.boxes(rles, *found.size), scores, rles, image=found.image, features=found.features)


def image_of(found: MaskSet) -> NDArray[np.uint8]:
    """The picture of a set, which `refine_answers` made sure that it has."""
    if found.image is None:
        raise PromptError("found has no picture to look at: give the MaskSet that a Segmenter made")
    return found.image


def before(first: MaskSet, rest: MaskSet) -> MaskSet:
    """``first``, then what ``rest`` has that is no duplicate of it."""
    if len(first) == 0 or len(rest) == 0:
        return first if len(rest) == 0 else replace(rest, prompt=None, rank=None)
    new = rle.iou(rest.rles, first.rles, *first.size).max(axis=1) < DUPLICATE
    return MaskSet.concatenate([first, replace(rest[np.flatnonzero(new)], prompt=None, rank=None)])


ANSWERS: Mapping[type, Callable[[Refiner, MaskSet, Any, MaskSet], MaskSet]] = {Box: answer_box, Point: answer_point}
