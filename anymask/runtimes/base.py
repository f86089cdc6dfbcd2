"""What every runtime gives: `Runtime`, a class with one method, and `RawOutput`, what that method returns."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from anymask.errors import MissingExtraError, ShapeError, WeightsError, check_shape, printable

FEATURE_STRIDES = (4, 8, 16, 32)
# How every file of a network calls what goes in and comes out
INPUT = "images"
OUTPUTS = ("output0", "output1")  # predictions, prototypes
FEATURES = tuple(f"features{stride}" for stride in FEATURE_STRIDES)

# Names in the metadata of a file
TRUNK = "trunk"  # what trunk its features are of
NETWORK = "network"  # the NetworkConfig as JSON, so that the network can be built again

SHOWN_NAMES = 5  # of a file's, in a message

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


def check_form(
    name: str,
    inputs: Mapping[str, Sequence[int | None]],
    outputs: Collection[str],
    others: Collection[str],
    cure: str,
) -> None:
    """Raise WeightsError unless a file called ``name`` has the input and the outputs of a network, for any size.

    inputs: their sides by name, None where one is free; no sides at all where the file does not tell. others: the names
    of inputs and outputs that are not float32. cure: what the user can do about it.
    """
    if set(inputs) != {INPUT} or not set(outputs).issuperset(OUTPUTS):
        raise WeightsError(
            f"{name} must have the input {INPUT} and the outputs {', '.join(OUTPUTS)}, "
            f"but has {listed(inputs)} and {listed(sorted(outputs))}: {cure}"
        )
    wrong = sorted({INPUT, *OUTPUTS, *FEATURES}.intersection(others))
    if wrong:
        raise WeightsError(
            f"{name} must take and give float32 numbers, but of another type is {', '.join(wrong)}: {cure}"
        )
    sides = inputs[INPUT]
    shape = f"({', '.join('any' if side is None else str(side) for side in sides)})"
    if sides and (len(sides) != 4 or sides[0] not in (None, 1) or sides[1] not in (None, 3)):
        raise WeightsError(f"{name} must take pictures of shape (any, 3, any, any), but takes {shape}: {cure}")
    if any(side is not None for side in sides[2:]):
        raise WeightsError(f"{name} takes pictures of one size only, {shape}: {cure}")


def listed(names: Iterable[str]) -> str:
    """Names out of a file, fit for a message: the first few, and none too long."""
    every = list(names)
    shown = ", ".join(printable(each, 80) for each in every[:SHOWN_NAMES])
    return f"{shown} and {len(every) - SHOWN_NAMES} more" if len(every) > SHOWN_NAMES else shown or "none"


def run_error(name: str, error: Exception, cure: str) -> WeightsError:
    """The error for a file called ``name`` that was opened, and then fails when it runs."""
    reason = printable(" ".join(str(error).split()), 300) or type(error).__name__
    if any(word in reason.lower() for word in ("allocat", "bad_alloc", "memory")):
        return WeightsError(f"{name} needs more memory than there is ({reason}): take a smaller image_size, or {cure}")
    return WeightsError(f"{name} cannot be run ({reason}): {cure}")


def missing_engine(package: str) -> MissingExtraError:
    """The error for a runtime whose engine, which is an extra of the same name, is not installed."""
    return MissingExtraError(
        f'{package} is not installed, and the runtime {package!r} needs it: pip install "anymask[{package}]"'
    )


def broken_engine(package: str, error: Exception) -> MissingExtraError:
    """The error for a runtime whose engine is installed and cannot be imported."""
    reason = printable(" ".join(str(error).split()), 300) or type(error).__name__
    return MissingExtraError(
        f"{package} is installed, but cannot be imported ({reason}): pip install --force-reinstall {package}"
    )


def name_of(source: str | Path | bytes) -> str:
    """What a message calls a model's file."""
    return "the model's bytes" if isinstance(source, bytes) else str(source)
