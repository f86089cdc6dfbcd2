"""The building blocks of YOLOv8, Conv, Bottleneck, C2f and SPPF, and ConvRelu of the networks of our own.

Written from the published architecture table; parameter names (``conv``, ``bn``, ``cv1``, ``cv2``, ``m``) are those
of the public checkpoints, so that their tensors can be renamed into place.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

# Not stored in a checkpoint, so both must match what the public ones were trained with.
BATCH_NORM_EPS = 1e-3
BATCH_NORM_MOMENTUM = 0.03


class Conv(nn.Module):
    """Convolution without bias, batch norm, SiLU. Padding keeps the size at stride 1."""

    def __init__(self, c_in: int, c_out: int, kernel: int = 1, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, kernel, stride, padding=kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(c_out, eps=BATCH_NORM_EPS, momentum=BATCH_NORM_MOMENTUM)

    def forward(self, x: Tensor) -> Tensor:
        return functional.silu(self.bn(self.conv(x)), inplace=True)


class ConvRelu(Conv):
    """The same with ReLU, which ONNX Runtime makes one step of; SiLU would be three."""

    def __init__(self, c_in: int, c_out: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__(c_in, c_out, kernel, stride)
        self.bn = nn.BatchNorm2d(c_out)  # with PyTorch's own eps and momentum: no public checkpoint has one of these

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.bn(self.conv(x)), inplace=True)


class Bottleneck(nn.Module):
    """Two 3x3 convolutions, added to the input when ``shortcut``."""

    def __init__(self, channels: int, shortcut: bool) -> None:
        super().__init__()
        self.cv1 = Conv(channels, channels, 3)
        self.cv2 = Conv(channels, channels, 3)
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.cv2(self.cv1(x))
        return x + y if self.shortcut else y


class C2f(nn.Module):
    """Cross-stage partial block: every bottleneck's output is kept and concatenated."""

    def __init__(self, c_in: int, c_out: int, repeats: int, shortcut: bool = False) -> None:
        super().__init__()
        c_half = c_out // 2
        self.cv1 = Conv(c_in, 2 * c_half)
        self.cv2 = Conv((2 + repeats) * c_half, c_out)
        self.m = nn.ModuleList(Bottleneck(c_half, shortcut) for _ in range(repeats))

    def forward(self, x: Tensor) -> Tensor:
        parts = list(self.cv1(x).chunk(2, dim=1))
        for block in self.m:
            parts.append(block(parts[-1]))
        y: Tensor = self.cv2(torch.cat(parts, dim=1))
        return y


class SPPF(nn.Module):
    """Spatial pyramid pooling: three 5x5 max pools in a row give windows of 5, 9 and 13 cells."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.cv1 = Conv(c_in, c_in // 2)
        self.cv2 = Conv(c_in // 2 * 4, c_out)

    def forward(self, x: Tensor) -> Tensor:
        pools = [self.cv1(x)]
        for _ in range(3):
            pools.append(functional.max_pool2d(pools[-1], kernel_size=5, stride=1, padding=2))
        y: Tensor = self.cv2(torch.cat(pools, dim=1))
        return y
