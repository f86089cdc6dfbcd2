"""A runtime without a network: it replays arrays. For tests, documentation and recorded outputs."""

import numpy as np
from numpy.typing import NDArray

from anymask.errors import check_shape
from anymask.runtimes.base import RawOutput, Runtime


class FakeRuntime(Runtime):
    """Gives the same output for every picture, whatever it shows.

    predictions: (1, 4 + C + K, A) float32 and prototypes: (1, K, h, w) float32, as in `RawOutput`.
    """

    def __init__(self, predictions: NDArray[np.float32], prototypes: NDArray[np.float32]) -> None:
        check_shape(predictions, "1 4+C+K A", "predictions")
        self.output = RawOutput(predictions, prototypes)

    def run(self, batch: NDArray[np.float32]) -> RawOutput:
        """The recorded output, once for each of the B pictures of a (B, 3, H, W) batch."""
        check_shape(batch, "B 3 H W", "batch")
        return RawOutput(
            np.repeat(self.output.predictions, len(batch), axis=0),
            np.repeat(self.output.prototypes, len(batch), axis=0),
        )
