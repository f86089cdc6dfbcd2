"""From the network's output to masks: shapes whose edge is known come back to within half a pixel of the picture."""

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from anymask.errors import SettingsError, ShapeError
from anymask.letterbox import Letterbox
from anymask.maskset import MaskSet
from anymask.postprocess import postprocess
from anymask.rules import CropRule, ScoreRule
from anymask.runtimes import FakeRuntime, RawOutput

Floats = NDArray[np.floating[Any]]
Shape = Callable[
    [Floats, Floats], Floats
]  # x (1, w), y (h, 1) in source pixels -> (h, w) distance to the edge, + inside
XYXY = tuple[float, float, float, float]

STRIDE = 4
SIZES = [
    (1, 1),
    (1, 5000),
    (5000, 1),
    (37, 53),
    (427, 640),
    (720, 1281),
    (640, 427),
    (4096, 32),
    (32, 4096),
    (3000, 4000),
]
SMALL = [(37, 53), (61, 40), (100, 96), (129, 300)]  # quick enough for many examples


def half_plane(angle: float, x: float, y: float) -> Shape:
    """Everything on one side of the line through (x, y)."""
    return lambda xs, ys: np.cos(angle) * (xs - x) + np.sin(angle) * (ys - y)


def disc(x: float, y: float, radius: float) -> Shape:
    return lambda xs, ys: radius - np.hypot(xs - x, ys - y)


def rod(x1: float, y1: float, x2: float, y2: float, radius: float) -> Shape:
    """All within the radius of a line from (x1, y1) to (x2, y2)."""
    dx, dy = x2 - x1, y2 - y1

    def distance(xs: Floats, ys: Floats) -> Floats:
        along = np.clip(((xs - x1) * dx + (ys - y1) * dy) / (dx * dx + dy * dy), 0, 1)
        return radius - np.hypot(xs - x1 - along * dx, ys - y1 - along * dy)

    return distance


def everywhere(xs: Floats, ys: Floats) -> Floats:
    return np.ones(np.broadcast_shapes(xs.shape, ys.shape))


def network_says(letterbox: Letterbox, *objects: tuple[Shape, XYXY, float], sharpness: float = 1.0) -> RawOutput:
    """The output of a perfect network, for (shape, box in source pixels, class score) each.

    Object k has prototype k to itself, which holds the shape's distance to the edge at the centres of the cells.
    """
    x = (np.arange(letterbox.width // STRIDE) + 0.5) * STRIDE / letterbox.scale_x
    y = (np.arange(letterbox.height // STRIDE) + 0.5) * STRIDE / letterbox.scale_y
    prototypes = np.stack([sharpness * shape(x[None, :], y[:, None]) for shape, _, _ in objects])
    boxes = letterbox.boxes_to_network(np.array([box for _, box, _ in objects]))
    columns = [
        (boxes[:, :2] + boxes[:, 2:]).T / 2,
        (boxes[:, 2:] - boxes[:, :2]).T,
        np.array([[score for _, _, score in objects]]),
        np.eye(len(objects)),
    ]
    return RawOutput(np.concatenate(columns).astype(np.float32)[None], prototypes.astype(np.float32)[None])


def whole(letterbox: Letterbox) -> XYXY:
    return 0, 0, letterbox.source_width, letterbox.source_height


def worst_mistake(letterbox: Letterbox, shape: Shape, mask: NDArray[np.bool_]) -> float:
    """How far, in source pixels, the centre of a wrong pixel is from the true edge.

    Beyond the centres of the outermost cells on the picture the network says nothing; there no edge can be found.
    """
    h, w = letterbox.height // STRIDE, letterbox.width // STRIDE
    pixels, cells = letterbox.pixels_in_cells(h, w), letterbox.cells_in_pixels(h, w)
    known_x, known_y = (
        (position >= 0) & (position <= len(centres) - 1) | np.full(position.shape, len(centres) == 1)
        for position, centres in zip(pixels, cells, strict=True)
    )
    x, y = np.arange(letterbox.source_width) + 0.5, np.arange(letterbox.source_height) + 0.5
    distance = shape(x[None, known_x], y[known_y, None])
    wrong = mask[np.ix_(known_y, known_x)] != (distance > 0)
    return float(np.abs(distance[wrong]).max(initial=0))


def recovered(letterbox: Letterbox, shape: Shape, box: XYXY) -> NDArray[np.bool_]:
    """The mask of one object, false where nothing was found."""
    found = postprocess(network_says(letterbox, (shape, box, 0.9)), letterbox)
    assert len(found) <= 1
    return found[0].mask(0) if len(found) else np.zeros(found.size, np.bool_)


# Geometry: the edge is where it should be


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("image_size", [320, 640, 1024])
@pytest.mark.parametrize("share", [0.31, 0.7003])
def test_straight_edges(size: tuple[int, int], image_size: int, share: float) -> None:
    height, width = size
    letterbox = Letterbox.fit(height, width, image_size)
    thin = min(height, width) <= 32  # a few cells across: only an edge across the long side can be told
    angles = [0.0 if width >= height else np.pi / 2] if thin else [0.0, np.pi / 2, 2.2]
    for angle in angles[: 2 if max(size) > 2000 else None]:
        edge = half_plane(angle, share * width, share * height)
        mask = recovered(letterbox, edge, whole(letterbox))
        assert worst_mistake(letterbox, edge, mask) < 0.05  # cubic interpolation is exact for straight edges
        assert mask.any() or size == (1, 1)


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(SMALL),
    st.sampled_from([64, 320, 640]),
    st.floats(0, 2 * np.pi),
    st.floats(0.2, 0.8),
    st.floats(0.2, 0.8),
)
def test_straight_edges_at_any_place_and_angle(
    size: tuple[int, int], image_size: int, angle: float, x: float, y: float
) -> None:
    height, width = size
    letterbox = Letterbox.fit(height, width, image_size)
    edge = half_plane(angle, x * width, y * height)
    assert worst_mistake(letterbox, edge, recovered(letterbox, edge, whole(letterbox))) < 0.05


@pytest.mark.parametrize("size", [size for size in SIZES if min(size) > 32])
@pytest.mark.parametrize("image_size", [320, 640, 1024])
def test_discs(size: tuple[int, int], image_size: int) -> None:
    height, width = size
    letterbox = Letterbox.fit(height, width, image_size)
    x, y, radius = 0.4137 * width, 0.5571 * height, 0.27 * min(size)
    shape = disc(x, y, radius)
    mask = recovered(letterbox, shape, (x - radius, y - radius, x + radius, y + radius))
    assert worst_mistake(letterbox, shape, mask) < 0.5
    assert mask.sum() == pytest.approx(np.pi * radius**2, rel=0.03)


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(SMALL),
    st.sampled_from([64, 320, 640]),
    st.floats(0.4, 0.6),
    st.floats(0.4, 0.6),
    st.floats(0.25, 0.38),
)
def test_discs_at_any_place(size: tuple[int, int], image_size: int, x: float, y: float, radius: float) -> None:
    height, width = size
    letterbox = Letterbox.fit(height, width, image_size)
    x, y, radius = x * width, y * height, radius * min(size)
    shape = disc(x, y, radius)
    mask = recovered(letterbox, shape, (x - radius, y - radius, x + radius, y + radius))
    assert worst_mistake(letterbox, shape, mask) < 0.5


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("image_size", [320, 640])
def test_a_whole_picture_is_covered_to_its_corners(size: tuple[int, int], image_size: int) -> None:
    letterbox = Letterbox.fit(*size, image_size)
    raw = network_says(letterbox, (everywhere, whole(letterbox), 0.9))
    # the network sees that the padding is no part of the object
    h, w = letterbox.height // STRIDE, letterbox.width // STRIDE
    cells_x, cells_y = letterbox.cells_in_pixels(h, w)
    raw.prototypes[:, :, len(cells_y) :] = -20
    raw.prototypes[..., len(cells_x) :] = -20
    found = postprocess(raw, letterbox)
    assert found.areas.tolist() == [size[0] * size[1]]
    assert found.boxes.tolist() == [list(whole(letterbox))]


@pytest.mark.parametrize("image_size", [320, 640])
def test_tips_outside_the_predicted_box_are_kept(image_size: int) -> None:
    letterbox = Letterbox.fit(480, 640, image_size)
    cell = STRIDE / letterbox.scale_x
    shape = rod(203.3, 101.2, 331.8, 290.9, radius=6)
    tight = np.array([197.3, 95.2, 337.8, 296.9])
    small = tuple((tight + cell * np.array([1, 1, -1, -1])).tolist())  # a cell too small on every side
    raw = network_says(letterbox, (shape, small, 0.9), sharpness=6.0)  # logits per pixel: the network is sure
    found = postprocess(raw, letterbox)
    assert np.abs(found.boxes[0] - tight).max() < cell / 4
    assert found.masks[0, 101, 203]
    assert found.masks[0, 290, 331]
    cut = postprocess(raw, letterbox, crop_rule=CropRule(cells=0, share=0))
    assert np.abs(cut.boxes[0] - small).max() <= 1


@pytest.mark.parametrize(
    ("logit", "box", "reached"),
    [
        (20, (100, 100, 300, 200), [90, 95, 310, 205]),  # sure: grown by 5 % of 200 and 100
        (20, (100.5, 100, 110.5, 120), [96, 96, 115, 124]),  # grown by a cell of 4 pixels, to whole pixels
        (1, (100, 100, 300, 200), [98, 99, 302, 201]),  # hardly sure: a fifth of the way, as 5 is lost on all of it
    ],
)
def test_a_mask_stays_near_its_box(logit: float, box: XYXY, reached: list[int]) -> None:
    letterbox = Letterbox.fit(480, 640, 640)
    found = postprocess(network_says(letterbox, (everywhere, box, 0.9), sharpness=logit), letterbox)
    assert found.boxes.tolist() == [reached]


# Which masks come back, and in which order

LETTERBOX = Letterbox.fit(96, 128, 128)
LEFT, RIGHT = disc(32, 48, 20), disc(96, 48, 20)
LEFT_BOX, RIGHT_BOX = (12.0, 28.0, 52.0, 68.0), (76.0, 28.0, 116.0, 68.0)


def test_best_score_first() -> None:
    raw = network_says(LETTERBOX, (LEFT, LEFT_BOX, 0.3), (RIGHT, RIGHT_BOX, 0.8))
    found = postprocess(raw, LETTERBOX)
    assert found.boxes.tolist() == [list(RIGHT_BOX), list(LEFT_BOX)]
    assert found.scores[0] > found.scores[1]
    assert found.scores == pytest.approx([0.8, 0.3], rel=0.1)  # distances of many pixels: the network is sure
    assert found.image is None
    assert len(postprocess(raw, LETTERBOX, score=0.5)) == 1
    assert len(postprocess(raw, LETTERBOX, max_masks=1)) == 1


def test_a_mask_the_network_is_sure_of_scores_higher() -> None:
    sure = network_says(LETTERBOX, (LEFT, LEFT_BOX, 0.6), sharpness=1)
    unsure = network_says(LETTERBOX, (LEFT, LEFT_BOX, 0.6), sharpness=0.01)
    scores = [float(postprocess(raw, LETTERBOX).scores[0]) for raw in (sure, unsure)]
    assert 0.55 < scores[0] <= 0.6
    assert 0.3 <= scores[1] < 0.32  # sigmoid just above 0.5
    by_class = [postprocess(raw, LETTERBOX, score_rule=ScoreRule(2, 0)).scores[0] for raw in (sure, unsure)]
    assert by_class == pytest.approx([0.36, 0.36])


def test_maskness_looks_at_the_object_alone() -> None:
    # right beside a faint object lies one that the network is very sure of
    def both(xs: Floats, ys: Floats) -> Floats:
        return np.where(xs < 64, 0.01 * LEFT(xs, ys), 50 * disc(84, 48, 20)(xs, ys))

    found = postprocess(network_says(LETTERBOX, (both, (12, 28, 62, 68), 0.6)), LETTERBOX)
    assert found.scores[0] < 0.32


def test_overlapping_boxes_give_one_mask() -> None:
    shifted = tuple(np.array(LEFT_BOX) + 2)
    raw = network_says(LETTERBOX, (LEFT, LEFT_BOX, 0.7), (disc(34, 50, 20), shifted, 0.9))
    assert postprocess(raw, LETTERBOX).scores == pytest.approx([0.9], rel=0.1)
    assert len(postprocess(raw, LETTERBOX, iou=0.95)) == 2


def test_duplicates_are_dropped_though_their_boxes_differ() -> None:
    wide = (8.0, 5.0, 80.0, 90.0)  # the same disc in a box that is far too large
    raw = network_says(LETTERBOX, (LEFT, LEFT_BOX, 0.7), (LEFT, wide, 0.9))
    found = postprocess(raw, LETTERBOX)
    assert found.scores == pytest.approx([0.9], rel=0.1)
    assert found.boxes.tolist() == [list(LEFT_BOX)]  # the mask's own box, not the predicted one
    assert len(postprocess(raw, LETTERBOX, iou=1.0)) == 2


def test_the_best_of_several_classes_counts() -> None:
    raw = network_says(LETTERBOX, (LEFT, LEFT_BOX, 0.2))
    classes = np.array([[[0.1], [0.9]]], np.float32)
    several = np.concatenate([raw.predictions[:, :4], classes, raw.predictions[:, 4:]], axis=1)
    assert postprocess(RawOutput(several, raw.prototypes), LETTERBOX).scores == pytest.approx([0.9], rel=0.1)


@pytest.mark.parametrize(
    ("shape", "box"),
    [
        (half_plane(0, 500, 0), LEFT_BOX),  # nothing inside the box
        (everywhere, (30, 30, 30, 60)),  # a box without width
        (everywhere, (60, 30, 30, 60)),  # of negative width
        (everywhere, (-50, 10, -10, 60)),  # beside the picture
        (everywhere, (129, 10, 140, 60)),
        (everywhere, (10, 97, 60, 140)),
    ],
)
def test_what_has_no_pixel_is_dropped(shape: Shape, box: XYXY) -> None:
    found = postprocess(network_says(LETTERBOX, (shape, box, 0.9), (RIGHT, RIGHT_BOX, 0.5)), LETTERBOX)
    assert found.boxes.tolist() == [list(RIGHT_BOX)]


def test_no_candidates() -> None:
    raw = RawOutput(np.zeros((1, 6, 0), np.float32), np.zeros((1, 1, 24, 32), np.float32))
    assert postprocess(raw, LETTERBOX) == MaskSet.empty((96, 128))


@pytest.mark.parametrize("row", range(7))
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38])
def test_broken_numbers_cost_their_candidate_only(row: int, value: float) -> None:
    raw = network_says(LETTERBOX, (LEFT, LEFT_BOX, 0.7), (RIGHT, RIGHT_BOX, 0.5))
    raw.predictions[0, row, 0] = value
    found = postprocess(raw, LETTERBOX)
    assert list(RIGHT_BOX) in found.boxes.tolist()
    assert len(found) == 1 or np.isfinite(value)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38])
def test_broken_prototypes_cost_the_masks_they_touch_only(value: float) -> None:
    raw = network_says(LETTERBOX, (LEFT, LEFT_BOX, 0.7), (RIGHT, RIGHT_BOX, 0.5))
    raw.prototypes[0, :, 12, 8] = value  # in the left disc
    found = postprocess(raw, LETTERBOX)
    assert list(RIGHT_BOX) in found.boxes.tolist()
    assert len(found) == 1 or np.isfinite(value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"score": 1.1}, r"score must lie in \[0, 1\], but got 1\.1"),
        ({"score": np.nan}, r"score must lie in \[0, 1\]"),
        ({"iou": -0.1}, r"iou must lie in \[0, 1\]"),
        ({"max_masks": 0}, "max_masks must be 1 or more, but got 0"),
    ],
)
def test_settings_out_of_range(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        postprocess(network_says(LETTERBOX, (LEFT, LEFT_BOX, 0.7)), LETTERBOX, **arguments)  # type: ignore[arg-type]


def test_one_picture_at_a_time() -> None:
    raw = network_says(LETTERBOX, (LEFT, LEFT_BOX, 0.7))
    batch = FakeRuntime(raw.predictions, raw.prototypes).run(np.zeros((2, 3, 96, 128), np.float32))
    with pytest.raises(ShapeError, match="pass raw\\[0\\]"):
        postprocess(batch, LETTERBOX)
    assert postprocess(batch[1], LETTERBOX) == postprocess(raw, LETTERBOX)


def test_memory_does_not_grow_with_the_picture_times_the_masks() -> None:
    letterbox = Letterbox.fit(3000, 4000, 640)
    shapes = [(half_plane(angle, 2000, 1500), whole(letterbox), 0.9) for angle in np.linspace(0, 3, 5)]
    raw = network_says(letterbox, *shapes)
    tracemalloc.start()
    found = postprocess(raw, letterbox, iou=1.0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found) == 5
    assert peak < 20e6  # bytes; one mask alone has 12e6 pixels
