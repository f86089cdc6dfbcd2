"""Nothing is lost: the server is killed, somebody else changes the same object, files are what Python makes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco

from tests.editor.conftest import Editor, Server, open_editor, send

pytestmark = pytest.mark.soak  # the browser takes long


def test_exports_hold_what_is_shown(editor: Editor, tmp_path: Path) -> None:
    editor.click(400, 420)
    editor.page.keyboard.press("F2")
    editor.page.keyboard.type("helmet")
    editor.page.keyboard.press("Enter")
    editor.page.keyboard.press("f")
    editor.page.keyboard.press("b")
    editor.drag((60, 60), (120, 60))
    masks, (helmet, _) = editor.masks(), editor.objects()

    document = json.loads(download(editor, "COCO JSON", tmp_path).read_text())
    assert [each["segmentation"] for each in document["annotations"]] == [each["rle"] for each in editor.objects()]
    areas = [int(coco.area(each["segmentation"])) for each in document["annotations"]]
    assert areas == [each["area"] for each in document["annotations"]] == [int(mask.sum()) for mask in masks]
    assert "helmet" in [each["name"] for each in document["categories"]]

    labels = np.asarray(Image.open(download(editor, "Label map", tmp_path)))
    assert ((labels > 0) == (masks[0] | masks[1])).all()
    cut = Image.open(download(editor, "Cut-out", tmp_path)).convert("RGBA")
    assert (np.asarray(cut)[..., 3] > 0).sum() > 0.9 * (masks[0] | masks[1]).sum()
    assert "<svg" in download(editor, "SVG", tmp_path).read_text()
    recipe = json.loads(download(editor, "Recipe", tmp_path).read_text())
    assert helmet["prompts"][0]["points"] in list(points_of(recipe))

    # Without hidden objects, unless they are asked for; and the selected ones alone
    editor.page.keyboard.press("Escape")
    editor.page.locator(".thing .pick").first.click()
    editor.page.keyboard.press("h")
    editor.saved()
    counts = [each["rle"]["counts"] for each in editor.objects()]
    for choose, expected in ((None, counts[1:]), ("Hidden objects too", counts), ("Selected (1)", counts[:1])):
        if choose is not None:
            editor.page.click(f"#dialog >> text={choose}")
        document = json.loads(download(editor, "COCO JSON", tmp_path).read_text())
        assert [each["segmentation"]["counts"] for each in document["annotations"]] == expected, choose

    editor.page.keyboard.press("Escape")
    editor.page.keyboard.press("h")
    editor.page.click("#do-copy")
    editor.page.wait_for_selector("#notice:has-text('on the clipboard')")
    copied = editor.page.evaluate(
        """async () => {
          const [item] = await navigator.clipboard.read();
          const picture = await createImageBitmap(await item.getType("image/png"));
          return [picture.width, picture.height];
        }"""
    )
    x1, y1, x2, y2 = helmet["box"]
    assert abs(copied[0] - (x2 - x1)) <= 2
    assert abs(copied[1] - (y2 - y1)) <= 2


def points_of(document: Any) -> Iterator[Any]:
    """Every "points" in a JSON document."""
    if isinstance(document, dict):
        if "points" in document:
            yield document["points"]
        document = list(document.values())
    if isinstance(document, list):
        for each in document:
            yield from points_of(each)


def download(editor: Editor, title: str, folder: Path) -> Path:
    if not editor.page.is_visible("#dialog"):
        editor.page.click("#export")
    with editor.page.expect_download() as begun:
        editor.page.locator(".format", has_text=title).first.click()
    path: Path = folder / begun.value.suggested_filename
    begun.value.save_as(path)
    return path


def test_a_killed_server_is_noticed_and_edits_are_sent_when_it_is_back(page: Any, server: Server) -> None:
    editor = open_editor(page, server, send(server, "killed.jpg"))
    editor.click(400, 420)
    before = editor.objects()
    server.kill()
    page.wait_for_selector("#saved[data-state=offline]")
    page.keyboard.press("b")
    editor.drag((400, 300), (450, 320))
    page.keyboard.press("F2")
    page.keyboard.type("while it was gone")
    page.keyboard.press("Enter")
    page.keyboard.press("v")
    page.mouse.click(*editor.screen(225, 120))  # taken as it was outlined
    page.wait_for_selector("#things .thing >> nth=1")
    assert "wait here and will be sent" in page.inner_text("#saved")
    server.restart()
    editor.saved()
    after = editor.objects()
    assert [each["label"] for each in after] == ["while it was gone", ""]
    assert after[0]["id"] == before[0]["id"]
    assert after[0]["area"] > before[0]["area"]
    page.keyboard.press("Control+z")
    assert len(editor.objects()) == 1
    page.reload()
    page.wait_for_selector("#things .thing")
    assert page.inner_text("#things .name") == "while it was gone"


def test_a_server_that_forgot_the_picture_gets_it_again_with_its_objects(
    page: Any, server: Server, tmp_path: Path
) -> None:
    image = send(server, "forgotten.jpg")
    editor = open_editor(page, server, image)
    editor.click(400, 420)
    kept = editor.objects()
    server.kill()
    page.wait_for_selector("#saved[data-state=offline]")
    data, server.data = server.data, tmp_path
    server.restart()  # over an empty folder
    try:
        page.wait_for_url(lambda url: url.split("#")[1] != image["id"])
        page.wait_for_selector("#walked:has-text('masks')")
        editor.image = page.url.split("#")[1]
        assert [each["rle"] for each in editor.objects()] == [each["rle"] for each in kept]
    finally:
        server.kill()
        server.data = data
        server.restart()


def test_what_a_closed_page_had_not_sent_is_sent_by_the_next(page: Any, server: Server) -> None:
    image = send(server, "closed.jpg")
    editor = open_editor(page, server, image)
    editor.click(400, 420)
    page.route("**/objects/**", lambda route: route.abort())  # this page alone has lost the server
    page.keyboard.press("F2")
    page.keyboard.type("kept")
    page.keyboard.press("Enter")
    page.wait_for_selector("#saved[data-state=offline]")
    page.unroute("**/objects/**")
    page.reload()
    page.wait_for_selector("#things .thing")
    assert [each["label"] for each in editor.objects()] == ["kept"]


def test_a_conflict_shows_both_and_keeps_both(page: Any, server: Server) -> None:
    image = send(server, "two.jpg")
    editor = open_editor(page, server, image)
    editor.click(400, 420)
    (mine,) = editor.objects()
    # Somebody else, of whom this page has not heard yet
    page.route("**/objects", lambda route: route.abort() if route.request.method == "GET" else route.continue_())
    address = f"{server.address}v1/images/{image['id']}/objects/{mine['id']}"
    fields = {key: value for key, value in mine.items() if key not in ("id", "created", "changed", "box", "area")}
    assert httpx.put(address, json={**fields, "label": "theirs"}).status_code == 200
    page.keyboard.press("F2")
    page.keyboard.type("mine")
    page.keyboard.press("Enter")
    page.wait_for_selector("#dialog:has-text('Changed in two places')")
    assert page.locator(".versions figure").count() == 2
    page.unroute("**/objects")
    page.click("#dialog >> text=Keep both")
    page.wait_for_selector("#things .thing >> nth=1")
    assert sorted(each["label"] for each in editor.objects()) == ["mine", "theirs"]


def test_what_another_window_does_is_seen(editor: Editor, server: Server, browser: Any) -> None:
    editor.click(400, 420)
    other = browser.new_page()
    second = open_editor(other, server, {"id": editor.image, "width": 512, "height": 512})
    other.wait_for_selector("#things .thing")
    second.page.keyboard.press(".")
    second.page.keyboard.press("F2")
    second.page.keyboard.type("from there")
    second.page.keyboard.press("Enter")
    editor.page.wait_for_selector("#things .name:has-text('from there')")
    second.page.keyboard.press("Delete")
    editor.page.wait_for_selector("#things .thing", state="detached")
    other.close()
