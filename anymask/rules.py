"""How the network's output is read: scores, crops, cuts, and in which way masks are made.

Each rule is a few numbers or words. Those that depend on the weights are kept in the metadata of their file; where it
holds none, the default is what the weights in this package are used with.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anymask.boxes import clip
from anymask.errors import SettingsError
from anymask.stretches import stretches

Interpolation = Literal["cubic", "linear"]
CropPixels = Literal["touched", "corners"]
Clipping = Literal["before", "after"]
Repeats = Literal["dropped", "kept"]


@dataclass(frozen=True, slots=True)
class ScoreRule:
    """score = factor * class score ** class_power * maskness ** maskness_power, all in [0, 1].

    Maskness is the mean of sigmoid(logit) over the inside of a mask: a mask that the network is sure of scores higher
    than a blurred one whose box is as good. The mask head has a rule of its own, in which the IoU that it believes in
    takes the place of maskness, and the factor makes its scores mean what those of other masks do. Powers are 0 or
    more, the factor is in [0, 1]; SettingsError otherwise.
    """

    class_power: float = 1.0
    maskness_power: float = 1.0
    factor: float = 1.0

    def __post_init__(self) -> None:
        for name, power in (("class_power", self.class_power), ("maskness_power", self.maskness_power)):
            if not 0 <= power < np.inf:
                raise SettingsError(f"{name} must be a number from 0 up, but got {power}")
        if not 0 <= self.factor <= 1:
            raise SettingsError(f"factor of a ScoreRule must be in [0, 1], but got {self.factor}")

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> Self:
        """The rule that was fitted for a weights file and is kept in it; the default where it holds none."""
        return cls(**{name: float(metadata[key]) for name, key in cls._keys().items() if key in metadata})

    def to_metadata(self) -> dict[str, str]:
        """What ``from_metadata`` reads."""
        return {key: repr(getattr(self, name)) for name, key in self._keys().items()}

    @staticmethod
    def _keys() -> Mapping[str, str]:
        """Which field is called what in the metadata."""
        return {"class_power": "class_power", "maskness_power": "maskness_power", "factor": "score_factor"}

    def __call__(self, class_scores: NDArray[np.float64], maskness: ArrayLike) -> NDArray[np.float64]:
        """Scores, (N,), of (N,) class scores and (N,) maskness."""
        powers = class_scores**self.class_power * np.asarray(maskness, np.float64) ** self.maskness_power
        return self.factor * powers


@dataclass(frozen=True, slots=True)
class CropRule:
    """How far a mask may reach beyond the box that the network predicts for it, on each side.

    The box keeps out what the prototypes say about other objects, but it is a prediction too: cutting at it takes off
    tips. It is off by about a cell for a small object, and by about a share of its side for a large one; the larger
    of both is allowed. Beyond the box a mask must be surer of itself the farther it goes, so that a tip stays and a
    neighbour does not: the logits lose falloff from the box to the end of the margin, evenly. On training photos this
    gives better masks than the margin alone, and than none. None may be negative; SettingsError otherwise.
    """

    cells: float = 1.0  # prototype cells
    share: float = 0.05  # of the side of the box
    falloff: float = 5.0  # of a logit

    def __post_init__(self) -> None:
        for name in ("cells", "share", "falloff"):
            if not 0 <= (value := getattr(self, name)) < np.inf:
                raise SettingsError(f"{name} of a CropRule must be a number from 0 up, but got {value}")

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> Self:
        """The rule that a weights file asks for; the default where it does not."""
        return cls(**{name: float(metadata[key]) for name, key in cls._keys().items() if key in metadata})

    def to_metadata(self) -> dict[str, str]:
        """What ``from_metadata`` reads."""
        return {key: repr(float(getattr(self, name))) for name, key in self._keys().items()}

    @staticmethod
    def _keys() -> Mapping[str, str]:
        """Which field is called what in the metadata."""
        return {name: f"crop_{name}" for name in ("cells", "share", "falloff")}

    def margins(self, boxes: NDArray[np.float64], cell: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far each of (N, 4) boxes may be left along x and y, (N, 2); cell is the width and height of a cell."""
        return np.maximum(self.cells * cell, self.share * (boxes[:, 2:] - boxes[:, :2]))

    def costs(
        self, spans: NDArray[np.int64], sides: NDArray[np.float64], margins: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """What a logit loses at each pixel along one axis of N crops, one crop behind the other: nothing in the box.

        spans: (N, 2) first pixel of each crop and first after it. sides: (N, 2) where its box begins and ends.
        margins: (N,) how far the box may be left.
        """
        pixels, crop = stretches(spans[:, 0], spans[:, 1] - spans[:, 0])
        centres = pixels + 0.5
        outside = np.maximum(np.maximum(sides[crop, 0] - centres, centres - sides[crop, 1]), 0)
        return np.asarray(self.falloff * outside / np.maximum(margins, 1e-9)[crop], np.float32)


@dataclass(frozen=True, slots=True)
class CutRule:
    """Above which level a logit is inside, by the size of the mask.

    It is (small * scale + large * cells) / (scale + cells) for a mask of so many prototype cells.

    small, large: the levels of a mask without a cell and of a huge one; halfway for one of `scale` cells. A level below
    0 grows a mask, one above shrinks it. Both are 0 by default, as no other rule gained enough with the default
    weights (docs/borders.md). SettingsError for a level that is not finite or a scale of 0 or less.
    """

    small: float = 0.0  # of a logit
    large: float = 0.0
    scale: float = 100.0  # prototype cells

    def __post_init__(self) -> None:
        for name in ("small", "large"):
            if not np.isfinite(value := getattr(self, name)):
                raise SettingsError(f"{name} of a CutRule must be a finite number, but got {value}")
        if not 0 < self.scale < np.inf:
            raise SettingsError(f"scale of a CutRule must be a number above 0, but got {self.scale}")

    def level(self, cells: int) -> float:
        """The level for a mask that holds the centres of so many prototype cells."""
        return (self.small * self.scale + self.large * cells) / (self.scale + cells)


@dataclass(frozen=True, slots=True)
class MaskRule:
    """In which of two ways a mask is made: the first word of each kind is this package's way, the second FastSAM's.

    interpolation: how the logits run from the centre of one prototype cell to that of the next.
    crop_pixels: a crop has all pixels that it touches, or those whose top left corner lies in it.
    clipping: boxes are cut to the picture before those that overlap too much are dropped, or after that.
    repeats: of masks that are nearly the same one is kept and the others are dropped, or all are kept.

    SettingsError for another word.
    """

    interpolation: Interpolation = "cubic"
    crop_pixels: CropPixels = "touched"
    clipping: Clipping = "before"
    repeats: Repeats = "dropped"

    def __post_init__(self) -> None:
        for name, words in self._words().items():
            if (value := getattr(self, name)) not in words:
                raise SettingsError(f"{name} of a MaskRule must be {' or '.join(map(repr, words))}, but got {value!r}")

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> Self:
        """The rule that a weights file asks for; the default where it does not."""
        return cls(**{name: metadata[name] for name in cls._words() if name in metadata})  # type: ignore[arg-type]

    def to_metadata(self) -> dict[str, str]:
        """What ``from_metadata`` reads."""
        return {name: getattr(self, name) for name in self._words()}

    @staticmethod
    def _words() -> Mapping[str, tuple[str, ...]]:
        """Which words each field may be."""
        return {
            "interpolation": get_args(Interpolation),
            "crop_pixels": get_args(CropPixels),
            "clipping": get_args(Clipping),
            "repeats": get_args(Repeats),
        }

    def windows(self, boxes: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.int64]:
        """The pixels of a picture of ``size`` (height, width) that crops of (N, 4) xyxy boxes have, (N, 4).

        These are columns x1..x2 - 1 and rows y1..y2 - 1; there may be none.
        """
        first = np.floor(boxes[:, :2]) if self.crop_pixels == "touched" else np.ceil(boxes[:, :2])
        return clip(np.concatenate([first, np.ceil(boxes[:, 2:])], axis=1), *size).astype(np.int64)
