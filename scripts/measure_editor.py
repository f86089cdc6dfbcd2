"""Measure the editor in a browser: hovering over many masks of a large picture, and words while they are typed.

python scripts/measure_editor.py [--chromium PATH] [--masks 300,1000,5000] [--server http://127.0.0.1:8642]

Masks are drawn ones, of a picture of 4,000 x 3,000 pixels; a small server of this script's serves them and the editor's
own files. Every figure is taken in the page: from the pointer's event to pixels on the canvases. Needs playwright.
"""

import argparse
import contextlib
import io
import json
import shutil
import statistics
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from anymask import rle
from anymask.maskset import MaskSet

EDITOR = Path(__file__).resolve().parent.parent / "anymask" / "serve" / "editor"
WIDTH, HEIGHT = 4000, 3000
IMAGE = "a" * 32
TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".html": "text/html",
    ".svg": "image/svg+xml",
    ".jpg": "image/jpeg",
}
MOVES = 240  # of the pointer
SENTENCE = "the second red thing on the left"

# In the page: what callbacks of frames and long tasks take
WATCH = """
window.frames_ = []; window.long_ = [];
const ask = window.requestAnimationFrame.bind(window);
window.requestAnimationFrame = (run) => ask((time) => {
  const begun = performance.now();
  run(time);
  window.frames_.push(performance.now() - begun);
});
const note = (list) => list.getEntries().forEach((each) => window.long_.push(each.duration));
new PerformanceObserver(note).observe({ type: "longtask", buffered: true });
"""

# From a pointer's event to the pixels: what the event's listeners and the next frame take, with the drawing forced
HOVER = """
async (moves) => {
  const stage = document.getElementById("stage");
  const { left, top, width, height } = stage.getBoundingClientRect();
  const context = stage.querySelector("canvas[data-layer=overlay]").getContext("2d");
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const costs = [];
  window.long_.length = 0;
  for (let move = 0; move < moves; move++) {
    const at = move / moves;
    const clientX = left + width * (0.5 + 0.42 * Math.sin(9.1 * at * Math.PI));
    const clientY = top + height * (0.5 + 0.42 * Math.cos(7.3 * at * Math.PI));
    await frame();
    const begun = performance.now();
    stage.dispatchEvent(new PointerEvent("pointermove", { clientX, clientY, bubbles: true, pointerId: 1 }));
    const listened = performance.now() - begun;
    window.frames_.length = 0;
    await frame();
    const drawn = performance.now();
    context.getImageData(0, 0, 1, 1);
    costs.push(listened + window.frames_.reduce((one, other) => one + other, 0) + performance.now() - drawn);
  }
  return { costs, long: window.long_ };
}
"""

# From each letter to the first frame after what it found is shown
TYPE = """
async (sentence) => {
  const field = document.getElementById("describe");
  const found = document.getElementById("found");
  const costs = [];
  for (let length = 1; length <= sentence.length; length++) {
    const begun = performance.now();
    field.value = sentence.slice(0, length);
    const shown = new Promise((done) => {
      const observer = new MutationObserver(() => {
        if (found.dataset.answered !== sentence.slice(0, length)) return;
        observer.disconnect();
        requestAnimationFrame(() => setTimeout(done));
      });
      observer.observe(found, { childList: true, subtree: true, attributes: true });
    });
    field.dispatchEvent(new Event("input"));
    await shown;
    document.querySelector("canvas[data-layer=masks]").getContext("2d").getImageData(0, 0, 1, 1);
    costs.push(performance.now() - begun);
  }
  return costs;
}
"""


def drawn_masks(count: int) -> MaskSet:
    """Blobs of many sizes all over the picture, most of them inside larger ones."""
    random = np.random.default_rng(count)
    rles, height, width = [], HEIGHT, WIDTH
    for radius in np.exp(random.uniform(np.log(8), np.log(700 if count < 5000 else 450), count)):
        x, y = random.uniform(0, width), random.uniform(0, height)
        x1, y1 = max(int(x - 1.4 * radius), 0), max(int(y - 1.4 * radius), 0)
        x2, y2 = min(int(x + 1.4 * radius) + 1, width), min(int(y + 1.4 * radius) + 1, height)
        rows, columns = np.mgrid[y1:y2, x1:x2]
        angle = np.arctan2(rows - y, columns - x)
        edge = radius * (1 + 0.15 * np.sin(5 * angle + x) + 0.08 * np.sin(23 * angle + y))
        crop = np.hypot(rows - y, columns - x) < edge
        if crop.any():
            rles.append(rle.encode_crop(crop, x1, y1, height, width))
    scores = random.uniform(0.1, 1, len(rles)).astype(np.float32)
    return MaskSet((height, width), rle.boxes(rles, height, width), scores, tuple(rles))


def document(found: MaskSet) -> dict[str, Any]:
    parents = found.parents.tolist()
    masks = [
        {
            "id": index,
            "box": found.boxes[index].tolist(),
            "score": float(found.scores[index]),
            "parent": parents[index],
            "rle": {"size": [HEIGHT, WIDTH], "counts": found.rles[index].decode()},
        }
        for index in range(len(found))
    ]
    return {**image(), "masks": masks}


def image() -> dict[str, Any]:
    named = {"id": IMAGE, "name": "measured.jpg", "width": WIDTH, "height": HEIGHT}
    return {**named, "state": "ready", "error": None, "created": "2026-01-01", "revision": 1}


def text_answer(found: MaskSet, body: bytes) -> dict[str, Any]:
    """Every third of the first 300 masks: the time that the real server thinks is measured elsewhere."""
    text = json.loads(body)["prompts"][0]["text"]
    masks = [
        {
            "prompt": 0,
            "rank": rank,
            "score": float(found.scores[index]),
            "box": found.boxes[index].tolist(),
            "id": index,
            "rle": None,
        }
        for rank, index in enumerate(range(0, min(len(found), 300), 3))
    ]
    query = {"find": [text.split()[-1]]}
    told = {
        "prompt": 0,
        "text": text,
        "query": query,
        "reason": "",
        "notes": [],
        "nearest": [],
        "unknown": {},
    }
    return {"revision": 1, "masks": masks, "texts": [told]}


def serve(found: MaskSet) -> ThreadingHTTPServer:
    random = np.random.default_rng(1)
    small = Image.fromarray(random.integers(0, 255, (HEIGHT // 40, WIDTH // 40, 3), np.uint8))
    file = io.BytesIO()
    small.resize((WIDTH, HEIGHT)).save(file, "jpeg")
    page = f"/v1/images/{IMAGE}"
    whole = json.dumps(document(found)).encode()
    answers = {
        "/v1/health": b'{"status": "ok"}',
        "/v1/images": json.dumps({"images": [image()], "next": None}).encode(),
        page: whole,
        f"{page}/objects": b'{"revision": 1, "objects": []}',
        f"{page}/picture": file.getvalue(),
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.split("?")[0]
            if path.endswith("/events"):
                self.answer(
                    b'event: progress\ndata: {"state": "ready", "ahead": 0, "done": 0, "total": 0, "error": null}\n\n',
                    "text/event-stream",
                    close=False,
                )
                time.sleep(600)
            elif path in answers:
                self.answer(answers[path], "image/jpeg" if path.endswith("picture") else "application/json")
            else:
                asked = EDITOR / ("index.html" if path == "/" else path.lstrip("/"))
                self.answer(asked.read_bytes(), TYPES[asked.suffix])

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(json.dumps(text_answer(found, body)).encode(), "application/json")

        def answer(self, content: bytes, media_type: str, close: bool = True) -> None:
            with contextlib.suppress(BrokenPipeError):  # typing goes on, and nobody waits for the answer
                self.send_response(200)
                self.send_header("Content-Type", media_type)
                if close:
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
                self.wfile.flush()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def measure(chromium: Any, count: int) -> dict[str, Any]:
    found = drawn_masks(count)
    server = serve(found)
    page = chromium.new_page(viewport={"width": 1280, "height": 720})
    page.add_init_script(WATCH)
    begun = time.monotonic()
    page.goto(f"http://127.0.0.1:{server.server_address[1]}/#{IMAGE}")
    page.wait_for_selector("#walked:has-text('masks')", timeout=120_000)
    opened = time.monotonic() - begun
    page.wait_for_timeout(500)
    loading = page.evaluate("window.long_")
    hovered = page.evaluate(HOVER, MOVES)
    again = page.evaluate(HOVER, MOVES)
    page.keyboard.down("n")
    page.wait_for_timeout(300)
    everything = page.evaluate("window.long_")
    page.keyboard.up("n")
    typed = page.evaluate(TYPE, SENTENCE)
    page.close()
    server.shutdown()
    return {
        "masks": len(found),
        "opened s": round(opened, 2),
        "longest task while opening ms": round(max(loading, default=0)),
        "hover ms": summary(hovered["costs"]),
        "hover again ms": summary(again["costs"]),
        "long tasks while moving ms": [round(each) for each in hovered["long"] + again["long"]],
        "long tasks of showing everything ms": [round(each) for each in everything],
        "a letter to paint ms": summary(typed),
    }


def measure_words(chromium: Any, address: str) -> dict[str, Any]:
    """Typing in front of a real server, with 300 masks of the example photograph."""
    import httpx

    files = {"file": ("measured.jpg", (EDITOR / "sample.jpg").read_bytes())}
    sent = httpx.post(f"{address}/v1/images", files=files, params={"max_masks": 300}, timeout=300).json()
    page = chromium.new_page(viewport={"width": 1280, "height": 720})
    page.goto(f"{address}/#{sent['id']}")
    page.wait_for_selector("#walked:has-text('masks')", timeout=120_000)
    page.evaluate(TYPE, "person")  # labels the masks, which the editor asks for by itself before anybody types
    typed = [each for _ in range(3) for each in page.evaluate(TYPE, SENTENCE)]
    page.close()
    return {"real server, masks": len(sent["masks"]), "a letter to paint ms": summary(typed)}


def summary(costs: list[float]) -> dict[str, float]:
    ordered = sorted(costs)
    return {
        "median": round(statistics.median(ordered), 2),
        "p95": round(ordered[int(0.95 * len(ordered))], 2),
        "max": round(ordered[-1], 2),
    }


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chromium", default=shutil.which("chromium"), help="path of the browser")
    parser.add_argument("--masks", default="300,1000,5000", help="counts of masks")
    parser.add_argument("--server", help="address of a running `anymask serve`, to type in front of")
    given = parser.parse_args()
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=given.chromium, args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        if given.server:
            print(json.dumps(measure_words(chromium, given.server.rstrip("/"))), flush=True)
        for count in map(int, filter(None, given.masks.split(","))):
            print(json.dumps(measure(chromium, count)), flush=True)
        chromium.close()


if __name__ == "__main__":
    main()
