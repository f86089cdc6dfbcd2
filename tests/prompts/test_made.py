"""Unions and cuts of masks equal those of their pixels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from anymask import MaskSet
from anymask.prompts.made import combined, made

STACKS = st.tuples(st.integers(0, 5), st.integers(1, 5), st.integers(1, 6)).flatmap(
    lambda shape: arrays(np.bool_, shape)
)


@settings(deadline=None, max_examples=300)
@given(STACKS, st.integers(0, 5))
def test_combined_equals_the_pixels(stack: NDArray[np.bool_], count: int) -> None:
    first, without = stack[:count], stack[count:]
    left = np.logical_and(first.any(axis=0), np.logical_not(without.any(axis=0)))
    expected = MaskSet.from_masks(np.array([left]))
    rles = MaskSet.from_masks(stack).rles
    assert combined(rles[:count], rles[count:], *stack.shape[1:]) == expected.rles[0]


def test_made_masks_have_tight_boxes() -> None:
    found = MaskSet.from_masks(np.ones((2, 3, 4), np.bool_))
    part = MaskSet.from_masks(np.array([[[0, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0]]]))
    assert made(found, part.rles, [0.25]).boxes.tolist() == [[1, 1, 3, 2]]
    assert made(found, part.rles, [0.25]).scores.tolist() == pytest.approx([0.25])
    assert made(found, [], []) == MaskSet.empty((3, 4))
