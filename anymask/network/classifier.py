"""The classifier: what the trunk saw under each of many masks in, how much each looks like each label out.

The trunk is frozen at its ImageNet weights, so the rest of the ImageNet network, its last convolution and its classes,
still fits behind it, and one forward pass serves masks and meanings: features are averaged under every mask at once.
Two answers come of what is under a mask and around it: which of ImageNet's classes it is, by ImageNet's own weights,
and which of the labels of the photos, by two layers that are trained. Each may also be "none of them". Two further
layers judge whether the mask is all of a thing and nothing else: a part looks like the whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from anymask.errors import SettingsError
from anymask.network.config import LITE_SCALES
from anymask.network.trunk import EfficientNetLite

STRIDE = 8  # network pixels a side of a cell of the masks
CLASSES = 1000  # of ImageNet
WIDTH = 1280  # of the ImageNet network's last convolution
SHAPE = 6  # numbers that tell where and how large a mask is
BN_EPS = 1e-3  # of EfficientNet


@dataclass(frozen=True)
class ClassifierConfig:
    """Everything needed to build a ``Classifier``; saved inside every checkpoint.

    Raises:
        SettingsError: there is no such trunk, or a count is below 1.
    """

    trunk: str = "lite0"  # whose features it reads: "lite0", "lite1" or "lite2"
    labels: int = 90  # that are learnt, besides ImageNet's classes
    hidden: int = 512  # channels between the two layers
    judging: int = 256  # channels between those that judge the mask

    def __post_init__(self) -> None:
        if self.trunk not in LITE_SCALES:
            raise SettingsError(f"trunk must be one of {', '.join(LITE_SCALES)}, got {self.trunk!r}")
        counts = self.labels, self.hidden, self.judging
        if min(counts) < 1:
            raise SettingsError("labels, hidden and judging must be from 1 up, got {}, {} and {}".format(*counts))


class ClassifierOutput(NamedTuple):
    """Logits of N masks; the last column of each is "none of them"."""

    classes: Tensor  # (N, 1001)
    labels: Tensor  # (N, labels + 1)


class Classifier(nn.Module):
    """See the head of this file."""

    last_weight: Tensor
    last_bias: Tensor
    class_weight: Tensor
    class_bias: Tensor
    sureness: Tensor
    mean: Tensor
    deviation: Tensor

    def __init__(self, config: ClassifierConfig) -> None:
        super().__init__()
        self.config = config
        c4, c8, c16, c32 = EfficientNetLite(config.trunk).channels
        self.described = c4 + c8 + c16 + c32 + WIDTH + 2 * c32 + SHAPE  # numbers that describe a mask
        self._classes_at = c4 + c8 + c16 + c32
        # ImageNet's own, not trained
        self.register_buffer("last_weight", torch.zeros(WIDTH, c32))
        self.register_buffer("last_bias", torch.zeros(WIDTH))
        self.register_buffer("class_weight", torch.zeros(CLASSES, WIDTH))
        self.register_buffer("class_bias", torch.zeros(CLASSES))
        # What descriptions are like on training photos
        self.register_buffer("mean", torch.zeros(self.described))
        self.register_buffer("deviation", torch.ones(self.described))
        self.enter = nn.Linear(self.described, config.hidden)
        self.drop = nn.Dropout(0.3)
        self.leave = nn.Linear(config.hidden, config.labels + 1)
        self.no_class = nn.Linear(config.hidden, 1)
        self.judge = nn.Sequential(
            nn.Dropout(0.3),
            nn.Linear(self.described, config.judging),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(config.judging, 1),
        )
        self.register_buffer("sureness", torch.tensor(0.0))  # added to the log odds of labels; fitted after training
        self.sharpness = nn.Parameter(torch.tensor(0.0))  # log of what ImageNet's logits are multiplied by

    def load_imagenet(self, state: Mapping[str, Tensor]) -> None:
        """Fill in what of an EfficientNet-Lite stands behind its trunk; the last norm is folded in."""
        scale = state["_bn1.weight"] / (state["_bn1.running_var"] + BN_EPS).sqrt()
        self.last_weight.copy_(state["_conv_head.weight"][:, :, 0, 0] * scale[:, None])
        self.last_bias.copy_(state["_bn1.bias"] - state["_bn1.running_mean"] * scale)
        self.class_weight.copy_(state["_fc.weight"])
        self.class_bias.copy_(state["_fc.bias"])

    def describe(self, features: list[Tensor], masks: Tensor) -> Tensor:
        """(N, described) what is under and around each mask of one picture.

        Args:
            features: the trunk's (1, C_i, H / s, W / s) for s = 4, 8, 16, 32.
            masks: (N, H / 8, W / 8) share of each cell that a mask covers, in [0, 1].
        """
        f4, f8, f16, f32 = features
        at16 = functional.avg_pool2d(masks.unsqueeze(1), 2)
        at32 = functional.avg_pool2d(at16, 2)
        around = (functional.max_pool2d(at32, 5, stride=1, padding=2) - at32).clamp(min=0).squeeze(1)
        last = torch.einsum("kc,chw->khw", self.last_weight, f32[0]) + self.last_bias[:, None, None]
        under = [
            averaged(functional.avg_pool2d(f4, 2)[0], masks),
            averaged(f8[0], masks),
            averaged(f16[0], at16.squeeze(1)),
            averaged(f32[0], at32.squeeze(1)),
            averaged(last.clamp(0, 6), at32.squeeze(1)),
            averaged(f32[0], around),
        ]
        whole = f32.mean(dim=(2, 3)).expand(masks.shape[0], -1)
        return torch.cat((*under, whole, shapes(masks)), dim=1)

    def forward(self, described: Tensor) -> ClassifierOutput:
        """(N, described) descriptions -> logits."""
        known = (described - self.mean) / self.deviation
        hidden = self.drop(functional.relu(self.enter(self.drop(known))))
        pooled = described[:, self._classes_at : self._classes_at + WIDTH]
        classes = functional.linear(pooled, self.class_weight, self.class_bias) * self.sharpness.exp()
        return ClassifierOutput(torch.cat((classes, self.no_class(hidden)), dim=1), self.leave(hidden))

    def judged(self, described: Tensor) -> Tensor:
        """(N, described) descriptions -> (N,) logits of the IoU that a mask is believed to have with a thing."""
        return cast(Tensor, self.judge((described - self.mean) / self.deviation)).squeeze(1)

    def scores(self, described: Tensor) -> Tensor:
        """(N, 1000 + labels), see `scored`."""
        return self.scored(self(described), self.judged(described))

    def scored(self, output: ClassifierOutput, judged: Tensor) -> Tensor:
        """(N, 1000 + labels) in [0, 1]: ImageNet's classes, which add up to 1 at most, and the labels, each by itself.

        A label's chance is that of the label times the IoU that the mask is believed to have: of masks that look like
        a dog the whole one scores best. Its odds are then taken times ``sureness.exp()``: a mask may be a cup and a
        bowl. ImageNet's classes, whose chances add up already, are only lowered where the mask is hardly anything.
        """
        whole = judged.sigmoid().unsqueeze(1)
        classes = output.classes.softmax(dim=1)[:, :-1] * self._surely(whole)
        labels = self._surely(output.labels.softmax(dim=1)[:, :-1] * whole)
        return torch.cat((classes, labels), dim=1)

    def _surely(self, chances: Tensor) -> Tensor:
        """Chances of odds so many times as high."""
        times = self.sureness.exp()
        return times * chances / (1 + (times - 1) * chances)


def averaged(feature: Tensor, masks: Tensor) -> Tensor:
    """(C, h, w) features averaged under (N, h, w) masks -> (N, C); 0 under an empty one."""
    weights = masks.flatten(1)
    return weights @ feature.flatten(1).T / (weights.sum(dim=1, keepdim=True) + 1e-4)


def shapes(masks: Tensor) -> Tensor:
    """(N, h, w) masks -> (N, 6): log area, width and height as shares of the picture, fullness, centre x and y."""
    height, width = masks.shape[1], masks.shape[2]
    area = masks.sum(dim=(1, 2)) + 1e-4
    columns, rows = masks.sum(dim=1), masks.sum(dim=2)
    across, down = masks.amax(dim=1).sum(dim=1), masks.amax(dim=2).sum(dim=1)
    x = (columns * torch.arange(width).to(masks)).sum(dim=1) / area / width
    y = (rows * torch.arange(height).to(masks)).sum(dim=1) / area / height
    return torch.stack((area.log(), across / width, down / height, area / (across * down + 1e-4), x, y), dim=1)
