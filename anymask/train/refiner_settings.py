"""Every setting of a refiner's training run, on one screen; saved inside each checkpoint."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from anymask.network.refiner import RefinerConfig
from anymask.train.settings import RunSettings

# How often a photo of a collection is drawn: everyday things lead, as in the detector's training.
SAMPLING: Mapping[str, float] = {
    "coco": 0.26,
    "voc": 0.28,
    "coco_panoptic": 0.08,
    "bsds": 0.08,
    "ccp": 0.09,
    "car_parts": 0.05,
    "facades": 0.06,
    "camvid": 0.05,
    "cells": 0.05,
}


@dataclass(frozen=True)
class RefinerSettings(RunSettings):
    """A training run of the refiner. The defaults are the recipe of the packaged one."""

    network: RefinerConfig = field(default_factory=RefinerConfig)

    # --- batches -----------------------------------------------------------------------------------------------
    windows: int = 16  # per step
    objects: int = 2  # windows per photo: reading a photo costs more than cutting a second window
    sampling: Mapping[str, float] = field(default_factory=lambda: dict(SAMPLING))

    # --- prompts -----------------------------------------------------------------------------------------------
    kinds: Mapping[str, float] = field(default_factory=lambda: {"box": 0.45, "mask": 0.3, "click": 0.25})
    box_jitter: float = 0.06  # standard deviation of each edge, as a share of the side
    exact_box: float = 0.4  # share of boxes that are tight
    box_and_mask: float = 0.4  # share of boxes that come with a mask drawn before
    mask_and_click: float = 0.7  # share of masks drawn before that come with a point inside
    context: tuple[float, float] = (1.15, 2.2)  # side of the window, in the longest sides of what it is about
    click_context: tuple[float, float] = (1.1, 6.0)
    corrected: float = 0.5  # share of steps whose prompts are answered once and corrected by points
    corrected_again: float = 0.3  # share of those that are corrected twice
    jitter: float = 0.3  # largest relative change of brightness, contrast, saturation

    # --- loss --------------------------------------------------------------------------------------------------
    quality_gain: float = 0.5
    border_weight: float = 2.0  # what a cell at the border of the true mask counts, where others count 1
    loser_gain: float = 0.05  # of the guesses at a click that are not the best

    # --- optimiser ---------------------------------------------------------------------------------------------
    learning_rate: float = 1.5e-3
    decay_from: float = 0.4
    clip_norm: float = 5.0
