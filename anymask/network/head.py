"""Segmentation head: boxes as distributions (DFL), class scores, mask coefficients, prototypes.

Boxes: Generalized Focal Loss, Li et al. 2020, arXiv 2006.04388. Prototypes and coefficients: YOLACT, Bolya et al.
2019, arXiv 1904.02689. Anchors are the centres of the cells at strides 8, 16 and 32, level after level, row by row.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from anymask.network.blocks import Conv

STRIDES = (8, 16, 32)


class HeadOutput(NamedTuple):
    """What the head says about a batch; A anchors, K coefficients, C classes."""

    box_logits: Tensor  # (B, 4, reg_max, A): left, top, right, bottom distances in strides, as distributions
    class_logits: Tensor  # (B, C, A)
    coefficients: Tensor  # (B, K, A)
    prototypes: Tensor  # (B, K, H / 4, W / 4)
    anchors: Tensor  # (2, A): x, y of the anchor in strides of its level
    strides: Tensor  # (A,): network pixels per stride
    quality_logits: Tensor | None = None  # (B, A): of the IoU that the anchor's mask is believed to have

    def in_float32(self) -> "HeadOutput":
        """The same for losses, after a network that computed in half precision."""
        return self._replace(**{name: value.float() for name, value in self._asdict().items() if value is not None})


class Prototypes(nn.Module):
    """K masks at a quarter of the network's resolution, of which every object's mask is a linear combination.

    With ``detail_channels`` the trunk's own stride-4 features are added after the upsampling: YOLOv8's prototypes
    come from stride 8 alone, too coarse for thin parts and small borders.
    """

    def __init__(self, c_in: int, c_mid: int, coefficients: int, detail_channels: int = 0) -> None:
        super().__init__()
        self.cv1 = Conv(c_in, c_mid, 3)
        self.upsample = nn.ConvTranspose2d(c_mid, c_mid, 2, 2, bias=True)
        self.detail = Conv(detail_channels, c_mid) if detail_channels else None
        self.cv2 = Conv(c_mid, c_mid, 3)
        self.cv3 = Conv(c_mid, coefficients)

    def forward(self, p3: Tensor, c2: Tensor) -> Tensor:
        x = self.upsample(self.cv1(p3))
        if self.detail is not None:
            x = x + self.detail(c2)
        y: Tensor = self.cv3(self.cv2(x))
        return y


def branch(c_in: int, c_mid: int, c_out: int) -> nn.Sequential:
    """Two 3x3 convolutions and a 1x1 with bias: the shape of all three branches of a level."""
    return nn.Sequential(Conv(c_in, c_mid, 3), Conv(c_mid, c_mid, 3), nn.Conv2d(c_mid, c_out, 1))


class SegmentHead(nn.Module):
    """Per level three branches: ``cv2`` boxes, ``cv3`` classes, ``cv4`` coefficients; ``proto`` from P3.

    With ``quality``, one more convolution on what the coefficients are made of says how good the mask will be
    (Mask Scoring R-CNN, arXiv 1903.00241): a class score alone knows the box, not the mask.
    """

    def __init__(
        self,
        channels: tuple[int, int, int],
        classes: int,
        reg_max: int,
        coefficients: int,
        proto_channels: int,
        detail_channels: int = 0,
        quality: bool = False,
    ) -> None:
        super().__init__()
        self.classes, self.reg_max, self.coefficients = classes, reg_max, coefficients
        c_box = max(16, channels[0] // 4, 4 * reg_max)
        c_class = max(channels[0], classes)
        c_mask = max(channels[0] // 4, coefficients)
        self.cv2 = nn.ModuleList(branch(c, c_box, 4 * reg_max) for c in channels)
        self.cv3 = nn.ModuleList(branch(c, c_class, classes) for c in channels)
        self.cv4 = nn.ModuleList(branch(c, c_mask, coefficients) for c in channels)
        self.quality = nn.ModuleList(nn.Conv2d(c_mask, 1, 1) for _ in channels) if quality else None
        self.proto = Prototypes(channels[0], proto_channels, coefficients, detail_channels)
        self._init_biases()

    def _init_biases(self) -> None:
        """Start from short boxes and from about five objects in a 640-pixel picture, as YOLOv8 does."""
        for box, cls, stride in zip(self.cv2, self.cv3, STRIDES, strict=True):
            nn.init.constant_(box[-1].bias, 1.0)  # type: ignore[index]
            nn.init.constant_(cls[-1].bias, math.log(5 / self.classes / (640 / stride) ** 2))  # type: ignore[index]
        for layer in self.quality or ():  # every mask counts alike until one is known to be better
            nn.init.zeros_(layer.weight)  # type: ignore[arg-type]
            nn.init.constant_(layer.bias, 2.0)  # type: ignore[arg-type]

    def forward(self, pyramid: list[Tensor], c2: Tensor) -> HeadOutput:
        boxes, classes, masks, qualities, anchors, strides = [], [], [], [], [], []
        for level, (x, stride) in enumerate(zip(pyramid, STRIDES, strict=True)):
            boxes.append(self.cv2[level](x).flatten(2))
            classes.append(self.cv3[level](x).flatten(2))
            of_mask: Tensor = self.cv4[level][:-1](x)  # type: ignore[index]
            masks.append(self.cv4[level][-1](of_mask).flatten(2))  # type: ignore[index]
            if self.quality is not None:
                qualities.append(self.quality[level](of_mask).flatten(1))
            grid = cell_centres(x)
            anchors.append(grid)
            strides.append(torch.full_like(grid[0], stride))
        box_logits = torch.cat(boxes, dim=2)
        return HeadOutput(
            box_logits.view(box_logits.shape[0], 4, self.reg_max, -1),
            torch.cat(classes, dim=2),
            torch.cat(masks, dim=2),
            self.proto(pyramid[0], c2),
            torch.cat(anchors, dim=1),
            torch.cat(strides),
            torch.cat(qualities, dim=1) if qualities else None,
        )


def cell_centres(x: Tensor) -> Tensor:
    """(2, h * w) x and y of the cell centres of a (B, C, h, w) map, in cells, row by row."""
    height, width = x.shape[2:]
    # Always float32: half precision has no halves beyond 128 cells
    rows = torch.arange(height, device=x.device, dtype=torch.float32) + 0.5
    columns = torch.arange(width, device=x.device, dtype=torch.float32) + 0.5
    y = rows.view(-1, 1).expand(height, width)
    x_ = columns.view(1, -1).expand(height, width)
    return torch.stack((x_.reshape(-1), y.reshape(-1)))


def decode_distances(box_logits: Tensor) -> Tensor:
    """(B, 4, reg_max, A) distributions -> (B, 4, A) expected distances l, t, r, b in strides."""
    bins = torch.arange(box_logits.shape[2], device=box_logits.device, dtype=box_logits.dtype)
    return (box_logits.softmax(dim=2) * bins.view(1, 1, -1, 1)).sum(dim=2)


def decode_boxes(output: HeadOutput) -> Tensor:
    """(B, 4, A) boxes x1, y1, x2, y2 in network pixels."""
    distances = decode_distances(output.box_logits)
    corner1 = output.anchors - distances[:, :2]
    corner2 = output.anchors + distances[:, 2:]
    return torch.cat((corner1, corner2), dim=1) * output.strides


def predictions(output: HeadOutput) -> Tensor:
    """(B, 4 + C + K, A) as deployed: cx, cy, w, h in network pixels, class scores in [0, 1], raw coefficients.

    Class scores are multiplied by the quality of the mask where the network tells it.
    """
    x1y1, x2y2 = decode_boxes(output).chunk(2, dim=1)
    scores = output.class_logits.sigmoid()
    if output.quality_logits is not None:
        scores = scores * output.quality_logits.sigmoid().unsqueeze(1)
    return torch.cat(((x1y1 + x2y2) / 2, x2y2 - x1y1, scores, output.coefficients), dim=1)
