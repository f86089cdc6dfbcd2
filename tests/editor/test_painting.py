"""Brush, eraser and what joins masks: pixel by pixel what Python makes of the same strokes."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.editor.conftest import Editor

pytestmark = pytest.mark.soak  # the browser takes long


def disc(x: float, y: float, size: float) -> NDArray[np.bool_]:
    rows, columns = np.mgrid[:512, :512] + 0.5
    near: NDArray[np.bool_] = np.hypot(columns - x, rows - y) <= size / 2
    return near


def test_paint_erase_undo_each_stroke_and_come_back_to_it(editor: Editor) -> None:
    press = editor.page.keyboard.press
    press("b")
    editor.drag((60, 60), (60, 60))
    editor.drag((60, 60), (120, 60))
    (painted,) = editor.masks()
    dot = disc(60, 60, 20)
    # The pointer is read in whole screen pixels: within one of the picture's
    assert (disc(60, 60, 17) & ~painted).sum() == 0
    assert painted[60, 60:120].all()
    assert not painted[:, 140:].any()
    press("e")
    press("[")
    editor.drag((90, 60), (90, 60))
    (erased,) = editor.masks()
    assert not erased[60, 90]
    assert erased[60, 62]
    assert erased.sum() < painted.sum()
    assert editor.objects()[0]["edited"]
    press("Control+z")
    assert (editor.masks()[0] == painted).all()
    press("Control+z")
    assert abs(int(editor.masks()[0].sum()) - int(dot.sum())) < 40
    press("Control+z")
    assert editor.objects() == []
    for _ in range(3):
        press("Control+Shift+z")
    assert (editor.masks()[0] == erased).all()
    press("f")  # finish, then paint on it again
    press("v")
    press(".")
    press("b")
    editor.drag((60, 90), (60, 90))
    assert (editor.masks()[0] & ~erased).any()
    assert (erased & ~editor.masks()[0]).sum() == 0


def test_a_brush_of_one_pixel_paints_one_pixel(editor: Editor) -> None:
    editor.page.keyboard.press("b")
    for _ in range(4):
        editor.page.keyboard.press("{")
    editor.drag((200.5, 100.5), (200.5, 100.5))
    (mask,) = editor.masks()
    assert mask.sum() == 1
    assert mask[99:102, 199:202].sum() == 1


def test_holes_survive_until_they_are_filled_and_islands_until_they_are_removed(editor: Editor) -> None:
    press = editor.page.keyboard.press
    press("b")
    for _ in range(12):
        press("]")
    editor.drag((100, 100), (150, 100), (150, 150), (100, 150), (100, 100))  # a ring
    editor.drag((320, 60), (330, 60))  # an island
    (ring,) = editor.masks()
    press("e")
    for _ in range(12):
        press("[")
    editor.drag((125, 125), (125, 125))
    (holed,) = editor.masks()
    assert not holed[125, 125]
    press("g")
    (filled,) = editor.masks()
    assert filled[125, 125]
    assert (filled | ring == filled).all()
    press("k")
    (whole,) = editor.masks()
    assert not whole[60, 320]
    assert whole[125, 125]


def test_union_subtract_intersect_of_two_objects(editor: Editor) -> None:
    press, page = editor.page.keyboard.press, editor.page
    press("b")
    editor.drag((100, 300), (160, 300))
    press("f")
    editor.drag((140, 300), (200, 300))
    first, second = editor.masks()
    page.locator(".thing .pick").first.click()
    page.locator(".thing .pick").nth(1).click(modifiers=["Control"])
    for button, expected in (("union", first | second), ("subtract", first & ~second), ("intersect", first & second)):
        page.click(f"#do-{button}")
        (joined,) = editor.masks()
        assert (joined == expected).all()
        page.click("#undo")
        assert len(editor.objects()) == 2
    press("Control+a")
    assert page.locator(".thing.chosen").count() == 2


def test_what_is_locked_is_not_changed(editor: Editor) -> None:
    editor.page.keyboard.press("b")
    editor.drag((100, 300), (160, 300))
    editor.page.keyboard.press("j")
    (before,) = editor.masks()
    editor.drag((100, 340), (160, 340))
    assert "locked" in editor.page.inner_text("#notice")
    editor.page.keyboard.press("Delete")
    assert (editor.masks()[0] == before).all()
    editor.page.keyboard.press("h")
    assert not editor.objects()[0]["visible"]
