"""Which networks there are: what is needed to build one, without PyTorch."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from anymask.errors import SettingsError

# size: (depth multiple, width multiple, largest channel count before the width multiple)
YOLO_SCALES: Mapping[str, tuple[float, float, int]] = {
    "n": (1 / 3, 0.25, 1024),
    "s": (1 / 3, 0.5, 1024),
    "m": (2 / 3, 0.75, 768),
    "l": (1.0, 1.0, 512),
    "x": (1.0, 1.25, 512),
}

# Width and depth multipliers of the Lite sizes.
LITE_SCALES: Mapping[str, tuple[float, float]] = {"lite0": (1.0, 1.0), "lite1": (1.0, 1.1), "lite2": (1.1, 1.2)}


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
        if self.trunk != "yolo" and self.trunk not in LITE_SCALES:
            raise SettingsError(f"trunk must be yolo or one of {', '.join(LITE_SCALES)}, got {self.trunk!r}")
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
