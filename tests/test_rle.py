"""Run lengths: byte for byte what pycocotools writes, without its arrays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from pycocotools import mask as coco

from anymask import rle
from anymask.errors import ShapeError

Mask = NDArray[np.bool_]
masks = st.tuples(st.integers(1, 9), st.integers(1, 9)).flatmap(lambda shape: arrays(np.bool_, shape))
sets_of_masks = st.tuples(st.integers(0, 4), st.integers(1, 7), st.integers(1, 7)).flatmap(
    lambda shape: arrays(np.bool_, shape)
)


def expected(mask: Mask) -> bytes:
    counts: bytes = coco.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"]
    return counts


def encode(mask: Mask) -> bytes:
    return rle.encode_crop(mask, 0, 0, *mask.shape)


@st.composite
def crops(draw: st.DrawFn) -> tuple[Mask, Mask, int, int]:
    """A picture's mask that is false outside a crop, the crop, and where it begins."""
    height, width = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    y0, x0 = draw(st.integers(0, height)), draw(st.integers(0, width))
    crop = draw(arrays(np.bool_, (draw(st.integers(0, height - y0)), draw(st.integers(0, width - x0)))))
    whole = np.zeros((height, width), np.bool_)
    whole[y0 : y0 + crop.shape[0], x0 : x0 + crop.shape[1]] = crop
    return whole, crop, x0, y0


@settings(deadline=None)
@given(crops())
def test_a_crop_is_encoded_as_the_whole(case: tuple[Mask, Mask, int, int]) -> None:
    whole, crop, x0, y0 = case
    assert rle.encode_crop(crop, x0, y0, *whole.shape) == expected(whole)


@pytest.mark.parametrize("value", [False, True])
@pytest.mark.parametrize("shape", [(1, 1), (1, 70), (70, 1), (300, 400), (1, 5000), (2000, 3000)])
def test_plain_masks_of_any_shape(shape: tuple[int, int], value: bool) -> None:
    mask = np.full(shape, value)
    assert encode(mask) == expected(mask)
    assert np.array_equal(rle.decode(encode(mask), *shape), mask)


def test_long_runs_and_many_runs() -> None:
    rng = np.random.default_rng(0)
    mask = rng.random((500, 700)) < 0.5
    mask[:, 100:400] = True
    assert encode(mask) == expected(mask)
    assert np.array_equal(rle.decode(encode(mask), 500, 700), mask)


@settings(deadline=None)
@given(masks, st.integers(1, 4))
def test_bands_join(mask: Mask, step: int) -> None:
    height, width = mask.shape
    bands = [rle.changes(mask[:, x : x + step], x, 0, height) for x in range(0, width, step)]
    assert rle.encode_changes(np.concatenate(bands), height, width) == expected(mask)


@pytest.mark.parametrize(("x0", "y0"), [(-1, 0), (0, -1), (3, 0), (0, 4)])
def test_a_crop_outside_the_picture_is_refused(x0: int, y0: int) -> None:
    with pytest.raises(ShapeError, match="is not inside a 5 x 4 picture"):
        rle.encode_crop(np.ones((2, 2), np.bool_), x0, y0, 5, 4)


@settings(deadline=None)
@given(masks)
def test_round_trip(mask: Mask) -> None:
    decoded = rle.decode(expected(mask), *mask.shape)
    assert decoded.dtype == np.bool_
    assert np.array_equal(decoded, mask)


def test_pictures_of_any_size_that_pycocotools_can_write() -> None:
    ends = np.array([0, rle.MOST_PIXELS])
    assert rle.run_lengths(rle.encode_changes(ends, 1, rle.MOST_PIXELS)).tolist() == [0, rle.MOST_PIXELS]
    with pytest.raises(ShapeError, match="at most 536870911 pixels, but got 1 x 536870912"):
        rle.encode_changes(ends, 1, rle.MOST_PIXELS + 1)


@settings(deadline=None)
@given(st.lists(st.integers(0, 2**25), min_size=1, max_size=9))
def test_run_lengths_are_read_as_they_were_written(counts: list[int]) -> None:
    total = sum(counts)
    written = coco.frPyObjects({"size": [1, total], "counts": np.array(counts, np.int64)}, 1, total)["counts"]
    assert rle.run_lengths(written).tolist() == counts


@settings(deadline=None)
@given(masks, st.data())
def test_decode_crop_is_a_part_of_decode(mask: Mask, data: st.DataObject) -> None:
    height, width = mask.shape
    x1, y1 = data.draw(st.integers(0, width)), data.draw(st.integers(0, height))
    x2, y2 = data.draw(st.integers(x1, width)), data.draw(st.integers(y1, height))
    assert np.array_equal(rle.decode_crop(expected(mask), (x1, y1, x2, y2), height), mask[y1:y2, x1:x2])


@settings(deadline=None)
@given(sets_of_masks)
def test_measures_equal_those_of_the_pixels(stack: Mask) -> None:
    n, height, width = stack.shape
    rles = [encode(mask) for mask in stack]
    flat = stack.reshape(n, height * width).astype(int)
    shared, areas = flat @ flat.T, flat.sum(axis=1)
    union = areas[:, None] + areas[None, :] - shared
    assert rle.areas(rles).tolist() == areas.tolist()
    assert rle.iou(rles, rles, height, width) == pytest.approx(shared / np.maximum(union, 1))
    assert rle.coverage(rles, rles, height, width) == pytest.approx(shared / np.maximum(areas[:, None], 1))


@settings(deadline=None)
@given(sets_of_masks)
def test_boxes_are_tight(stack: Mask) -> None:
    n, height, width = stack.shape
    boxes = rle.boxes([encode(mask) for mask in stack], height, width)
    assert boxes.shape == (n, 4)
    assert boxes.dtype == np.float32
    for mask, box in zip(stack, boxes, strict=True):
        rows, columns = np.nonzero(mask)
        tight = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1] if len(rows) else [0, 0, 0, 0]
        assert box.tolist() == tight


def test_areas_of_many_masks() -> None:
    assert rle.areas([encode(np.ones((2, 3), np.bool_))] * 700).tolist() == [6] * 700


@settings(deadline=None)
@given(sets_of_masks)
def test_contains_equals_the_pixel(stack: Mask) -> None:
    n, height, width = stack.shape
    points = [(x + dx, y + dy) for x in range(width) for y in range(height) for dx, dy in [(0, 0.99), (0.5, 0)]]
    found = rle.contains([encode(mask) for mask in stack], np.array(points), height, width)
    assert found.shape == (len(points), n)
    assert found.tolist() == [[bool(mask[int(y), int(x)]) for mask in stack] for x, y in points]


@pytest.mark.parametrize("point", [(-0.1, 1), (1, -0.1), (4, 1), (1, 3), (np.nan, 1), (1e300, 1)])
def test_nothing_is_outside_the_picture(point: tuple[float, float]) -> None:
    assert rle.contains([encode(np.ones((3, 4), np.bool_))], np.array([point]), 3, 4).tolist() == [[False]]


@pytest.mark.parametrize(
    ("text", "good"),
    [
        (b"PP<", True),
        (b"noooo?1", True),  # six characters are a count's most
        (b"PP" + b"P" * 4 + b"0", False),
        (b"o" * 1_000_000 + b"0", False),  # at once: each further character of a count once took 30 microseconds
    ],
)
def test_fills_refuses_counts_of_more_characters_than_any_has(text: bytes, good: bool) -> None:
    pixels = (1, 2**29 - 1) if text.startswith(b"no") else (96, 128)
    assert rle.fills([text], *pixels).tolist() == [good]


@pytest.mark.parametrize(
    ("counts", "tidy"),
    [
        ([0, 0, 0, 0, 12], [12]),
        ([0, 0, 7, 5, 0, 0, 0], [7, 5]),
        ([5, 3, 0, 4], [5, 7]),
        ([0, 12], [0, 12]),
        ([12], [12]),
    ],
)
def test_tidied_has_no_runs_without_pixels(counts: list[int], tidy: list[int]) -> None:
    text = coco.frPyObjects({"size": [3, 4], "counts": counts}, 3, 4)["counts"]
    assert rle.fills([text], 3, 4).all()
    assert rle.run_lengths(rle.tidied(text, 3, 4)).tolist() == tidy
    assert (rle.decode(rle.tidied(text, 3, 4), 3, 4) == rle.decode(text, 3, 4)).all()
