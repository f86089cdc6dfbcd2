"""The mask head: many boxes of a picture in, the mask inside each out, in one small step for all of them.

A box's window is cut out of the trunk's features and stretched to a fixed grid, as Mask R-CNN does (He et al. 2017,
arXiv 1703.06870), so that position and size need not be learnt; on it runs a U-Net of three levels (arXiv 1505.04597),
each fed with the features of its own scale. What the detector's prototypes say of the mask comes in as a hint.
Of the detector it reads no layer but the trunk, which is frozen, and only what it says, boxes and hints: it still works
when the detector is trained further, and works better when it is then trained further too.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from anymask.errors import SettingsError
from anymask.network.blocks import ConvRelu
from anymask.network.config import LITE_SCALES
from anymask.network.trunk import EfficientNetLite
from anymask.network.yolo import upsample

GRID = 28  # cells along a side of a window; its coarser levels have half and a quarter of them, the mask twice as many
MARGIN = 0.15  # of a box's side: what its window shows beyond it on each side
LEAST_MARGIN = 6.0  # network pixels
PLACE = 4  # maps that tell a cell where it is: the hint, across and down in the box, the box's size


@dataclass(frozen=True)
class MaskHeadConfig:
    """Everything needed to build a ``MaskHead``; saved inside every checkpoint.

    Raises:
        SettingsError: there is no such trunk, or there are not four widths from 1 up.
    """

    trunk: str = "lite0"  # whose features it reads: "lite0", "lite1" or "lite2"
    widths: tuple[int, ...] = (16, 32, 64, 96)  # channels at 56, 28, 14 and 7 cells

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", tuple(self.widths))
        if self.trunk not in LITE_SCALES:
            raise SettingsError(f"trunk must be one of {', '.join(LITE_SCALES)}, got {self.trunk!r}")
        if len(self.widths) != 4 or min(self.widths) < 1:
            raise SettingsError(f"widths must be four counts from 1 up, got {self.widths}")


class MaskHeadOutput(NamedTuple):
    """What is drawn in R windows."""

    logits: Tensor  # (R, 56, 56), inside where above 0
    quality: Tensor  # (R,) logits of the IoU that each mask is believed to have


class MaskHead(nn.Module):
    """See the head of this file."""

    def __init__(self, config: MaskHeadConfig) -> None:
        super().__init__()
        self.config = config
        c4, c8, c16, c32 = EfficientNetLite(config.trunk).channels
        w56, w28, w14, w7 = config.widths
        # Once for the whole picture: a pyramid of features, coarse meanings carried to the fine levels (FPN)
        self.lateral32 = nn.Conv2d(c32, w14, 1)
        self.lateral16, self.mix16 = nn.Conv2d(c16, w14, 1), ConvRelu(w14, w14)
        self.lateral8, self.down8, self.mix8 = nn.Conv2d(c8, w28, 1), nn.Conv2d(w14, w28, 1), ConvRelu(w28, w28)
        self.lateral4 = nn.Conv2d(c4, w56, 1)
        # In every window
        self.enter28 = ConvRelu(w28 + PLACE, w28)
        self.enter14, self.join14 = ConvRelu(w28, w14, stride=2), ConvRelu(2 * w14, w14)
        self.enter7, self.join7 = ConvRelu(w14, w14, stride=2), ConvRelu(2 * w14, w7)
        self.mix7 = ConvRelu(w7, w7)
        self.up14, self.draw14 = ConvRelu(w7, w14, 1), ConvRelu(2 * w14, w14)
        self.up28, self.draw28 = ConvRelu(w14, w28, 1), ConvRelu(2 * w28, w28)
        self.up56, self.draw56 = ConvRelu(w28, w56, 1), ConvRelu(2 * w56, w56)
        self.mask = nn.Conv2d(w56, 1, 1)
        self.judge = nn.Sequential(nn.Linear(w7 + w28, 64), nn.ReLU(), nn.Linear(64, 1))

    def pyramid(self, maps: list[Tensor]) -> list[Tensor]:
        """The trunk's (B, C_i, H / s, W / s) features for s = 4, 8, 16, 32 -> the head's, at the same strides."""
        c4, c8, c16, c32 = maps
        p32 = self.lateral32(c32)
        p16 = self.mix16(self.lateral16(c16) + upsample(p32))
        p8 = self.mix8(self.lateral8(c8) + upsample(self.down8(p16)))
        return [self.lateral4(c4), p8, p16, p32]

    def forward(self, pyramid: list[Tensor], boxes: Tensor, hints: Tensor) -> MaskHeadOutput:
        """Draw the masks of boxes, equally many of every picture.

        Args:
            pyramid: of B pictures.
            boxes: (B, N, 4) x1, y1, x2, y2 in network pixels; R = B * N.
            hints: (R, 1, h, w) mask logits of the detector over the whole picture, 0 where there is none.
        """
        windows = windows_of(boxes)
        p4, p8, p16, p32 = pyramid
        size = 4 * p4.shape[2], 4 * p4.shape[3]  # of the pictures, network pixels
        cells = grid_points(windows, GRID)  # (B, N, 28, 28, 2)
        hint = read(hints, cells.flatten(0, 1).unsqueeze(1), size).squeeze(1).div(4).tanh()
        place = torch.cat((hint, places(cells, boxes).flatten(0, 1)), dim=1)
        x28 = self.enter28(torch.cat((read(p8, cells, size).flatten(0, 1), place), dim=1))
        f14 = read(p16, grid_points(windows, GRID // 2), size).flatten(0, 1)
        x14 = self.join14(torch.cat((self.enter14(x28), f14), dim=1))
        f7 = read(p32, grid_points(windows, GRID // 4), size).flatten(0, 1)
        x7 = self.mix7(self.join7(torch.cat((self.enter7(x14), f7), dim=1)))
        y14 = self.draw14(torch.cat((upsample(self.up14(x7)), x14), dim=1))
        y28 = self.draw28(torch.cat((upsample(self.up28(y14)), x28), dim=1))
        f56 = read(p4, grid_points(windows, GRID * 2), size).flatten(0, 1)
        y56 = self.draw56(torch.cat((upsample(self.up56(y28)), f56), dim=1))
        logits = self.mask(y56).squeeze(1)
        return MaskHeadOutput(logits, self._quality(logits, y28, x7))

    def _quality(self, logits: Tensor, y28: Tensor, x7: Tensor) -> Tensor:
        inside = functional.avg_pool2d(logits.detach().sigmoid().unsqueeze(1), 2)  # (R, 1, 28, 28)
        under = (inside * y28).sum(dim=(2, 3)) / (inside.sum(dim=(2, 3)) + 1)
        judged: Tensor = self.judge(torch.cat((x7.mean(dim=(2, 3)), under), dim=1))
        return judged.squeeze(1)


def windows_of(boxes: Tensor) -> Tensor:
    """(..., 4) boxes -> what their windows show: each grown on every side, beyond the picture too."""
    sides = boxes[..., 2:] - boxes[..., :2]
    margin = MARGIN * sides + LEAST_MARGIN
    return torch.cat((boxes[..., :2] - margin, boxes[..., 2:] + margin), dim=-1)


def grid_points(windows: Tensor, across: int) -> Tensor:
    """(..., 4) windows -> (..., across, across, 2) x and y of the centres of their cells."""
    centres = (torch.arange(across, device=windows.device, dtype=windows.dtype) + 0.5) / across
    x = windows[..., 0:1] + (windows[..., 2:3] - windows[..., 0:1]) * centres  # (..., across)
    y = windows[..., 1:2] + (windows[..., 3:4] - windows[..., 1:2]) * centres
    shape = (*x.shape, across)
    return torch.stack((x.unsqueeze(-2).expand(shape), y.unsqueeze(-1).expand(shape)), dim=-1)


def places(cells: Tensor, boxes: Tensor) -> Tensor:
    """(B, N, g, g, 2) points and their (B, N, 4) boxes -> (B, N, 3, g, g): a box's edges are at -1 and 1; its size."""
    middle, half = (boxes[..., :2] + boxes[..., 2:]) / 2, ((boxes[..., 2:] - boxes[..., :2]) / 2).clamp(min=0.5)
    relative = ((cells - middle[:, :, None, None]) / half[:, :, None, None]).clamp(-3, 3)
    size = half.prod(dim=-1).log2().div(8)[:, :, None, None, None].expand_as(relative[..., :1])
    return torch.cat((relative, size), dim=-1).permute(0, 1, 4, 2, 3)


def read(maps: Tensor, points: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, C, h, w) maps at (B, N, g, g, 2) points, bilinearly: (B, N, C, g, g), 0 beyond the picture.

    ``size`` is the height and width of the pictures, in the points' pixels.
    """
    height, width = size
    count, across = points.shape[1], points.shape[2]
    scaled = torch.stack((points[..., 0] * (2 / width) - 1, points[..., 1] * (2 / height) - 1), dim=-1)
    values = functional.grid_sample(
        maps, scaled.flatten(1, 2), mode="bilinear", padding_mode="zeros", align_corners=False
    )  # (B, C, N * g, g)
    return values.view(*values.shape[:2], count, across, across).transpose(1, 2)
