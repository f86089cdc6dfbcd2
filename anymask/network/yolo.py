"""YOLOv8-seg: trunk -> neck -> head, one definition for every size.

The trunk is either YOLOv8's own (sizes n, s, m, l, x) or an ImageNet-pretrained EfficientNet-Lite; neck, head and
prototypes are the same. ``Network(NetworkConfig())`` is the default model.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from anymask.network.blocks import SPPF, C2f, Conv
from anymask.network.config import NetworkConfig
from anymask.network.head import HeadOutput, SegmentHead
from anymask.network.trunk import EfficientNetLite

__all__ = ["Network", "NetworkConfig"]


class YoloTrunk(nn.Module):
    """Layers 0 to 8 of YOLOv8; maps at strides 4, 8, 16, 32."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        widths = [config.width(c) for c in (64, 128, 256, 512, 1024)]
        self.stem = Conv(3, widths[0], 3, 2)
        self.down = nn.ModuleList(Conv(a, b, 3, 2) for a, b in pairwise(widths))
        self.stages = nn.ModuleList(
            C2f(c, c, config.repeats(count), shortcut=True) for c, count in zip(widths[1:], (3, 6, 6, 3), strict=True)
        )
        self.channels = tuple(widths[1:])

    def forward(self, images: Tensor) -> list[Tensor]:
        x = self.stem(images)
        maps = []
        for down, stage in zip(self.down, self.stages, strict=True):
            x = stage(down(x))
            maps.append(x)
        return maps


class Neck(nn.Module):
    """Layers 9 to 21 of YOLOv8: SPPF, then features top-down and bottom-up (PANet, arXiv 1803.01534)."""

    def __init__(self, trunk_channels: tuple[int, int, int], config: NetworkConfig) -> None:
        super().__init__()
        c3, c4, c5 = trunk_channels
        w3, w4, w5 = (config.width(c) for c in (256, 512, 1024))
        n = config.repeats(3)
        self.sppf = SPPF(c5, w5)
        self.top_down4 = C2f(w5 + c4, w4, n)
        self.top_down3 = C2f(w4 + c3, w3, n)
        self.down3 = Conv(w3, w3, 3, 2)
        self.bottom_up4 = C2f(w3 + w4, w4, n)
        self.down4 = Conv(w4, w4, 3, 2)
        self.bottom_up5 = C2f(w4 + w5, w5, n)
        self.channels = (w3, w4, w5)

    def forward(self, c3: Tensor, c4: Tensor, c5: Tensor) -> list[Tensor]:
        t5 = self.sppf(c5)
        t4 = self.top_down4(torch.cat((upsample(t5), c4), dim=1))
        p3 = self.top_down3(torch.cat((upsample(t4), c3), dim=1))
        p4 = self.bottom_up4(torch.cat((self.down3(p3), t4), dim=1))
        p5 = self.bottom_up5(torch.cat((self.down4(p4), t5), dim=1))
        return [p3, p4, p5]


def upsample(x: Tensor) -> Tensor:
    """Twice the size, nearest neighbour."""
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")


class Network(nn.Module):
    """The whole segmenter.

    ``forward`` takes (B, 3, H, W) float images, RGB in [0, 1], sides multiples of 32.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.trunk = YoloTrunk(config) if config.trunk == "yolo" else EfficientNetLite(config.trunk)
        c2, c3, c4, c5 = self.trunk.channels
        self.neck = Neck((c3, c4, c5), config)
        self.head = SegmentHead(
            self.neck.channels,
            config.classes,
            config.reg_max,
            config.coefficients,
            proto_channels=config.width(256),
            detail_channels=c2 if config.detail else 0,
            quality=config.quality,
        )

    def forward(self, images: Tensor) -> HeadOutput:
        return self.forward_maps(self.trunk(images))

    def forward_maps(self, maps: list[Tensor]) -> HeadOutput:
        """The part above the trunk: (B, C_i, H / s, W / s) for s = 4, 8, 16, 32 -> what the head says."""
        c2, c3, c4, c5 = maps
        output: HeadOutput = self.head(self.neck(c3, c4, c5), c2)
        return output
