"""Box formats and overlaps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anymask.boxes import area, clip, cxcywh_to_xyxy, intersection, iou, xywh_to_xyxy, xyxy_to_xywh

corners = st.tuples(*[st.integers(-50, 50)] * 4)
box_arrays = st.lists(corners, min_size=1, max_size=6).map(lambda rows: np.array(rows, np.float64))


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((0, 0, 2, 3), 6),
        ((1.5, 1, 2, 3), 1),
        ((2, 0, 2, 3), 0),  # no width
        ((2, 0, 1, 3), 0),  # edges swapped
        ((2, 3, 0, 0), 0),  # both pairs swapped: not 6
    ],
)
def test_area(box: tuple[float, ...], expected: float) -> None:
    assert area(np.array([box], np.float32)).tolist() == [expected]


@pytest.mark.parametrize(
    ("a", "b", "shared", "expected"),
    [
        ((0, 0, 2, 2), (0, 0, 2, 2), 4, 1),  # same
        ((0, 0, 2, 2), (1, 1, 3, 3), 1, 1 / 7),  # corner
        ((0, 0, 2, 2), (2, 0, 4, 2), 0, 0),  # touching
        ((0, 0, 2, 2), (5, 5, 6, 6), 0, 0),  # apart on both axes: two negatives must not make a positive
        ((0, 0, 4, 4), (1, 1, 2, 2), 1, 1 / 16),  # inside
        ((1, 1, 1, 1), (1, 1, 1, 1), 0, 0),  # no area at all
    ],
)
def test_overlap(a: tuple[float, ...], b: tuple[float, ...], shared: float, expected: float) -> None:
    first, second = np.array([a], np.float64), np.array([b], np.float64)
    assert intersection(first, second).tolist() == [[shared]]
    assert iou(first, second)[0, 0] == pytest.approx(expected)


def test_overlap_is_a_matrix_of_all_pairs() -> None:
    boxes, others = np.zeros((3, 4), np.float32), np.ones((2, 4), np.float32)
    assert iou(boxes, others).shape == (3, 2)
    assert iou(boxes, others[:0]).shape == (3, 0)


@settings(deadline=None)
@given(box_arrays)
def test_iou_is_symmetric_and_in_range(boxes: np.ndarray) -> None:
    overlap = iou(boxes, boxes)
    assert np.array_equal(overlap, overlap.T)
    assert ((overlap >= 0) & (overlap <= 1)).all()
    assert np.array_equal(np.diag(overlap), (area(boxes) > 0).astype(float))


def test_formats() -> None:
    xyxy = np.array([[1, 2, 4, 8]], np.float32)
    assert xyxy_to_xywh(xyxy).tolist() == [[1, 2, 3, 6]]
    assert cxcywh_to_xyxy(np.array([[2.5, 5, 3, 6]], np.float32)).tolist() == xyxy.tolist()
    assert xyxy_to_xywh(xyxy).dtype == np.float32


@settings(deadline=None)
@given(box_arrays)
def test_formats_round_trip(boxes: np.ndarray) -> None:
    assert np.array_equal(xywh_to_xyxy(xyxy_to_xywh(boxes)), boxes)


def test_clip_cuts_to_the_picture_in_a_new_array() -> None:
    boxes = np.array([[-1, -2, 30, 40], [3, 4, 5, 6]], np.float64)
    assert clip(boxes, height=20, width=10).tolist() == [[0, 0, 10, 20], [3, 4, 5, 6]]
    assert boxes[0].tolist() == [-1, -2, 30, 40]
