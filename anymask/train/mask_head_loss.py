"""The loss of the mask head: BCE and dice for masks, BCE for how good they are believed to be."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from anymask.network.mask_head import MaskHeadOutput
from anymask.train.mask_head_settings import MaskHeadSettings


class MaskHeadLosses(NamedTuple):
    """Scalars, already weighted by their gains."""

    mask: Tensor
    quality: Tensor

    def total(self) -> Tensor:
        return self.mask + self.quality


class Wanted(NamedTuple):
    """What should be drawn in R windows of G x G cells, of N objects on canvases of side S."""

    labels: Tensor  # (N, S, S) bool
    objects: Tensor  # (R,) index into the labels
    real: Tensor  # (R,) bool: whether anything is wanted
    cells: Tensor  # (R, G, G, 2) x, y of the cells' centres in canvas pixels


def mask_head_losses(output: MaskHeadOutput, wanted: Wanted, settings: MaskHeadSettings) -> MaskHeadLosses:
    """Losses of one batch. What lies beyond the canvas is not learnt: nobody knows what is there."""
    if len(wanted.labels) == 0:  # nothing, of every output: processes that train together wait for each gradient
        nothing = (output.logits.sum() + output.quality.sum()) * 0
        return MaskHeadLosses(nothing, nothing.detach())
    side = wanted.labels.shape[-1]
    x, y = wanted.cells.floor().long().unbind(-1)  # (R, G, G)
    counts = ((x >= 0) & (x < side) & (y >= 0) & (y < side) & wanted.real[:, None, None]).float()
    truth = wanted.labels[wanted.objects[:, None, None], y.clamp(0, side - 1), x.clamp(0, side - 1)].float() * counts
    entropy = functional.binary_cross_entropy_with_logits(output.logits, truth, reduction="none")
    entropy = (entropy * counts).sum((1, 2)) / counts.sum((1, 2)).clamp(min=1)
    chances = output.logits.sigmoid() * counts
    dice = 1 - (2 * (chances * truth).sum((1, 2)) + 1) / (chances.sum((1, 2)) + truth.sum((1, 2)) + 1)
    number = wanted.real.sum().clamp(min=1)
    mask = ((entropy + dice) * wanted.real).sum() / number
    targets = ious(output.logits, truth, counts, wanted)
    believed = functional.binary_cross_entropy_with_logits(output.quality, targets, reduction="none")
    return MaskHeadLosses(mask, settings.quality_gain * (believed * wanted.real).sum() / number)


@torch.no_grad()
def ious(logits: Tensor, truth: Tensor, counts: Tensor, wanted: Wanted) -> Tensor:
    """(R,) IoU of what is drawn with the whole object, also with what of it lies outside of the window; 0 for none."""
    drawn = (logits > 0) * counts
    shared = (drawn * truth).sum((1, 2))
    first, second = wanted.cells[:, 0, 0], wanted.cells[:, 1, 1]  # diagonal neighbours
    cell = (second - first).prod(dim=1).clamp(min=1e-6)  # (R,) pixels
    whole = wanted.labels.flatten(1).sum(1)[wanted.objects] / cell  # in cells of the window
    whole = torch.maximum(whole, truth.sum((1, 2)))
    return shared / (drawn.sum((1, 2)) + whole - shared).clamp(min=1) * wanted.real
