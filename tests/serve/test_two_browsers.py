"""Two browsers on one image: nothing is overwritten unseen, and nothing that was sent twice is done twice."""

import contextlib
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from anymask.segment import Segmenter
from anymask.serve.database import Database
from anymask.serve.images import Images, NewImage
from anymask.serve.objects import ChangedMeanwhileError, Objects
from anymask.serve.pictures import Pictures
from anymask.serve.refusals import NotFoundError
from anymask.serve.settings import ServeSettings
from tests.serve.conftest import PATIENCE, Served, png, running, wait_until

ID = "0123456789abcdef" * 2


@pytest.fixture
def image(served: Served) -> dict[str, Any]:
    return served.image()


@pytest.fixture
def other(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.address, timeout=PATIENCE) as client:
        yield client


def fields(image: dict[str, Any], label: str) -> dict[str, Any]:
    return {"label": label, "rle": image["masks"][0]["rle"]}


def test_a_lost_update_is_refused_with_what_there_is(
    served: Served, other: httpx.Client, image: dict[str, Any]
) -> None:
    path = f"/v1/images/{image['id']}/objects"
    made = served.client.post(path, json=fields(image, "cat")).json()
    mine = {**fields(image, "my cat"), "revision": made["revision"]}
    theirs = {**fields(image, "their cat"), "revision": made["revision"]}
    assert served.client.put(f"{path}/{made['id']}", json=mine).status_code == 200
    refused = other.put(f"{path}/{made['id']}", json=theirs)
    assert refused.status_code == 409
    assert (refused.json()["object"]["label"], refused.json()["object"]["revision"]) == ("my cat", 2)
    assert served.client.put(f"{path}/{made['id']}", json=mine).json()["revision"] == 2  # the answer was lost
    decided = other.put(f"{path}/{made['id']}", json={**theirs, "revision": refused.json()["object"]["revision"]})
    assert (decided.status_code, decided.json()["revision"]) == (200, 3)
    history = served.client.get(f"{path}/{made['id']}/history").json()["versions"]
    assert [each["label"] for each in history] == ["cat", "my cat", "their cat"]


def test_deleted_by_one_and_changed_by_the_other(served: Served, other: httpx.Client, image: dict[str, Any]) -> None:
    path = f"/v1/images/{image['id']}/objects/{ID}"
    assert served.client.put(path, json={**fields(image, "cat"), "revision": 0}).status_code == 201
    assert other.delete(path, params={"revision": 1}).json() == {"revision": 2}
    refused = served.client.put(path, json={**fields(image, "my cat"), "revision": 1})
    assert refused.status_code == 409 and refused.json()["object"] is None  # deleted, and told so
    assert other.delete(path, params={"revision": 1}).json() == {"revision": 2}  # its answer was lost
    assert served.client.get(path).status_code == 404
    assert served.client.put(path, json={**fields(image, "back"), "revision": 2}).json()["revision"] == 3
    assert other.delete(path, params={"revision": 2}).status_code == 409
    versions = other.get(f"{path}/history").json()["versions"]
    assert [(each["label"], each["deleted"]) for each in versions] == [("cat", False), ("cat", True), ("back", False)]


def test_of_many_that_make_one_id_at_once_one_does(served: Served, image: dict[str, Any]) -> None:
    path = f"/v1/images/{image['id']}/objects/{ID}"
    answers: list[tuple[str, int]] = []

    def make(label: str) -> None:
        with httpx.Client(base_url=served.address, timeout=PATIENCE) as client:
            answer = client.put(path, json={**fields(image, label), "revision": 0})
            answers.append((label, answer.status_code))

    threads = [threading.Thread(target=make, args=[f"by {number}"]) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(status for _, status in answers) == [201] + [409] * 7
    winner = next(label for label, status in answers if status == 201)
    assert served.client.get(path).json()["label"] == winner
    assert len(served.client.get(f"{path}/history").json()["versions"]) == 1


def test_two_servers_look_closer_at_one_image(tmp_path: Path, segmenter: Segmenter) -> None:
    settings = ServeSettings(tmp_path)
    with running(settings, segmenter) as one, running(settings, segmenter) as two:
        image = one.image()
        path = f"/v1/images/{image['id']}"
        looked = one.client.post(f"{path}/look", json={"box": [0, 0, 64, 48]}).json()
        seen = two.client.get(path).json()  # the other had nothing of it open
        assert len(seen["masks"]) == len(looked["parents"]) > len(image["masks"])
        answers = []

        def look(server: Served, box: list[int]) -> None:
            with httpx.Client(base_url=server.address, timeout=PATIENCE) as client:
                answers.append(client.post(f"{path}/look", json={"box": box}))

        threads = [
            threading.Thread(target=look, args=args) for args in ((one, [64, 0, 128, 48]), (two, [64, 48, 128, 96]))
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert {each.status_code for each in answers} <= {200, 409}, [each.text for each in answers]
        assert 200 in [each.status_code for each in answers]
        masks = [server.client.get(path).json()["masks"] for server in (one, two)]
        assert masks[0] == masks[1]
        assert len(masks[0]) >= len(seen["masks"])


def test_two_servers_find_the_masks_of_one_image_once(
    tmp_path: Path, segmenter: Segmenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ServeSettings(tmp_path)
    passes = []
    find = Segmenter.__call__

    def slowly(*arguments: Any, **more: Any) -> Any:
        passes.append(1)
        time.sleep(0.5)  # the other one is asked meanwhile
        return find(*arguments, **more)

    monkeypatch.setattr(Segmenter, "__call__", slowly)
    with running(settings, segmenter) as one, running(settings, segmenter) as two:
        image = one.client.post("/v1/images?wait=false&image_size=160", files={"file": ("a.png", png())}).json()
        question = {"prompts": [{"type": "point", "points": [[40, 40]], "labels": [1]}], "refine": "off"}
        answers = []

        def ask(server: Served) -> None:
            with httpx.Client(base_url=server.address, timeout=PATIENCE) as client:
                answers.append(client.post(f"/v1/images/{image['id']}/select", json=question))

        threads = [threading.Thread(target=ask, args=[server]) for server in (one, two)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert [each.status_code for each in answers] == [200, 200], [each.text for each in answers]
        assert answers[0].json()["masks"] == answers[1].json()["masks"]
        assert len(passes) == 1


def test_who_waits_for_another_server_to_find_masks_can_stop(tmp_path: Path, segmenter: Segmenter) -> None:
    with running(ServeSettings(tmp_path), segmenter) as one:
        other = Pictures(tmp_path)
        with contextlib.ExitStack() as held:
            for first in range(256):  # whichever id the image will have
                held.enter_context(other.finding(f"{first:02x}", lambda: None))
            image = one.client.post("/v1/images?wait=false&image_size=160", files={"file": ("a.png", png())}).json()
            wait_until(lambda: one.client.get("/v1/health").json()["running"] == 1)
            one.client.delete(f"/v1/images/{image['id']}").raise_for_status()
            wait_until(lambda: one.client.get("/v1/health").json()["running"] == 0)
        assert one.image()["masks"]  # and who had it let go


@pytest.mark.parametrize("seed", range(4))
def test_objects_are_as_a_dictionary_of_lists(tmp_path: Path, seed: int) -> None:
    """Random calls, right and wrong ones, against versions in plain lists: (label, deleted)."""
    choose = random.Random(seed)
    rows = Database(tmp_path)
    images, objects = Images(rows), Objects(rows)
    image = images.add(NewImage("a" * 64, "image/png", 1, "a.png", 4, 3, {})).id
    model: dict[str, list[tuple[str, bool]]] = {}
    order: list[str] = []
    for step in range(300):
        name = choose.choice("abcde") * 32
        versions = model.get(name, [])
        read = max(0, len(versions) - choose.choice([0, 0, 0, 1, 2]))
        label = choose.choice("xyz")
        revision = images.get(image).revision
        what = choose.random()
        if what < 0.6:
            repeated = len(versions) == read + 1 and versions[-1] == (label, False)
            if len(versions) == read or repeated:
                kept, is_new = objects.put(image, name, {"label": label}, read=read)
                assert (kept.revision, is_new) == (read + 1, not repeated)
                if is_new:
                    model.setdefault(name, []).append((label, False))
                    order += [name] if name not in order else []
            else:
                with pytest.raises(ChangedMeanwhileError):
                    objects.put(image, name, {"label": label}, read=read)
        elif what < 0.95:
            if not versions:
                with pytest.raises(NotFoundError):
                    objects.delete(image, name, read=read)
            elif versions[-1][1] and len(versions) in (read, read + 1):
                assert objects.delete(image, name, read=read).revision == len(versions)
            elif len(versions) == read:
                assert objects.delete(image, name, read=read).revision == read + 1
                versions.append((versions[-1][0], True))
            else:
                with pytest.raises(ChangedMeanwhileError):
                    objects.delete(image, name, read=read)
        else:
            objects.replace(image, {name: {"label": label}})
            for each, old in model.items():
                if each != name and not old[-1][1]:
                    old.append((old[-1][0], True))
            model.setdefault(name, []).append((label, False))
            order += [name] if name not in order else []
        alive = [each for each in order if not model[each][-1][1]]
        assert [each.id for each in objects.all(image)] == alive, step
        changed = images.get(image).revision - revision
        assert changed in (0, 1)
    for name, versions in model.items():
        history = objects.history(image, name)
        assert [(each.document["label"], each.deleted) for each in history] == versions
        assert [each.revision for each in history] == list(range(1, len(versions) + 1))
    rows.close()
