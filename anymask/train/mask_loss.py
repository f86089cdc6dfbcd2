"""The loss of masks, at the resolution of the labels and beyond the box, and what it teaches about their quality.

Masks are compared at points (PointRend, Kirillov et al. 2019, arXiv 1912.08193): a jittered grid over each object's
box and a margin around it, and more points where the mask is least sure, which is at its border. Logits are read from
the prototypes bilinearly, labels from the canvas's own pixels.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from anymask.train.settings import Settings

LEAST_MARGIN = 2.0  # canvas pixels


class MaskLosses(NamedTuple):
    """Scalars, not weighted yet.

    mask: binary cross entropy at all points, and dice on the grid.
    quality: binary cross entropy with the IoU that a mask has on the grid; 0 where the network does not tell it.
    """

    mask: Tensor
    quality: Tensor


class Masks(NamedTuple):
    """P predicted masks on B canvases of side S, and what they should be."""

    coefficients: Tensor  # (P, K)
    prototypes: Tensor  # (B, K, S / 4, S / 4)
    canvas: Tensor  # (P,) which canvas each belongs to, ascending
    labels: Tensor  # (N, S, S) bool
    wanted: Tensor  # (P,) index into ``labels``
    boxes: Tensor  # (P, 4) true boxes, canvas pixels
    quality_logits: Tensor | None = None  # (P,)


def mask_losses(masks: Masks, settings: Settings, generator: torch.Generator) -> MaskLosses:
    """Both losses of P masks.

    Args:
        masks: the masks.
        settings: mask_points, mask_margin, uncertain_points, uncertain_of.
        generator: places the points.
    """
    count = len(masks.coefficients)
    if count == 0:
        # Nothing, of every output: processes that train together wait for the gradient of each
        nothing = (masks.prototypes.sum() + masks.coefficients.sum()) * 0
        return MaskLosses(nothing, nothing if masks.quality_logits is None else masks.quality_logits.sum() * 0)
    # Interpolation is linear, so combining first and reading one map is the same as reading K of them.
    per_canvas = torch.bincount(masks.canvas, minlength=len(masks.prototypes)).tolist()
    split = torch.split(masks.coefficients, per_canvas)
    maps = torch.cat([mine @ maps.flatten(1) for mine, maps in zip(split, masks.prototypes, strict=True)])
    maps = maps.view(count, 1, *masks.prototypes.shape[2:])

    low, high = windows(masks.boxes, settings.mask_margin, masks.labels.shape[-1])
    grid = place(jittered_grid(count, settings.mask_points, generator).to(low), low, high)
    logits, labels = read_logits(maps, grid, masks), read_labels(grid, masks)
    chances = logits.sigmoid()
    dice = 1 - (2 * (chances * labels).sum(1) + 1) / (chances.sum(1) + labels.sum(1) + 1)

    unsure = uncertain_points(maps, low, high, masks, settings, generator)
    all_logits = torch.cat((logits, read_logits(maps, unsure, masks)), dim=1)
    all_labels = torch.cat((labels, read_labels(unsure, masks)), dim=1)
    mask = functional.binary_cross_entropy_with_logits(all_logits, all_labels) + dice.mean()
    if masks.quality_logits is None:
        return MaskLosses(mask, mask.detach() * 0)
    with torch.no_grad():
        inside, true = logits > 0, labels > 0.5
        iou = (inside & true).sum(1) / (inside | true).sum(1).clamp(min=1)
    return MaskLosses(mask, functional.binary_cross_entropy_with_logits(masks.quality_logits, iou))


def windows(boxes: Tensor, margin: float, side: int) -> tuple[Tensor, Tensor]:
    """(P, 2) low and high corners x, y of (P, 4) boxes, grown by a share of their sides, on a canvas of ``side``."""
    grown = margin * (boxes[:, 2:] - boxes[:, :2]) + LEAST_MARGIN
    return (boxes[:, :2] - grown).clamp(min=0), (boxes[:, 2:] + grown).clamp(max=side)


def jittered_grid(count: int, across: int, generator: torch.Generator) -> Tensor:
    """(P, across², 2) points x, y in [0, 1), one anywhere in each cell of a grid."""
    cells = torch.arange(across).float()
    corners = torch.stack(torch.meshgrid(cells, cells, indexing="xy"), dim=-1)  # (across, across, 2)
    jitter = torch.rand(count, across, across, 2, generator=generator)
    return ((corners + jitter) / across).flatten(1, 2)


@torch.no_grad()
def uncertain_points(
    maps: Tensor, low: Tensor, high: Tensor, masks: Masks, settings: Settings, generator: torch.Generator
) -> Tensor:
    """(P, uncertain_points, 2) those of ``uncertain_of`` random points whose logits are nearest to 0, canvas pixels."""
    drawn = torch.rand(len(low), settings.uncertain_of, 2, generator=generator)
    points = place(drawn.to(low), low, high)
    doubt = -read_logits(maps, points, masks).abs()
    chosen = doubt.topk(settings.uncertain_points, dim=1).indices
    return points.gather(1, chosen.unsqueeze(2).expand(-1, -1, 2))


def place(points: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """(P, n, 2) points in [0, 1) into windows of (P, 2) corners: canvas pixels."""
    return low.unsqueeze(1) + points * (high - low).unsqueeze(1)


def read_logits(maps: Tensor, points: Tensor, masks: Masks) -> Tensor:
    """(P, n) the (P, 1, S / 4, S / 4) maps at (P, n, 2) points."""
    where = (points * (2 / masks.labels.shape[-1]) - 1).unsqueeze(1)  # grid_sample's [-1, 1] over the canvas
    read = functional.grid_sample(maps, where, mode="bilinear", padding_mode="border", align_corners=False)
    return read.flatten(1)


def read_labels(points: Tensor, masks: Masks) -> Tensor:
    """(P, n) float, 1 where a point lies on a labelled pixel."""
    x, y = points.long().clamp(max=masks.labels.shape[-1] - 1).unbind(-1)
    return masks.labels[masks.wanted.view(-1, 1), y, x].float()
