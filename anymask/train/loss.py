"""The loss: BCE for scores, CIoU and DFL for boxes, BCE and dice for masks at ground-truth resolution."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from anymask.network.head import HeadOutput, decode_boxes
from anymask.train.assign import assign, complete_iou, pad_boxes
from anymask.train.batches import LABEL_STRIDE, Batch
from anymask.train.settings import Settings


class Losses(NamedTuple):
    """Scalars, already weighted by their gains."""

    score: Tensor
    box: Tensor
    distance: Tensor
    mask: Tensor

    def total(self) -> Tensor:
        return self.score + self.box + self.distance + self.mask


def compute_losses(output: HeadOutput, batch: Batch, settings: Settings, generator: torch.Generator) -> Losses:
    """Losses of one batch; ``generator`` places the points at which masks are compared."""
    count = len(batch.images)
    boxes = decode_boxes(output).transpose(1, 2)  # (B, A, 4)
    centres = (output.anchors * output.strides).T  # (A, 2)
    objects, real, index = pad_boxes(batch.boxes, batch.owner, count)
    scores = output.class_logits[:, 0].sigmoid()
    assignment = assign(scores.detach(), boxes.detach(), centres, output.strides, objects, real, settings)

    canvas, anchor = assignment.assigned.nonzero(as_tuple=True)  # (P,) positives
    slot = assignment.objects[canvas, anchor]
    weight = assignment.targets[canvas, anchor]  # (P,) how well aligned: 1 is perfect
    scale = assignment.targets.sum().clamp(min=1)

    score_loss = functional.binary_cross_entropy_with_logits(
        output.class_logits[:, 0], assignment.targets, reduction="none"
    )
    cost = torch.where(assignment.assigned, 1.0, background_at(batch.background, centres))
    score = settings.class_gain * (score_loss * cost).sum() / scale

    truth = objects[canvas, slot]  # (P, 4)
    box = settings.box_gain * ((1 - complete_iou(boxes[canvas, anchor], truth)) * weight).sum() / scale
    distance = settings.dfl_gain * distance_loss(output, truth, canvas, anchor, weight) / scale

    chosen = choose_for_masks(weight, settings.mask_objects, generator)
    mask = settings.mask_gain * mask_loss(
        output.coefficients[canvas[chosen], :, anchor[chosen]],
        output.prototypes,
        canvas[chosen],
        batch.masks,
        index[canvas, slot][chosen],
        truth[chosen],
        settings,
        generator,
    )
    return Losses(score, box, distance, mask)


def background_at(background: Tensor, centres: Tensor) -> Tensor:
    """(B, A) the background weight under every anchor, from the (B, S / 8, S / 8) grid."""
    cells = (centres / LABEL_STRIDE).long()
    return background[:, cells[:, 1], cells[:, 0]]


def distance_loss(output: HeadOutput, truth: Tensor, canvas: Tensor, anchor: Tensor, weight: Tensor) -> Tensor:
    """Distribution focal loss (arXiv 2006.04388, eq. 6): cross entropy with the two bins around the true distance."""
    bins = output.box_logits.shape[2]
    logits = output.box_logits[canvas, :, :, anchor]  # (P, 4, bins)
    origin = output.anchors.T[anchor]
    corners = truth / output.strides[anchor].unsqueeze(1)
    wanted = torch.cat((origin - corners[:, :2], corners[:, 2:] - origin), dim=1).clamp(0, bins - 1 - 0.01)
    lower = wanted.long()
    share = wanted - lower
    logs = logits.log_softmax(dim=2)
    at_lower = logs.gather(2, lower.unsqueeze(2)).squeeze(2)
    at_upper = logs.gather(2, (lower + 1).unsqueeze(2)).squeeze(2)
    per_side = -(at_lower * (1 - share) + at_upper * share)
    return (per_side.mean(dim=1) * weight).sum()


def choose_for_masks(weight: Tensor, limit: int, generator: torch.Generator) -> Tensor:
    """Ascending indices of at most ``limit`` positives, drawn with chances by how well aligned they are."""
    if len(weight) <= limit:
        return torch.arange(len(weight), device=weight.device)
    drawn = torch.multinomial(weight.cpu() + 1e-3, limit, generator=generator)
    return drawn.sort().values.to(weight.device)


def mask_loss(
    coefficients: Tensor,
    prototypes: Tensor,
    canvas: Tensor,
    masks: Tensor,
    wanted: Tensor,
    boxes: Tensor,
    settings: Settings,
    generator: torch.Generator,
) -> Tensor:
    """BCE and dice at a jittered grid of points over each object's box and a margin around it.

    Logits are read from the prototypes bilinearly, labels from the canvas's own pixels: the comparison happens at the
    resolution of the labels (point sampling as in PointRend, arXiv 1912.08193), and pixels just outside the box count.

    Args:
        coefficients: (P, K).
        prototypes: (B, K, S / 4, S / 4).
        canvas: (P,) which canvas each belongs to, ascending.
        masks: (N, S, S) bool labels.
        wanted: (P,) index into ``masks``.
        boxes: (P, 4) true boxes, canvas pixels.
        settings: mask_points, mask_margin.
        generator: for the jitter.
    """
    if len(coefficients) == 0:
        return prototypes.sum() * 0
    count, side, grid = len(coefficients), masks.shape[-1], settings.mask_points
    device = boxes.device
    cells = torch.arange(grid).float()
    jitter = torch.rand(2, count, grid, grid, generator=generator)
    u = ((cells.view(1, 1, -1) + jitter[0]) / grid).to(device)  # (P, grid, grid) in [0, 1)
    v = ((cells.view(1, -1, 1) + jitter[1]) / grid).to(device)
    size = boxes[:, 2:] - boxes[:, :2]
    margin = settings.mask_margin * size + 2.0
    low = (boxes[:, :2] - margin).clamp(min=0)
    high = (boxes[:, 2:] + margin).clamp(max=side)
    x = low[:, 0].view(-1, 1, 1) + u * (high - low)[:, 0].view(-1, 1, 1)  # canvas pixels
    y = low[:, 1].view(-1, 1, 1) + v * (high - low)[:, 1].view(-1, 1, 1)

    labels = masks[wanted.view(-1, 1, 1), y.long().clamp(max=side - 1), x.long().clamp(max=side - 1)].float()
    # Interpolation is linear, so combining first and reading one map is the same as reading K of them.
    per_canvas = torch.bincount(canvas, minlength=len(prototypes)).tolist()
    logits = torch.cat(
        [mine @ maps.flatten(1) for mine, maps in zip(torch.split(coefficients, per_canvas), prototypes, strict=True)]
    ).view(count, 1, *prototypes.shape[2:])
    where = torch.stack((x, y), dim=-1) * (2 / side) - 1  # grid_sample's [-1, 1] over the canvas
    read = functional.grid_sample(logits, where, mode="bilinear", padding_mode="border", align_corners=False)
    read = read[:, 0].flatten(1)
    labels = labels.flatten(1)
    cross_entropy = functional.binary_cross_entropy_with_logits(read, labels)
    chances = read.sigmoid()
    dice = 1 - (2 * (chances * labels).sum(1) + 1) / (chances.sum(1) + labels.sum(1) + 1)
    return cross_entropy + dice.mean()
