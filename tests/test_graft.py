"""What a look found, grafted into the masks of the whole: tables for each decision, and the laws."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from anymask import rle
from anymask.errors import ImageError, PromptError, SettingsError, ShapeError
from anymask.graft import Region, graft, look_size, place, region_of
from anymask.maskset import MaskSet
from anymask.nms import nms_masks
from anymask.postprocess import DUPLICATE
from anymask.segment import Segmenter

SIZE = (32, 48)
REGION = (16, 8, 40, 32)  # its lower border is the picture's
IMAGE = np.zeros((*SIZE, 3), np.uint8)
FIRST = np.zeros(1, np.int64)
Rectangle = tuple[int, int, int, int]


def rectangles(*boxes: Rectangle, scores: list[float] | None = None) -> MaskSet:
    """A mask for each x1, y1, x2, y2, on the picture."""
    masks = np.zeros((len(boxes), *SIZE), np.bool_)
    for mask, (x1, y1, x2, y2) in zip(masks, boxes, strict=True):
        mask[y1:y2, x1:x2] = True
    return MaskSet.from_masks(masks, scores, IMAGE)


@pytest.mark.parametrize(
    ("old", "new", "boxes"),
    [
        ([], [(20, 12, 30, 20)], [(20, 12, 30, 20)]),  # nothing was there
        ([(2, 2, 9, 9)], [(20, 12, 30, 20)], [(2, 2, 9, 9), (20, 12, 30, 20)]),  # another object
        ([(20, 12, 30, 20)], [], [(20, 12, 30, 20)]),  # nothing was seen: what was found stays
        ([(20, 12, 30, 20)], [(20, 12, 29, 20)], [(20, 12, 29, 20)]),  # IoU .9: the finer one takes its place
        ([(20, 12, 30, 20)], [(20, 12, 26, 20)], [(20, 12, 30, 20), (20, 12, 26, 20)]),  # IoU .6: a part of it
        ([(8, 10, 20, 20)], [(16, 10, 21, 20)], [(8, 10, 21, 20)]),  # over the left border: goes on inside
        ([(8, 10, 20, 20)], [(16, 10, 30, 20)], [(8, 10, 20, 20)]),  # over it too, but IoU .29: of another object
        ([(30, 10, 44, 20)], [(29, 10, 40, 20)], [(29, 10, 44, 20)]),  # over the right border
        ([(20, 2, 30, 16)], [(20, 8, 30, 17)], [(20, 2, 30, 17)]),  # over the upper one
        ([], [(16, 10, 30, 20)], []),  # cut off, and nothing beyond the border is known of it
        ([(17, 10, 30, 20)], [(16, 10, 30, 20)], [(16, 10, 30, 20)]),  # cut off, but what was found is all inside too
        ([], [(20, 20, 30, 32)], [(20, 20, 30, 32)]),  # the picture's own border cuts nothing off
        ([(8, 10, 20, 20)], [(18, 12, 20, 18)], [(8, 10, 20, 20), (18, 12, 20, 18)]),  # not cut off: a part of it
        ([(20, 12, 30, 20)], [(20, 12, 30, 20)] * 2, [(20, 12, 30, 20)]),  # no doubles
        (
            [(4, 10, 26, 20), (4, 10, 24, 20)],
            [(16, 10, 24, 20)],
            [(4, 10, 26, 20), (4, 10, 24, 20)],
        ),  # is there already
        # It agrees with the first, but joined to that it would double the second, which is all outside the region
        ([(1, 10, 18, 20), (1, 10, 16, 20)], [(16, 10, 17, 20)], [(1, 10, 18, 20), (1, 10, 16, 20)]),
        # It agrees with the first, but joined to that it would double the second
        ([(0, 10, 24, 22), (0, 10, 23, 20)], [(16, 10, 23, 20)], [(0, 10, 24, 22), (0, 10, 23, 20)]),
    ],
)
def test_grafting(old: list[Rectangle], new: list[Rectangle], boxes: list[Rectangle]) -> None:
    assert graft(rectangles(*old), rectangles(*new), REGION) == rectangles(*boxes)


def test_one_mask_takes_the_place_of_one() -> None:
    found = rectangles((20, 12, 30, 20), (20, 12, 30, 21))  # IoU .89
    seen = rectangles((20, 12, 30, 21), (20, 11, 30, 19), scores=[0.8, 0.9])
    # The second is the better, and agrees with the first old one more; the first is the second old one
    assert [graft(found, seen, REGION).boxes[0].tolist()] == [[20, 11, 30, 19]]
    assert graft(found, seen, REGION).boxes[1].tolist() == [20, 12, 30, 21]
    assert len(graft(found, seen, REGION)) == 2


def test_a_mask_joins_when_another_has_made_room() -> None:
    found = rectangles((4, 10, 19, 20), (4, 10, 17, 20))
    seen = rectangles((16, 10, 18, 20), (16, 10, 17, 15))
    assert graft(found, seen[:1], REGION) == found  # joined to the first it would double the second
    both = graft(found, seen, REGION)  # the second has changed by then
    assert both.rles[0] == rectangles((4, 10, 18, 20)).rles[0]
    assert both.areas.tolist() == [140, 125]
    assert graft(both, seen, REGION) == both


@pytest.mark.parametrize(
    ("old", "new", "right", "score"),
    [
        (0.4, 0.8, 37, 0.8),
        (0.8, 0.4, 37, 0.8),  # the higher of both
        (0.8, 0.3, 38, 0.8),  # too unsure to take its place, and its double
    ],
)
def test_scores(old: float, new: float, right: int, score: float) -> None:
    found, seen = rectangles((18, 12, 38, 20), scores=[old]), rectangles((18, 12, 37, 20), scores=[new])  # IoU .95
    assert graft(found, seen, REGION) == rectangles((18, 12, right, 20), scores=[score])


def test_new_masks_come_after_the_old_ones_best_first() -> None:
    found = rectangles((0, 0, 5, 5), (6, 0, 9, 5), scores=[0.1, 0.2])
    seen = rectangles((20, 12, 24, 20), (25, 12, 29, 20), scores=[0.3, 0.9])
    assert graft(found, seen, REGION).scores.tolist() == pytest.approx([0.1, 0.2, 0.9, 0.3])


def test_the_picture_and_its_features_stay_and_parents_are_found_anew() -> None:
    found = replace(rectangles((18, 10, 38, 30)), features={"shown": "once"}, prompt=FIRST, rank=FIRST)
    grafted = graft(found, rectangles((20, 12, 30, 20)), REGION)
    assert grafted.image is not None and np.shares_memory(grafted.image, IMAGE)
    assert grafted.features is found.features
    assert grafted.prompt is None and grafted.rank is None
    assert grafted.parents.tolist() == [-1, 0]


@pytest.mark.parametrize(
    ("seen", "region", "said"),
    [
        (rectangles((20, 12, 30, 20)), (0, 0, 49, 32), "region must lie inside the 32 x 48 picture"),
        (rectangles((20, 12, 30, 20)), (16, 8, 16, 32), "region must"),
        (rectangles((15, 12, 30, 20)), REGION, "seen must lie inside the region"),
        (MaskSet.empty((24, 24)), REGION, r"seen must be of the 32 x 48 picture, but got \(24, 24\)"),
    ],
)
def test_what_cannot_be_grafted(seen: MaskSet, region: Region, said: str) -> None:
    with pytest.raises(ShapeError, match=said):
        graft(rectangles((1, 1, 3, 3)), seen, region)


# Regions, and crops on the picture


@pytest.mark.parametrize(
    ("box", "region"),
    [
        ((16, 8, 40, 32), (16, 8, 40, 32)),
        ((16.9, 8.1, 39.1, 30.5), (16, 8, 40, 31)),  # every pixel that it touches
        ((-5, -5, 10, 10), (0, 0, 10, 10)),  # cut
        ((40, 20, 90, 90), (40, 20, 48, 32)),
        ((-9, -9, 99, 99), (0, 0, 48, 32)),  # the whole picture
        ((47.2, 31.2, 47.4, 31.4), (47, 31, 48, 32)),  # inside one pixel
    ],
)
def test_region_of(box: tuple[float, float, float, float], region: Region) -> None:
    assert region_of(box, SIZE) == region


@pytest.mark.parametrize("box", [(48, 0, 60, 10), (-9, 0, 0, 10), (3, 32, 9, 40), (5, 5, 5, 9)])
def test_a_box_that_holds_nothing_is_refused(box: tuple[float, float, float, float]) -> None:
    with pytest.raises(PromptError, match="holds nothing of the picture, which spans x 0 to 48 and y 0 to 32"):
        region_of(box, SIZE)


@pytest.mark.parametrize(
    ("region", "size", "pixels"),
    [
        ((0, 0, 640, 480), (4000, 3000), 640),  # native
        ((10, 10, 586, 500), (2304, 2304), 576),
        ((0, 0, 577, 100), (2304, 2304), 608),  # rounded up
        ((0, 0, 90, 100), (4000, 3000), 320),  # a tiny one is enlarged
        ((0, 0, 3000, 2000), (4000, 3000), 1024),  # a large one is shrunk
        ((0, 0, 200, 200), (512, 512), 512),  # native would hardly be larger than the first pass showed it
        ((0, 0, 512, 512), (512, 512), 1024),
    ],
)
def test_look_size(region: Region, size: tuple[int, int], pixels: int) -> None:
    assert look_size(region, size, 640) == pixels


@given(st.integers(0, 2**32 - 1))
def test_place_shifts_masks(seed: int) -> None:
    masks = np.random.default_rng(seed).random((3, 24, 24)) < 0.4
    masks[0] = False
    placed = place(MaskSet.from_masks(masks, [0.1, 0.2, 0.3]), REGION, SIZE)
    expected = np.zeros((3, *SIZE), np.bool_)
    expected[:, 8:32, 16:40] = masks
    assert np.array_equal(placed.masks, expected)
    assert placed.scores.tolist() == pytest.approx([0.1, 0.2, 0.3])
    assert np.array_equal(placed.boxes[1:], rle.boxes(placed.rles, *SIZE)[1:])


def test_place_needs_the_size_of_the_region() -> None:
    with pytest.raises(ShapeError, match=r"seen must be of the 24 x 24 pixels of the region, but got \(32, 48\)"):
        place(rectangles((1, 1, 2, 2)), REGION, SIZE)


# Segmenter.look


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter(threads=1)


@pytest.fixture(scope="module")
def photo(segmenter: Segmenter, astronaut: Path) -> MaskSet:
    return segmenter(astronaut, image_size=160)


def test_a_look_finds_more_and_a_second_one_no_more(segmenter: Segmenter, photo: MaskSet) -> None:
    box = (150.5, 0, 330, 180)
    seen = segmenter.look(photo, box)
    assert len(seen) > len(photo)
    assert seen != photo
    before, after = photo.masks, seen.masks
    for masks in (before, after):
        masks[:, :180, 150:330] = False
    assert np.array_equal(after[: len(photo)], before) and not after[len(photo) :].any()
    assert seen.image is not None and np.shares_memory(seen.image, photo.image)
    assert segmenter.look(seen, box) == seen


def test_a_look_takes_the_settings_of_a_pass(segmenter: Segmenter, photo: MaskSet) -> None:
    box = (150, 0, 330, 180)
    assert segmenter.look(photo, box, image_size=64, score=1.0) == photo
    assert len(segmenter.look(photo, box, image_size=160, max_masks=2)) <= len(photo) + 2
    with pytest.raises(SettingsError, match=r"image_size must be a multiple of 32.* got 100"):
        segmenter.look(photo, box, image_size=100)


def test_the_whole_picture_is_a_region_too(segmenter: Segmenter, photo: MaskSet) -> None:
    assert segmenter.look(photo, (-9, -9, 600, 600), image_size=160) == photo  # just as it was found


@pytest.mark.parametrize("box", [(512, 0, 600, 10), (5, 5, 5, 9), (0, 0, float("nan"), 4), (0, 0, 4)])
def test_a_look_at_nothing_is_refused(segmenter: Segmenter, photo: MaskSet, box: tuple[float, ...]) -> None:
    with pytest.raises(PromptError, match=r"^box"):
        segmenter.look(photo, box)


def test_a_look_needs_the_picture(segmenter: Segmenter, photo: MaskSet) -> None:
    with pytest.raises(ImageError, match=r"found: .* got none: pass what the Segmenter returned"):
        segmenter.look(replace(photo, image=None), (0, 0, 9, 9))


# Laws

seeds = st.integers(0, 2**32 - 1)


def blobs(rng: np.random.Generator, count: int) -> NDArray[np.bool_]:
    """(count, *SIZE) ellipses; many are like an earlier one, so that there are doubles and near doubles."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    shapes = rng.uniform([0, 0, 2, 2], [SIZE[1], SIZE[0], 14, 14], (count, 4))
    for index in range(1, count):
        if rng.random() < 0.6:
            shapes[index] = shapes[rng.integers(index)] + rng.integers(-2, 3, 4) * rng.choice([0.25, 0.5, 1])
    x, y, across, along = shapes.T[:, :, None, None]
    inside: NDArray[np.bool_] = ((columns - x) / across) ** 2 + ((rows - y) / along) ** 2 <= 1
    return inside


def scene(seed: int) -> tuple[MaskSet, MaskSet, Region]:
    """Masks of a picture, masks seen in a region of it that are like some of them, and the region."""
    rng = np.random.default_rng(seed)
    x1, y1 = int(rng.integers(0, 30)), int(rng.integers(0, 20))
    region = (x1, y1, int(rng.integers(x1 + 4, SIZE[1] + 1)), int(rng.integers(y1 + 4, SIZE[0] + 1)))
    masks = blobs(rng, int(rng.integers(2, 24)))
    scores = rng.integers(1, 11, len(masks)) / 10
    mine = rng.random(len(masks)) < 0.5
    window = np.zeros(SIZE, np.bool_)
    window[region[1] : region[3], region[0] : region[2]] = True
    found, seen = MaskSet.from_masks(masks[mine], scores[mine], IMAGE), MaskSet.from_masks(masks & window, scores)
    found = found[found.areas > 0]
    found = found[nms_masks(found.rles, found.scores, DUPLICATE, *SIZE)]
    return found, seen[~mine | (rng.random(len(masks)) < 0.3)], region


@settings(deadline=None, max_examples=300)
@given(seeds)
def test_grafting_twice_changes_nothing(seed: int) -> None:
    found, seen, region = scene(seed)
    once = graft(found, seen, region)
    assert graft(once, seen, region) == once


@settings(deadline=None)
@given(seeds)
def test_grafting_what_was_found_changes_nothing(seed: int) -> None:
    found, _, _ = scene(seed)
    assert graft(found, found, (0, 0, SIZE[1], SIZE[0])) == found


@settings(deadline=None)
@given(seeds)
def test_outside_the_region_no_pixel_changes(seed: int) -> None:
    found, seen, (x1, y1, x2, y2) = scene(seed)
    before, after = found.masks, graft(found, seen, (x1, y1, x2, y2)).masks
    for masks in (before, after):
        masks[:, y1:y2, x1:x2] = False
    assert np.array_equal(after[: len(before)], before)
    assert not after[len(before) :].any()


@settings(deadline=None)
@given(seeds)
def test_inside_it_every_mask_is_an_old_or_a_seen_one(seed: int) -> None:
    found, seen, (x1, y1, x2, y2) = scene(seed)
    grafted = graft(found, seen, (x1, y1, x2, y2))
    window = np.s_[:, y1:y2, x1:x2]
    known = {mask.tobytes() for mask in (*found.masks[window], *seen.masks[window])}
    assert {mask.tobytes() for mask in grafted.masks[window]} <= known
    assert (grafted.scores[: len(found)] >= found.scores).all()
    assert np.array_equal(grafted.boxes, rle.boxes(grafted.rles, *SIZE))


@settings(deadline=None)
@given(seeds)
def test_no_two_masks_are_doubles(seed: int) -> None:
    grafted = graft(*scene(seed))
    overlap = rle.iou(grafted.rles, grafted.rles, *SIZE)
    assert (overlap[~np.eye(len(grafted), dtype=np.bool_)] <= DUPLICATE).all()


@settings(deadline=None)
@given(
    left=st.integers(0, 11),
    right=st.integers(20, 39),
    top=st.integers(8, 20),
    bottom=st.integers(24, 32),
    error=st.integers(-1, 1),
    others=seeds,
)
def test_an_object_across_the_border_stays_one(
    left: int, right: int, top: int, bottom: int, error: int, others: int
) -> None:
    whole = (left, top, right, bottom)
    found = rectangles((left, top, right + error, bottom))  # badly seen from afar
    seen = rectangles((16, top, right, bottom))  # well, but cut off at x = 16
    far = blobs(np.random.default_rng(others), 4)
    far[:, :, :44] = False  # in no one's way
    crowd = MaskSet.from_masks(far)
    crowd = crowd[crowd.areas > 0]
    grafted = graft(MaskSet.concatenate([found, crowd]), seen, REGION)
    assert grafted.rles[0] == rectangles(whole).rles[0]
    assert grafted.rles[1:] == crowd.rles


@settings(deadline=None, max_examples=50)
@given(seeds)
def test_an_index_stays_with_its_object_through_many_looks(seed: int) -> None:
    found, seen, region = scene(seed)
    first = graft(found, seen, region)
    _, again, elsewhere = scene(seed + 1)
    second = graft(first, again, elsewhere)
    assert len(found) <= len(first) <= len(second)
    overlap = rle.iou(first.rles, second.rles, *SIZE)
    changed = np.flatnonzero(np.diag(overlap) < 1)
    x1, y1, x2, y2 = elsewhere
    boxes = first.boxes[changed]
    # Only masks that have pixels in the second region may change there
    assert ((boxes[:, 0] < x2) & (boxes[:, 2] > x1) & (boxes[:, 1] < y2) & (boxes[:, 3] > y1)).all()
