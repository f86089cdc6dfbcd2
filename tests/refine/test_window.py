"""Windows: where they lie, and that what goes in comes out where it was."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anymask.refine.window import SIDE, Window


@pytest.mark.parametrize(
    ("box", "height", "width", "window"),
    [
        ((40, 40, 140, 140), 500, 600, Window(16, 16, 148)),  # 48 pixels of context are more than two fifths
        ((100, 100, 400, 300), 500, 600, Window(40, 0, 420)),  # moved down onto the picture
        ((0, 0, 10, 10), 500, 600, Window(0, 0, 58)),  # moved right and down onto it
        ((0, 0, 600, 500), 500, 600, Window(0, -50, 600)),  # no longer than the picture, which is in the middle
        ((50, 3, 60, 7), 10, 300, Window(26, -24, 58)),  # a flat picture
        ((0, 0, 1, 1), 1, 1, Window(-3, -3, 8)),  # never shorter than 8 pixels
    ],
)
def test_around(box: tuple[int, ...], height: int, width: int, window: Window) -> None:
    assert Window.around(np.array(box, float), height, width) == window


boxes = st.tuples(st.integers(0, 90), st.integers(0, 60), st.integers(1, 40), st.integers(1, 40))


@given(boxes, st.integers(1, 130), st.integers(1, 130), st.floats(1.0, 6.0))
def test_a_window_shows_what_it_is_about(
    box: tuple[int, int, int, int], height: int, width: int, context: float
) -> None:
    x1, y1 = min(box[0], width - 1), min(box[1], height - 1)
    x2, y2 = min(x1 + box[2], width), min(y1 + box[3], height)
    window = Window.around(np.array([x1, y1, x2, y2], float), height, width, context)
    rows, columns = window.inside(height, width)
    assert columns.start <= x1 and x2 <= columns.stop
    assert rows.start <= y1 and y2 <= rows.stop
    assert window.side >= 8


def test_beyond_the_picture_there_is_grey_and_no_mask() -> None:
    window = Window(-10, 0, 20)  # the left half is beyond the picture
    pixels = window.pixels(np.full((20, 40, 3), 200, np.uint8))
    assert pixels.shape == (SIDE, SIDE, 3)
    assert (pixels[:, : SIDE // 2 - 8] == 114).all()
    assert (pixels[:, SIDE // 2 + 8 :] == 200).all()
    share = window.share(np.ones((20, 10), np.bool_), 20, 40)
    assert share[:, : SIDE // 2 - 8].max() == 0
    assert share[:, SIDE // 2 + 8 :].min() == 1


@given(st.integers(-20, 60), st.integers(-20, 60), st.integers(16, 100))
def test_a_straight_edge_comes_back_where_it_was(x: int, y: int, side: int) -> None:
    """To cells and back to pixels, within half a pixel where the window magnifies."""
    mask = np.zeros((80, 90), np.bool_)
    mask[20:60, 30:70] = True
    window = Window(x, y, side)
    rows, columns = window.inside(80, 90)
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    cells = 2 * window.share(mask[rows, columns], 80, 90) - 1
    back = window.to_pixels(cells, 80, 90) > 0
    assert np.array_equal(back, mask[rows, columns])


def test_points_and_cells() -> None:
    window = Window(10, 20, 128)
    cells = window.to_cells(np.array([[10.0, 20.0], [74.0, 84.0], [138.0, 148.0]]))
    assert cells.tolist() == [[0, 0], [128, 128], [256, 256]]
