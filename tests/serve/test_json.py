"""JSON that means no good: each is refused by name, in time, and never with a fault."""

import json
import time
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coco

from tests.serve.conftest import Served

BIG = 2**63


def point(x: str, y: str = "1") -> str:
    return f'{{"prompts": [{{"type": "point", "points": [[{x}, {y}]]}}]}}'


def text(query: str) -> str:
    return f'{{"prompts": [{{"type": "text", "text": "thing", "query": {query}}}]}}'


def nested(depth: int) -> str:
    return '{"or": [' * depth + "{}" + "]}" * depth


SELECTS: dict[str, tuple[str | bytes, int]] = {
    "NaN": (point("NaN"), 422),
    "Infinity": (point("-Infinity"), 422),
    "1e999": (point("1e999"), 422),
    "1e308": (point("1e308"), 422),
    "a huge integer": (point("1" * 4000), 422),
    "an integer longer than Python reads": (point("1" * 5000), 400),
    "true": (point("true"), 422),
    "a word": (point('"1"'), 422),
    "minus nothing": (point("-0.0"), 200),
    "a tiny number": (point("5e-324"), 200),
    "a box of 1e308": ('{"prompts": [{"type": "box", "box": [-1e308, -1e308, 1e308, 1e308]}]}', 422),
    "a box outside": ('{"prompts": [{"type": "box", "box": [1e307, 1e307, 1e308, 1e308]}]}', 422),
    "half a surrogate pair": ('{"prompts": [{"type": "text", "text": "\\ud800"}]}', 422),
    "half a surrogate pair as a noun": (text('{"find": ["\\udfff"]}'), 422),
    "half a surrogate pair as a name": ('{"\\ud800": 1}', 422),
    "half a surrogate pair as a prompt's name": ('{"prompts": [{"type": "text", "text": "a", "\\ud800": 1}]}', 422),
    "deep": (text(nested(5)), 200),
    "too deep": (text(nested(50)), 422),
    "far too deep": (text(nested(900)), 422),
    "deeper than Python reads": ("[" * 100_000, 400),
    "broad": (text('{"or": [' + ", ".join(["{}"] * 250) + "]}"), 200),
    "too broad": (text('{"or": [' + ", ".join(["{}"] * 900) + "]}"), 422),
    "a long noun": (text(json.dumps({"find": ["x" * 19_000]})), 200),
    "too long a noun": (text(json.dumps({"find": ["x" * 10**6]})), 422),
    "many points": (json.dumps({"prompts": [{"type": "point", "points": [[1, 1]] * 200}], "refine": "off"}), 200),
    "too many points to draw": (json.dumps({"prompts": [{"type": "point", "points": [[1, 1]] * 201}]}), 422),
    "too many points": (json.dumps({"prompts": [{"type": "point", "points": [[1, 1]] * 10**6}]}), 422),
    "too many prompts": (json.dumps({"prompts": [{"type": "point", "points": [[1, 1]]}] * 101}), 422),
    "no prompts": ('{"prompts": []}', 422),
    "prompts that are none": ('{"prompts": [1, null, [], "a"]}', 422),
    "a type that is none": ('{"prompts": [{"type": ["point"]}]}', 422),
    "a name twice": ('{"prompts": [], "prompts": [{"type": "point", "points": [[1, 1]]}]}', 200),  # the last counts
    "a name more": ('{"prompts": [{"type": "point", "points": [[1, 1]]}], "__class__": {}}', 422),
    "no JSON": ("{", 422),
    "nothing": ("", 422),
    "not UTF-8": (b"\xff\xfe{}", 422),
    "UTF-16": ("{}".encode("utf-16"), 422),
    "null": ("null", 422),
    "many small lists": ('{"prompts": [' + "[]," * 10**6 + "[]]}", 422),
}  # fmt: skip


@pytest.fixture(scope="module")
def image(served: Served) -> str:
    return str(served.image()["id"])


@pytest.mark.parametrize("name", SELECTS)
def test_select(served: Served, image: str, name: str) -> None:
    body, status = SELECTS[name]
    began = time.monotonic()
    answer = served.client.post(
        f"/v1/images/{image}/select", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in ((400, 422) if status != 200 else (200,)), answer.text[:500]
    assert len(answer.text) < 2000 or status == 200
    assert time.monotonic() - began < 50  # some of these once took hours
    if status != 200:
        assert answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "box",
    [
        "[NaN, 0, 1, 1]", "[0, 0, 1e999, 1]", "[-1e308, -1e308, 1e308, 1e308]", "[1e307, 1e307, 1e308, 1e308]",
        "[5, 5, 5, 5]", "[9, 9, 1, 1]", "[0, 0, 1e-300, 1e-300]", "[0, 0, 1]", "[true, 0, 1, 1]", '["0", 0, 1, 1]',
        "[10, 10, 10.001, 10.001]", "[127.999, 95.999, 128, 96]", "[0, 0, " + "9" * 400 + ", 1]",
    ],
)  # fmt: skip
def test_look(served: Served, image: str, box: str) -> None:
    answer = served.client.post(
        f"/v1/images/{image}/look", content=f'{{"box": {box}, "image_size": 32}}',
        headers={"Content-Type": "application/json"},
    )  # fmt: skip
    assert answer.status_code in (200, 400, 422), answer.text
    assert served.client.get(f"/v1/images/{image}").status_code == 200


def counts(*lengths: int) -> str:
    written: bytes = coco.frPyObjects({"size": [96, 128], "counts": list(lengths)}, 96, 128)["counts"]
    return written.decode()


PIXELS = 96 * 128


@pytest.mark.parametrize(
    ("rle", "status"),
    [
        ({"size": [96, 128], "counts": counts(0, PIXELS)}, 201),
        ({"size": [96, 128], "counts": counts(PIXELS)}, 201),
        ({"size": [96, 128], "counts": counts(0, 0, 0, 0, PIXELS)}, 201),  # once a box of 4 billion pixels
        ({"size": [96, 128], "counts": counts(100, 0, 0, 50, PIXELS - 150, 0, 0)}, 201),
        ({"size": [96, 128], "counts": counts(0, PIXELS - 1)}, 422),
        ({"size": [96, 128], "counts": counts(0, PIXELS + 1)}, 422),
        ({"size": [96, 128], "counts": counts(PIXELS + 5, 5) + "K"}, 422),
        ({"size": [96, 128], "counts": counts(5, 10, 5, PIXELS) + counts(1)}, 422),
        ({"size": [128, 96], "counts": counts(0, PIXELS)}, 422),
        ({"size": [1, PIXELS], "counts": counts(0, PIXELS)}, 422),
        ({"size": [96], "counts": "0"}, 422),
        ({"size": [-96, -128], "counts": counts(0, PIXELS)}, 422),
        ({"size": [BIG, BIG], "counts": "0"}, 422),
        ({"size": [10**4000, 1], "counts": "0"}, 422),
        ({"size": [96.0, 128.5], "counts": "0"}, 422),
        ({"size": ["96", "128"], "counts": "0"}, 422),
        ({"size": [96, 128], "counts": ""}, 422),
        ({"size": [96, 128], "counts": "o" * 10**6 + "0"}, 422),  # once 25 s
        ({"size": [96, 128], "counts": "o" * 10**6}, 422),
        ({"size": [96, 128], "counts": "1" * 10**6}, 422),
        ({"size": [96, 128], "counts": "0" * (2**22 + 1)}, 422),
        ({"size": [96, 128], "counts": "\u00e9"}, 422),  # once kept, and a 500 for whoever read it
        ({"size": [96, 128], "counts": "0PP<\n"}, 422),
        ({"size": [96, 128], "counts": "\ud800"}, 422),
        ({"size": [96, 128], "counts": [0, PIXELS]}, 422),
        ({"size": [96, 128], "counts": None}, 422),
    ],
)
def test_run_lengths(served: Served, image: str, rle: dict[str, Any], status: int) -> None:
    began = time.monotonic()
    answer = served.client.post(
        f"/v1/images/{image}/objects", content=json.dumps({"rle": rle}), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == status, answer.text[:500]
    assert time.monotonic() - began < 15
    if status == 201:
        kept = answer.json()
        assert np.isfinite(kept["box"]).all() and kept["box"][2] <= 128 and kept["box"][3] <= 96
        for form in ("coco", "png", "overlay", "cutout"):
            assert served.client.get(f"/v1/images/{image}/export", params={"format": form}).status_code == 200
    assert served.client.get(f"/v1/images/{image}/objects").status_code == 200


@pytest.mark.parametrize(
    "fields",
    [
        {"label": "x" * 201}, {"label": "\ud800"}, {"label": 5}, {"colour": "red"}, {"colour": "#ffffff\n"},
        {"colour": "#FFFFFF"}, {"score": 2}, {"score": -1}, {"score": "1"}, {"rank": -1}, {"rank": 1.5}, {"mask": -1},
        {"mask": BIG}, {"visible": 1}, {"prompts": [{"type": "point"}]}, {"prompts": [{}] * 101}, {"id": "0" * 32},
        {"prompts": [{"type": "text", "text": "a", "query": {"find": ["\udfff"]}}]}, {"revision": BIG},
        {"revision": -1},
    ],
)  # fmt: skip
def test_objects(served: Served, image: str, fields: dict[str, Any]) -> None:
    body = json.dumps({"rle": {"size": [96, 128], "counts": counts(0, PIXELS)}, "revision": 0, **fields})
    answer = served.client.put(
        f"/v1/images/{image}/objects/{'1' * 32}", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422, answer.text[:500]
    assert served.client.get(f"/v1/images/{image}/objects").status_code == 200


def test_what_a_label_says_is_only_said(served: Served, image: str) -> None:
    label = "</script><img src=x onerror=alert(1)>\u202e\x00\r\nSet-Cookie: a=b"
    made = served.client.post(
        f"/v1/images/{image}/objects", json={"rle": {"size": [96, 128], "counts": counts(0, PIXELS)}, "label": label}
    )
    assert made.status_code == 201 and made.json()["label"] == label
    for form in ("coco", "png", "overlay", "cutout", "svg"):
        written = served.client.get(f"/v1/images/{image}/export", params={"format": form})
        assert written.status_code == 200 and "set-cookie" not in written.headers
        assert b"<img" not in written.content or form == "coco"


def test_names_that_are_not_known_are_not_told_one_by_one(served: Served) -> None:
    path = f"/v1/images/{'0' * 32}/select"
    few, many = ({str(number): 1 for number in range(count)} for count in (5, 100_000))
    assert "0: Extra inputs" in served.client.post(path, json=few).json()["error"]["message"]
    refused = served.client.post(path, json=many)
    assert refused.status_code == 422
    assert refused.json()["error"]["message"] == "body: Value error, expected at most 50 fields, got 100000"
