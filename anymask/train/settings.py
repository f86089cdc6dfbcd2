"""Every setting of a training run, on one screen; saved inside each checkpoint."""

from collections.abc import Callable, Mapping
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
    """What every training run has. The defaults are the detector's.

    Raises:
        SettingsError: a value the loop cannot work with.
    """

    seed: int = 0
    workers: int = 1  # processes that prepare batches, for each process that trains
    steps: int = 0  # length of a run that names none; 0: by epochs
    epochs: float = 0.0  # likewise; 0: by the clock

    # --- steps -------------------------------------------------------------------------------------------------
    accumulate: int = 1  # batches per step and process; their mean gradient makes the step
    precision: str = "no"  # "bf16": the network computes in bfloat16 (autocast), the loss and the weights in float32
    optimiser: str = "adamw"  # "muon": learns more in a step, a tenth slower; "sgd": with Nesterov's momentum
    momentum: float = 0.9  # of sgd
    learning_rate: float = 2e-3
    final_rate: float = 0.02  # share of the learning rate at the end of the run
    decay: str = "cosine"  # how the rate falls, or "linear"
    decay_from: float = 0.5  # share of the run after which the rate falls
    warmup_steps: int = 150
    warmup_epochs: float = 0.0  # above 0: instead of warmup_steps
    weight_decay: float = 0.02
    clip_norm: float = 10.0
    ema_decay: float = 0.998

    # --- what is saved -----------------------------------------------------------------------------------------
    save_minutes: float = 2.0  # a checkpoint at least so often
    save_steps: int = 1000  # and after so many steps

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**31:
            raise SettingsError(f"seed must be from 0 to 2147483647, got {self.seed}")
        for name, words in CHOICES.items():
            if getattr(self, name) not in words:
                raise SettingsError(f"{name} must be one of {', '.join(words)}, got {getattr(self, name)!r}")
        for name, least in LEAST.items():
            if not getattr(self, name) >= least:
                raise SettingsError(f"{name} must be at least {least}, got {getattr(self, name)}")


CHOICES = {"precision": ("no", "bf16"), "optimiser": ("adamw", "muon", "sgd"), "decay": ("cosine", "linear")}
LEAST = {"workers": 0, "steps": 0, "epochs": 0, "accumulate": 1, "warmup_epochs": 0, "save_minutes": 0, "save_steps": 1}


@dataclass(frozen=True)
class CanvasSettings(RunSettings):
    """A training run on canvases: photos scaled, cropped, joined and recoloured, and what of them an anchor learns.

    Raises:
        SettingsError: a value the loop cannot work with.
    """

    # --- batches -----------------------------------------------------------------------------------------------
    resident: bool = False  # all photos are kept in the device's memory and canvases painted there; for GPUs
    pixels_per_step: int = 16 * 256 * 256  # images per batch = this / side², so every size costs the same time
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

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.sides or any(side <= 0 or side % 32 for side in self.sides):
            raise SettingsError(f"sides must be multiples of 32, at least one, got {sorted(self.sides)}")
        if self.resident and self.workers:
            raise SettingsError(f"with resident, workers must be 0, as the device paints alone, got {self.workers}")
        if any(count < 2 for count in self.mosaics) or sum(self.mosaics.values()) > 1:
            raise SettingsError(f"mosaics must be shares, at most 1 in all, by 2 or more, got {dict(self.mosaics)}")


@dataclass(frozen=True)
class Settings(CanvasSettings):
    """A training run of the detector. The defaults are the recipe of the default model.

    Raises:
        SettingsError: a value the loop cannot work with.
    """

    network: NetworkConfig = field(default_factory=lambda: NetworkConfig(quality=True))
    freeze_trunk: bool = True  # keep the ImageNet weights: several times faster, and its features keep their meaning

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


def paper() -> Settings:
    """FastSAM's recipe (arXiv 2306.12156, section 4, and YOLOv8's defaults), as far as these settings can say it.

    What stays ours: masks are compared with the labels at points, at the labels' own resolution, by BCE and dice, where
    YOLOv8 compares prototypes of a quarter of the canvas; colours change by brightness, contrast and saturation, not by
    hue; the average warms up by (1 + step) / (10 + step); and the momentum does not warm up.
    """
    return Settings(
        network=NetworkConfig("x", "yolo", reg_max=26, detail=False),
        freeze_trunk=False,  # nothing here is pretrained
        epochs=100,
        # 4 canvases on each of 8 GPUs: batches of 32. YOLOv8 makes a step of every 64, so of two batches.
        # On fewer GPUs raise accumulate instead: 16 on one, 8 on two.
        pixels_per_step=4 * 1024 * 1024,
        accumulate=2,
        workers=8,
        sides={1024: 1.0},
        optimiser="sgd",
        learning_rate=0.01,
        final_rate=0.01,
        decay="linear",
        decay_from=0.0,
        warmup_epochs=3.0,
        weight_decay=5e-4,
        ema_decay=0.9999,
        zoom=(0.5, 1.5),
        stretch=1.0,
        mosaics={2: 1.0},
        copy_paste=0.0,
        jitter=0.4,
        max_objects=300,  # mosaics of SA-1B are crowded
        mask_objects=512,  # YOLOv8 takes every anchor that an object claimed
        uncertain_points=0,
        mask_gain=7.5,
    )


def gpu() -> Settings:
    """The default model's recipe for one GPU of 40 GB or more, to go on from the packaged weights.

    More and larger canvases a step, painted by the GPU itself, and Muon.
    """
    return Settings(
        steps=1600,
        resident=True,
        workers=0,
        pixels_per_step=32 * 640 * 640,
        sides={416: 0.3, 512: 0.2, 640: 0.5},
        precision="bf16",
        optimiser="muon",
        mask_gain=8.0,
        mask_objects=1536,
    )


PRESETS: Mapping[str, Callable[[], Settings]] = {"default": Settings, "gpu": gpu, "paper": paper}


def preset(name: str) -> Settings:
    """The settings of that name, a key of ``PRESETS``. Raises SettingsError if there are none."""
    if name not in PRESETS:
        raise SettingsError(f"preset must be one of {', '.join(PRESETS)}, got {name!r}")
    return PRESETS[name]()
