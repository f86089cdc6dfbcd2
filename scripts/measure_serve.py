"""How `anymask serve` bears many clients: selects at once, and clicks while other pictures are being found.

python scripts/measure_serve.py [--requests N] [--images N] > figures.json

It starts a server of its own over a folder that goes away.
"""

import argparse
import asyncio
import io
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

from anymask.sample import sample_picture
from tests.serve.conftest import Program, start_program
from tests.serve.load import all_at_once

FOUND = 8  # pictures that are being found while somebody clicks
CLICKS = 60


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--images", type=int, default=6)
    parser.add_argument("--side", type=int, default=640, help="pixels of the pictures' longer side")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        program = start_program(Path(folder), "--memory", "0.05")
        try:
            figures = measure(program, options.requests, options.images, options.side)
        finally:
            program.process.send_signal(2)
            try:
                program.process.wait(30)
            except subprocess.TimeoutExpired:
                program.kill()
    json.dump(figures, sys.stdout, indent=2)
    print()


def measure(program: Program, requests: int, images: int, side: int) -> dict[str, Any]:
    with httpx.Client(base_url=program.address, timeout=600) as client:
        ids = [send(client, picture(number, side)) for number in range(images)]
        before = resident_mib(program)
        load = asyncio.run(all_at_once(program.address, selects(ids, requests, side), 600))
        figures: dict[str, Any] = {
            "requests": requests,
            "images": images,
            "side": side,
            "answered_503_first": load.refused,
            "seconds": spread(load.seconds),
            "open_images": client.get("/v1/health").json()["open_images"],
            "resident_mib": {"before": before, "after": resident_mib(program)},
        }
        idle = clicks(client, ids[0], side)
        senders = [threading.Thread(target=send, args=(client, picture(100 + n, side))) for n in range(FOUND)]
        for each in senders:
            each.start()
        while not client.get("/v1/health").json()["running"]:
            time.sleep(0.01)
        busy = clicks(client, ids[0], side)
        still = any(each.is_alive() for each in senders)
        for each in senders:
            each.join()
        figures["click_seconds_idle"], figures["click_seconds_while_8_are_found"] = spread(idle), spread(busy)
        figures["click_ratio_of_medians"] = round(statistics.median(busy) / statistics.median(idle), 2)
        figures["finding_lasted_longer_than_the_clicks"] = still
        figures["resident_mib"]["end"] = resident_mib(program)
    return figures


def picture(number: int, side: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.roll(sample_picture(side * 3 // 4, side), 17 * number, axis=1)).save(file, "jpeg", quality=90)
    return file.getvalue()


def send(client: httpx.Client, content: bytes) -> str:
    answer = client.post("/v1/images", files={"file": ("a.jpg", content)})
    answer.raise_for_status()
    return str(answer.json()["id"])


def selects(ids: list[str], count: int, side: int) -> list[tuple[str, dict[str, Any]]]:
    return [(f"/v1/images/{ids[number % len(ids)]}/select", click(number, side)) for number in range(count)]


def click(number: int, side: int) -> dict[str, Any]:
    at = [(37 * number) % side, (23 * number) % (side * 3 // 4)]
    return {"prompts": [{"type": "point", "points": [at]}], "refine": "off", "zoom": False}


def clicks(client: httpx.Client, image: str, side: int) -> list[float]:
    seconds = []
    for number in range(CLICKS):
        began = time.perf_counter()
        client.post(f"/v1/images/{image}/select", json=click(number, side)).raise_for_status()
        seconds.append(time.perf_counter() - began)
    return seconds


def spread(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    return {
        "median": round(statistics.median(ordered), 4),
        "p95": round(ordered[int(0.95 * (len(ordered) - 1))], 4),
        "most": round(ordered[-1], 4),
    }


def resident_mib(program: Program) -> int | None:
    status = Path(f"/proc/{program.process.pid}/status")
    if not status.exists():
        return None
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) // 1024


if __name__ == "__main__":
    main()
