"""The scripts that compare with ultralytics' FastSAM, as far as that works without it."""

import numpy as np
import pytest
from numpy.typing import NDArray

from anymask import rle
from anymask.cubic import CubicAxis
from anymask.letterbox import Letterbox
from anymask.postprocess import CropRule
from anymask.runtimes.base import RawOutput
from scripts.compare_fastsam import wrong
from scripts.fastsam_parity import Comparison, paired
from scripts.fastsam_ways import WAYS, Centred, Detections, Limits, at_border, detect, detect_without, linear_axis

AT_ITS_BOX = CropRule(0, 0, 0)
LIMITS = Limits(conf=0.3, iou=0.7, max_det=50)


def random_output(height: int, width: int) -> RawOutput:
    """Of a network input of so many pixels: 200 boxes, some of which reach beyond it, and smooth prototypes."""
    rng = np.random.default_rng(0)
    centres = rng.uniform(0, [width, height], (200, 2))
    sides = rng.uniform(8, 60, (200, 2))
    rows = np.concatenate([centres, sides, rng.uniform(0, 1, (200, 1)), rng.normal(0, 1, (200, 8))], axis=1)
    coarse = rng.normal(0, 1, (8, height // 16, width // 16))
    prototypes = coarse.repeat(4, axis=1).repeat(4, axis=2)
    return RawOutput(rows.T[None].astype(np.float32), prototypes[None].astype(np.float32))


@pytest.mark.parametrize("size", [(96, 128), (190, 256), (71, 96)])  # as the network sees it, shrunk, padded
def test_with_nothing_switched_off_both_ways_agree(size: tuple[int, int]) -> None:
    letterbox = Letterbox.fit(*size, 128 if size[1] > 96 else 96)
    raw = random_output(letterbox.height, letterbox.width)
    package = detect(raw, letterbox, LIMITS, AT_ITS_BOX)
    script = detect_without(raw, size, (letterbox.height, letterbox.width), LIMITS, ())
    assert len(package.scores) > 20
    np.testing.assert_allclose(script.boxes, package.boxes)
    assert script.masks == package.masks


@pytest.mark.parametrize("way", ["clipping", "interpolation", "crop", "whole image"])
def test_every_way_makes_a_difference(way: str) -> None:
    raw = random_output(96, 128)
    found = [detect_without(raw, (96, 128), (96, 128), LIMITS, off) for off in ((), (way,))]
    assert way in WAYS
    assert len(found[0].boxes) != len(found[1].boxes) or (
        found[0].masks != found[1].masks or not np.array_equal(found[0].boxes, found[1].boxes)
    )


@pytest.mark.parametrize("way", ["letterbox", "shift"])
def test_where_no_program_resizes_or_pads_these_make_none(way: str) -> None:
    raw = random_output(96, 128)
    found = [detect_without(raw, (96, 128), (96, 128), LIMITS, off) for off in ((), (way,))]
    assert found[0].masks == found[1].masks


@pytest.mark.parametrize(
    ("source", "network", "resized", "padding"),
    [
        ((96, 128), (96, 128), (96, 128), (0, 0)),
        ((383, 576), (224, 320), (213, 320), (5, 0)),  # 11 rows are free, the odd one is below
        ((404, 576), (224, 320), (224, 319), (0, 0)),  # ultralytics reckons with a column less than it resized to
    ],
)
def test_where_a_centred_picture_lies(
    source: tuple[int, int], network: tuple[int, int], resized: tuple[int, int], padding: tuple[int, int]
) -> None:
    centred = Centred(source, network)
    assert (centred.resized, centred.padding) == (resized, padding)


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ([30, 30, 60, 60], [30, 30, 60, 60]),  # far from the border
        ([19, 30, 60, 60], [0, 30, 60, 60]),  # its left edge is near
        ([20, 30, 60, 60], [20, 30, 60, 60]),  # not near enough
        ([30, 30, 181, 81], [30, 30, 200, 100]),  # right and bottom
        ([10, 10, 199, 79], [0, 0, 200, 79]),  # three edges, and it fills eight tenths of the picture
    ],
)
def test_boxes_at_the_border(box: list[float], expected: list[float]) -> None:
    np.testing.assert_array_equal(at_border(np.array([box], np.float64), (100, 200)), [expected])


def test_a_box_of_nearly_the_whole_picture_is_all_of_it() -> None:
    boxes = np.array([[30, 0, 1000, 400], [110, 0, 1000, 400]], np.float64)  # .97 and .89 of it
    np.testing.assert_array_equal(at_border(boxes, (400, 1000)), [[0, 0, 1000, 400], [110, 0, 1000, 400]])


def test_linear_interpolation() -> None:
    axis = linear_axis(np.array([-1.0, 0, 0.25, 1.5, 2, 9]), 3)
    np.testing.assert_allclose(axis.weights @ [0, 10, 40], [0, 0, 2.5, 25, 40, 40])
    assert isinstance(axis, CubicAxis)
    np.testing.assert_array_equal(linear_axis(np.array([0.0, 0.4]), 1).weights, [[1], [1]])


def square(x1: int, y1: int, side: int) -> bytes:
    return rle.encode_crop(np.ones((side, side), np.bool_), x1, y1, 200, 200)


def detections(*squares: tuple[int, int, int], scores: list[float]) -> Detections:
    boxes: NDArray[np.float64] = np.array([(x, y, x + side, y + side) for x, y, side in squares], np.float64)
    masks = tuple(square(*each) for each in squares)
    return Detections(boxes.reshape(-1, 4), np.array(scores, np.float64), masks)


def test_pairs_are_of_like_boxes_and_then_of_like_scores() -> None:
    theirs = detections((0, 0, 100), (0, 0, 100), (150, 150, 20), scores=[0.9, 0.5, 0.3])
    ours = detections((0, 0, 100), (0, 1, 100), (0, 150, 20), scores=[0.5, 0.9, 0.3])
    assert paired(theirs, ours) == [(0, 1), (1, 0)]
    nothing = detections(scores=[])
    assert paired(nothing, ours) == paired(theirs, nothing) == []


@pytest.mark.parametrize(
    ("ours", "misses"),
    [
        (detections((0, 0, 100), (150, 150, 20), scores=[0.9, 0.3]), set()),
        (detections((0, 0, 100), (150, 150, 20), scores=[0.9001, 0.3002]), {"score"}),
        (detections((0, 0, 100), scores=[0.9]), {"missing"}),
        (detections((0, 0, 100), (150, 150, 20), (0, 150, 20), scores=[0.9, 0.3, 0.3]), {"extra"}),
        (detections((1, 0, 100), (150, 150, 20), scores=[0.9, 0.3]), {"box"}),  # IoU of the masks is .9802
        (detections((2, 0, 100), (150, 150, 20), scores=[0.9, 0.3]), {"box", "mask"}),
        (detections((0, 0, 100), (151, 150, 20), scores=[0.9, 0.3]), {"box"}),  # small masks may be farther apart
    ],
)
def test_what_is_a_miss(ours: Detections, misses: set[str]) -> None:
    comparison = Comparison()
    comparison.add(0, detections((0, 0, 100), (150, 150, 20), scores=[0.9, 0.3]), ours, (200, 200))
    assert {kind for _, kind, _ in comparison.misses} == misses


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, None),
        ({"unexplained": 1}, "1 misses stay"),
        ({"all_off": {"theirs": 250, "misses": 2, "median_iou": 1.0}}, "2 misses with all"),
        ({"all_off": {"theirs": 250, "misses": 0, "median_iou": 0.98}}, "the median IoU is 0.98"),
        ({"all_off": {"theirs": 20, "misses": 0, "median_iou": 1.0}}, "expected 200 masks"),
        ({"all_off": {"theirs": 0, "misses": 0, "median_iou": None}}, "expected 200 masks"),
    ],
)
def test_what_a_row_must_be(changed: dict[str, object], said: str | None) -> None:
    row = {"unexplained": 0, "all_off": {"theirs": 250, "misses": 0, "median_iou": 1.0}, **changed}
    lines = wrong(row, 200)
    assert (said is None and lines == []) or (said is not None and said in lines[0])
