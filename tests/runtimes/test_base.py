"""RawOutput: the two arrays must fit together."""

import numpy as np
import pytest

from anymask.errors import ShapeError
from anymask.runtimes import RawOutput


def zeros(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.float32)


def test_counts_are_read_from_the_shapes() -> None:
    raw = RawOutput(zeros(2, 4 + 3 + 8, 21), zeros(2, 8, 16, 24))
    assert (len(raw), raw.classes, raw.coefficients) == (2, 3, 8)


@pytest.mark.parametrize(
    ("predictions", "prototypes", "message"),
    [
        ((37, 21), (1, 32, 8, 8), r"predictions must have shape \(B, 4\+C\+K, A\)"),
        ((1, 37, 21), (32, 8, 8), r"prototypes must have shape \(B, K, h, w\)"),
        ((1, 37, 21), (2, 32, 8, 8), "the same batch, but got 1 and 2 pictures"),
        ((1, 36, 21), (1, 32, 8, 8), "at least 1 class .* but got 36 rows"),  # no room for a class
        ((1, 37, 21), (1, 32, 0, 8), "prototypes must not be empty"),
    ],
)
def test_arrays_that_do_not_fit(predictions: tuple[int, ...], prototypes: tuple[int, ...], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        RawOutput(zeros(*predictions), zeros(*prototypes))


@pytest.mark.parametrize("index", [0, 1, -1])
def test_one_picture_of_a_batch(index: int) -> None:
    predictions = np.arange(2 * 6 * 3, dtype=np.float32).reshape(2, 6, 3)
    prototypes = np.arange(2 * 4, dtype=np.float32).reshape(2, 1, 2, 2)
    one = RawOutput(predictions, prototypes)[index]
    assert len(one) == 1
    assert np.array_equal(one.predictions[0], predictions[index])
    assert np.array_equal(one.prototypes[0], prototypes[index])
