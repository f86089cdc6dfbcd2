"""Every setting of a training run, on one screen; saved inside each checkpoint."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from anymask.errors import SettingsError
from anymask.network.yolo import NetworkConfig

# How often a photo of a collection is drawn. Everyday scenes lead; the partitions and parts keep the model general.
SAMPLING: Mapping[str, float] = {
    "coco": 0.24,
    "voc": 0.26,
    "coco_panoptic": 0.10,
    "bsds": 0.11,
    "ccp": 0.08,
    "car_parts": 0.05,
    "facades": 0.07,
    "camvid": 0.05,
    "cells": 0.04,
}

# What a detection on an unlabelled pixel costs, by the collection's own word for how completely it is labelled.
UNLABELLED_WEIGHT: Mapping[str, float] = {"all": 1.0, "most": 0.6, "some": 0.0}


@dataclass(frozen=True)
class RunSettings:
    """What every training run has. The defaults are the detector's."""

    seed: int = 0
    workers: int = 1  # processes that prepare batches
    learning_rate: float = 2e-3
    final_rate: float = 0.02  # share of the learning rate at the end of the run
    decay_from: float = 0.5  # share of the run after which the rate falls (cosine)
    warmup_steps: int = 150
    weight_decay: float = 0.02
    clip_norm: float = 10.0
    ema_decay: float = 0.998

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**31:
            raise SettingsError(f"seed must be from 0 to 2147483647, got {self.seed}")


@dataclass(frozen=True)
class Settings(RunSettings):
    """A training run of the detector. The defaults are the recipe of the default model.

    Raises:
        SettingsError: a value the loop cannot work with.
    """

    network: NetworkConfig = field(default_factory=lambda: NetworkConfig(quality=True))
    freeze_trunk: bool = True  # keep the ImageNet weights: several times faster, and its features keep their meaning

    # --- batches -----------------------------------------------------------------------------------------------
    pixels_per_step: int = 16 * 256 * 256  # images per step = this / side², so every size costs the same time
    sides: Mapping[int, float] = field(default_factory=lambda: {256: 0.35, 320: 0.3, 416: 0.2, 640: 0.15})
    sampling: Mapping[str, float] = field(default_factory=lambda: dict(SAMPLING))
    unlabelled_weight: Mapping[str, float] = field(default_factory=lambda: dict(UNLABELLED_WEIGHT))

    # --- augmentation ------------------------------------------------------------------------------------------
    zoom: tuple[float, float] = (0.7, 2.0)  # longest side of the photo after scaling, in canvas sides
    stretch: float = 1.15  # largest change of aspect ratio
    mosaics: Mapping[int, float] = field(default_factory=lambda: {2: 0.2, 4: 0.04})  # share made of n x n photos
    copy_paste: float = 0.2  # share of canvases onto which objects of another photo are pasted (arXiv 2012.07177)
    pasted: float = 0.5  # share of the other photo's objects that are
    jitter: float = 0.3  # largest relative change of brightness, contrast, saturation
    min_visible: float = 0.15  # an object cropped to less than this share of its area is not asked for
    max_objects: int = 100  # per canvas; the rest of a crowded canvas is ignored, not punished

    # --- assignment (TOOD, arXiv 2108.07755) -------------------------------------------------------------------
    topk: int = 10  # anchors per object
    alpha: float = 0.5  # power of the class score
    beta: float = 6.0  # power of the box IoU

    # --- loss --------------------------------------------------------------------------------------------------
    box_gain: float = 7.5
    class_gain: float = 0.5
    dfl_gain: float = 1.5
    mask_gain: float = 5.0
    quality_gain: float = 1.0  # of the mask's quality, where the network tells it
    mask_objects: int = 384  # anchors per step whose mask is learnt
    mask_points: int = 28  # a jittered grid of 28 x 28 points per mask
    uncertain_points: int = 196  # and so many where the mask is least sure (PointRend, arXiv 1912.08193)
    uncertain_of: int = 588  # out of so many random ones
    mask_margin: float = 0.15  # the grid reaches beyond the box by this share of its side

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.sides or any(side <= 0 or side % 32 for side in self.sides):
            raise SettingsError(f"sides must be multiples of 32, at least one, got {sorted(self.sides)}")
        if any(count < 2 for count in self.mosaics) or sum(self.mosaics.values()) > 1:
            raise SettingsError(f"mosaics must be shares, at most 1 in all, by 2 or more, got {dict(self.mosaics)}")
        if not 0 <= self.uncertain_points <= self.uncertain_of:
            raise SettingsError(
                f"uncertain_points must be from 0 to uncertain_of, {self.uncertain_of}, got {self.uncertain_points}"
            )
        if self.network.classes != 1:
            raise SettingsError(f"only networks of one class can be trained, got {self.network.classes} classes")
        if self.freeze_trunk and self.network.trunk == "yolo":
            raise SettingsError(
                "freeze_trunk keeps ImageNet weights, and the trunk 'yolo' has none: it would stay random; "
                "set freeze_trunk=False, or take a trunk such as 'lite0'"
            )
