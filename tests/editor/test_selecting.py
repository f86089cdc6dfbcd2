"""Open, hover, click, add, exclude, box, undo: what the server holds afterwards is what was done."""

from typing import Any

import httpx
import numpy as np
import pytest

from anymask.prompts import Point
from anymask.segment import Segmenter
from tests.editor.conftest import PHOTO, QUICK, Editor, Server, open_editor, send

HELMET, SUIT, FACE = (400, 420), (180, 400), (225, 120)

pytestmark = pytest.mark.soak  # the browser takes long


def test_a_picture_is_opened_and_a_click_before_its_masks_is_answered(page: Any, server: Server) -> None:
    page.goto(server.address)
    page.wait_for_selector("html[data-ready]")
    assert page.is_visible("#welcome")
    page.set_input_files("#files", PHOTO)
    page.wait_for_selector("#progress:has-text('You can click already')")
    image = page.evaluate("location.hash.slice(1)") or page.wait_for_url("**/#*") or page.url.split("#")[1]
    early = Editor(page, server, image, 512, 512)
    page.mouse.click(*early.screen(*HELMET))
    assert "Your click is answered" in page.inner_text("#progress")
    page.wait_for_selector("#progress", state="hidden")
    page.wait_for_selector("#things .thing")
    (mask,) = early.masks()
    assert mask[HELMET[1], HELMET[0]]
    assert not mask[30, 30]


def test_hover_asks_nobody_and_ctrl_wheel_walks_to_the_whole(editor: Editor) -> None:
    asked: list[str] = []
    editor.page.on("request", lambda request: asked.append(request.url))
    editor.move(*FACE)
    smallest = editor.outlined()
    assert smallest > 0
    editor.page.keyboard.down("Control")
    editor.page.mouse.wheel(0, -100)
    whole = editor.outlined()
    editor.page.mouse.wheel(0, 100)
    editor.page.keyboard.up("Control")
    assert whole > smallest == editor.outlined()
    assert not asked
    editor.page.keyboard.down("Control")
    editor.page.mouse.wheel(0, -100)
    editor.page.mouse.click(*editor.screen(*FACE))  # with Ctrl still held: it is the whole that is taken
    editor.page.keyboard.up("Control")
    editor.page.wait_for_selector("#things .thing")
    (kept,) = editor.objects()
    assert abs(kept["area"] - whole) < abs(kept["area"] - smallest)


def test_click_is_what_python_selects_and_exclude_shift_and_dots_change_it(editor: Editor) -> None:
    editor.move(*HELMET)
    outlined = editor.outlined()
    editor.click(*HELMET)
    segmenter = Segmenter(threads=2)
    found = segmenter(PHOTO, **QUICK)  # type: ignore[arg-type]
    x, y = editor.objects()[0]["prompts"][0]["points"][0]
    picked = segmenter.select(found, Point([(x, y)]))
    (kept,) = editor.objects()
    assert kept["rle"]["counts"].encode() == picked.rles[kept["rank"]]
    assert 0.4 < kept["area"] / outlined < 2.5  # the candidate that is like what was outlined

    editor.click(*SUIT, "Shift")
    assert editor.objects()[0]["prompts"][0]["labels"] == [1, 1]
    assert editor.objects()[0]["rle"]["counts"].encode() == picked_of(segmenter, found, editor)
    editor.click(430, 250, button="right")
    assert editor.objects()[0]["prompts"][0]["labels"] == [1, 1, 0]
    editor.click(*SUIT)  # the dot
    assert editor.objects()[0]["prompts"][0]["labels"] == [1, 0]
    assert editor.objects()[0]["rle"]["counts"].encode() == picked_of(segmenter, found, editor)
    editor.click(*HELMET)  # the last dot inside: nothing is left of it
    assert editor.objects() == []


def test_what_a_click_can_mean_is_chosen_by_key_or_picture_and_undone(editor: Editor) -> None:
    page = editor.page
    editor.click(*FACE)
    points = editor.objects()[0]["prompts"][0]["points"]
    segmenter = Segmenter(threads=2)
    found = segmenter(PHOTO, **QUICK)  # type: ignore[arg-type]
    picked = segmenter.select(found, Point(points))[:3]
    rles = [each.decode() for each in picked.rles]
    by_area = sorted(zip(picked.areas, range(3), rles, strict=True))  # from the part to the whole
    pressed = page.locator(".choices [aria-pressed=true]")
    assert page.locator(".choices button").all_inner_texts() == [f"{area:,} px" for area, _, _ in by_area]
    first = editor.objects()[0]["rle"]["counts"]
    at = [rle for _, _, rle in by_area].index(first)
    for step in range(1, 4):
        page.focus("#stage")
        page.keyboard.press("c")
        (kept,) = editor.objects()
        area, rank, rle = by_area[(at + step) % 3]
        assert (kept["rle"]["counts"], kept["rank"]) == (rle, rank)
        assert pressed.inner_text() == f"{area:,} px"
    page.keyboard.press("Control+z")
    assert editor.objects()[0]["rle"]["counts"] == by_area[(at + 2) % 3][2]

    page.reload()  # what was chosen is known; what else it can mean is asked for
    page.wait_for_selector("#walked:has-text('masks')")
    page.locator(".thing .pick").click()
    page.click("#do-choice")
    page.wait_for_selector(".choices")
    page.locator(".choices button").nth(at).click()
    assert editor.objects()[0]["rle"]["counts"] == first
    recipe = f"{editor.server.address}v1/images/{editor.image}/recipe"
    httpx.put(recipe, json=httpx.get(recipe, timeout=60).json(), timeout=60).raise_for_status()
    assert [each["rle"]["counts"] for each in editor.objects()] == [first]


def test_points_gathered_with_ctrl_are_asked_for_together(editor: Editor) -> None:
    page, asked = editor.page, list[str]()
    page.on(
        "request",
        lambda request: (
            asked.append(request.url) if '"point"' in (request.post_data or "") and "/select" in request.url else None
        ),
    )

    def gather(*places: tuple[int, int], button: str = "left") -> None:
        for place in places:
            page.mouse.click(*editor.screen(*place), button=button)

    page.keyboard.down("Control")
    gather(HELMET, SUIT, FACE)
    page.keyboard.press("z")  # the last is forgotten
    gather((430, 250), button="right")
    assert not asked
    page.keyboard.up("Control")
    page.wait_for_selector("#things .thing")
    assert editor.objects()[0]["prompts"][0]["labels"] == [1, 1, 0]
    assert len(asked) == 1
    page.keyboard.down("Control")
    gather((30, 30), (480, 30), button="right")  # all of them take away: of the object there is
    page.keyboard.press("Enter")
    page.keyboard.up("Control")
    page.wait_for_selector("#detail:has-text('5 points')")
    assert [each["prompts"][0]["labels"] for each in editor.objects()] == [[1, 1, 0, 0, 0]]
    assert len(asked) == 2


def picked_of(segmenter: Segmenter, found: Any, editor: Editor) -> bytes:
    prompt = editor.objects()[0]["prompts"][0]
    return segmenter.select(found, Point(prompt["points"], labels=prompt["labels"])).rles[0]


def test_three_clicks_are_three_objects_and_a_click_on_one_opens_it_again(editor: Editor) -> None:
    for at in (HELMET, SUIT, FACE):
        editor.click(*at)
    assert len(editor.objects()) == 3
    assert editor.page.locator(".thing.chosen").count() == 1
    editor.move(10, 10)
    editor.click(HELMET[0] + 12, HELMET[1] + 12)
    assert len(editor.objects()) == 3
    assert "chosen" in editor.page.locator(".thing").first.get_attribute("class")
    assert "1 point" in editor.page.inner_text("#detail")


def test_a_box_selects_what_is_in_it(editor: Editor) -> None:
    editor.drag((300, 330), (505, 505))
    editor.page.wait_for_selector("#things .thing")
    (kept,) = editor.objects()
    assert kept["prompts"][0]["type"] == "box"
    assert np.allclose(kept["prompts"][0]["box"], [300, 330, 505, 505], atol=1.5)
    assert editor.masks()[0][HELMET[1], HELMET[0]]


def test_undo_to_the_start_and_redo_to_the_end(editor: Editor) -> None:
    editor.click(*HELMET)
    editor.click(*FACE)
    editor.page.keyboard.press("F2")
    editor.page.keyboard.type("a face")
    editor.page.keyboard.press("Enter")
    editor.page.keyboard.press(",")  # the object before
    editor.page.keyboard.press("Delete")
    end = [(each["id"], each["label"], each["rle"]) for each in editor.objects()]
    assert [label for _, label, _ in end] == ["a face"]
    counts = [1]
    while editor.page.is_enabled("#undo"):
        editor.page.keyboard.press("Control+z")
        counts.append(len(editor.objects()))
    assert counts == [1, 2, 2, 1, 0]
    while editor.page.is_enabled("#redo"):
        editor.page.keyboard.press("Control+Shift+z")
    assert [(each["id"], each["label"], each["rle"]) for each in editor.objects()] == end


def test_look_closer_adds_masks_and_keeps_those_there(page: Any, server: Server) -> None:
    editor = open_editor(page, server, send(server, "looked at.jpg"))
    before = httpx.get(f"{server.address}v1/images/{editor.image}").json()["masks"]
    editor.page.keyboard.press("l")
    editor.drag((130, 330), (230, 430))
    editor.page.wait_for_selector("#notice:has-text('found there')")
    after = httpx.get(f"{server.address}v1/images/{editor.image}").json()["masks"]
    assert len(after) >= len(before)
    assert [each["id"] for each in after] == list(range(len(after)))


def test_the_keyboard_alone_selects_labels_and_boxes(editor: Editor) -> None:
    press = editor.page.keyboard.press
    editor.page.focus("#stage")
    press("ArrowDown")  # the largest mask
    first = editor.outlined()
    press("Tab")
    assert editor.outlined() != first or editor.outlined() > 0
    press("ArrowDown")
    press("Enter")
    editor.saved()
    assert len(editor.objects()) == 1
    press("F2")
    editor.page.keyboard.type("by keys")
    press("Enter")
    press("r")  # the box tool: arrows move the pointer, Enter presses and lets go
    press("Enter")
    for _ in range(8):
        press("ArrowRight")
        press("ArrowDown")
    press("Enter")
    editor.page.wait_for_selector("#things .thing:nth-child(2)")
    kept = editor.objects()
    assert [each["label"] for each in kept] == ["by keys", ""]
    assert kept[1]["prompts"][0]["type"] == "box"
