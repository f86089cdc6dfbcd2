"""The evaluation: every kept-out photo segmented once, and all figures taken from that."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from anymask import rle
from anymask.boxes import iou as box_iou
from anymask.datasets import LabelledPhoto, spread
from anymask.evaluate.bootstrap import percentiles, quotients
from anymask.evaluate.figures import Keys, groups_of
from anymask.evaluate.precision import GivenBoxes, Instances, average_precision
from anymask.evaluate.prompted import (
    Choose,
    best,
    border_ious,
    box_answers,
    click_answers,
    click_ious,
    corrected_ious,
    first_answers,
    mask_ious,
)
from anymask.evaluate.recall import AREAS, TOP, Recalled, of_size, recall_on_photo, recall_sums
from anymask.evaluate.words.asking import WordsMeasured
from anymask.evaluate.words.figures import words_columns, words_extras
from anymask.evaluate.worst import Worst
from anymask.maskset import MaskSet
from anymask.segment import DRAWN, Refine, Segmenter

AskWords = Callable[[LabelledPhoto, MaskSet], WordsMeasured | None]


@dataclass(frozen=True)
class Measured:
    """One photo, its true masks of the first annotator, and G of those that were asked about by prompts."""

    collection: str
    recalled: Recalled
    framed: Recalled  # the same of boxes alone
    areas: NDArray[np.int64]  # (G,) pixels
    clicks: NDArray[np.float64]  # (G,) best-of-three click IoU
    boxes: NDArray[np.float64]  # (G,) box IoU
    prompts: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)  # more of that, (G,) each, by name
    instances: Instances | None = None  # answers to given boxes, where they were asked for
    name: str = ""  # of the photo's file
    words: WordsMeasured | None = None  # where words were asked


def measure(
    segmenter: Segmenter,
    photo: LabelledPhoto,
    image_size: int,
    *,
    drawn: int = DRAWN,
    refine: Refine = "auto",
    prompts: bool = False,
    asked: int | None = None,
    given: GivenBoxes | Literal["truth"] | None = None,
    worst: Worst | None = None,
    words: AskWords | None = None,
) -> Measured:
    """Segment one photo and compare with its labels.

    drawn, refine: as in `Segmenter` and its ``select``.
    prompts: whether to measure corrective clicks and borders, and the answers without the refiner, too; for small
        objects also with a closer look, and NaN for others.
    asked: how many objects at most are asked about by prompts, evenly spread; all when None. Recall is of all.
    given: whose boxes, of the photo's objects, are answered by ``Measured.instances``: a detector's, or the true tight
        ones of the objects asked about, without classes and with the scores of the answers.
    worst: keeps the worst answers to clicks and boxes, and objects that no mask fits.
    words: asks words of the photo and our masks, see `anymask.evaluate.words.asking.measure_words`.

    Raises DatasetError if the picture cannot be read or is of another size than its labels.
    """
    found = segmenter(photo.pixels(), image_size=image_size, drawn=drawn)
    said = words(photo, found) if words is not None else None
    truth = list(photo.layers[0])
    areas = rle.areas(truth)
    recalled = recall_on_photo(rle.iou(found.rles, truth, *found.size), areas)
    framed = recall_on_photo(box_iou(found.boxes, rle.boxes(truth, *found.size)), areas)
    if worst is not None:
        nearest = best(found, truth)
        worst.see("missed", photo, truth, nearest, mask_ious(nearest, truth, found.size))
    if asked is not None:
        truth = list(spread(truth, asked))
        areas = rle.areas(truth)
    choose = partial(segmenter.select, found, refine=refine)
    clicked = click_answers(choose, truth, found.size)
    clicks = mask_ious(clicked, truth, found.size)
    answers, scores = first_answers(choose, rle.boxes(truth, *found.size), found.size)
    boxes = mask_ious(answers, truth, found.size)
    if worst is not None:
        worst.see("click", photo, truth, clicked, clicks)
        worst.see("box", photo, truth, answers, boxes)
    instances = None
    if given == "truth":
        classes = [""] * len(truth)
        instances = Instances(found.size, truth, classes, answers, classes, scores)
    elif given is not None:
        instances = answer_given(choose, photo, given)
    measured = Measured(
        photo.collection, recalled, framed, areas, clicks, boxes, instances=instances, name=photo.path.name, words=said
    )
    if not prompts:
        return measured
    alone, looking = (partial(segmenter.select, found, refine="off", zoom=zoom, drawn=drawn) for zoom in (False, True))
    detected = box_answers(alone, truth, found.size)
    first, once, twice = corrected_ious(choose, truth, found.size).T
    more = {
        "first click": first,
        "one correction": once,
        "two corrections": twice,
        "border": border_ious(answers, truth, found.size),
        "detector's click": click_ious(alone, truth, found.size),
        "detector's box": mask_ious(detected, truth, found.size),
        "detector's border": border_ious(detected, truth, found.size),
        "detector's click, zoomed": np.full(len(truth), np.nan),
        "detector's box, zoomed": np.full(len(truth), np.nan),
    }
    small = of_size(areas, "small")  # for which it is there, and which alone are worth the time
    some = [counts for counts, chosen in zip(truth, small, strict=True) if chosen]
    more["detector's click, zoomed"][small] = click_ious(looking, some, found.size)
    more["detector's box, zoomed"][small] = mask_ious(box_answers(looking, some, found.size), some, found.size)
    return replace(measured, prompts=more)


def answer_given(choose: Choose, photo: LabelledPhoto, given: GivenBoxes) -> Instances:
    """The first answers to a detector's boxes on one photo, with the detector's scores and classes."""
    boxes = given.of(photo)
    size = photo.height, photo.width
    found, _ = first_answers(choose, np.array([each.box for each in boxes]).reshape(-1, 4), size)
    scores = np.array([each.score for each in boxes])
    classes = [each.category for each in boxes]
    crowds = photo.ignored, photo.ignored_labels
    return Instances(size, photo.layers[0], photo.labels[0], found, classes, scores, *crowds)


def summarise(measured: list[Measured]) -> dict[str, Any]:
    """All figures by collection, over all, and over coco and voc together; each with its 95 % interval.

    Returns:
        {group: {"photos", "objects": {size: n}, "asked": {size: n}, "ar": {size: {k: figure}}, "box ar": the same of
        boxes alone, "click": {size: figure}, "box": {size: figure}, and as many more as ``Measured.prompts`` names}}
        where a figure is {"value", "low", "high"}, None where there is no object. Where boxes were given, "ap" too, see
        ``average_precision``; where words were asked, "words" and "queries", see ``WordsMeasured`` and
        ``words_extras``.
    """
    groups = groups_of([m.collection for m in measured])
    return {name: summarise_group([measured[index] for index in members]) for name, members in groups.items()}


def summarise_group(measured: list[Measured]) -> dict[str, Any]:
    """The figures of one group of photos."""
    objects = np.sum([m.recalled.objects for m in measured], axis=0)  # (areas,)
    asked = [int(sum(of_size(m.areas, size).sum() for m in measured)) for size in AREAS]
    report: dict[str, Any] = {"photos": len(measured), "objects": dict(zip(AREAS, objects.tolist(), strict=True))}
    report["asked"] = dict(zip(AREAS, asked, strict=True))
    report |= words_extras([m.words for m in measured])
    for (*path, last), (parts, wholes) in columns(measured).items():
        place = report
        for name in path:
            place = place.setdefault(name, {})
        place[last] = figure(parts, wholes)
    answered = [m.instances for m in measured if m.instances is not None]
    if answered:
        ap = average_precision(answered)
        report["ap"] = {name: None if value is None else {"value": round(value, 4)} for name, value in ap.items()}
    return report


def columns(measured: list[Measured]) -> dict[Keys, tuple[NDArray[Any], NDArray[Any]]]:
    """Every figure as its two sums of each photo, (P,) each: the figure is the quotient of their sums over photos."""
    sums: dict[Keys, tuple[NDArray[Any], NDArray[Any]]] = {}
    for name, recalled in (("ar", [m.recalled for m in measured]), ("box ar", [m.framed for m in measured])):
        found, objects = recall_sums(recalled)
        for row, size in enumerate(AREAS):
            for place, top in enumerate(TOP):
                sums[name, size, str(top)] = found[:, row, place], objects[:, row]
    ious = {"click": [m.clicks for m in measured], "box": [m.boxes for m in measured]}
    ious |= {name: [m.prompts[name] for m in measured] for name in measured[0].prompts}
    for size in AREAS:
        inside = [of_size(m.areas, size) for m in measured]
        asked = np.array([chosen.sum() for chosen in inside])
        for name, values in ious.items():
            parts = np.array([iou[chosen].sum() for iou, chosen in zip(values, inside, strict=True)])
            sums[name, size] = parts, asked
    return sums | words_columns([m.words for m in measured])


def per_photo(measured: list[Measured]) -> dict[str, Any]:
    """What a comparison of two runs needs of each photo.

    Returns:
        {"photos": ["collection/file name", ...], "figures": {"ar/all/10": [sums, counts], ...}}: ``columns``, to six
        digits, None where there is no sum.
    """
    return {
        "photos": [f"{m.collection}/{m.name}" for m in measured],
        "figures": {
            "/".join(path): [[rounded(part, 6) for part in parts.tolist()], wholes.tolist()]
            for path, (parts, wholes) in columns(measured).items()
        },
    }


def rounded(value: float, digits: int = 4) -> float | None:
    """To so many digits; None, which JSON knows, for NaN, which it does not."""
    return round(value, digits) if math.isfinite(value) else None


def figure(parts: NDArray[Any], wholes: NDArray[Any]) -> dict[str, float] | None:
    """The quotient of the sums of (P,) parts and wholes, one of each for each photo, with its interval over photos.

    Rounded to four digits; None when there is nothing to measure.
    """
    if not wholes.sum() or not np.isfinite(value := parts.sum() / wholes.sum()):
        return None
    low, high = percentiles(quotients(parts, wholes))
    return {"value": round(float(value), 4), "low": round(low, 4), "high": round(high, 4)}
