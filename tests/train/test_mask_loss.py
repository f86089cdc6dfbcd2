import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from anymask.train.batches import boxes_of
from anymask.train.mask_loss import (
    Masks,
    jittered_grid,
    mask_losses,
    read_labels,
    read_logits,
    uncertain_points,
    windows,
)
from anymask.train.settings import Settings

SIDE = 64
SETTINGS = Settings()


def dice_rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def rectangle(x1: int, y1: int, x2: int, y2: int) -> Tensor:
    mask = torch.zeros(SIDE, SIDE, dtype=torch.bool)
    mask[y1:y2, x1:x2] = True
    return mask


def masks_on_one_canvas(
    prototypes: Tensor, masks: Tensor, coefficients: Tensor | None = None, quality_logits: Tensor | None = None
) -> Masks:
    """One positive per mask; of one prototype, or with coefficients of their own."""
    count = len(masks)
    boxes = boxes_of(masks)
    coefficients = torch.ones(count, 1) if coefficients is None else coefficients
    canvas = torch.zeros(count, dtype=torch.int64)
    return Masks(coefficients, prototypes, canvas, masks, torch.arange(count), boxes, quality_logits)


def loss_of_masks(prototypes: Tensor, masks: Tensor, coefficients: Tensor | None = None) -> Tensor:
    return mask_losses(masks_on_one_canvas(prototypes, masks, coefficients), SETTINGS, dice_rng()).mask


def as_prototype(mask: Tensor, logit: float) -> Tensor:
    """(1, 1, 16, 16) the logits of a mask whose edges are multiples of 4."""
    return functional.avg_pool2d(mask.float()[None, None], 4) * (2 * logit) - logit


MASK = rectangle(16, 8, 48, 40)
BAND = rectangle(0, 16, 64, 48)  # has no corners, which bilinear logits round off


def test_mask_loss_of_perfect_logits_is_nearly_zero() -> None:
    assert float(loss_of_masks(as_prototype(BAND, 1e4), BAND[None])) < 0.01
    assert float(loss_of_masks(as_prototype(BAND.T, 1e4), BAND.T[None])) < 0.01
    flat = loss_of_masks(torch.zeros(1, 1, 16, 16), MASK[None])
    assert float(flat) > math.log(2)  # no idea costs as much as a coin in cross entropy alone
    assert float(loss_of_masks(as_prototype(~MASK, 20), MASK[None])) > 10  # surely wrong


def test_logits_shifted_by_a_pixel_cost_more() -> None:
    perfect = float(loss_of_masks(as_prototype(MASK, 8), MASK[None]))
    for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        moved = MASK.roll((dy, dx), (0, 1))
        assert float(loss_of_masks(as_prototype(MASK, 8), moved[None])) > perfect


def test_mask_gradient_points_the_right_way() -> None:
    prototypes = torch.zeros(1, 1, 16, 16, requires_grad=True)
    loss_of_masks(prototypes, MASK[None]).backward()  # type: ignore[no-untyped-call]
    assert prototypes.grad is not None
    gradient = prototypes.grad[0, 0]
    assert (gradient[3:9, 5:11] < 0).all()  # well inside: more is better
    assert (gradient[0, 3:13] > 0).all()  # the margin above the box: less is better
    assert (gradient[13:, :] == 0).all()  # far away: no opinion


def test_each_positive_is_compared_with_its_own_mask() -> None:
    prototypes = torch.cat((as_prototype(BAND, 1e4), as_prototype(BAND.T, 1e4)), dim=1)
    own = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    assert float(loss_of_masks(prototypes, torch.stack((BAND, BAND.T)), own)) < 0.01
    assert float(loss_of_masks(prototypes, torch.stack((BAND, BAND.T)), own.flip(0))) > 1


def test_no_positive_is_no_loss_and_still_a_gradient_of_every_output() -> None:
    prototypes, coefficients, quality = torch.rand(1, 1, 16, 16), torch.zeros(0, 1), torch.zeros(0)
    outputs = [each.requires_grad_() for each in (prototypes, coefficients, quality)]
    empty = torch.zeros(0, SIDE, SIDE, dtype=torch.bool)
    losses = mask_losses(masks_on_one_canvas(prototypes, empty, coefficients, quality), SETTINGS, dice_rng())
    assert [float(loss.detach()) for loss in losses] == [0, 0]
    sum(losses, start=torch.zeros(())).backward()  # type: ignore[no-untyped-call]
    assert all(each.grad is not None for each in outputs)


def test_windows_grow_and_stay_on_the_canvas() -> None:
    low, high = windows(torch.tensor([[10.0, 20.0, 30.0, 60.0]]), 0.1, SIDE)
    assert low.tolist() == [[6.0, 14.0]]  # a tenth of the side and two pixels
    assert high.tolist() == [[34.0, 64.0]]


def test_a_grid_has_one_point_in_each_cell() -> None:
    points = jittered_grid(3, 4, dice_rng())
    assert points.shape == (3, 16, 2)
    cells = (points * 4).long()
    assert all(
        sorted(map(tuple, of_one.tolist())) == sorted((x, y) for x in range(4) for y in range(4)) for of_one in cells
    )
    assert (points[0] != points[1]).all()


def test_logits_and_labels_are_read_at_the_same_pixel() -> None:
    ramp = (torch.arange(16.0) * 4 + 2).expand(16, 16).view(1, 1, 16, 16)  # at every centre of a cell its own x
    points = torch.tensor([[[2.0, 2.0], [16.0, 30.0], [47.5, 8.5], [48.0, 8.0], [62.0, 39.9]]])
    masks = masks_on_one_canvas(ramp, MASK[None])
    assert read_logits(ramp, points, masks).tolist() == [pytest.approx([2, 16, 47.5, 48, 62])]
    assert read_labels(points, masks).tolist() == [[0, 1, 1, 0, 0]]  # MASK holds x from 16 to 47 and y from 8 to 39


def test_uncertain_points_lie_where_logits_are_nearest_to_0() -> None:
    ramp = (torch.arange(16.0) * 4 + 2 - 32).expand(16, 16).view(1, 1, 16, 16)  # 0 at x = 32
    masks = masks_on_one_canvas(ramp, MASK[None])
    low, high = windows(masks.boxes, 0.15, SIDE)
    points = uncertain_points(ramp, low, high, masks, SETTINGS, dice_rng())
    assert points.shape == (1, SETTINGS.uncertain_points, 2)
    assert ((points[..., 0] - 32).abs() < 0.2 * float(high[0, 0] - low[0, 0])).all()  # a third, and so a sixth each way
    assert float(points[..., 1].max() - points[..., 1].min()) > 30  # at any height


def test_without_uncertain_points_the_grid_alone_counts() -> None:
    masks = masks_on_one_canvas(as_prototype(MASK, 8), MASK[None])
    alone = mask_losses(masks, replace(SETTINGS, uncertain_points=0), dice_rng()).mask
    both = mask_losses(masks, SETTINGS, dice_rng()).mask
    assert 0 < float(alone) < float(both)  # what is unsure costs more than the mean of the window


@pytest.mark.parametrize(
    ("mask", "iou"),
    [
        (BAND, 1.0),  # what it is
        (rectangle(0, 16, 64, 32), 0.5),  # the prototype draws twice as much, in the window of the half: see below
        (~BAND, 0.0),
    ],
)
def test_quality_learns_the_iou(mask: Tensor, iou: float) -> None:
    def quality(believed: float) -> float:
        logits = torch.logit(torch.tensor([believed]), eps=1e-4)
        masks = masks_on_one_canvas(as_prototype(BAND, 20), mask[None], quality_logits=logits)
        return float(mask_losses(masks, replace(SETTINGS, mask_margin=1.0), dice_rng()).quality)

    believed = [0.001, 0.25, 0.5, 0.75, 0.999]
    best = min(believed, key=quality)
    assert best == pytest.approx(iou, abs=0.01)


def test_quality_does_not_pull_at_the_mask() -> None:
    prototypes = as_prototype(MASK, 1.0).requires_grad_()
    logits = torch.zeros(1, requires_grad=True)
    losses = mask_losses(masks_on_one_canvas(prototypes, MASK[None], quality_logits=logits), SETTINGS, dice_rng())
    losses.quality.backward()  # type: ignore[no-untyped-call]
    assert prototypes.grad is None
    assert logits.grad is not None
    assert logits.grad.any()
