"""Crops of many masks drawn one behind the other are encoded as each of them alone."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from pycocotools import mask as coco

from anymask import rle
from anymask.strip import Strip

stacks = st.tuples(st.integers(0, 5), st.integers(1, 7), st.integers(1, 7)).flatmap(lambda s: arrays(np.bool_, s))


@settings(deadline=None)
@given(stacks, st.integers(1, 4), st.integers(1, 90), st.data())
def test_masks_share_a_strip(stack: NDArray[np.bool_], step: int, room: int, data: st.DataObject) -> None:
    count, height, width = stack.shape
    y = data.draw(st.integers(0, height - 1))  # crops of some rows, in bands of columns
    stack[:, :y] = False
    strip = Strip(height, room)  # also one too small for a band
    for index, mask in enumerate(stack):
        for x in range(0, width if mask.any() else 0, step):
            band = mask[y:, x : x + step]
            strip.place(index, x, y, *band.shape)[:] = band.T
    expected = [coco.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"] for mask in stack]
    assert rle.encode_all(*strip.changes(), count, height, width) == expected
    assert [each.tolist() for each in strip.changes()] == [[], []]  # each change is told once


def test_a_mask_that_ends_where_the_next_begins_stays_apart() -> None:
    strip = Strip(3)
    strip.place(0, 0, 0, 3, 1)[:] = True  # its last pixel is 2
    strip.place(1, 1, 0, 2, 1)[:] = True  # its first is 3
    first, second = rle.encode_all(*strip.changes(), 2, 3, 3)
    assert rle.run_lengths(first).tolist() == [0, 3, 6]
    assert rle.run_lengths(second).tolist() == [3, 2, 4]
