"""Every state has a look: accessible by axe-core's rules in light and dark, and readable at the sizes of screens.

Pictures of the states are written where ANYMASK_SCREENSHOTS names a folder.
"""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.editor.conftest import Editor, Server, open_editor, send

pytestmark = pytest.mark.soak  # the browser takes long

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
SCREENSHOTS = os.environ.get("ANYMASK_SCREENSHOTS")


def shown(page: Any, name: str) -> None:
    """Keep a picture of a state, and have axe-core look at it."""
    if SCREENSHOTS:
        page.screenshot(path=str(Path(SCREENSHOTS) / f"{name}.png"))
    if not AXE.exists():
        pytest.skip("needs axe-core: npm install --prefix tests/editor")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']}).then((result) => result.violations)")
    told = [(each["id"], each["help"], [node["html"][:120] for node in each["nodes"][:3]]) for each in found]
    assert not told, (name, told)


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.soak)])
def test_every_state_is_accessible(editor: Editor, theme: str) -> None:
    page, press = editor.page, editor.page.keyboard.press
    page.emulate_media(color_scheme=theme)
    editor.click(400, 420)
    editor.click(440, 480, button="right")
    editor.move(225, 120)
    shown(page, f"selected-{theme}")
    press("b")
    editor.drag((60, 60), (120, 90))
    shown(page, f"brush-{theme}")
    press("v")
    press("Escape")
    editor.describe("the person")
    shown(page, f"text-{theme}")
    editor.describe("the striped dog")
    shown(page, f"not-here-{theme}")
    press("Escape")
    for key, name in (("?", "shortcuts"), ("x", "export"), ("p", "pictures")):
        press(key)
        page.wait_for_selector("#dialog[open]")
        shown(page, f"{name}-{theme}")
        press("Escape")
        page.wait_for_selector("#dialog", state="hidden")
    page.keyboard.down("n")
    page.wait_for_timeout(100)
    shown(page, f"everything-{theme}")
    page.keyboard.up("n")


def test_empty_loading_failed_and_offline_states(page: Any, server: Server) -> None:
    page.goto(server.address)
    page.wait_for_selector("html[data-ready]")
    shown(page, "empty")
    held: list[Any] = []
    page.route("**/v1/images?wait=false", lambda route: held.append(route))
    page.click("#welcome-sample")
    page.wait_for_selector("#progress:has-text('Sending')")
    shown(page, "loading")
    held[0].abort()
    page.wait_for_selector("#progress:has-text('Waiting for the server')")
    shown(page, "offline")
    page.unroute("**/v1/images?wait=false")
    page.set_input_files("#files", {"name": "broken.jpg", "mimeType": "image/jpeg", "buffer": b"no picture at all"})
    page.wait_for_selector("#progress.failed")
    assert "broken.jpg cannot be used" in page.inner_text("#progress")
    shown(page, "failed")


@pytest.mark.parametrize("size", [(1280, 720), (1024, 768), (768, 1024)], ids=["laptop", "tablet", "upright tablet"])
def test_everything_is_inside_the_screen(editor: Editor, size: tuple[int, int]) -> None:
    page = editor.page
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.wait_for_timeout(200)
    editor.click(400, 420)
    shown(page, f"size-{size[0]}")
    outside = page.evaluate(
        """() => [...document.querySelectorAll("button, input:not([type=file]), h2, #stage")]
          .filter((each) => each.checkVisibility() && !each.closest("#things, .options, .detail, .welcome"))
          .filter((each) => {
            const { left, top, right, bottom } = each.getBoundingClientRect();
            return left < 0 || top < 0 || right > innerWidth + 1 || bottom > innerHeight + 1;
          })
          .map((each) => each.outerHTML.slice(0, 100))"""
    )
    assert outside == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_keys_of_ones_own_are_checked_and_kept(editor: Editor) -> None:
    page, press = editor.page, editor.page.keyboard.press
    press("?")
    page.click("[aria-label^='Brush: B']")
    press("e")
    assert "“Eraser” already" in page.inner_text(".told")
    press("y")
    page.wait_for_selector("[aria-label^='Brush: Y']")
    press("Escape")
    page.wait_for_selector("#dialog", state="hidden")
    press("y")
    assert page.get_attribute("[data-tool=brush]", "aria-pressed") == "true"


def test_pictures_one_after_another(page: Any, server: Server) -> None:
    first, second = send(server, "one.jpg"), send(server, "two.jpg")
    editor = open_editor(page, server, first)
    editor.click(400, 420)
    page.keyboard.press("a")  # the one before: lists begin with the newest
    page.wait_for_selector("#pictures:has-text('two.jpg')")
    page.wait_for_selector("#walked:has-text('masks')")
    assert page.locator("#things .thing").count() == 0
    editor.image = second["id"]
    editor.click(225, 120)
    page.keyboard.press("d")
    page.wait_for_selector("#pictures:has-text('one.jpg')")
    page.wait_for_selector("#things .thing")
    page.keyboard.press("Control+z")  # each picture has its own history
    editor.image = first["id"]
    assert editor.objects() == []


def test_a_picture_is_pasted_and_dropped(page: Any, server: Server) -> None:
    page.goto(server.address)
    page.wait_for_selector("html[data-ready]")
    for kind in ("paste", "drop"):
        page.evaluate(
            """async (kind) => {
              const photo = await (await fetch("sample.jpg")).blob();
              const carried = new DataTransfer();
              carried.items.add(new File([photo], `${kind}.jpg`, { type: "image/jpeg" }));
              const event =
                kind === "drop"
                  ? new DragEvent(kind, { dataTransfer: carried })
                  : new ClipboardEvent(kind, { clipboardData: carried });
              dispatchEvent(event);
            }""",
            kind,
        )
        page.wait_for_selector(f"#pictures:has-text('{kind}.jpg')")
        assert page.is_hidden("#welcome")


def test_fingers_tap_choose_what_a_tap_does_and_pinch(browser: Any, server: Server) -> None:
    context = browser.new_context(viewport={"width": 1024, "height": 768}, has_touch=True)
    page = context.new_page()
    editor = open_editor(page, server, send(server, "touched.jpg"))
    page.touchscreen.tap(*editor.screen(400, 420))
    page.wait_for_selector("#things .thing")
    page.click("#mode >> text=Add")
    page.touchscreen.tap(*editor.screen(180, 400))
    page.wait_for_selector("#detail:has-text('2 points')")
    shown(page, "touch")
    before = page.inner_text("#zoom-fit")
    x, y = editor.screen(256, 256)
    touch = context.new_cdp_session(page)
    for kind, apart in (("touchStart", 40), ("touchMove", 60), ("touchMove", 120), ("touchEnd", 0)):
        fingers = [{"x": x - apart, "y": y, "id": 1}, {"x": x + apart, "y": y, "id": 2}] if apart else []
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})
    page.wait_for_timeout(200)
    assert int(page.inner_text("#zoom-fit").split()[0]) > 2 * int(before.split()[0])
    assert len(editor.objects()) == 1  # two fingers select nothing
    context.close()
