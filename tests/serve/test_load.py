"""Two hundred selects at once on more images than fit in memory: each gets the right answer, at once or on retry."""

import asyncio
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from PIL import Image

from anymask.image import load_image
from anymask.prompts import Box, Point, Prompt, parse
from anymask.segment import Segmenter
from tests.serve.conftest import PATIENCE, QUICK, Served, png
from tests.serve.load import all_at_once

Serve = Callable[..., Served]
REQUESTS, IMAGES = 200, 6


def turned(number: int) -> bytes:
    """One of several small pictures that differ."""
    pixels = np.asarray(Image.open(io.BytesIO(png(96, 128))))
    file = io.BytesIO()
    Image.fromarray(np.roll(pixels, 17 * number, axis=1)).save(file, "png")
    return file.getvalue()


def prompt_of(number: int) -> Prompt:
    x, y = 7 + 13 * number % 100, 5 + 11 * number % 80
    return Box((x, y, x + 20, y + 15)) if number % 3 == 0 else Point([(x, y)])


def test_two_hundred_selects_at_once(serve: Serve, segmenter: Segmenter) -> None:
    served = serve(memory=30 * 2**20, waiting_choices=32)  # three images
    pictures = [turned(number) for number in range(IMAGES)]
    ids = [served.image(each)["id"] for each in pictures]
    found = [segmenter(load_image(each), **QUICK) for each in pictures]  # type: ignore[arg-type]
    requests: list[tuple[str, dict[str, Any]]] = [
        (
            f"/v1/images/{ids[number % IMAGES]}/select",
            {"prompts": [prompt_of(number).to_json()], "refine": "off", "zoom": False},
        )
        for number in range(REQUESTS)
    ]
    with ThreadPoolExecutor(1) as thread:  # which has no event loop, as other tests may have left one in this
        load = thread.submit(asyncio.run, all_at_once(served.address, requests, 4 * PATIENCE)).result()
    assert load.refused > 0  # more came at once than may wait
    for number, answer in enumerate(load.answers):
        prompt = parse(requests[number][1]["prompts"][0])
        picked = segmenter.select(found[number % IMAGES], [prompt], refine="off", zoom=False)
        expected = [counts.decode() for counts in picked.rles[:3]]
        assert [each["rle"]["counts"] for each in answer["masks"]] == expected, number
    health = served.client.get("/v1/health").json()
    assert health["open_images"] < IMAGES and health["open_bytes"] < served.settings.memory
