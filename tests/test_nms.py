"""Non-maximum suppression."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from anymask import rle
from anymask.boxes import iou as box_iou
from anymask.nms import nms_boxes, nms_masks

A, B, C = (0, 0, 10, 10), (1, 0, 11, 10), (20, 20, 30, 30)  # A and B have IoU 9 / 11 = 0.818


@pytest.mark.parametrize(
    ("boxes", "scores", "iou", "limit", "kept"),
    [
        ([A, B, C], [0.9, 0.8, 0.7], 0.7, 9, [0, 2]),  # B falls to A
        ([A, B, C], [0.8, 0.9, 0.7], 0.7, 9, [1, 2]),  # A falls to B
        ([A, B, C], [0.7, 0.8, 0.9], 0.82, 9, [2, 1, 0]),  # nothing overlaps more than that; best first
        ([A, B, C], [0.9, 0.8, 0.7], 0.82, 2, [0, 1]),  # the limit takes the best
        ([A, A, A], [0.5, 0.5, 0.5], 0.7, 9, [0]),  # ties by index
        ([A, A], [0.5, 0.6], 1.0, 9, [1, 0]),  # 1 switches suppression off
        ([A, C, C], [0.5, 0.5, 0.9], 0.0, 9, [2, 0]),
        ([], [], 0.7, 9, []),
    ],
)
def test_boxes(boxes: list[object], scores: list[float], iou: float, limit: int, kept: list[int]) -> None:
    found = nms_boxes(np.array(boxes, np.float64).reshape(-1, 4), np.array(scores), iou, limit)
    assert found.tolist() == kept


def random_boxes(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    corners = rng.integers(0, 40, (count, 2))
    boxes = np.concatenate([corners, corners + rng.integers(1, 30, (count, 2))], axis=1).astype(np.float64)
    return boxes, rng.integers(0, 20, count) / 20  # many equal scores


def one_by_one(boxes: np.ndarray, scores: np.ndarray, iou: float, limit: int) -> list[int]:
    kept: list[int] = []
    for index in sorted(range(len(boxes)), key=lambda index: (-scores[index], index)):
        if len(kept) < limit and all(box_iou(boxes[[index]], boxes[[other]])[0, 0] <= iou for other in kept):
            kept.append(index)
    return kept


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.3, 0.7, 0.95]), st.integers(1, 30))
def test_boxes_equal_the_definition(seed: int, iou: float, limit: int) -> None:
    boxes, scores = random_boxes(40, seed)
    assert nms_boxes(boxes, scores, iou, limit).tolist() == one_by_one(boxes, scores, iou, limit)


def test_boxes_equal_the_definition_over_several_blocks() -> None:
    boxes, scores = random_boxes(700, 0)
    assert nms_boxes(boxes, scores, 0.6, 150).tolist() == one_by_one(boxes, scores, 0.6, 150)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.3, 0.7]))
def test_boxes_twice_is_boxes_once(seed: int, iou: float) -> None:
    boxes, scores = random_boxes(40, seed)
    kept = nms_boxes(boxes, scores, iou, 40)
    assert nms_boxes(boxes[kept], scores[kept], iou, 40).tolist() == list(range(len(kept)))


stacks = st.tuples(st.integers(0, 8), st.integers(1, 4), st.integers(1, 4)).flatmap(lambda s: arrays(np.bool_, s))


@settings(deadline=None)
@given(stacks, st.sampled_from([0.0, 0.5, 0.9, 1.0]), st.data())
def test_masks_equal_the_definition(stack: np.ndarray, iou: float, data: st.DataObject) -> None:
    n, height, width = stack.shape
    scores = np.array(data.draw(st.lists(st.sampled_from([0.1, 0.5, 0.9]), min_size=n, max_size=n)))
    rles = [rle.encode_crop(mask, 0, 0, height, width) for mask in stack]
    overlap = rle.iou(rles, rles, height, width)
    kept: list[int] = []
    for index in sorted(range(n), key=lambda index: (-scores[index], index)):
        if all(overlap[index, other] <= iou for other in kept):
            kept.append(index)
    found = nms_masks(rles, scores, iou, height, width)
    assert found.tolist() == kept
    again = nms_masks([rles[index] for index in kept], scores[found], iou, height, width)
    assert again.tolist() == list(range(len(kept)))
