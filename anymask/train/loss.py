"""The loss: BCE for scores, CIoU and DFL for boxes; that of masks is in ``mask_loss.py``."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from anymask.network.head import HeadOutput, decode_boxes
from anymask.train.assign import assign, complete_iou, pad_boxes
from anymask.train.batches import LABEL_STRIDE, Batch
from anymask.train.mask_loss import Masks, mask_losses
from anymask.train.settings import Settings


class Losses(NamedTuple):
    """Scalars, already weighted by their gains."""

    score: Tensor
    box: Tensor
    distance: Tensor
    mask: Tensor
    quality: Tensor

    def total(self) -> Tensor:
        return self.score + self.box + self.distance + self.mask + self.quality


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
    canvas, anchor = canvas[chosen], anchor[chosen]
    of_masks = mask_losses(
        Masks(
            output.coefficients[canvas, :, anchor],
            output.prototypes,
            canvas,
            batch.masks,
            index[canvas, slot[chosen]],
            truth[chosen],
            output.quality_logits[canvas, anchor] if output.quality_logits is not None else None,
        ),
        settings,
        generator,
    )
    mask, quality = settings.mask_gain * of_masks.mask, settings.quality_gain * of_masks.quality
    return Losses(score, box, distance, mask, quality)


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
