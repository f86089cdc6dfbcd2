"""What was selected by HTTP is selected again by HTTP and on the command line, byte for byte."""

import json
import threading
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from anymask import rle
from anymask.cli import main
from tests.serve.conftest import Served, png, wait_until

POINT = {"type": "point", "points": [[40, 50]], "labels": [1]}
TEXT = {"type": "text", "text": "the biggest thing"}


def selected(served: Served, image: dict[str, Any]) -> list[dict[str, Any]]:
    """Objects of every kind: an answer to a click, one to words, a found mask, one after a look, one drawn by hand."""
    where = f"/v1/images/{image['id']}"
    kept = []
    for prompt, refine in ((POINT, "auto"), (POINT, "off"), (TEXT, "off")):
        body = {"prompts": [prompt], "refine": refine}
        (first, *_) = served.client.post(f"{where}/select", json=body).json()["masks"]
        kept.append({"label": "answer", "prompts": [prompt], "refine": refine, "rank": 0, "rle": first["rle"]})
    kept.append({"label": "found", "colour": "#102030", "mask": 3, "rle": image["masks"][3]["rle"]})
    made = [served.client.post(f"{where}/objects", json=each).json() for each in kept]
    served.client.post(f"{where}/look", json={"box": [0, 0, 60, 60]}).raise_for_status()
    masks = served.client.get(where).json()["masks"]
    square = rle.encode_crop(np.ones((5, 7), np.bool_), 10, 20, 96, 128)
    later = [
        {"label": "after a look", "mask": len(masks) - 1, "rle": masks[-1]["rle"]},
        {"label": "by hand", "edited": True, "rle": {"size": [96, 128], "counts": square.decode()}},
    ]
    return [*made, *(served.client.post(f"{where}/objects", json=each).json() for each in later)]


def counts(objects: list[dict[str, Any]]) -> list[str]:
    return [each["rle"]["counts"] for each in objects]


def test_a_recipe_is_replayed_byte_for_byte(served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = png()
    image = served.image(content)
    objects = selected(served, image)
    recipe = served.client.get(f"/v1/images/{image['id']}/recipe")
    assert recipe.status_code == 200
    (tmp_path / "picture.png").write_bytes(content)
    (tmp_path / "recipe.json").write_bytes(recipe.content)

    # On the command line, under the conditions of the server: as many threads as it has
    command = ["segment", str(tmp_path / "picture.png"), "--prompt", str(tmp_path / "recipe.json"), "--json"]
    with pytest.raises(SystemExit) as ended:
        main([*command, "--threads", "1"])
    told = capsys.readouterr()
    assert ended.value.code == 0, told.err
    assert counts(json.loads(told.out)["masks"]) == counts(objects)
    assert "IoU" not in told.err and "instead of" not in told.err

    # In the place of the objects of another image of the same picture
    other = served.image(content)
    again = served.client.put(f"/v1/images/{other['id']}/recipe", json=recipe.json())
    assert again.status_code == 200, again.text
    assert counts(again.json()["objects"]) == counts(objects) and again.json()["warnings"] == []
    now = served.client.get(f"/v1/images/{other['id']}").json()
    assert now["masks"] == served.client.get(f"/v1/images/{image['id']}").json()["masks"]
    assert served.client.get(f"/v1/images/{other['id']}/objects").json()["objects"] == again.json()["objects"]
    assert [each["label"] for each in again.json()["objects"]] == [each["label"] for each in objects]


def test_in_another_picture_it_is_told_what_differs(served: Served) -> None:
    image = served.image()
    served.client.post(
        f"/v1/images/{image['id']}/objects", json={"prompts": [TEXT], "refine": "off", "rle": image["masks"][0]["rle"]}
    ).raise_for_status()
    recipe = served.client.get(f"/v1/images/{image['id']}/recipe").json()
    other = served.image(png(120, 100))
    answer = served.client.put(f"/v1/images/{other['id']}/recipe", json=recipe).json()
    assert "another picture of 100 x 120 pixels instead of 128 x 96" in answer["warnings"][0]
    assert len(answer["objects"]) == 1


def test_what_is_no_recipe_changes_nothing(served: Served) -> None:
    image = served.image()
    made = served.client.post(f"/v1/images/{image['id']}/objects", json={"rle": image["masks"][0]["rle"]}).json()
    for wrong in ({}, {"type": "recipe"}, {"type": "recipe", "version": 99}):
        answer = served.client.put(f"/v1/images/{image['id']}/recipe", json=wrong)
        assert answer.status_code == 422 and answer.json()["error"]["type"] == "PromptError"
    assert served.client.get(f"/v1/images/{image['id']}/objects").json()["objects"] == [made]


@pytest.fixture
def long(served: Served) -> tuple[str, dict[str, Any]]:
    """The address of an image, and a recipe for it of sixteen clicks, each of which is drawn anew."""
    where = f"/v1/images/{served.image()['id']}"
    clicks = [{"type": "point", "points": [[8 + 7 * number, 40]], "labels": [1]} for number in range(16)]
    square = {"counts": rle.encode_crop(np.ones((5, 7), np.bool_), 10, 20, 96, 128).decode(), "size": [96, 128]}
    for click in clicks:
        made = served.client.post(f"{where}/objects", json={"prompts": [click], "rank": 0, "rle": square})
        made.raise_for_status()
    recipe: dict[str, Any] = served.client.get(f"{where}/recipe").json()
    return where, recipe


def test_how_far_a_recipe_is_can_be_watched(served: Served, long: tuple[str, dict[str, Any]]) -> None:
    where, recipe = long
    told: list[dict[str, Any]] = []
    heard, over, watched = threading.Event(), threading.Event(), f"{where}/events"

    def listen() -> None:
        with (
            httpx.Client(base_url=served.address, timeout=30) as other,
            other.stream("GET", watched) as lines,
        ):
            heard.set()
            for line in lines.iter_lines():
                if line.startswith("data: "):
                    told.append(json.loads(line.removeprefix("data: ")))
                if over.is_set() and told[-1].get("doing", "") is None:
                    return

    listener = threading.Thread(target=listen)
    listener.start()
    assert heard.wait(30)
    served.client.put(f"{where}/recipe", json=recipe).raise_for_status()
    over.set()
    listener.join(30)
    assert not listener.is_alive()
    steps = [each for each in told if each.get("doing") == "recipe"]
    assert {each["state"] for each in steps} == {"ready"}  # its masks are there all the time
    done = [each["done"] for each in steps if each["total"]]
    assert {each["total"] for each in steps} <= {0, 17}  # the masks, and each object
    assert len(set(done)) > 3 and done == sorted(done)


def test_a_recipe_of_which_nobody_waits_stops_and_changes_nothing(
    served: Served, long: tuple[str, dict[str, Any]]
) -> None:
    where, recipe = long
    before = served.client.get(f"{where}/objects").json()
    with httpx.Client(base_url=served.address, timeout=0.3) as hasty, pytest.raises(httpx.ReadTimeout):
        hasty.put(f"{where}/recipe", json=recipe)
    wait_until(lambda: served.client.get("/v1/health").json()["running"] == 0, patience=10)
    assert served.client.get(f"{where}/objects").json() == before
