"""Interpolation along one axis, by cubics or straight lines, written as a matrix.

Interpolating a (h, w) grid at separable positions is `vertical.weights @ grid @ horizontal.weights.T`: two matrix
products, which BLAS does well, exact at any position and any ratio of sizes. Each row of a matrix has at most four
entries, so a stretch of neighbouring positions needs only a few `cells` of the grid.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Axis:
    """How n positions are made of `cells` samples, sample i lying at coordinate i.

    weights: (n, cells) float32, each row sums to 1.
    first: (n,) int64, the cell just left of each position, non-decreasing.
    """

    weights: NDArray[np.float32]
    first: NDArray[np.int64]

    @classmethod
    def cubic(cls, positions: NDArray[np.floating[Any]], cells: int) -> Self:
        """Interpolate at (n,) non-decreasing positions, in cells, by the cubic convolution kernel with a = -1/2.

        The kernel (Keys, "Cubic convolution interpolation for digital image processing", 1981, eq. 15) reproduces
        quadratics. It needs one sample beyond each end, which is extrapolated linearly from the two next to it, so that
        straight edges stay exact in the outermost cells too. A position before the first or after the last sample
        takes that sample's value.
        """
        if cells == 1:
            return cls(np.ones((len(positions), 1), np.float32), np.zeros(len(positions), np.int64))
        positions = np.clip(positions.astype(np.float64), 0, cells - 1)
        first = np.minimum(np.floor(positions).astype(np.int64), cells - 2)
        t = positions - first  # (n,) in [0, 1]
        kernel = (
            ((-0.5 * t + 1) * t - 0.5) * t,
            (1.5 * t - 2.5) * t * t + 1,
            ((-1.5 * t + 2) * t + 0.5) * t,
            (0.5 * t - 0.5) * t * t,
        )
        padded = np.zeros((len(positions), cells + 2), np.float32)  # cell i is column i + 1
        row = np.arange(len(positions))
        for tap, weight in enumerate(kernel):
            padded[row, first + tap] = weight
        # Fold the two samples beyond the ends back in: s[-1] = 2 s[0] - s[1], and the same at the other end
        weights = padded[:, 1:-1].copy()
        weights[:, :2] += padded[:, :1] * np.array([2, -1], np.float32)
        weights[:, -2:] += padded[:, -1:] * np.array([-1, 2], np.float32)
        return cls(weights, first)

    @classmethod
    def linear(cls, positions: NDArray[np.floating[Any]], cells: int) -> Self:
        """Interpolate at (n,) non-decreasing positions, in cells, by straight lines from sample to sample.

        A position before the first or after the last sample takes that sample's value.
        """
        positions = np.clip(positions.astype(np.float64), 0, cells - 1)
        first = np.minimum(np.floor(positions).astype(np.int64), max(cells - 2, 0))
        weights = np.maximum(1 - np.abs(positions[:, None] - np.arange(cells)), 0)
        return cls(weights.astype(np.float32), first)

    def cells(self, start: int, stop: int) -> slice:
        """The cells that positions start..stop - 1 are made of, at least one position."""
        first, last = int(self.first[start]) - 1, int(self.first[stop - 1]) + 2
        return slice(max(first, 0), min(last + 1, self.weights.shape[1]))

    def weights_of(self, start: int, stop: int) -> NDArray[np.float32]:
        """How positions start..stop - 1 are made of their `cells`, (stop - start, number of cells)."""
        return self.weights[start:stop, self.cells(start, stop)]
