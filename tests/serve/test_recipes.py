"""What was selected by HTTP is selected again by HTTP and on the command line, byte for byte."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from anymask import rle
from anymask.cli import main
from anymask.serve.lanes import Job
from tests.serve.conftest import PATIENCE, Served, png, wait_until

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


@dataclass
class Replay:
    """A recipe to be run in an image of a server, where each step waits for a release of ``steps``."""

    served: Served
    where: str
    recipe: dict[str, Any]
    steps: threading.Semaphore

    def put(self, timeout: float = PATIENCE) -> httpx.Response:
        with httpx.Client(base_url=self.served.address, timeout=timeout) as client:
            return client.put(f"{self.where}/recipe", json=self.recipe)

    def is_running(self) -> bool:
        return bool(self.served.client.get("/v1/health").json()["running"])

    def objects(self) -> list[dict[str, Any]]:
        objects: list[dict[str, Any]] = self.served.client.get(f"{self.where}/objects").json()["objects"]
        return objects


@pytest.fixture
def again(served: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[Replay]:
    """One of a look and two clicks."""
    where = f"/v1/images/{served.image()['id']}"
    served.client.post(f"{where}/look", json={"box": [0, 0, 60, 60]}).raise_for_status()
    (mask, *_) = served.client.post(f"{where}/select", json={"prompts": [POINT]}).json()["masks"]
    for _ in range(2):
        made = served.client.post(f"{where}/objects", json={"prompts": [POINT], "rank": 0, "rle": mask["rle"]})
        made.raise_for_status()
    replay = Replay(served, where, served.client.get(f"{where}/recipe").json(), threading.Semaphore(0))
    wait_until(lambda: not replay.is_running())  # it labels what it has found
    report = Job.report

    def held(job: Job[object], done: int, total: int) -> None:
        report(job, done, total)
        assert replay.steps.acquire(timeout=PATIENCE)

    monkeypatch.setattr(Job, "report", held)
    yield replay
    replay.steps.release(100)


def test_how_far_a_recipe_is_can_be_watched(again: Replay) -> None:
    told: list[dict[str, Any]] = []
    with (
        ThreadPoolExecutor(1) as thread,
        again.served.client.stream("GET", f"{again.where}/events") as stream,
    ):
        answer = thread.submit(again.put)
        for line in stream.iter_lines():
            if '"recipe"' in line:
                told.append(json.loads(line.removeprefix("data: ")))
                again.steps.release(told[-1]["total"] > 0)
            elif told and "doing" in line:
                break
        assert answer.result().status_code == 200
    steps = {"state": "ready", "doing": "recipe", "ahead": 0, "total": 4, "error": None}
    assert [each for each in told if each["total"]] == [{**steps, "done": done} for done in range(5)]


def test_a_recipe_that_nobody_waits_for_stops_and_changes_nothing(again: Replay) -> None:
    before = again.objects()
    with pytest.raises(httpx.ReadTimeout):
        again.put(timeout=0.3)

    def stopped() -> bool:
        again.steps.release()
        return not again.is_running()

    wait_until(stopped)
    assert again.objects() == before


def test_a_recipe_stops_when_its_image_is_deleted(again: Replay) -> None:
    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(again.put)
        wait_until(again.is_running)
        again.served.client.delete(again.where).raise_for_status()
        again.steps.release()  # one, and it would wait for others
        assert answer.result(PATIENCE / 2).status_code == 404


def test_a_recipe_takes_no_place_of_what_nobody_has_seen(again: Replay) -> None:
    before = again.objects()
    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(again.put)
        wait_until(again.is_running)
        fields = {"label": "meanwhile", "rle": before[0]["rle"]}
        made = again.served.client.post(f"{again.where}/objects", json=fields).json()
        again.steps.release(100)
        assert answer.result().status_code == 409 and "changed meanwhile" in answer.result().text
    assert again.objects() == [*before, made]
