"""The evaluation: every kept-out photo segmented once, and all figures taken from that."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anymask import rle
from anymask.boxes import iou as box_iou
from anymask.datasets import LabelledPhoto, spread
from anymask.evaluate.bootstrap import interval
from anymask.evaluate.prompted import border_ious, box_answers, click_ious, corrected_ious, mask_ious
from anymask.evaluate.recall import AREAS, TOP, Recalled, average_recall, of_size, recall_on_photo
from anymask.segment import Refine, Segmenter


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


def measure(
    segmenter: Segmenter,
    photo: LabelledPhoto,
    image_size: int,
    *,
    refine: Refine = "auto",
    prompts: bool = False,
    asked: int | None = None,
) -> Measured:
    """Segment one photo and compare with its labels.

    refine: as in `Segmenter.select`.
    prompts: whether to measure corrective clicks and borders, and what the detector alone would answer, too; for small
        objects also with a closer look, and NaN for others.
    asked: how many objects at most are asked about by prompts, evenly spread; all when None. Recall is of all.

    Raises DatasetError if the picture cannot be read or is of another size than its labels.
    """
    found = segmenter(photo.pixels(), image_size=image_size)
    truth = list(photo.layers[0])
    areas = rle.areas(truth)
    recalled = recall_on_photo(rle.iou(found.rles, truth, *found.size), areas)
    framed = recall_on_photo(box_iou(found.boxes, rle.boxes(truth, *found.size)), areas)
    if asked is not None:
        truth = list(spread(truth, asked))
        areas = rle.areas(truth)
    choose = partial(segmenter.select, found, refine=refine)
    clicks = click_ious(choose, truth, found.size)
    answers = box_answers(choose, truth, found.size)
    boxes = mask_ious(answers, truth, found.size)
    if not prompts:
        return Measured(photo.collection, recalled, framed, areas, clicks, boxes)
    alone, looking = (partial(segmenter.select, found, refine="off", zoom=zoom) for zoom in (False, True))
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
    return Measured(photo.collection, recalled, framed, areas, clicks, boxes, more)


def summarise(measured: list[Measured]) -> dict[str, Any]:
    """All figures by collection, over all, and over coco and voc together; each with its 95 % interval.

    Returns:
        {group: {"photos", "objects": {size: n}, "asked": {size: n}, "ar": {size: {k: figure}}, "box ar": the same of
        boxes alone, "click": {size: figure}, "box": {size: figure}, and as many more as ``Measured.prompts`` names}}
        where a figure is {"value", "low", "high"}, None where there is no object.
    """
    groups = {name: [m for m in measured if m.collection == name] for name in sorted({m.collection for m in measured})}
    groups["coco and voc"] = [m for m in measured if m.collection in ("coco", "voc")]
    groups["all"] = measured
    return {name: summarise_group(members) for name, members in groups.items() if members}


def summarise_group(measured: list[Measured]) -> dict[str, Any]:
    """The figures of one group of photos."""
    objects = np.stack([m.recalled.objects for m in measured])  # (P, areas)
    report: dict[str, Any] = {"photos": len(measured), "objects": {}}
    report["ar"] = recall_figures([m.recalled for m in measured])
    report["box ar"] = recall_figures([m.framed for m in measured])
    for row, size in enumerate(AREAS):
        report["objects"][size] = int(objects[:, row].sum())
        inside = [of_size(m.areas, size) for m in measured]
        asked = np.array([chosen.sum() for chosen in inside])
        report.setdefault("asked", {})[size] = int(asked.sum())
        columns = {"click": [m.clicks for m in measured], "box": [m.boxes for m in measured]}
        columns |= {name: [m.prompts[name] for m in measured] for name in measured[0].prompts}
        for name, ious in columns.items():
            sums = np.array([values[chosen].sum() for values, chosen in zip(ious, inside, strict=True)])
            mean = ratio(sums, asked)
            report.setdefault(name, {})[size] = figure(mean(np.arange(len(measured))), mean, len(measured))
    return report


def recall_figures(recalled: list[Recalled]) -> dict[str, dict[str, dict[str, float] | None]]:
    """{size: {k: figure}} of average recall."""
    found = np.stack([each.found for each in recalled]).mean(axis=3)  # (P, areas, top), thresholds averaged
    objects = np.stack([each.objects for each in recalled])  # (P, areas)
    recall = average_recall(recalled)
    return {
        size: {
            str(top): figure(recall[row, place], ratio(found[:, row, place], objects[:, row]), len(recalled))
            for place, top in enumerate(TOP)
        }
        for row, size in enumerate(AREAS)
    }


def ratio(parts: NDArray[Any], wholes: NDArray[Any]) -> Callable[[NDArray[np.int64]], float]:
    """The statistic sum(parts) / sum(wholes) over chosen photos; NaN where the wholes are nothing."""

    def statistic(chosen: NDArray[np.int64]) -> float:
        whole = wholes[chosen].sum()
        return float(parts[chosen].sum() / whole) if whole else float("nan")

    return statistic


def figure(value: float, statistic: Callable[[NDArray[np.int64]], float], photos: int) -> dict[str, float] | None:
    """A value with its interval, rounded to four digits; None when there is nothing to measure."""
    if not np.isfinite(value):
        return None
    low, high = interval(statistic, photos)
    return {"value": round(float(value), 4), "low": round(low, 4), "high": round(high, 4)}
