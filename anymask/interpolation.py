"""Interpolation along one axis, by cubics or straight lines, written as a matrix.

Interpolating a (h, w) grid at separable positions is `vertical.weights @ grid @ horizontal.weights.T`: two matrix
products, which BLAS does well, exact at any position and any ratio of sizes. Each row of a matrix has at most four
entries, so a stretch of neighbouring positions needs only a few `cells` of the grid.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

BAND = 1 << 15  # numbers interpolated at once: 128 KB of float32, which stays in the processor's cache
PRODUCT = 1 << 17  # multiplications at once: BLAS spreads more over threads, which costs more than it saves


@dataclass(frozen=True, slots=True)
class Axis:
    """How n positions are made of `cells` samples, sample i lying at coordinate i.

    weights: (n, cells) float32, each row sums to 1.
    begin, end: (n,) int64, each position is made of cells begin..end - 1; both non-decreasing as the positions are.
    """

    weights: NDArray[np.float32]
    begin: NDArray[np.int64]
    end: NDArray[np.int64]

    @classmethod
    def cubic(cls, positions: NDArray[np.floating[Any]], cells: int) -> Self:
        """Interpolate at (n,) non-decreasing positions, in cells, by the cubic convolution kernel with a = -1/2.

        The kernel (Keys, "Cubic convolution interpolation for digital image processing", 1981, eq. 15) reproduces
        quadratics. It needs one sample beyond each end, which is extrapolated linearly from the two next to it, so that
        straight edges stay exact in the outermost cells too. A position before the first or after the last sample
        takes that sample's value.
        """
        if cells == 1:
            return cls._between(np.ones((len(positions), 1), np.float32), np.zeros(len(positions), np.int64))
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
        return cls._between(weights, first)

    @classmethod
    def linear(cls, positions: NDArray[np.floating[Any]], cells: int) -> Self:
        """Interpolate at (n,) non-decreasing positions, in cells, by straight lines from sample to sample.

        A position before the first or after the last sample takes that sample's value.
        """
        positions = np.clip(positions.astype(np.float64), 0, cells - 1)
        first = np.minimum(np.floor(positions).astype(np.int64), max(cells - 2, 0))
        weights = np.maximum(1 - np.abs(positions[:, None] - np.arange(cells)), 0)
        return cls._between(weights.astype(np.float32), first)

    @classmethod
    def _between(cls, weights: NDArray[np.float32], first: NDArray[np.int64]) -> Self:
        """Positions made of the two cells to the left, the first of them the nearest, and the two to the right."""
        return cls(weights, np.maximum(first - 1, 0), np.minimum(first + 3, weights.shape[1]))

    def cells(self, start: int, stop: int) -> slice:
        """The cells that positions start..stop - 1 are made of, at least one position."""
        return slice(int(self.begin[start]), int(self.end[stop - 1]))

    def weights_of(self, start: int, stop: int) -> NDArray[np.float32]:
        """How positions start..stop - 1 are made of their `cells`, (stop - start, number of cells)."""
        return self.weights[start:stop, self.cells(start, stop)]

    def bands(self, start: int, stop: int, across: int) -> Iterator[tuple[int, int]]:
        """Positions start..stop - 1 in bands that are quickly interpolated, each the first and the one after the last.

        A band of neighbouring positions needs few cells, so all bands cost much less than one product. across: how many
        numbers each position has.
        """
        density = int(self.end[stop - 1] - self.begin[start]) / (stop - start)  # cells a position
        step = max(1, int(min((PRODUCT / (across * max(density, 1 / 64))) ** 0.5, BAND / across)))
        for left in range(start, stop, step):
            yield left, min(left + step, stop)

    def of(self, values: NDArray[np.float32], start: int, stop: int) -> NDArray[np.float32]:
        """(stop - start, m) float32, what positions start..stop - 1 are, from (c, m) values on their `cells`."""
        found = np.empty((stop - start, values.shape[1]), np.float32)
        first = int(self.begin[start])
        for left, right in self.bands(start, stop, values.shape[1]):
            cells = self.cells(left, right)
            known = values[cells.start - first : cells.stop - first]
            np.matmul(self.weights[left:right, cells], known, out=found[left - start : right - start])
        return found
