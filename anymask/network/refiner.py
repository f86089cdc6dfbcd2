"""The refiner: a window of the picture and a prompt drawn on it in, the mask that was meant out.

A U-Net over the frozen trunk's features (Ronneberger et al. 2015, arXiv 1505.04597), with self-attention between the
cells at its two coarsest levels, so that one click reaches the whole object. As in SAM (Kirillov et al. 2023, arXiv
2304.02643) the first of its four masks answers prompts that leave no doubt, and the other three a single click: part,
object, group. Each comes with a guess of its own IoU.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from anymask.errors import SettingsError
from anymask.network.blocks import Bottleneck, Conv
from anymask.network.trunk import EfficientNetLite
from anymask.network.yolo import upsample

PROMPTS = 4  # maps: inside the box, points inside, points outside, a mask drawn before
MASKS = 4  # without doubt, then three guesses at one click
STRIDES = (2, 4, 8, 16, 32)


@dataclass(frozen=True)
class RefinerConfig:
    """Everything needed to build a ``Refiner``; saved inside every checkpoint.

    Raises:
        SettingsError: a count is too small, or there are not five widths that the heads divide.
    """

    trunk: str = "lite0"  # whose features it reads: "lite0", "lite1" or "lite2"
    widths: tuple[int, ...] = (16, 32, 64, 96, 128)  # channels at strides 2, 4, 8, 16, 32
    heads: int = 4  # of the attention

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", tuple(self.widths))
        if len(self.widths) != len(STRIDES) or min(self.widths) < 1 or self.heads < 1:
            raise SettingsError(f"widths must be {len(STRIDES)} counts from 1 up, got {self.widths}")
        if any(width % self.heads for width in self.widths[3:]):
            raise SettingsError(f"heads must divide the widths {self.widths[3:]}, got {self.heads}")


class RefinerOutput(NamedTuple):
    """Four masks for each of B windows of side S."""

    logits: Tensor  # (B, 4, S, S), inside where above 0
    quality: Tensor  # (B, 4) logits of the IoU that each mask is believed to have


class Attention(nn.Module):
    """Self-attention between the cells of a map, then a two-layer perceptron, both added (arXiv 1706.03762)."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(channels)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.out = nn.Linear(channels, channels)
        self.norm2 = nn.LayerNorm(channels)
        self.wide = nn.Linear(channels, 2 * channels)
        self.narrow = nn.Linear(2 * channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        cells = x.flatten(2).transpose(1, 2)  # (B, h * w, C)
        qkv = self.qkv(self.norm1(cells)).view(b, h * w, 3, self.heads, c // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each (B, heads, h * w, C / heads)
        weights = (q @ k.transpose(2, 3) * (c // self.heads) ** -0.5).softmax(dim=3)
        cells = cells + self.out((weights @ v).transpose(1, 2).reshape(b, h * w, c))
        cells = cells + self.narrow(functional.gelu(self.wide(self.norm2(cells))))
        y: Tensor = cells.transpose(1, 2).reshape(b, c, h, w)
        return y


class Refiner(nn.Module):
    """The network above the trunk; see the head of this file."""

    def __init__(self, config: RefinerConfig) -> None:
        super().__init__()
        self.config = config
        w2, w4, w8, w16, w32 = config.widths
        c4, c8, c16, c32 = trunk_channels(config.trunk)
        self.stem = Conv(3 + PROMPTS, w2, 3, 2)
        self.down4, self.trunk4, self.mix4 = Conv(w2, w4, 3, 2), Conv(c4, w4), Bottleneck(w4, shortcut=True)
        self.down8, self.trunk8, self.mix8 = Conv(w4, w8, 3, 2), Conv(c8, w8), Bottleneck(w8, shortcut=True)
        self.down16, self.trunk16, self.mix16 = Conv(w8, w16, 3, 2), Conv(c16, w16), Bottleneck(w16, shortcut=True)
        self.down32, self.trunk32, self.mix32 = Conv(w16, w32, 3, 2), Conv(c32, w32), Bottleneck(w32, shortcut=True)
        # Cells know where they are by the convolutions' zero padding (arXiv 2001.08248)
        self.attend16 = Attention(w16, config.heads)
        self.attend32 = nn.Sequential(Attention(w32, config.heads), Attention(w32, config.heads))
        self.up16, self.draw16 = Conv(w32, w16), Bottleneck(w16, shortcut=True)
        self.attend_up16 = Attention(w16, config.heads)
        self.up8, self.draw8 = Conv(w16, w8), Bottleneck(w8, shortcut=True)
        self.up4, self.draw4 = Conv(w8, w4), Bottleneck(w4, shortcut=True)
        self.up2, self.draw2 = Conv(w4, w2), Bottleneck(w2, shortcut=True)
        self.masks = nn.Conv2d(w2, 4 * MASKS, 1)  # four pixels of every mask to a cell of stride 2
        self.judge = nn.Sequential(nn.Linear(w4 + w32, 64), nn.SiLU(), nn.Linear(64, MASKS))

    def forward(self, pixels: Tensor, prompts: Tensor, maps: list[Tensor]) -> RefinerOutput:
        """Draw the masks.

        Args:
            pixels: (B, 3, S, S) RGB in [0, 1], S a multiple of 32.
            prompts: (B, 4, S, S): box, points inside and points outside in [0, 1], mask drawn before in [-1, 1], 0
                where there is none.
            maps: the trunk's features of ``pixels``, (B, C_i, S / s, S / s) for s = 4, 8, 16, 32.
        """
        c4, c8, c16, c32 = maps
        x2 = self.stem(torch.cat((pixels, prompts), dim=1))
        x4 = self.mix4(self.down4(x2) + self.trunk4(c4))
        x8 = self.mix8(self.down8(x4) + self.trunk8(c8))
        x16 = self.attend16(self.mix16(self.down16(x8) + self.trunk16(c16)))
        x32 = self.attend32(self.mix32(self.down32(x16) + self.trunk32(c32)))
        y16 = self.attend_up16(self.draw16(upsample(self.up16(x32)) + x16))
        y8 = self.draw8(upsample(self.up8(y16)) + x8)
        y4 = self.draw4(upsample(self.up4(y8)) + x4)
        y2 = self.draw2(upsample(self.up2(y4)) + x2)
        logits = functional.pixel_shuffle(self.masks(y2), 2)
        return RefinerOutput(logits, self._quality(logits, y4, x32))

    def _quality(self, logits: Tensor, y4: Tensor, x32: Tensor) -> Tensor:
        """(B, 4): what is under each mask, and what the window shows, tell how good the mask is."""
        inside = functional.avg_pool2d(logits.detach().sigmoid(), 4).flatten(2)  # (B, 4, cells)
        under = inside @ y4.flatten(2).transpose(1, 2) / (inside.sum(dim=2, keepdim=True) + 1)  # (B, 4, w4)
        seen = x32.mean(dim=(2, 3)).unsqueeze(1).expand(-1, MASKS, -1)
        judged: Tensor = self.judge(torch.cat((under, seen), dim=2))  # (B, 4, 4): a row's own judge is on the diagonal
        return judged.diagonal(dim1=1, dim2=2)


def trunk_channels(size: str) -> tuple[int, ...]:
    """Channels of a trunk's features at strides 4, 8, 16 and 32. Raises SettingsError for an unknown size."""
    try:
        return EfficientNetLite(size).channels
    except KeyError as error:
        raise SettingsError(f"the refiner reads an EfficientNet-Lite, lite0, lite1 or lite2, got {size!r}") from error
