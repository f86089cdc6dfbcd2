"""The geometry between a picture and the network."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anymask.errors import SettingsError, ShapeError
from anymask.letterbox import GREY, Letterbox

SIZES = [
    (1, 1),
    (1, 5000),
    (5000, 1),
    (37, 53),
    (427, 640),
    (720, 1281),
    (4096, 32),
    (32, 4096),
]


@pytest.mark.parametrize(
    ("size", "image_size", "resized", "padded"),
    [
        ((480, 640), 640, (480, 640), (480, 640)),  # nothing to do
        ((427, 640), 640, (427, 640), (448, 640)),  # padded to the stride, not to a square
        ((720, 1281), 640, (360, 640), (384, 640)),
        ((640, 427), 1024, (1024, 683), (1024, 704)),  # enlarged
        ((1, 5000), 640, (1, 640), (32, 640)),  # no side vanishes
        ((5000, 1), 320, (320, 1), (320, 32)),
        ((4096, 32), 640, (640, 5), (640, 32)),
        ((1, 1), 320, (320, 320), (320, 320)),
    ],
)
def test_fit(size: tuple[int, int], image_size: int, resized: tuple[int, int], padded: tuple[int, int]) -> None:
    height, width = size
    letterbox = Letterbox.fit(height, width, image_size)
    assert (letterbox.source_height, letterbox.source_width) == size
    assert (letterbox.resized_height, letterbox.resized_width) == resized
    assert (letterbox.height, letterbox.width) == padded


@pytest.mark.parametrize(
    ("image_size", "nearest"),
    [(650, 640), (0, 32), (-32, 32), (5000, 4096), (33, 32), (1000, 992)],
)
def test_fit_names_the_nearest_valid_image_size(image_size: int, nearest: int) -> None:
    with pytest.raises(SettingsError, match=rf"got {image_size}: use {nearest}$"):
        Letterbox.fit(480, 640, image_size)


def test_fit_refuses_a_picture_without_pixels() -> None:
    with pytest.raises(ShapeError, match="height 0, width 640"):
        Letterbox.fit(0, 640, 640)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("image_size", [32, 320])
def test_call_gives_a_batch_of_one(size: tuple[int, int], image_size: int) -> None:
    height, width = size
    letterbox = Letterbox.fit(height, width, image_size)
    batch = letterbox(np.full((height, width, 3), (255, 0, 51), np.uint8))
    assert batch.dtype == np.float32
    assert batch.shape == (1, 3, letterbox.height, letterbox.width)
    inside = batch[0, :, : letterbox.resized_height, : letterbox.resized_width]
    assert inside.max(axis=(1, 2)) == pytest.approx([1, 0, 0.2])  # RGB stays RGB
    assert inside.min(axis=(1, 2)) == pytest.approx([1, 0, 0.2])
    assert batch[0, :, letterbox.resized_height :].flatten() == pytest.approx(GREY / 255)
    assert batch[0, :, :, letterbox.resized_width :].flatten() == pytest.approx(GREY / 255)


@pytest.mark.parametrize("size", [(90, 200), (200, 90), (701, 1000), (2500, 3001)])
def test_the_picture_is_where_the_boxes_say(size: tuple[int, int]) -> None:
    height, width = size
    letterbox = Letterbox.fit(height, width, 320)
    x, y = (np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height
    ramps = np.stack(np.broadcast_arrays(x[None, :], y[:, None], 0), axis=-1)
    batch = letterbox(np.round(ramps * 255).astype(np.uint8))[0]
    # The centre of each network pixel shows what is at that place of the picture, but for rounding to 1 / 255
    network_x = np.arange(letterbox.resized_width) + 0.5
    network_y = np.arange(letterbox.resized_height) + 0.5
    places = np.stack(np.broadcast_arrays(network_x, 0, network_x, 0), axis=-1)
    expected_x = letterbox.boxes_to_source(places)[:, 0] / width
    expected_y = letterbox.boxes_to_source(np.stack([network_y] * 4, axis=-1))[:, 1] / height
    shown = batch[:, : letterbox.resized_height, : letterbox.resized_width]
    for difference in (shown[0].mean(axis=0) - expected_x, shown[1].mean(axis=1) - expected_y):
        assert np.abs(difference).max() < 1.1 / 255
        assert abs(difference[2:-2].mean()) < 0.1 / 255  # half a network pixel would be at least 0.4 / 255


def test_shrinking_is_antialiased() -> None:
    stripes = np.zeros((640, 640, 3), np.uint8)
    stripes[:, ::2] = 200  # finer than a network pixel
    assert Letterbox.fit(640, 640, 64)(stripes)[..., 2:-2] == pytest.approx(100 / 255, abs=0.02)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((10, 21, 3), np.uint8),  # another width
        np.zeros((10, 20), np.uint8),  # grey
        np.zeros((10, 20, 4), np.uint8),  # with alpha
        np.zeros((10, 20, 3), np.float32),
    ],
)
def test_call_refuses_another_picture(image: np.ndarray) -> None:
    with pytest.raises(ShapeError, match=r"^image must"):
        Letterbox.fit(10, 20, 64)(image)


@settings(deadline=None)
@given(
    st.integers(1, 9000),
    st.integers(1, 9000),
    st.sampled_from([32, 320, 640, 1024, 4096]),
    st.lists(st.floats(-0.5, 1.5), min_size=4, max_size=4),
)
def test_boxes_round_trip(height: int, width: int, image_size: int, shares: list[float]) -> None:
    letterbox = Letterbox.fit(height, width, image_size)
    boxes = np.array([shares]) * [width, height, width, height]
    assert np.abs(letterbox.boxes_to_source(letterbox.boxes_to_network(boxes)) - boxes).max() < 1e-3
    whole = letterbox.boxes_to_network(np.array([[0, 0, width, height]], np.float32))
    assert whole == pytest.approx(np.array([[0, 0, letterbox.resized_width, letterbox.resized_height]]))


@settings(deadline=None)
@given(st.integers(1, 5000), st.integers(1, 5000), st.sampled_from([32, 320, 640]), st.sampled_from([2, 4, 8]))
def test_pixels_and_cells_agree(height: int, width: int, image_size: int, stride: int) -> None:
    letterbox = Letterbox.fit(height, width, image_size)
    h, w = letterbox.height // stride, letterbox.width // stride
    pixels_x, pixels_y = letterbox.pixels_in_cells(h, w)
    cells_x, cells_y = letterbox.cells_in_pixels(h, w)
    assert (pixels_x.shape, pixels_y.shape) == ((width,), (height,))
    # from a pixel's centre to cells and back to source pixels
    cell_x, cell_y = stride / letterbox.scale_x, stride / letterbox.scale_y
    assert (pixels_x + 0.5) * cell_x == pytest.approx(np.arange(width) + 0.5)
    assert (pixels_y + 0.5) * cell_y == pytest.approx(np.arange(height) + 0.5)
    assert cells_x == pytest.approx((np.arange(len(cells_x)) + 0.5) * cell_x)
    # the cells on the picture, and no other
    assert len(cells_x) == max(1, sum((i + 0.5) * stride < letterbox.resized_width for i in range(w)))
    assert len(cells_y) == max(1, sum((i + 0.5) * stride < letterbox.resized_height for i in range(h)))
