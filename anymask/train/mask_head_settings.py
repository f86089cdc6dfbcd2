"""Every setting of a mask head's training run, on one screen; saved inside each checkpoint."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from anymask.errors import SettingsError
from anymask.network.mask_head import MaskHeadConfig
from anymask.train.settings import CanvasSettings


@dataclass(frozen=True)
class MaskHeadSettings(CanvasSettings):
    """A training run of the mask head. The defaults are the recipe of the packaged one.

    Raises:
        SettingsError: a value the loop cannot work with.
    """

    network: MaskHeadConfig = field(default_factory=MaskHeadConfig)

    # --- batches -----------------------------------------------------------------------------------------------
    pixels_per_step: int = 12 * 256 * 256
    sides: Mapping[int, float] = field(default_factory=lambda: {320: 0.4, 416: 0.3, 640: 0.3})

    # --- boxes -------------------------------------------------------------------------------------------------
    windows: int = 224  # per step
    found: float = 0.75  # share of the boxes that the detector found; the others are drawn around the labels
    least_iou: float = 0.35  # of a found box with the label's, below which nobody can tell what is meant
    box_jitter: float = 0.06  # standard deviation of each edge of a drawn box, as a share of the side
    exact_box: float = 0.3  # share of drawn boxes that are tight
    hinted: float = 0.8  # share of found boxes for which the detector's mask is a hint

    # --- loss --------------------------------------------------------------------------------------------------
    quality_gain: float = 0.5

    # --- optimiser ---------------------------------------------------------------------------------------------
    optimiser: str = "muon"
    learning_rate: float = 3e-3
    decay_from: float = 0.4
    clip_norm: float = 5.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.windows < 1:
            raise SettingsError(f"windows must be at least 1, got {self.windows}")
        for name in ("found", "least_iou", "exact_box", "hinted"):
            if not 0 <= (value := getattr(self, name)) <= 1:
                raise SettingsError(f"{name} must be from 0 to 1, got {value}")
        for name in ("box_jitter", "quality_gain"):
            if not 0 <= (value := getattr(self, name)) < float("inf"):
                raise SettingsError(f"{name} must be a number from 0 up, got {value}")
