import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from anymask.network.head import HeadOutput, SegmentHead
from anymask.train.batches import Batch, boxes_of
from anymask.train.loss import background_at, choose_for_masks, compute_losses, distance_loss
from anymask.train.settings import Settings

SIDE = 64
SETTINGS = Settings()


def dice_rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_distance_loss_of_a_known_distribution() -> None:
    logits = torch.tensor([0.1, 0.2, 0.6, 0.1]).log().view(1, 1, 4, 1).expand(1, 4, 4, 1)
    output = HeadOutput(
        logits,
        torch.zeros(1, 1, 1),
        torch.zeros(1, 1, 1),
        torch.zeros(1, 1, 4, 4),
        torch.tensor([[1.0], [1.0]]),
        torch.tensor([8.0]),
    )
    # from the anchor at (8, 8): left 1 stride, top 1/4 stride, right 1.5 strides, bottom 9 strides, beyond the last bin
    truth = torch.tensor([[0.0, 6.0, 20.0, 80.0]])
    sides = [
        -math.log(0.2),
        -0.75 * math.log(0.1) - 0.25 * math.log(0.2),
        -0.5 * math.log(0.2) - 0.5 * math.log(0.6),
        -0.01 * math.log(0.6) - 0.99 * math.log(0.1),  # as far as the bins go
    ]
    first = torch.tensor([0])
    found = distance_loss(output, truth, first, first, torch.tensor([0.5]))
    assert float(found) == pytest.approx(0.5 * sum(sides) / 4, rel=1e-4)


@pytest.mark.parametrize(
    ("weights", "limit", "expected"),
    [
        ([0.1, 0.9, 0.5], 3, [0, 1, 2]),  # all of them
        ([], 3, []),
        ([0.0, 1e6, 0.0, 1e6], 2, [1, 3]),  # the well aligned ones, in order
    ],
)
def test_choose_for_masks(weights: list[float], limit: int, expected: list[int]) -> None:
    assert choose_for_masks(torch.tensor(weights), limit, dice_rng()).tolist() == expected


def test_chosen_indices_ascend_and_differ() -> None:
    chosen = choose_for_masks(torch.rand(200, generator=dice_rng()), 50, dice_rng())
    assert len(chosen) == 50
    assert (chosen.diff() > 0).all()


def test_background_at_every_stride() -> None:
    background = torch.arange(64.0).view(1, 8, 8)  # a canvas of 64 pixels
    centres = torch.tensor([[4.0, 4.0], [60.0, 4.0], [4.0, 12.0], [8.0, 8.0], [48.0, 16.0]])
    assert background_at(background, centres).tolist() == [[0.0, 7.0, 8.0, 9.0, 22.0]]


def rectangle(x1: int, y1: int, x2: int, y2: int) -> Tensor:
    mask = torch.zeros(SIDE, SIDE, dtype=torch.bool)
    mask[y1:y2, x1:x2] = True
    return mask


def as_prototype(mask: Tensor, logit: float) -> Tensor:
    """(1, 1, 16, 16) the logits of a mask whose edges are multiples of 4."""
    return functional.avg_pool2d(mask.float()[None, None], 4) * (2 * logit) - logit


MASK = rectangle(16, 8, 48, 40)
BAND = rectangle(0, 16, 64, 48)  # has no corners, which bilinear logits round off


def head_output(count: int = 1) -> HeadOutput:
    """What an untrained head says about ``count`` canvases."""
    torch.manual_seed(0)
    head = SegmentHead((16, 16, 16), 1, 8, 4, proto_channels=8)
    pyramid = [torch.rand(count, 16, SIDE // stride, SIDE // stride) for stride in (8, 16, 32)]
    output: HeadOutput = head(pyramid, torch.zeros(count, 16, 16, 16))
    return output


def batch_of(masks: list[Tensor], owner: list[int], background: Tensor) -> Batch:
    stacked = torch.stack(masks) if masks else torch.zeros(0, SIDE, SIDE, dtype=torch.bool)
    images = torch.zeros(len(background), 3, SIDE, SIDE, dtype=torch.uint8)
    return Batch(images, stacked, boxes_of(stacked), torch.tensor(owner, dtype=torch.int64), background)


def test_losses_are_positive_and_have_gradients() -> None:
    output = head_output(2)
    batch = batch_of([MASK, rectangle(0, 0, 16, 16), MASK], [0, 0, 1], torch.ones(2, 8, 8))
    losses = compute_losses(output, batch, SETTINGS, dice_rng())
    assert [float(loss.detach()) > 0 for loss in losses] == [True, True, True, True, False]  # no quality is told
    assert float(losses.total().detach()) == pytest.approx(sum(float(loss.detach()) for loss in losses))
    gradients = torch.autograd.grad(losses.total(), output[:4])
    assert all(gradient.isfinite().all() and gradient.any() for gradient in gradients)


def test_canvases_without_objects_cost_only_their_scores() -> None:
    output = head_output(2)
    losses = compute_losses(output, batch_of([], [], torch.ones(2, 8, 8)), SETTINGS, dice_rng())
    assert [float(loss.detach()) > 0 for loss in losses] == [True, False, False, False, False]
    losses.total().backward()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(("weight", "cost"), [(1.0, 10.0), (0.6, 6.0), (0.0, 0.0)])  # "all", "most", "some"
def test_a_false_detection_costs_what_its_pixel_says(weight: float, cost: float) -> None:
    output = head_output()
    loud = output.class_logits.detach().clone().fill_(-100.0)
    loud[0, 0, 0] = 20.0  # the anchor at (4, 4), far from the object; its cross entropy is 20
    background = torch.ones(1, 8, 8)
    background[0, 0, 0] = weight
    batch = batch_of([], [], background)
    score = compute_losses(output._replace(class_logits=loud), batch, SETTINGS, dice_rng()).score
    assert float(score) == pytest.approx(SETTINGS.class_gain * 2 * cost, abs=1e-4)


def test_an_assigned_anchor_counts_whatever_lies_under_it() -> None:
    output = head_output()
    batch = batch_of([MASK], [0], torch.zeros(1, 8, 8))
    assert float(compute_losses(output, batch, SETTINGS, dice_rng()).score.detach()) > 0


def test_a_perfect_answer_costs_next_to_nothing() -> None:
    mask = BAND
    output = head_output()
    boxes = torch.zeros(1, 4, 8, 84)
    corners = torch.tensor([0.0, 16.0, 64.0, 48.0])
    centres = (output.anchors * output.strides).T
    distances = torch.cat((centres - corners[:2], corners[2:] - centres), dim=1) / output.strides[:, None]  # (A, 4)
    for side in range(4):
        for anchor, distance in enumerate(distances[:, side].clamp(0, 6.9).tolist()):
            share = distance - int(distance)
            boxes[0, side, :, anchor] = -100
            boxes[0, side, int(distance), anchor] = np.log(max(1 - share, 1e-30))
            boxes[0, side, int(distance) + 1, anchor] = np.log(max(share, 1e-30))
    inside = (centres[:, 1] > 16) & (centres[:, 1] < 48) & (distances.amax(1) < 7)  # whose bins reach the edges
    chosen = inside.nonzero().flatten()[:10]
    scores = torch.full((1, 1, 84), -100.0)
    scores[0, 0, chosen] = 100.0
    coefficients = torch.ones(1, 1, 84)
    perfect = HeadOutput(boxes, scores, coefficients, as_prototype(mask, 1e4), output.anchors, output.strides)
    losses = compute_losses(perfect, batch_of([mask], [0], torch.ones(1, 8, 8)), SETTINGS, dice_rng())
    assert float(losses.score) == pytest.approx(0, abs=0.01)
    assert float(losses.box) == pytest.approx(0, abs=0.01)
    assert float(losses.mask) < 0.05
    # cross entropy with a split between two bins is its entropy at best
    assert float(losses.distance) <= SETTINGS.dfl_gain * math.log(2) + 1e-3
