"""What every runtime gives: `Runtime`, a class with one method, and `RawOutput`, what that method returns."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from anymask.errors import ShapeError, WeightsError, check_shape

FEATURE_STRIDES = (4, 8, 16, 32)
TRUNK = "trunk"  # the name in the metadata under which a file says what trunk its features are of

BOX = 4  # rows of the predictions that hold the box


@dataclass(frozen=True, slots=True)
class RawOutput:
    """What the network says about a batch of B pictures, before any choice is made.

    predictions: (B, 4 + C + K, A) float32, a column for each of A candidates: centre x, centre y, width and height of
        its box in network pixels, C class scores in [0, 1], and K mask coefficients.
    prototypes: (B, K, h, w) float32; a candidate's mask is its coefficients times the prototypes, and its inside is
        where that is above 0. Cell (i, j) is centred at ((j + .5) W / w, (i + .5) H / h) in network pixels.

    Raises ShapeError if the two do not fit together.
    """

    predictions: NDArray[np.float32]
    prototypes: NDArray[np.float32]

    def __post_init__(self) -> None:
        check_shape(self.predictions, "B 4+C+K A", "predictions")
        check_shape(self.prototypes, "B K h w", "prototypes")
        if len(self.predictions) != len(self.prototypes):
            raise ShapeError(
                "predictions and prototypes must be of the same batch, but got "
                f"{len(self.predictions)} and {len(self.prototypes)} pictures"
            )
        if self.classes < 1:
            raise ShapeError(
                f"predictions must have 4 box rows, at least 1 class and one row for each of the {self.coefficients} "
                f"prototypes, but got {self.predictions.shape[1]} rows: are these outputs of the same network?"
            )
        if 0 in self.prototypes.shape[1:]:
            raise ShapeError(f"prototypes must not be empty, but got shape {self.prototypes.shape}")

    @property
    def coefficients(self) -> int:
        """K, the number of mask coefficients of a candidate and of prototypes."""
        return int(self.prototypes.shape[1])

    @property
    def classes(self) -> int:
        """C, the number of class scores of a candidate."""
        return int(self.predictions.shape[1]) - BOX - self.coefficients

    def __len__(self) -> int:
        return len(self.predictions)

    def __getitem__(self, index: int) -> "RawOutput":
        """The output for one picture of the batch, as a batch of one."""
        only = slice(index, index + 1 or None)
        return RawOutput(self.predictions[only], self.prototypes[only])


class Runtime(ABC):
    """Runs the network. A runtime must be safe to call from several threads at once."""

    stride: ClassVar[int] = 32  # the height and width of a batch must be multiples of it, network pixels

    metadata: Mapping[str, str] = MappingProxyType({})  # what the weights file says of itself, by name

    @abstractmethod
    def run(self, batch: NDArray[np.float32]) -> RawOutput:
        """(B, 3, H, W) float32 RGB in [0, 1] to the network's output; H and W are multiples of `stride`."""

    def features(self, batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """What the network's trunk makes of a batch as in `run`, without the rest of the network.

        Four maps (B, C, H / s, W / s) float32 for s = 4, 8, 16, 32. Raises WeightsError if the weights do not tell.
        """
        raise WeightsError("these weights do not give their trunk's features: export them with this version of anymask")

    def run_with_features(self, batch: NDArray[np.float32]) -> tuple[RawOutput, tuple[NDArray[np.float32], ...]]:
        """What `run` and `features` give, in one pass. Raises WeightsError as `features` does."""
        return self.run(batch), self.features(batch)
