"""The scripts that compare with ultralytics' FastSAM, as far as that works without it."""

import numpy as np
import pytest
from numpy.typing import NDArray

from anymask import rle
from anymask.letterbox import Letterbox
from anymask.postprocess import postprocess
from anymask.rules import CropRule, MaskRule, ScoreRule
from anymask.runtimes.base import RawOutput
from scripts.compare_fastsam import wrong
from scripts.fastsam_parity import Comparison, paired
from scripts.fastsam_ways import WAYS, Centred, Detections, Limits, at_border, detect, detect_without, moved

AT_ITS_BOX = CropRule(0, 0, 0)
AS_FASTSAM = MaskRule("linear", "corners", clipping="after", repeats="kept")
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


@pytest.mark.parametrize("mask_rule", [MaskRule(), AS_FASTSAM])
@pytest.mark.parametrize("size", [(96, 128), (190, 256), (71, 96)])  # as the network sees it, shrunk, padded
def test_with_nothing_switched_off_both_ways_agree(size: tuple[int, int], mask_rule: MaskRule) -> None:
    letterbox = Letterbox.fit(*size, 128 if size[1] > 96 else 96)
    raw = random_output(letterbox.height, letterbox.width)
    package = detect(raw, letterbox, LIMITS, AT_ITS_BOX, mask_rule)
    script = detect_without(raw, size, (letterbox.height, letterbox.width), LIMITS, mask_rule, ())
    assert len(package.scores) > 20
    np.testing.assert_allclose(script.boxes, package.boxes)
    assert script.masks == package.masks


def test_what_is_compared_is_what_users_get() -> None:
    letterbox = Letterbox.fit(190, 256, 128)
    raw = random_output(letterbox.height, letterbox.width)
    compared = detect(raw, letterbox, LIMITS, AT_ITS_BOX, AS_FASTSAM)
    got = postprocess(
        raw,
        letterbox,
        score=LIMITS.conf,
        iou=LIMITS.iou,
        max_masks=LIMITS.max_det,
        score_rule=ScoreRule(1, 0),
        crop_rule=AT_ITS_BOX,
        mask_rule=AS_FASTSAM,
    )
    assert (got.rles, got.scores.tolist()) == (compared.masks, compared.scores.tolist())


def found_without(way: str, size: tuple[int, int]) -> tuple[Detections, Detections]:
    """In one and the same output, with nothing and with one way switched off."""
    raw = random_output(96, 128)
    found = [detect_without(raw, size, (96, 128), LIMITS, AS_FASTSAM, off) for off in ((), (way,))]
    return found[0], found[1]


@pytest.mark.parametrize("way", WAYS)
def test_every_way_makes_a_difference(way: str) -> None:
    ours, theirs = found_without(way, (177, 251))  # the network's input has rows of padding
    assert ours.masks != theirs.masks or not np.array_equal(ours.boxes, theirs.boxes)


@pytest.mark.parametrize("way", ["letterbox", "shift"])
def test_where_no_program_resizes_or_pads_these_make_none(way: str) -> None:
    ours, theirs = found_without(way, (96, 128))
    assert ours.masks == theirs.masks and np.array_equal(ours.boxes, theirs.boxes)


def test_the_whole_image_rule_moves_boxes_alone() -> None:
    ours, theirs = found_without("whole image", (96, 128))
    assert (theirs.scores.tolist(), theirs.masks) == (ours.scores.tolist(), ours.masks)
    assert np.array_equal(theirs.boxes, moved(ours, (96, 128)).boxes)


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
    masks = detections((0, 0, 100), (150, 150, 20), scores=[0.9, 0.3]).masks
    assert comparison.figures()["identical"] == len(set(masks) & set(ours.masks))


GOOD = {"theirs": 250, "score": 1e-6, "median_iou": 1.0, "large": 9, "least_iou_large": 0.999, "misses": 0}
OURS = {**GOOD, "misses": 70}  # boxes that are moved to the border


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, None),
        ({"unexplained": 1}, "1 misses stay"),
        ({"all_off": {**GOOD, "misses": 2}}, "2 misses with all"),
        ({"all_off": {**GOOD, "median_iou": 0.98}}, "switched off the median IoU is 0.98"),
        ({"all_off": {**GOOD, "theirs": 20}}, "expected 200 masks"),
        ({"all_off": {**GOOD, "theirs": 0, "median_iou": None}}, "expected 200 masks"),
        # what users get
        ({"left_without": {"whole image": 3}}, "3 misses are not from moving boxes"),
        ({"ours": {**OURS, "score": 1e-3}}, "expected scores at most 0.0001 apart, got 0.001"),
        ({"ours": {**OURS, "median_iou": 0.989}}, "expected a median IoU of 0.99, got 0.989"),
        ({"ours": {**OURS, "least_iou_large": 0.97}}, "expected an IoU of 0.98 of every large mask, got 0.97"),
        ({"ours": {**OURS, "large": 0, "least_iou_large": None}}, None),  # there is no large one
        # where photos are resized and padded, misses need only be explained
        ({"ours": {**OURS, "least_iou_large": 0.8}, "left_without": {"whole image": 3}, "as_they_are": True}, None),
    ],
)
def test_what_a_row_must_be(changed: dict[str, object], said: str | None) -> None:
    good = {"as_they_are": False, "left_without": {"whole image": 0}, "unexplained": 0, "ours": OURS, "all_off": GOOD}
    lines = wrong({**good, **changed}, 200)
    assert (said is None and lines == []) or (said is not None and said in lines[0])
