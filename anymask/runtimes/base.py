"""What every runtime gives: `Runtime`, a class with one method, and `RawOutput`, what that method returns."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from anymask.errors import MissingExtraError, ShapeError, WeightsError, check_shape

FEATURE_STRIDES = (4, 8, 16, 32)
# How every file of a network calls what goes in and comes out
INPUT = "images"
OUTPUTS = ("output0", "output1")  # predictions, prototypes
FEATURES = tuple(f"features{stride}" for stride in FEATURE_STRIDES)

# Names in the metadata of a file
TRUNK = "trunk"  # what trunk its features are of
NETWORK = "network"  # the NetworkConfig as JSON, so that the network can be built again

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

    suffixes: ClassVar[tuple[str, ...]] = ()  # of the files it opens, the one it is made for first
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

    def check_batch(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """``batch`` as engines want it, contiguous float32. Raises ShapeError unless it is (B, 3, H, W) as in `run`."""
        check_shape(batch, "B 3 H W", "batch")
        if 0 in batch.shape or batch.shape[2] % self.stride or batch.shape[3] % self.stride:
            raise ShapeError(
                f"height and width of a batch must be multiples of {self.stride} above 0, but got {batch.shape}"
            )
        return np.ascontiguousarray(batch, np.float32)


def check_form(name: str, inputs: Mapping[str, object], outputs: Collection[str], fixed: bool, cure: str) -> None:
    """Raise WeightsError unless a file called ``name`` has the input and the outputs of a network, for any size.

    inputs: their shapes by name, for the message. fixed: whether the height or the width of a batch is. cure: what the
    user can do about it.
    """
    if set(inputs) != {INPUT} or not set(outputs).issuperset(OUTPUTS):
        raise WeightsError(
            f"{name} must have the input {INPUT} and the outputs {', '.join(OUTPUTS)}, "
            f"but has {', '.join(inputs)} and {', '.join(sorted(outputs))}: {cure}"
        )
    if fixed:
        raise WeightsError(f"{name} takes pictures of one size only, {inputs[INPUT]}: {cure}")


def missing_engine(package: str) -> MissingExtraError:
    """The error for a runtime whose engine, which is an extra of the same name, is not installed."""
    return MissingExtraError(
        f'{package} is not installed, and the runtime {package!r} needs it: pip install "anymask[{package}]"'
    )


def name_of(source: str | Path | bytes) -> str:
    """What a message calls a model's file."""
    return "the model's bytes" if isinstance(source, bytes) else str(source)
