"""What is measured on a photo, and the figures of several."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from anymask import DatasetError, Segmenter, rle
from anymask.datasets import LabelledPhoto
from anymask.evaluate.recall import AREAS, THRESHOLDS, TOP, Recalled
from anymask.evaluate.run import Measured, measure, summarise


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter(threads=1)


@pytest.fixture
def photo(astronaut: Path) -> LabelledPhoto:
    truth = tuple(rle.encode_crop(np.ones((side, side), np.bool_), 100, 100, 512, 512) for side in (20, 60, 300))
    empty_layer = (truth[0],)
    return LabelledPhoto("coco", astronaut, 512, 512, "all", (truth, empty_layer), ((None,) * 3, (None,)))


def test_one_photo(segmenter: Segmenter, photo: LabelledPhoto) -> None:
    measured = measure(segmenter, photo, 96)
    assert measured.collection == "coco"
    assert measured.areas.tolist() == [400, 3600, 90_000]  # of the first annotator
    assert measured.recalled.objects.tolist() == [3, 1, 1, 1]
    assert measured.clicks.shape == measured.boxes.shape == (3,)
    assert ((measured.clicks >= 0) & (measured.clicks <= 1)).all()
    assert measured.boxes.max() > 0  # something near the squares is there


def test_its_own_masks_are_all_found(segmenter: Segmenter, photo: LabelledPhoto) -> None:
    found = segmenter(photo.path, image_size=96)[:5]
    itself = replace(photo, layers=(found.rles,))
    measured = measure(segmenter, itself, 96, refine="off", prompts=True)
    assert measured.recalled.found[0, 0].tolist() == [5] * len(THRESHOLDS)
    assert measured.framed.found[0, 0, 0] == 5
    assert measured.boxes[0] == 1.0  # the likeliest mask, by its own box
    assert set(measured.prompts) >= {"first click", "one correction", "two corrections", "border"}
    assert all(values.shape == (5,) for values in measured.prompts.values())
    assert np.array_equal(measured.boxes, measured.prompts["detector's box"])
    summary = summarise([measured])["all"]
    assert summary["border"]["all"]["value"] == pytest.approx(measured.prompts["border"].mean(), abs=1e-4)


def test_some_objects_are_asked_about(segmenter: Segmenter, photo: LabelledPhoto) -> None:
    some, every = (measure(segmenter, photo, 96, refine="off", asked=asked) for asked in (2, None))
    assert some.areas.tolist() == [400, 3600]
    assert np.array_equal(some.clicks, every.clicks[:2])
    assert np.array_equal(some.boxes, every.boxes[:2])
    assert some.recalled.objects.tolist() == every.recalled.objects.tolist() == [3, 1, 1, 1]
    summary = summarise([some])["all"]
    assert summary["click"]["all"]["value"] == pytest.approx(some.clicks.mean(), abs=1e-4)
    assert summary["click"]["large"] is None
    assert summary["ar"]["large"]["1000"] is not None


def test_labels_of_another_size_are_refused(segmenter: Segmenter, photo: LabelledPhoto) -> None:
    with pytest.raises(DatasetError, match=r"astronaut.jpg: expected a picture of 513 x 512 .* got one of 512 x 512"):
        measure(segmenter, replace(photo, width=513), 32)


def measured(collection: str, areas: list[int], found: list[list[float]], clicks: list[float]) -> Measured:
    """found: per size and top, how many objects on average over the thresholds."""
    counts = np.zeros((len(AREAS), len(TOP), len(THRESHOLDS)), np.int64)
    for size, row in enumerate(found):
        for top, mean in enumerate(row):
            counts[size, top, : round(10 * (mean % 1))] = 1
            counts[size, top] += int(mean)
    objects = np.array([len(areas), *(sum(low <= a <= high for a in areas) for low, high in list(AREAS.values())[1:])])
    recalled, ious = Recalled(counts, objects), np.array(clicks)
    return Measured(collection, recalled, Recalled(0 * counts, objects), np.array(areas), ious, ious / 2)


def test_figures_of_two_photos() -> None:
    none = [0.0, 0.0, 0.0]
    photos = [
        # one small object, found by the first ten masks at every threshold
        measured("coco", [100], [[1, 1, 1], [1, 1, 1], none, none], [0.8]),
        # a small one that is not found and a medium one that a mask after the tenth finds at five thresholds
        measured("facades", [100, 2000], [[0, 0.5, 0.5], none, [0, 0.5, 0.5], none], [0.0, 0.4]),
    ]
    summary = summarise(photos)
    assert list(summary) == ["coco", "facades", "coco and voc", "all"]
    assert summary["coco"] == summary["coco and voc"]

    everything = summary["all"]
    assert everything["photos"] == 2
    assert everything["objects"] == {"all": 3, "small": 2, "medium": 1, "large": 0}
    values = {
        size: {k: figure and figure["value"] for k, figure in row.items()} for size, row in everything["ar"].items()
    }
    assert values == {
        "all": {"10": 0.3333, "100": 0.5, "1000": 0.5},  # objects weigh equally, not photos
        "small": {"10": 0.5, "100": 0.5, "1000": 0.5},
        "medium": {"10": 0.0, "100": 0.5, "1000": 0.5},
        "large": {"10": None, "100": None, "1000": None},
    }
    assert everything["box ar"]["all"]["1000"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert everything["box ar"]["large"] == {"10": None, "100": None, "1000": None}
    assert [everything["click"][size] and everything["click"][size]["value"] for size in AREAS] == [0.4, 0.4, 0.4, None]
    assert [everything["box"][size] and everything["box"][size]["value"] for size in AREAS] == [0.2, 0.2, 0.2, None]

    # both photos may be drawn twice: the interval reaches from one to the other
    assert everything["ar"]["all"]["100"] == {"value": 0.5, "low": 0.25, "high": 1.0}
    assert everything["click"]["all"] == {"value": 0.4, "low": 0.2, "high": 0.8}
    assert summary["coco"]["click"]["all"] == {"value": 0.8, "low": 0.8, "high": 0.8}
    json.dumps(summary, allow_nan=False)


def test_without_coco_and_voc_there_is_no_group_of_them() -> None:
    none = [0.0, 0.0, 0.0]
    assert list(summarise([measured("cells", [100], [none] * 4, [0.0])])) == ["cells", "all"]
    assert summarise([]) == {}
