"""Masks in the database are the masks that were found."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from anymask.maskset import MaskSet
from anymask.serve.packed_masks import pack, unpack


@given(arrays.arrays(np.bool_, st.tuples(st.integers(0, 4), st.integers(1, 7), st.integers(1, 7))))
def test_they_come_back_as_they_were(masks: NDArray[np.bool_]) -> None:
    scores = np.linspace(0, 1, len(masks), dtype=np.float32)
    found = MaskSet.from_masks(masks, scores)
    back = unpack(pack(found))
    assert back == found
    assert np.array_equal(back.masks, masks)


def test_a_set_without_masks_has_its_size() -> None:
    assert unpack(pack(MaskSet.empty((3, 5)))).size == (3, 5)
