"""Prompts drawn as maps."""

import numpy as np
import pytest

from anymask.refine.hints import BOX, MASK, NEGATIVE, POSITIVE, Hint, draw_box, draw_points
from anymask.refine.window import SIDE, Window

NONE = np.zeros((0, 2)), np.zeros(0, np.bool_)
WINDOW = Window(100, 200, 128)  # two cells to a pixel


def test_a_box_covers_its_cells() -> None:
    drawn = draw_box(np.array([10.5, 20.0, 30.0, 40.25]))
    assert drawn.sum() == pytest.approx((30 - 10.5) * (40.25 - 20))
    assert (drawn[20, 10], drawn[20, 11], drawn[40, 29], drawn[41, 29]) == (0.5, 1, 0.25, 0)


@pytest.mark.parametrize("box", [(-50, -50, 400, 400), (300, 10, 400, 20), (-9, 5, 0, 9)])
def test_a_box_beyond_the_window_is_cut(box: tuple[int, ...]) -> None:
    drawn = draw_box(np.array(box, float))
    assert set(np.unique(drawn)) <= {0.0, 1.0}
    assert drawn.all() == (box[0] == -50)
    assert drawn.any() == (box[0] == -50)


def test_points_are_discs() -> None:
    drawn = draw_points(np.array([[50.5, 60.5], [50.5, 66.5]]))
    assert drawn.max() == 1
    assert drawn[60, 50] == drawn[66, 50] == drawn[63, 50] == 1
    assert drawn[60, 57] == 0
    rows, columns = np.nonzero(drawn)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (55, 71, 45, 55)
    assert draw_points(NONE[0]).max() == 0


def test_maps_are_in_the_windows_cells() -> None:
    mask = np.full((SIDE, SIDE), -1, np.float32)
    points = np.array([[120.0, 220.0], [150.0, 260.0]])
    hint = Hint(WINDOW, np.array([110.0, 210.0, 130.0, 230.0]), points, np.array([True, False]), mask)
    maps = hint.maps()
    assert maps[BOX].sum() == 40 * 40
    assert maps[BOX][20:60, 20:60].all()
    assert maps[POSITIVE][40, 40] == 1
    assert maps[POSITIVE][120, 100] == 0
    assert maps[NEGATIVE][120, 100] == 1
    assert np.array_equal(maps[MASK], mask)


@pytest.mark.parametrize(
    ("points", "box", "mask", "doubtful"), [(1, 0, 0, True), (2, 0, 0, False), (1, 1, 0, False), (1, 0, 1, False)]
)
def test_only_a_lone_click_is_doubtful(points: int, box: int, mask: int, doubtful: bool) -> None:
    hint = Hint(
        WINDOW,
        np.array([110.0, 210, 130, 230]) if box else None,
        np.full((points, 2), 150.0),
        np.ones(points, np.bool_),
        np.zeros((SIDE, SIDE), np.float32) if mask else None,
    )
    assert hint.doubtful == doubtful
