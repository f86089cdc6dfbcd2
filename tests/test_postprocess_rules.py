"""Masks made by other rules than the default ones: in FastSAM's ways, or cut at another level."""

import numpy as np
import pytest

from anymask.letterbox import Letterbox
from anymask.postprocess import postprocess
from anymask.rules import CropPixels, CropRule, CutRule, MaskRule, ScoreRule
from anymask.runtimes import FakeRuntime
from tests.test_postprocess import LEFT, LEFT_BOX, LETTERBOX, XYXY, disc, everywhere, network_says


def test_lines_and_cubics_between_the_same_logits() -> None:
    letterbox = Letterbox.fit(128, 128, 32)  # 8 x 8 cells of 16 pixels
    prototypes = np.full((1, 1, 8, 8), -1, np.float32)
    prototypes[..., 3] = 1  # a bar, one cell wide
    columns = np.array([16, 16, 32, 32, 0.9, 1], np.float32).reshape(1, 6, 1)
    raw = FakeRuntime(columns, prototypes).run(np.zeros((1, 3, 32, 32), np.float32))
    lines = postprocess(raw, letterbox, mask_rule=MaskRule(interpolation="linear"))
    # cell 3 has its centre at 56; the line is 0 half a cell from there
    assert lines.boxes.tolist() == [[48, 0, 64, 128]]
    cubics = postprocess(raw, letterbox, crop_rule=CropRule(0, 0, 0))
    assert cubics.areas[0] > lines.areas[0]


@pytest.mark.parametrize(
    ("pixels", "box", "expected"),
    [
        ("touched", (30.5, 20.5, 40.5, 50.5), [[30, 20, 41, 51]]),
        ("corners", (30.5, 20.5, 40.5, 50.5), [[31, 21, 41, 51]]),
        ("touched", (30.2, 20.5, 30.8, 50.5), [[30, 20, 31, 51]]),
        ("corners", (30.2, 20.5, 30.8, 50.5), []),  # no column has its corner in it
    ],
)
def test_which_pixels_of_its_box_a_mask_has(pixels: CropPixels, box: XYXY, expected: list[list[int]]) -> None:
    raw = network_says(LETTERBOX, (everywhere, box, 0.9), sharpness=9)
    found = postprocess(raw, LETTERBOX, crop_rule=CropRule(0, 0, 0), mask_rule=MaskRule(crop_pixels=pixels))
    assert found.boxes.tolist() == expected


@pytest.mark.parametrize(
    ("boxes", "before", "after"),
    [
        # the second is .4 of the first, but all of what is inside the picture
        ([(-60, 20, 40, 60), (0, 20, 40, 60)], 1, 2),
        # alike, but half as large as the other inside
        ([(-100, 20, 20, 60), (-100, 20, 10, 60)], 2, 1),
        # the first drops the second, and has nothing of the picture itself
        ([(-100, 20, 0, 60), (-100, 20, 20, 60)], 1, 0),
        ([(10, 20, 40, 60), (50, 20, 90, 60)], 2, 2),  # far from the border
    ],
)
def test_boxes_beyond_the_border_are_compared_before_or_after_they_are_cut(
    boxes: list[XYXY], before: int, after: int
) -> None:
    raw = network_says(LETTERBOX, *((everywhere, box, 0.9 - 0.1 * k) for k, box in enumerate(boxes)))
    rules = MaskRule(clipping="before", repeats="kept"), MaskRule(clipping="after", repeats="kept")
    assert [len(postprocess(raw, LETTERBOX, mask_rule=rule)) for rule in rules] == [before, after]


def test_masks_that_are_the_same_may_be_kept() -> None:
    wide = (12.0, 4.0, 52.0, 92.0)  # of the same disc, and as a box different enough
    raw = network_says(LETTERBOX, (LEFT, LEFT_BOX, 0.7), (LEFT, wide, 0.8))
    assert postprocess(raw, LETTERBOX).scores == pytest.approx([0.8], rel=0.2)
    kept = postprocess(raw, LETTERBOX, score_rule=ScoreRule(1, 0), mask_rule=MaskRule(repeats="kept"))
    assert kept.scores == pytest.approx([0.8, 0.7])
    assert kept.rles[0] == kept.rles[1]


# Where the logits are cut


@pytest.mark.parametrize("level", [-2.0, 0.0, 2.0])
def test_masks_are_cut_at_the_level(level: float) -> None:
    letterbox = Letterbox.fit(480, 640, 640)
    raw = network_says(letterbox, (disc(320, 240, 100), (200, 120, 440, 360), 0.9))  # logits are distances in pixels
    found = postprocess(raw, letterbox, cut_rule=CutRule(level, level))
    assert found.areas[0] == pytest.approx(np.pi * (100 - level) ** 2, rel=0.01)


def test_small_masks_grow_and_large_ones_stay() -> None:
    letterbox = Letterbox.fit(480, 640, 640)
    small, large = disc(60, 60, 8), disc(400, 240, 150)
    raw = network_says(letterbox, (small, (40, 40, 80, 80), 0.9), (large, (250, 90, 550, 390), 0.8))
    before = postprocess(raw, letterbox, cut_rule=CutRule(0, 0))
    after = postprocess(raw, letterbox, cut_rule=CutRule(-2, 0, scale=30))
    growth = after.areas / before.areas
    assert growth[0] > 1.2
    assert growth[1] == pytest.approx(1, abs=0.001)
    assert after.scores.tolist() == before.scores.tolist()  # maskness does not depend on the cut
