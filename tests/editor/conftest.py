"""The editor in a real Chromium, in front of a real `anymask serve`. Skipped where one of them is missing."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from anymask import rle
from tests.serve.conftest import Program, start_program

CHROMIUM = os.environ.get("ANYMASK_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHOTO = Path("examples") / "astronaut.jpg"
# A find that takes little time; the editor's own is the usual one
QUICK = {"image_size": 320, "drawn": 20, "max_masks": 300}
PATIENCE = 60_000  # ms, on a busy machine
MARGIN = 24  # of viewport.js


@dataclass
class Server:
    """A server that can be killed, and come back at the same address."""

    data: Path
    program: Program

    @property
    def address(self) -> str:
        return self.program.address

    def kill(self) -> None:
        self.program.kill()

    def restart(self) -> None:
        port = urlsplit(self.address).port
        self.program = start_program(self.data, "--port", str(port), "--threads", "2")


@dataclass
class Editor:
    """A page of the editor with a picture open."""

    page: Any
    server: Server
    image: str
    width: int
    height: int

    def screen(self, x: float, y: float) -> tuple[float, float]:
        """Where a point of the picture is on the page while the whole picture is shown."""
        stage = self.page.locator("#stage").bounding_box()
        free = stage["width"] - 2 * MARGIN, stage["height"] - 2 * MARGIN
        scale = min(free[0] / self.width, free[1] / self.height, 4)
        left = stage["x"] + (stage["width"] - self.width * scale) / 2
        return left + x * scale, stage["y"] + (stage["height"] - self.height * scale) / 2 + y * scale

    def click(self, x: float, y: float, *modifiers: str, button: str = "left") -> None:
        for key in modifiers:
            self.page.keyboard.down(key)
        self.page.mouse.click(*self.screen(x, y), button=button)
        for key in modifiers:
            self.page.keyboard.up(key)
        self.saved()

    def move(self, x: float, y: float) -> None:
        self.page.mouse.move(*self.screen(x, y))

    def drag(self, *path: tuple[float, float], steps: int = 4) -> None:
        self.move(*path[0])
        self.page.mouse.down()
        for x, y in path[1:]:
            self.page.mouse.move(*self.screen(x, y), steps=steps)
        self.page.mouse.up()

    def saved(self) -> None:
        """Wait until nothing is under way, and the server has everything."""
        self.page.wait_for_selector("#saved[data-state=saved]", timeout=PATIENCE)

    def objects(self) -> list[dict[str, Any]]:
        """What the server holds."""
        self.saved()
        answer = httpx.get(f"{self.server.address}v1/images/{self.image}/objects", timeout=60)
        found: list[dict[str, Any]] = answer.json()["objects"]
        return found

    def masks(self) -> list[NDArray[np.bool_]]:
        return [rle.decode(each["rle"]["counts"].encode(), self.height, self.width) for each in self.objects()]

    def outlined(self) -> int:
        """Pixels of the outlined mask, as the line at the bottom tells; 0 for none."""
        told: str = self.page.inner_text("#walked")
        return int(told.split(" px")[0].replace(",", "")) if " px" in told else 0

    def describe(self, text: str) -> None:
        self.page.fill("#describe", text)
        self.page.wait_for_selector("#found:has(.count)", timeout=PATIENCE)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="the browser tests need: pip install playwright")
    if CHROMIUM is None:
        pytest.skip("the browser tests need Chromium: apt-get install chromium, or ANYMASK_CHROMIUM with its path")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("editor")
    running = Server(data, start_program(data, "--threads", "2"))
    yield running
    running.kill()


@pytest.fixture(scope="session")
def photo(server: Server) -> dict[str, Any]:
    """The example photograph with its masks, found once for all tests that read it."""
    return send(server)


def send(server: Server, name: str = "astronaut.jpg") -> dict[str, Any]:
    answer = httpx.post(
        f"{server.address}v1/images", files={"file": (name, PHOTO.read_bytes())}, params=QUICK, timeout=120
    )
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


@pytest.fixture
def page(browser: Any, server: Server) -> Iterator[Any]:
    """An empty page. It must throw nothing, and ask nobody but its server."""
    context = browser.new_context(viewport={"width": 1280, "height": 720}, accept_downloads=True)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    page.on("console", lambda message: wrong.append(message.text) if "Content Security" in message.text else None)
    page.on("request", lambda request: wrong.append(request.url) if foreign(request.url, server) else None)
    yield page
    context.close()
    assert not wrong


def foreign(url: str, server: Server) -> bool:
    return not url.startswith((server.address, "blob:", "data:"))


@pytest.fixture
def editor(page: Any, server: Server, photo: dict[str, Any]) -> Iterator[Editor]:
    """The photograph, open and ready, without objects."""
    image = photo["id"]
    opened = open_editor(page, server, photo)
    yield opened
    for each in httpx.get(f"{server.address}v1/images/{image}/objects").json()["objects"]:
        httpx.delete(f"{server.address}v1/images/{image}/objects/{each['id']}", params={"revision": each["revision"]})


def open_editor(page: Any, server: Server, image: dict[str, Any]) -> Editor:
    page.goto(f"{server.address}#{image['id']}")
    page.wait_for_selector("#walked:has-text('masks')")
    return Editor(page, server, image["id"], image["width"], image["height"])
