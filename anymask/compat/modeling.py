"""`Sam`: a `Segmenter` with the few attributes that programs read from SAM's model."""

import sys
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from anymask.compat.transforms import ResizeLongestSide
from anymask.maskset import MaskSet
from anymask.segment import Segmenter

SIDE = 1024  # longest side of a picture in SAM's input frame, in which `predict_torch` takes its prompts


@dataclass(frozen=True)
class ImageEncoder:
    """img_size: the longest side of a picture in SAM's input frame."""

    img_size: int = SIDE


@dataclass(frozen=True)
class Sam:
    """The model that `SamPredictor` and `SamAutomaticMaskGenerator` take.

    segmenter: what finds the masks.
    image_size: network pixels along the longest side; what the segmenter's weights want when None.
    """

    segmenter: Segmenter = field(default_factory=Segmenter)
    image_size: int | None = None
    mask_threshold: float = 0.0  # a mask is where its logits are above
    image_format: str = "RGB"
    image_encoder: ImageEncoder = ImageEncoder()

    @classmethod
    def of(cls, model: "Sam | Segmenter") -> "Sam":
        """The model itself, or a `Segmenter` as one."""
        return model if isinstance(model, Sam) else cls(model)

    @property
    def device(self) -> Any:
        """`torch.device("cpu")` in a program that has loaded PyTorch, "cpu" in any other."""
        torch = sys.modules.get("torch")
        return torch.device("cpu") if torch else "cpu"

    def to(self, device: object = None, **_: object) -> Self:
        """The model itself: it runs where its runtime runs, whatever the device."""
        return self

    def eval(self) -> Self:
        """The model itself: it is never in training."""
        return self

    def find(self, image: NDArray[np.uint8], *, score: float = 0.0, iou: float = 0.7) -> MaskSet:
        """Every mask of an (H, W, 3) uint8 RGB picture, see `Segmenter`."""
        return self.segmenter(image, image_size=self.image_size, score=score, iou=iou)

    def transform(self) -> ResizeLongestSide:
        """From source pixels to SAM's input frame."""
        return ResizeLongestSide(self.image_encoder.img_size)
