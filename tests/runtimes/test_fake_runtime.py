"""The runtime that replays arrays."""

import numpy as np
import pytest

from anymask.errors import ShapeError
from anymask.runtimes import FakeRuntime

PREDICTIONS = np.arange(6 * 3, dtype=np.float32).reshape(1, 6, 3)
PROTOTYPES = np.ones((1, 1, 8, 8), np.float32)


def test_every_picture_of_a_batch_gets_the_recorded_output() -> None:
    raw = FakeRuntime(PREDICTIONS, PROTOTYPES).run(np.zeros((2, 3, 32, 32), np.float32))
    assert len(raw) == 2
    for index in range(2):
        assert np.array_equal(raw[index].predictions, PREDICTIONS)
        assert np.array_equal(raw[index].prototypes, PROTOTYPES)


def test_only_one_picture_can_be_recorded() -> None:
    with pytest.raises(ShapeError, match=r"predictions must have shape \(1, "):
        FakeRuntime(np.repeat(PREDICTIONS, 2, axis=0), np.repeat(PROTOTYPES, 2, axis=0))


def test_the_batch_is_checked() -> None:
    with pytest.raises(ShapeError, match=r"batch must have shape \(B, 3, H, W\)"):
        FakeRuntime(PREDICTIONS, PROTOTYPES).run(np.zeros((32, 32, 3), np.float32))
