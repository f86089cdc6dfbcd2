"""Masks move to the edges of the picture, no farther than they may, and only where that passes the gate."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from anymask import MaskSet, Segmenter, rle
from anymask.errors import ImageError, SettingsError, ShapeError
from anymask.snap import SnapRule, Steps, core, snap, snap_all, watershed

Mask = NDArray[np.bool_]

SIZE = 60, 80
MASKS = arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12)))


def disc(radius: float, x: float = 40.0, y: float = 30.0) -> Mask:
    rows, columns = np.indices(SIZE) + 0.5
    return np.asarray(np.hypot(columns - x, rows - y) < radius)


def photo(mask: Mask, inside: tuple[int, int, int], outside: tuple[int, int, int]) -> NDArray[np.uint8]:
    return np.where(mask[..., None], np.array(inside, np.uint8), np.array(outside, np.uint8))


def encoded(mask: Mask) -> bytes:
    return rle.encode_crop(mask, 0, 0, *mask.shape)


def noise(mask: Mask, seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (*mask.shape, 3)).astype(np.uint8)


def iou(counts: bytes, mask: Mask) -> float:
    return float(rle.iou([counts], [encoded(mask)], *mask.shape)[0, 0])


# What is drawn beside an edge moves to it


@pytest.mark.parametrize("drawn", [disc(18), disc(22), disc(20, x=42), disc(20, y=28.5), disc(19, x=41, y=29)])
@pytest.mark.parametrize("inside", [(200, 200, 200), (90, 60, 60)])  # bright, or another red alone
def test_a_disc_that_is_a_little_off_moves_to_the_edge(drawn: Mask, inside: tuple[int, int, int]) -> None:
    true = disc(20)
    image = photo(true, inside, (60, 60, 60))
    before = encoded(drawn)
    after = snap(before, image, SnapRule(reach=3, stay=0.2, gain=0.05, least=0))
    assert iou(before, true) < 0.91
    assert iou(after, true) > 0.97


@pytest.mark.parametrize("reach", [1, 2, 3])
def test_an_edge_out_of_reach_is_not_found(reach: int) -> None:
    image = photo(disc(20), (200, 200, 200), (60, 60, 60))
    far = encoded(disc(20 + reach + 3))
    assert snap(far, image, SnapRule(reach, gain=0, least=0)) == far


@pytest.mark.parametrize(
    ("rule", "moves"),
    [
        (SnapRule(3, stay=0.2, gain=0.1, least=0), True),
        (SnapRule(3, stay=0.2, gain=1e6), False),  # the gate is shut
        (SnapRule(3, stay=0.2, gain=0.1, least=1200), True),  # the disc has about 1257 pixels
        (SnapRule(3, stay=0.2, gain=0.1, least=1300), False),
        (SnapRule(3, stay=100, gain=0.1), False),  # no step is so much smaller
    ],
)
def test_the_rule_decides(rule: SnapRule, moves: bool) -> None:
    before = encoded(disc(20, x=42))  # here and there already on the edge
    after = snap(before, photo(disc(20), (200, 200, 200), (60, 60, 60)), rule)
    assert (after != before) == moves


@pytest.mark.parametrize("mask", [np.zeros(SIZE, bool), np.ones(SIZE, bool), disc(0.8), disc(20)])
def test_without_an_edge_nothing_changes(mask: Mask) -> None:
    assert snap(encoded(mask), np.full((*SIZE, 3), 90, np.uint8), SnapRule(gain=0, least=0)) == encoded(mask)


def test_a_thin_line_stays() -> None:
    line = np.zeros(SIZE, bool)
    line[30, 10:70] = True
    after = rle.decode(snap(encoded(line), noise(line, 0), SnapRule(3, stay=0, gain=0, least=0)), *SIZE)
    assert (after & line)[30, 12:68].all()


def test_a_mask_at_the_border_of_the_picture() -> None:
    true, drawn = disc(20, x=0, y=0), disc(22, x=0, y=0)
    after = snap(encoded(drawn), photo(true, (10, 20, 200), (60, 160, 60)), SnapRule(3, stay=0.2, gain=0.05, least=0))
    assert iou(after, true) > 0.97


# The parts


def test_steps_are_in_grey_levels() -> None:
    ramp = np.zeros((5, 9, 3), np.uint8)
    ramp[..., 1] = 7 * np.arange(9)  # one channel alone
    steps, turned = Steps.of(ramp), Steps.of(ramp.transpose(1, 0, 2))
    assert (steps.across == 7).all()
    assert steps.across.shape == (5, 8)
    assert (steps.down == 0).all()
    assert (turned.down == 7).all()


def test_core_is_what_is_deep_and_what_is_thin() -> None:
    mask = np.array(
        [
            [0, 0, 0, 0, 0, 0, 0, 0],
            [0, 1, 1, 1, 0, 0, 0, 0],
            [0, 1, 1, 1, 1, 1, 1, 0],  # a square with a thin arm
            [0, 1, 1, 1, 0, 0, 0, 0],
            [0, 0, 0, 0, 0, 0, 0, 0],
        ],
        bool,
    )
    assert np.argwhere(core(mask, 2)).tolist() == [[2, 2], [2, 4], [2, 5], [2, 6]]


def test_the_mean_step_over_a_contour() -> None:
    mask = np.array([[1, 1, 0], [1, 1, 1]], bool)
    steps = Steps(np.array([[50, 2], [50, 50]], np.float32), np.array([[50, 50, 4]], np.float32))
    assert steps.over_contour(mask) == 3
    assert steps.over_contour(np.ones((2, 3), bool)) == 0


# Laws


@settings(deadline=None)
@given(MASKS, st.integers(1, 3), st.floats(0, 2), st.floats(0, 100, width=32))
def test_even_steps_move_nothing(mask: Mask, reach: int, stay: float, step: float) -> None:
    height, width = mask.shape
    even = Steps(np.full((height, width - 1), step, np.float32), np.full((height - 1, width), step, np.float32))
    assert (watershed(mask, even, reach, stay) == mask).all()


@settings(deadline=None)
@given(MASKS, st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_seeds_stay_and_no_side_vanishes(mask: Mask, reach: int, seed: int) -> None:
    moved = watershed(mask, Steps.of(noise(mask, seed)), reach, 0)
    assert moved[core(mask, reach)].all()
    assert not moved[core(~mask, reach)].any()
    assert moved.any() == mask.any()
    assert moved.all() == mask.all()


@settings(deadline=None)
@given(MASKS, st.integers(0, 2**32 - 1))
def test_what_is_taken_has_larger_steps_over_its_contour(mask: Mask, seed: int) -> None:
    mask[[0, -1], [0, -1]] = True  # the mask's box is the whole picture, so `snap` sees the same steps
    image = noise(mask, seed)
    after = rle.decode(snap(encoded(mask), image, SnapRule(2, 0, 0.1, least=0)), *mask.shape)
    if (after != mask).any():
        steps = Steps.of(image)
        assert steps.over_contour(after) > 1.1 * steps.over_contour(mask)


def test_all_masks_of_a_set() -> None:
    """Each as by itself; only the boxes of what moved are drawn anew."""
    masks = np.array([disc(5), disc(12), np.zeros(SIZE, np.bool_)])
    image = noise(masks[1], 1)
    found = replace(MaskSet.from_masks(masks, [0.9, 0.5, 0.1], image), boxes=np.full((3, 4), 7.5, np.float32))
    rule = SnapRule(2, 0, 0, least=0)
    after = snap_all(found, rule)
    assert after.rles == tuple(snap(counts, image, rule) for counts in found.rles)
    moved = [one != other for one, other in zip(after.rles, found.rles, strict=True)]
    assert any(moved) and not all(moved)
    for index, each in enumerate(moved):
        expected = rle.boxes(after.rles[index : index + 1], *SIZE)[0] if each else found.boxes[index]
        assert after.boxes[index].tolist() == expected.tolist()
    assert after.scores.tolist() == found.scores.tolist()
    assert after.image is found.image or np.array_equal(after.image, image)  # type: ignore[arg-type]


def test_a_segmenter_snaps_when_it_is_told_to(astronaut: Path) -> None:
    segmenter = Segmenter(threads=1)
    plain, snapped = (segmenter(astronaut, image_size=320, score=0.2, snap=snap) for snap in (False, True))
    assert snapped == snap_all(plain)
    assert snapped != plain
    assert snap_all(MaskSet.empty((4, 5), np.zeros((4, 5, 3), np.uint8))) == MaskSet.empty((4, 5))
    with pytest.raises(ImageError, match="found: expected masks with their picture, whose edges they snap to"):
        snap_all(replace(plain, image=None))


# What is refused


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"reach": 0}, "reach of a SnapRule must be 1 or more, but got 0"),
        ({"stay": -0.1}, "stay of a SnapRule must be a number from 0 up, but got -0.1"),
        ({"gain": np.nan}, "gain of a SnapRule must be a number from 0 up"),
        ({"least": -1}, "least of a SnapRule must be a number from 0 up, but got -1"),
        ({"gain": np.inf}, "gain of a SnapRule must be a number from 0 up"),
    ],
)
def test_rules_out_of_range(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        SnapRule(**arguments)  # type: ignore[arg-type]


def test_a_picture_without_colours() -> None:
    with pytest.raises(ShapeError, match="image"):
        snap(encoded(disc(5)), np.zeros(SIZE, np.uint8))
