from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from anymask.train.assign import Assignment, assign, complete_iou, pad_boxes
from anymask.train.settings import Settings

Boxes = list[list[float]]


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([0, 0, 4, 4], [0, 0, 4, 4], 1.0),  # the same
        ([0, 0, 4, 4], [1, 1, 3, 3], 0.25),  # the same middle and aspect: IoU alone
        ([0, 0, 1, 1], [2, 0, 3, 1], -0.4),  # apart: middles 2 apart in a hull of 3 x 1, 0 - 4 / 10
        ([0, 0, 2, 2], [1, 0, 3, 2], 1 / 3 - 1 / 13),  # middles 1 apart in a hull of 3 x 2
        # a lying and a standing box: IoU 1/3, middles .5 ** .5 apart in a hull of 2 x 2, and the aspect's share of
        # v = 4 / pi^2 (atan 2 - atan .5)^2 = .16782, times v / (1 - 1/3 + v) = .20110
        ([0, 0, 2, 1], [0, 0, 1, 2], 1 / 3 - 0.5 / 8 - 0.16782 * 0.20110),
        ([0, 0, 0, 0], [0, 0, 4, 4], -8 / 32),  # no area: middles 8 ** .5 apart in a hull of 4 x 4, same aspect taken
    ],
)
def test_complete_iou(a: list[float], b: list[float], expected: float) -> None:
    found = complete_iou(torch.tensor(a, dtype=torch.float32), torch.tensor(b, dtype=torch.float32))
    if a == [0, 0, 0, 0]:  # its aspect is atan(0 / eps) = 0 against 45 degrees: v = 1/4, times v / (1 + v)
        expected -= 0.25 * 0.2
    assert float(found) == pytest.approx(expected, abs=1e-4)


coordinates = st.floats(0, 100, width=32)


@settings(deadline=None, max_examples=50)
@given(st.lists(coordinates, min_size=8, max_size=8))
def test_complete_iou_keeps_its_range(numbers: list[float]) -> None:
    a, b = (
        torch.tensor([*map(min, pair[:2], pair[2:]), *map(max, pair[:2], pair[2:])])
        for pair in (numbers[:4], numbers[4:])
    )
    assert -1.5 < float(complete_iou(a, b)) <= 1 + 1e-6


def test_pad_boxes() -> None:
    boxes = torch.tensor([[0.0, 0, 1, 1], [0, 0, 2, 2], [0, 0, 3, 3]])
    padded, real, index = pad_boxes(boxes, torch.tensor([0, 2, 2]), 4)  # the second and the last canvas have none
    assert real.tolist() == [[True, False], [False, False], [True, True], [False, False]]
    assert index[real].tolist() == [0, 1, 2]
    assert torch.equal(padded[real], boxes)
    assert not padded[~real].any()


def test_pad_boxes_of_no_objects() -> None:
    padded, real, index = pad_boxes(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64), 2)
    assert padded.shape == (2, 1, 4)
    assert real.shape == index.shape == (2, 1)
    assert not real.any()


def grid(side: int, stride: int = 8) -> tuple[Tensor, Tensor]:
    """Centres (A, 2) and strides (A,) of the anchors on a canvas, row by row."""
    line = torch.arange(stride / 2, side, stride)
    y, x = torch.meshgrid(line, line, indexing="ij")
    return torch.stack((x.flatten(), y.flatten()), dim=1), torch.full((len(line) ** 2,), float(stride))


def assigned_on(
    side: int, scores: list[float], boxes: Boxes, objects: Boxes, real: list[bool], topk: int = 10
) -> Assignment:
    """The assignment on one canvas without its first axis."""
    centres, strides = grid(side)
    found = assign(
        torch.tensor([scores]),
        torch.tensor([boxes], dtype=torch.float32),
        centres,
        strides,
        torch.tensor([objects], dtype=torch.float32),
        torch.tensor([real]),
        replace(Settings(), topk=topk),
    )
    return Assignment(*(tensor[0] for tensor in found))


ALL_16 = [[0.0, 0.0, 16.0, 16.0]] * 4  # four anchors that predict the whole canvas
SMALL = [0.0, 0.0, 8.0, 8.0]  # the first anchor's cell
WHOLE = [0.0, 0.0, 16.0, 16.0]


def test_one_object_takes_the_one_anchor_in_it() -> None:
    found = assigned_on(16, [0.25] * 4, [SMALL] * 4, [SMALL], [True])
    assert found.assigned.tolist() == [True, False, False, False]
    assert found.targets.tolist() == pytest.approx([1, 0, 0, 0])  # a perfect box: however low its score is, it learns 1


def test_targets_are_the_overlap_of_the_best_and_less_for_the_others() -> None:
    # boxes that overlap the whole by 1/4 (in a corner), 9/16, and not at all (twice)
    boxes: Boxes = [[0, 0, 8, 8], [2, 2, 14, 14], [40, 40, 41, 41], [40, 40, 41, 41]]
    found = assigned_on(16, [0.04, 0.04, 0.5, 0.5], boxes, [WHOLE], [True])
    # CIoU of the corner: 1/4 - (4^2 + 4^2) / (16^2 + 16^2); metrics go with its sixth power
    corner, middle = 0.25 - 32 / 512, 9 / 16
    assert found.assigned.tolist() == [True] * 4
    assert found.targets.tolist() == pytest.approx([(corner / middle) ** 6 * middle, middle, 0, 0], abs=1e-6)


def test_a_higher_score_is_better_aligned() -> None:
    found = assigned_on(16, [0.64, 0.16, 0.16, 0.16], ALL_16, [WHOLE], [True])
    assert found.targets.tolist() == pytest.approx([1, 0.5, 0.5, 0.5])  # square roots of the scores, over the best one


def test_an_anchor_of_two_objects_goes_to_the_larger_overlap() -> None:
    found = assigned_on(16, [0.5] * 4, [SMALL, *ALL_16[1:]], [WHOLE, SMALL], [True, True])
    assert found.assigned.tolist() == [True] * 4
    assert found.objects.tolist() == [1, 0, 0, 0]
    assert found.targets.tolist() == pytest.approx([1] * 4)

    found = assigned_on(16, [0.5] * 4, ALL_16, [WHOLE, SMALL], [True, True])
    assert found.objects.tolist() == [0] * 4  # the small one loses its only anchor, which sees the whole


def test_objects_that_are_padding_take_nothing() -> None:
    found = assigned_on(16, [0.5] * 4, ALL_16, [[0.0] * 4, SMALL], [False, True])
    assert found.assigned.tolist() == [True, False, False, False]
    assert found.objects.tolist() == [1, 0, 0, 0]
    found = assigned_on(16, [0.5] * 4, ALL_16, [WHOLE, [0.0] * 4], [False, False])  # no objects at all
    assert not found.assigned.any()
    assert not found.targets.any()
    assert not found.objects.any()


def test_an_object_takes_its_topk_best_anchors() -> None:
    boxes = [[0.0, 0, 32, 32 - index] for index in range(16)]  # anchor after anchor a little worse
    found = assigned_on(32, [0.5] * 16, boxes, [[0.0, 0, 32, 32]], [True], topk=3)
    assert found.assigned.tolist() == [True] * 3 + [False] * 13
    # all anchors overlap nothing: the nearest to the middle are taken, at (12, 12), (20, 12), (12, 20), (20, 20)
    found = assigned_on(32, [0.5] * 16, [[90.0, 90.0, 91.0, 91.0]] * 16, [[0.0, 0.0, 32.0, 32.0]], [True], topk=4)
    assert found.assigned.nonzero().flatten().tolist() == [5, 6, 9, 10]
    assert not found.targets.any()


@settings(deadline=None, max_examples=50)
@given(st.floats(0, 63.5), st.floats(0, 63.5), st.floats(0.5, 64), st.floats(0.5, 64))
def test_every_object_gets_an_anchor_however_small(x: float, y: float, width: float, height: float) -> None:
    box = [x, y, min(64.0, x + width), min(64.0, y + height)]
    found = assigned_on(64, [0.01] * 64, [[0.0, 0, 64, 64]] * 64, [box], [True])
    assert 1 <= int(found.assigned.sum()) <= 10


def test_anchors_outside_the_box_are_not_taken() -> None:
    found = assigned_on(64, [0.9] * 64, [[16.0, 16, 40, 40]] * 64, [[16.0, 16, 40, 40]], [True], topk=64)
    centres, _ = grid(64)
    inside = ((centres > 16) & (centres < 40)).all(1)
    assert torch.equal(found.assigned, inside)
