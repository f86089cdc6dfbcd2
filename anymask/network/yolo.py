"""YOLOv8-seg: trunk -> neck -> head, one definition for every size.

The trunk is either YOLOv8's own (sizes n, s, m, l, x) or an ImageNet-pretrained EfficientNet-Lite; neck, head and
prototypes are the same. ``Network(NetworkConfig())`` is the default model.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

import torch
from torch import Tensor, nn
from torch.nn import functional

from anymask.errors import SettingsError
from anymask.network.blocks import SPPF, C2f, Conv
from anymask.network.head import HeadOutput, SegmentHead
from anymask.network.trunk import SCALES, EfficientNetLite

# size: (depth multiple, width multiple, largest channel count before the width multiple)
YOLO_SCALES: Mapping[str, tuple[float, float, int]] = {
    "n": (1 / 3, 0.25, 1024),
    "s": (1 / 3, 0.5, 1024),
    "m": (2 / 3, 0.75, 768),
    "l": (1.0, 1.0, 512),
    "x": (1.0, 1.25, 512),
}


@dataclass(frozen=True)
class NetworkConfig:
    """Everything needed to build a ``Network``; saved inside every checkpoint.

    Raises:
        SettingsError: there is no such size or trunk, or a count is too small.
    """

    size: str = "n"  # neck and head: a key of YOLO_SCALES
    trunk: str = "lite0"  # "yolo" for YOLOv8's own at the same size, or "lite0", "lite1", "lite2"
    classes: int = 1
    reg_max: int = 16  # bins of a box distance; FastSAM-x has 26
    coefficients: int = 32
    detail: bool = True  # add the trunk's stride-4 features to the prototypes
    quality: bool = False  # also say how good the mask of an anchor is, and let the score count that

    def __post_init__(self) -> None:
        if self.size not in YOLO_SCALES:
            raise SettingsError(f"size must be one of {', '.join(YOLO_SCALES)}, got {self.size!r}")
        if self.trunk != "yolo" and self.trunk not in SCALES:
            raise SettingsError(f"trunk must be yolo or one of {', '.join(SCALES)}, got {self.trunk!r}")
        for name, least in (("classes", 1), ("reg_max", 2), ("coefficients", 1)):
            if getattr(self, name) < least:
                raise SettingsError(f"{name} must be at least {least}, got {getattr(self, name)}")

    def width(self, channels: int) -> int:
        """Channels at this size: scaled, capped, rounded up to a multiple of 8."""
        _, multiple, largest = YOLO_SCALES[self.size]
        return ceil(min(channels, largest) * multiple / 8) * 8

    def repeats(self, count: int) -> int:
        """Bottlenecks of a C2f at this size."""
        return max(round(count * YOLO_SCALES[self.size][0]), 1)


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
