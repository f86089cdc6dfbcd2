"""The loss of the refiner: BCE and dice for masks, BCE for how good they are believed to be, and corrective points."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from anymask.network.refiner import Refiner, RefinerOutput
from anymask.refine.hints import INNER, OUTER
from anymask.refine.window import SIDE
from anymask.train.refiner_batches import RefinerBatch
from anymask.train.refiner_settings import RefinerSettings

BORDER = 7  # cells: the border of a mask is so wide


class RefinerLosses(NamedTuple):
    """Scalars, already weighted by their gains."""

    mask: Tensor
    quality: Tensor

    def total(self) -> Tensor:
        return self.mask + self.quality


def refiner_losses(output: RefinerOutput, batch: RefinerBatch, settings: RefinerSettings) -> RefinerLosses:
    """Losses of one batch. Of the three guesses at a single click only the best has to be right."""
    truth = batch.truth.unsqueeze(1)
    weights = (batch.counts * (1 + (settings.border_weight - 1) * border(batch.truth))).unsqueeze(1)
    per_mask = mask_losses(output.logits, truth, weights)  # (B, 4)
    guesses = per_mask[:, 1:]
    best = guesses.min(dim=1).values + settings.loser_gain * guesses.mean(dim=1)
    mask = torch.where(batch.doubtful, best, per_mask[:, 0]).mean()
    with torch.no_grad():
        found = ious(output.logits, batch)
        asked = torch.zeros_like(found)
        asked[:, 0] = ~batch.doubtful
        asked[:, 1:] = batch.doubtful.unsqueeze(1)
    quality = functional.binary_cross_entropy_with_logits(output.quality, found, weight=asked, reduction="sum")
    return RefinerLosses(mask, settings.quality_gain * quality / asked.sum().clamp(min=1))


def mask_losses(logits: Tensor, truth: Tensor, weights: Tensor) -> Tensor:
    """(B, M) of (B, M, S, S) logits against (B, 1, S, S) shares inside and weights."""
    entropy = functional.binary_cross_entropy_with_logits(logits, truth.expand_as(logits), reduction="none")
    entropy = (entropy * weights).sum((2, 3)) / weights.sum((2, 3)).clamp(min=1)
    chances = logits.sigmoid() * (weights > 0)
    dice = 1 - (2 * (chances * truth).sum((2, 3)) + 1) / (chances.sum((2, 3)) + truth.sum((2, 3)) + 1)
    return entropy + dice


def border(truth: Tensor) -> Tensor:
    """(B, S, S) 1 within ``BORDER // 2`` cells of where (B, S, S) shares cross one half."""
    inside = (truth > 0.5).float().unsqueeze(1)
    share = functional.avg_pool2d(inside, BORDER, 1, BORDER // 2, count_include_pad=False)
    return ((share > 1e-4) & (share < 1 - 1e-4)).float().squeeze(1)


def ious(logits: Tensor, batch: RefinerBatch) -> Tensor:
    """(B, M) IoU of (B, M, S, S) logits above 0 with the truth, on the picture."""
    truth = (batch.truth > 0.5).unsqueeze(1)
    drawn = (logits > 0) & (batch.counts > 0.5).unsqueeze(1)
    shared = (drawn & truth).sum((2, 3)).float()
    return shared / (drawn | truth).sum((2, 3)).clamp(min=1)


@torch.no_grad()
def corrected(
    network: Refiner, batch: RefinerBatch, pixels: Tensor, maps: list[Tensor], generator: torch.Generator
) -> RefinerBatch:
    """The batch after one more answer and one more point: inside what was missed, or outside where too much was drawn.

    What the network drew becomes the mask drawn before.
    """
    output = network(pixels, batch.prompts, maps)
    judged = output.quality.clone()
    judged[batch.doubtful, 0] = -torch.inf
    judged[~batch.doubtful, 1:] = -torch.inf
    index = judged.argmax(dim=1)
    rows = torch.arange(len(index), device=index.device)
    logits = output.logits[rows, index]
    truth = batch.truth > 0.5
    wrong = (((logits > 0) != truth) & (batch.counts > 0.5)).float()
    # The middle of the largest mistake: where most is wrong around, shaken so that no place is always the one
    around = functional.avg_pool2d(wrong.unsqueeze(1), 25, 1, 12).squeeze(1)
    shaken = (around + 0.02) * wrong * (0.8 + 0.2 * torch.rand(wrong.shape, generator=generator).to(wrong.device))
    place = shaken.flatten(1).argmax(dim=1)
    y, x = place // SIDE, place % SIDE
    discs = disc(x + 0.5, y + 0.5)
    inside = truth[rows, y, x]
    any_wrong = wrong.flatten(1).any(dim=1)
    prompts = batch.prompts.clone()
    for channel, chosen in ((1, inside & any_wrong), (2, ~inside & any_wrong)):
        prompts[chosen, channel] = torch.maximum(prompts[chosen, channel], discs[chosen])
    prompts[:, 3] = torch.tanh(logits / 2)
    return batch._replace(prompts=prompts, doubtful=torch.zeros_like(batch.doubtful))


def disc(x: Tensor, y: Tensor) -> Tensor:
    """(B, S, S) the map of one point each, as ``anymask.refine.hints.draw_points`` draws it."""
    centres = torch.arange(SIDE, device=x.device) + 0.5
    distance = torch.hypot(centres.view(1, 1, -1) - x.view(-1, 1, 1), centres.view(1, -1, 1) - y.view(-1, 1, 1))
    return ((OUTER - distance) / (OUTER - INNER)).clamp(0, 1)
