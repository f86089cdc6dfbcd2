"""Draw docs/editor.png: the editor with two objects selected and a third outlined.

python scripts/draw_editor.py [--chromium PATH]. Needs playwright.
"""

import argparse
import io
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
HELMET, FACE, PATCH = (400, 420), (225, 120), (172, 385)
STAGE_MARGIN, PICTURE = 24, 512


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chromium", default=shutil.which("chromium"), help="path of the browser")
    chromium = parser.parse_args().chromium
    with tempfile.TemporaryDirectory() as data, sync_playwright() as playwright:
        command = [sys.executable, "-m", "anymask", "serve", "--no-open", "--port", "0", "--data", data]
        server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT)
        said: Iterable[str] = server.stderr or []
        try:
            address = next(found[0] for line in said if (found := re.search(r"http://\S+", line)))
            browser = playwright.chromium.launch(executable_path=chromium, args=["--headless", "--no-sandbox"])
            page = browser.new_page(viewport={"width": 1280, "height": 720})
            page.set_default_timeout(120_000)
            page.goto(address)
            page.wait_for_selector("html[data-ready]")
            page.click("#welcome-sample")
            page.wait_for_selector("#walked:has-text('masks')")
            stage = page.locator("#stage").bounding_box()
            if stage is None:
                raise SystemExit("the page has no stage: is the editor there?")
            scale = (min(stage["width"], stage["height"]) - 2 * STAGE_MARGIN) / PICTURE
            left = stage["x"] + (stage["width"] - PICTURE * scale) / 2
            top = stage["y"] + (stage["height"] - PICTURE * scale) / 2
            for at, label in ((HELMET, "helmet"), (FACE, "face")):
                page.mouse.click(left + at[0] * scale, top + at[1] * scale)
                page.keyboard.press("F2")
                page.keyboard.type(label)
                page.keyboard.press("Enter")
                page.wait_for_selector("#saved[data-state=saved]")
            page.mouse.move(left + PATCH[0] * scale, top + PATCH[1] * scale)
            page.wait_for_timeout(500)
            picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            browser.close()
        finally:
            server.kill()
            server.wait()
    # A palette keeps the file small; the picture is here to be looked at
    picture.quantize(256, kmeans=4, dither=Image.Dither.FLOYDSTEINBERG).save(
        ROOT / "docs" / "editor.png", optimize=True
    )


if __name__ == "__main__":
    main()
