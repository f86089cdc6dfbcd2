"""How far an exported file is from what it was exported from."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anymask.errors import WeightsError
from anymask.runtimes.base import BOX, TRUNK, RawOutput, Runtime

# Of the magnitudes below. Storing weights in half precision alone moves an output by about 1e-3.
TOLERANCE = 2e-2
SAME_WEIGHTS = 1e-3  # where both have the very same weights, and only the arithmetic is another


@dataclass(frozen=True, slots=True)
class Difference:
    """The largest differences between what two runtimes say about the same batch.

    scores: in [0, 1]. boxes: network pixels. coefficients, prototypes, features: as the network gives them; features
    is None where the weights do not tell them.
    largest: of all, each divided by the largest magnitude of its kind; that of scores is 1. NaN if any is.
    """

    scores: float
    boxes: float
    coefficients: float
    prototypes: float
    features: float | None
    largest: float

    def __str__(self) -> str:
        features = "" if self.features is None else f", features {self.features:.1e}"
        return (
            f"scores {self.scores:.1e}, boxes {self.boxes:.1e} pixels, coefficients {self.coefficients:.1e}, "
            f"prototypes {self.prototypes:.1e}{features}"
        )


def difference(ours: Runtime, theirs: Runtime, batch: NDArray[np.float32]) -> Difference:
    """Of two runtimes of the same network. Kinds are compared one by one, as boxes would drown the others."""
    wanted, got = ours.run(batch), theirs.run(batch)
    pairs = list(zip(by_kind(wanted), by_kind(got), strict=True))
    tells = TRUNK in ours.metadata and TRUNK in theirs.metadata
    pairs += zip(ours.features(batch), theirs.features(batch), strict=True) if tells else []
    largest = [float(np.abs(a - b).max()) for a, b in pairs]
    magnitudes = [1.0 if kind == 1 else float(np.abs(a).max()) for kind, (a, _) in enumerate(pairs)]
    boxes, scores, coefficients, prototypes, *features = largest
    return Difference(
        scores=scores,
        boxes=boxes,
        coefficients=coefficients,
        prototypes=prototypes,
        features=float(np.max(features)) if features else None,
        # numpy's maximum hands on a NaN, which Python's may drop
        largest=float(np.max(np.divide(largest, magnitudes))),
    )


def by_kind(output: RawOutput) -> list[NDArray[np.float32]]:
    """Boxes, scores, coefficients and prototypes."""
    return [*np.split(output.predictions, [BOX, BOX + output.classes], axis=1), output.prototypes]


def check(path: Path, ours: Runtime, theirs: Runtime, batch: NDArray[np.float32], tolerance: float) -> Difference:
    """The difference of a file, run by ``theirs``, to what it was made from.

    Raises WeightsError where its ``largest`` is not below ``tolerance``; ``path`` is where the file would go.
    """
    found = difference(ours, theirs, batch)
    if not found.largest < tolerance:
        raise WeightsError(
            f"{path}: the exported model differs by {found.largest:.1e} of the largest output ({found}), "
            f"expected below {tolerance:.0e}; nothing was written"
        )
    return found


def noise() -> NDArray[np.float32]:
    """A (1, 3, 96, 160) batch of seeded noise, to compare on where there is no picture."""
    return np.random.default_rng(0).random((1, 3, 96, 160), np.float32)
