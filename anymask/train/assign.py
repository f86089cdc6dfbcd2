"""Task-aligned assignment: which anchors learn which object (TOOD, Feng et al. 2021, arXiv 2108.07755, section 3.2)."""

from typing import NamedTuple

import torch
from torch import Tensor

from anymask.train.settings import CanvasSettings


class Assignment(NamedTuple):
    """For B canvases with A anchors each."""

    assigned: Tensor  # (B, A) bool: this anchor learns an object
    objects: Tensor  # (B, A) int64: which of the canvas's padded objects; 0 where not assigned
    targets: Tensor  # (B, A) float: the class score to learn, 0 where not assigned


def pad_boxes(boxes: Tensor, owner: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Boxes of N objects on ``count`` canvases -> padded tables.

    Returns:
        (B, M, 4) boxes, (B, M) bool whether real, (B, M) int64 index into the N objects.
    """
    per_canvas = torch.bincount(owner, minlength=count)
    most = max(1, int(per_canvas.max()) if len(owner) else 1)
    starts = per_canvas.cumsum(0) - per_canvas
    slot = torch.arange(len(owner), device=owner.device) - starts[owner]
    padded = boxes.new_zeros(count, most, 4)
    real = torch.zeros(count, most, dtype=torch.bool, device=boxes.device)
    index = torch.zeros(count, most, dtype=torch.int64, device=boxes.device)
    padded[owner, slot] = boxes
    real[owner, slot] = True
    index[owner, slot] = torch.arange(len(owner), device=owner.device)
    return padded, real, index


def complete_iou(a: Tensor, b: Tensor, eps: float = 1e-7) -> Tensor:
    """CIoU of paired boxes (..., 4) x1, y1, x2, y2 (Zheng et al. 2020, arXiv 1911.08287), in (-1.5, 1]."""
    ax1, ay1, ax2, ay2 = a.unbind(-1)
    bx1, by1, bx2, by2 = b.unbind(-1)
    width_a, height_a, width_b, height_b = ax2 - ax1, ay2 - ay1, bx2 - bx1, by2 - by1
    overlap_x = (torch.minimum(ax2, bx2) - torch.maximum(ax1, bx1)).clamp(min=0)
    overlap_y = (torch.minimum(ay2, by2) - torch.maximum(ay1, by1)).clamp(min=0)
    overlap = overlap_x * overlap_y
    iou = overlap / (width_a * height_a + width_b * height_b - overlap + eps)
    hull_x = torch.maximum(ax2, bx2) - torch.minimum(ax1, bx1)
    hull_y = torch.maximum(ay2, by2) - torch.minimum(ay1, by1)
    distance = ((bx1 + bx2 - ax1 - ax2) ** 2 + (by1 + by2 - ay1 - ay2) ** 2) / 4
    aspect = (4 / torch.pi**2) * (torch.atan(width_b / (height_b + eps)) - torch.atan(width_a / (height_a + eps))) ** 2
    with torch.no_grad():
        trade = aspect / (1 - iou + aspect + eps)
    return iou - distance / (hull_x**2 + hull_y**2 + eps) - trade * aspect


@torch.no_grad()
def assign(
    scores: Tensor,
    boxes: Tensor,
    centres: Tensor,
    strides: Tensor,
    objects: Tensor,
    real: Tensor,
    settings: CanvasSettings,
) -> Assignment:
    """Give every object its ``topk`` best aligned anchors.

    Args:
        scores: (B, A) class scores in [0, 1].
        boxes: (B, A, 4) predicted boxes, canvas pixels.
        centres: (A, 2) anchor positions, canvas pixels.
        strides: (A,) canvas pixels per anchor.
        objects: (B, M, 4) padded true boxes, canvas pixels.
        real: (B, M) which of them exist.
        settings: topk, alpha, beta.

    Returns:
        Assignment. An anchor claimed by several objects goes to the one it overlaps most.
    """
    # An anchor may learn an object when it lies in its box; a box smaller than a cell is widened to catch one anchor.
    middle, half = (objects[..., :2] + objects[..., 2:]) / 2, (objects[..., 2:] - objects[..., :2]) / 2
    reach = half.clamp(min=0.75 * float(strides.min()))
    inside = ((centres - middle.unsqueeze(2)).abs() < reach.unsqueeze(2)).all(-1)  # (B, M, A)
    inside &= real.unsqueeze(2)

    overlaps = complete_iou(boxes.unsqueeze(1), objects.unsqueeze(2)).clamp(min=0) * inside  # (B, M, A)
    metric = scores.unsqueeze(1).pow(settings.alpha) * overlaps.pow(settings.beta)
    # Early on, an object may overlap nothing: closeness to its middle breaks the tie, far below any real metric.
    nearness = 1e-9 / (1 + (centres - middle.unsqueeze(2)).abs().sum(-1))
    ranked = torch.where(inside, metric + nearness, metric.new_tensor(-1.0))
    best = ranked.topk(min(settings.topk, ranked.shape[-1]), dim=-1).indices
    claimed = torch.zeros_like(inside).scatter_(-1, best, True) & inside

    contested = torch.where(claimed, overlaps + 1e-9, overlaps.new_tensor(-1.0))
    overlap, owner = contested.max(dim=1)  # (B, A)
    assigned = overlap >= 0
    wins = claimed & (torch.arange(claimed.shape[1], device=owner.device).view(1, -1, 1) == owner.unsqueeze(1))
    metric = metric * wins
    strongest = metric.amax(-1, keepdim=True)
    quality = (overlaps * wins).amax(-1, keepdim=True)
    targets = (metric / (strongest + 1e-12) * quality).amax(1)
    return Assignment(assigned, torch.where(assigned, owner, 0), targets * assigned)
