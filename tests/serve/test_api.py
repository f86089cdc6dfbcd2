"""The way of a picture through the API: sent, selected from, looked at, kept as objects, written, deleted."""

import io
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from anymask import rle
from anymask.image import load_image
from anymask.maskset import MaskSet
from anymask.prompts import Box, Point, Text
from anymask.segment import Segmenter
from tests.serve.conftest import PATIENCE, QUICK, Served, png, wait_until

Serve = Callable[..., Served]
POINT = {"type": "point", "points": [[40, 50]], "labels": [1]}


def rles(masks: list[dict[str, Any]]) -> list[bytes]:
    return [each["rle"]["counts"].encode() for each in masks]


def events(served: Served, image: str, until: str) -> list[tuple[str, dict[str, Any]]]:
    """The events of an image up to the first that holds a text."""
    told: list[tuple[str, dict[str, Any]]] = []
    with served.client.stream("GET", f"/v1/images/{image}/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        name = ""
        for line in answer.iter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                told.append((name, json.loads(line.removeprefix("data: "))))
                if until in line or until == name:
                    return told
    return told


def test_an_image_is_what_the_segmenter_finds(served: Served, segmenter: Segmenter) -> None:
    content = png()
    image = served.image(content)
    found = segmenter(content, **QUICK)  # type: ignore[arg-type]
    assert (image["width"], image["height"], image["state"]) == (128, 96, "ready")
    assert rles(image["masks"]) == list(found.rles)
    assert [each["parent"] for each in image["masks"]] == found.parents.tolist()
    assert [each["id"] for each in image["masks"]] == list(range(len(found)))
    assert served.client.get(f"/v1/images/{image['id']}").json() == image
    assert served.client.get(f"/v1/images/{image['id']}", params={"masks": False}).json()["masks"] is None


@pytest.mark.parametrize(
    ("prompt", "ours"),
    [
        (POINT, Point([(40, 50)])),
        ({"type": "box", "box": [10, 10, 90, 80]}, Box((10, 10, 90, 80))),
        ({"type": "text", "text": "the biggest thing"}, Text("the biggest thing")),
        ({"type": "text", "text": "dog"}, Text("dog")),
    ],
)
@pytest.mark.parametrize("refine", ["off", "auto"])
def test_answers_are_those_of_the_segmenter(
    served: Served, segmenter: Segmenter, prompt: dict[str, Any], ours: Any, refine: Any
) -> None:
    content = png()
    image = served.image(content)
    body = {"prompts": [prompt], "refine": refine, "candidates": 100}
    answer = served.client.post(f"/v1/images/{image['id']}/select", json=body).json()
    picked = segmenter.select(segmenter(content, **QUICK), ours, refine=refine)  # type: ignore[arg-type]
    assert rles(answer["masks"]) == list(picked.rles)
    assert [each["rank"] for each in answer["masks"]] == np.asarray(picked.rank).tolist()
    known = rles(image["masks"])
    for each in answer["masks"]:
        assert each["id"] is None or known[each["id"]].decode() == each["rle"]["counts"]
    assert [each["text"] for each in answer["texts"]] == ([prompt["text"]] if prompt["type"] == "text" else [])


def test_three_candidates_unless_more_are_asked_for_and_no_run_lengths_twice(served: Served) -> None:
    image = served.image()["id"]
    body: dict[str, Any] = {"prompts": [POINT, POINT], "refine": "off", "rles": "new"}
    masks = served.client.post(f"/v1/images/{image}/select", json=body).json()["masks"]
    assert max(each["rank"] for each in masks) <= 2 and {each["prompt"] for each in masks} == {0, 1}
    assert all((each["rle"] is None) == (each["id"] is not None) for each in masks)
    one = served.client.post(f"/v1/images/{image}/select", json={**body, "candidates": 1}).json()["masks"]
    assert [(each["prompt"], each["rank"]) for each in one] == [(0, 0), (1, 0)]


def test_a_text_that_nothing_fits_says_why_and_what_came_nearest(served: Served) -> None:
    image = served.image()["id"]
    body = {"prompts": [{"type": "text", "text": "two red zebras left of the blorp"}]}
    answer = served.client.post(f"/v1/images/{image}/select", json=body).json()
    (text,) = answer["texts"]
    assert answer["masks"] == [] and "zebra" in text["reason"]
    assert text["query"]["find"] == ["zebra"] and list(text["unknown"]) == ["blorp"]
    assert {"id", "score", "name"} == set(text["nearest"][0]) and text["below"] == []


def test_a_look_adds_masks_which_are_there_from_then_on(served: Served) -> None:
    image = served.image()
    look = served.client.post(f"/v1/images/{image['id']}/look", json={"box": [0, 0, 60, 60]}).json()
    now = served.client.get(f"/v1/images/{image['id']}").json()
    added = [each for each in look["masks"] if each["id"] >= len(image["masks"])]
    assert added and len(now["masks"]) == len(image["masks"]) + len(added)
    known = {each["id"]: each["rle"] for each in image["masks"]}
    known |= {each["id"]: each["rle"] for each in look["masks"]}  # also of those that it made finer
    assert {each["id"]: each["rle"] for each in now["masks"]} == known
    assert [each["parent"] for each in now["masks"]] == look["parents"]
    assert now["revision"] == look["revision"] == image["revision"] + 1
    again = served.client.post(f"/v1/images/{image['id']}/look", json={"box": [0, 0, 60, 60]}).json()
    assert again["masks"] == [] and again["revision"] == look["revision"]


def test_a_click_does_not_wait_for_looks(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    served = serve(choosers=1)
    images = [served.image()["id"] for _ in range(2)]
    looked, look = threading.Event(), Segmenter.look

    def long(*arguments: Any, **keywords: Any) -> MaskSet:
        assert looked.wait(PATIENCE)
        return look(*arguments, **keywords)

    monkeypatch.setattr(Segmenter, "look", long)
    post = partial(served.client.post, json={"box": [0, 0, 60, 60]})
    with ThreadPoolExecutor(2) as threads:
        looks = [threads.submit(post, f"/v1/images/{each}/look") for each in images]
        wait_until(lambda: served.client.get("/v1/health").json()["waiting"] == 1)
        for each in images:
            body = {"prompts": [POINT], "refine": "off", "zoom": False}
            served.client.post(f"/v1/images/{each}/select", json=body, timeout=5).raise_for_status()
        looked.set()
        assert [each.result().status_code for each in looks] == [200, 200]


def test_a_picture_may_be_sent_first_and_asked_later(served: Served) -> None:
    answer = served.send(png(), wait=False)
    assert answer.status_code == 202 and answer.json()["state"] == "waiting"
    image = answer.json()["id"]
    assert answer.headers["location"] == f"/v1/images/{image}"
    picked = served.client.post(f"/v1/images/{image}/select", json={"prompts": [POINT], "refine": "off"})
    assert picked.status_code == 200 and picked.json()["masks"]  # it waited
    assert served.client.get(f"/v1/images/{image}").json()["state"] == "ready"


def test_how_far_it_is_can_be_watched(served: Served) -> None:
    image = served.send(png(), wait=False, refine="all").json()["id"]
    told = events(served, image, until='"state": "ready"')
    assert {name for name, _ in told} <= {"progress", "changed"}
    assert told[-1][1]["error"] is None


def test_another_browser_is_told_of_changes_and_of_the_end(served: Served) -> None:
    image = served.image()
    told: list[tuple[str, dict[str, Any]]] = []
    with httpx.Client(base_url=served.address, timeout=30) as other:
        listener = threading.Thread(
            target=lambda: told.extend(events(Served(other, served.settings), image["id"], until="deleted"))
        )
        listener.start()
        wait_until(lambda: served.client.get("/metrics").status_code == 200 and bool(listener.is_alive()))
        threading.Event().wait(0.6)  # until it has heard how things are
        made = served.client.post(f"/v1/images/{image['id']}/objects", json={"rle": image["masks"][0]["rle"]})
        threading.Event().wait(0.6)
        served.client.delete(f"/v1/images/{image['id']}").raise_for_status()
        listener.join(30)
    assert made.status_code == 201
    assert told[0][0] == "progress" and told[0][1]["state"] == "ready"
    assert told[1:] == [("changed", {"revision": image["revision"] + 1}), ("deleted", {})]


def test_what_cannot_be_decoded_is_refused_and_leaves_nothing(served: Served) -> None:
    before = served.client.get("/v1/images").json()
    cut = served.send(png()[:-40])
    assert cut.status_code == 422 and "cannot be decoded" in cut.json()["error"]["message"]
    assert served.client.get("/v1/images").json() == before
    later = served.send(png()[:-40], wait=False).json()["id"]
    wait_until(lambda: served.client.get(f"/v1/images/{later}").json()["state"] == "failed")
    failed = served.client.get(f"/v1/images/{later}").json()
    assert "cannot be decoded" in failed["error"]
    select = served.client.post(f"/v1/images/{later}/select", json={"prompts": [POINT]})
    assert select.status_code == 400 and "cannot be decoded" in select.json()["error"]["message"]
    served.client.delete(f"/v1/images/{later}").raise_for_status()


def test_a_picture_that_cannot_be_shown_says_why(served: Served) -> None:
    file = io.BytesIO()
    Image.open(io.BytesIO(png())).save(file, "tiff", compression="tiff_lzw")
    content = file.getvalue().replace(file.getvalue()[8:400], bytes(392), 1)  # the header still tells of a picture
    image = served.send(content, "a.tiff", wait=False).json()["id"]
    wait_until(lambda: served.client.get(f"/v1/images/{image}").json()["state"] == "failed")
    for path in ("picture", "export", "recipe"):
        answer = served.client.get(f"/v1/images/{image}/{path}")
        assert answer.status_code == 400 and "a.tiff: " in answer.json()["error"]["message"], path
        assert "delete it and send another" in answer.json()["error"]["message"]
    served.client.delete(f"/v1/images/{image}").raise_for_status()


@pytest.mark.parametrize(
    ("form", "mode", "sent_on"),
    [
        ("JPEG", "RGB", True),
        ("PNG", "RGBA", True),
        ("WEBP", "RGB", True),
        ("TIFF", "RGB", False),  # no browser shows it
        ("PNG", "I;16", False),  # browsers show it darker than we read it
        ("JPEG2000", "RGB", False),
    ],
)
def test_a_browser_gets_what_it_can_show(served: Served, tmp_path: Path, form: str, mode: str, sent_on: bool) -> None:
    picture = Image.open(io.BytesIO(png())).convert("L" if mode == "I;16" else mode)
    path = tmp_path / "picture"
    (Image.fromarray(np.asarray(picture).astype(np.uint16) * 200) if mode == "I;16" else picture).save(path, form)
    image = served.image(path.read_bytes())
    answer = served.client.get(f"/v1/images/{image['id']}/picture")
    assert (answer.content == path.read_bytes()) == sent_on
    if not sent_on:
        assert np.array_equal(load_image(answer.content), load_image(path))
    assert "immutable" in answer.headers["cache-control"]


def test_objects_are_kept_with_every_version(served: Served) -> None:
    image = served.image()
    where = f"/v1/images/{image['id']}/objects"
    fields = {"label": "cup", "colour": "#00ff88", "mask": 0, "prompts": [POINT], "rle": image["masks"][0]["rle"]}
    made = served.client.post(where, json=fields)
    cup = made.json()
    assert made.status_code == 201 and made.headers["location"] == f"{where}/{cup['id']}"
    assert cup["revision"] == 1 and cup["box"] == [float(side) for side in cup["box"]]
    assert cup["area"] == int(rle.areas([cup["rle"]["counts"].encode()])[0])
    changed = served.client.put(f"{where}/{cup['id']}", json={**fields, "label": "mug", "revision": 1})
    assert (changed.status_code, changed.json()["revision"], changed.json()["label"]) == (200, 2, "mug")
    stale = served.client.put(f"{where}/{cup['id']}", json={**fields, "label": "bowl", "revision": 1})
    assert stale.status_code == 409 and stale.json()["object"]["label"] == "mug"
    again = served.client.put(f"{where}/{cup['id']}", json={**fields, "label": "mug", "revision": 1})
    assert again.status_code == 200 and again.json()["revision"] == 2  # its answer was lost, and it was sent again
    assert served.client.delete(f"{where}/{cup['id']}", params={"revision": 1}).status_code == 409
    assert served.client.delete(f"{where}/{cup['id']}", params={"revision": 2}).json() == {"revision": 3}
    assert served.client.get(f"{where}/{cup['id']}").status_code == 404
    assert served.client.get(where).json()["objects"] == []
    back = served.client.put(f"{where}/{cup['id']}", json={**fields, "revision": 3})
    assert back.json()["revision"] == 4 and served.client.get(where).json()["objects"] == [back.json()]
    versions = served.client.get(f"{where}/{cup['id']}/history").json()["versions"]
    assert [(each["label"], each["deleted"]) for each in versions] == [
        ("cup", False), ("mug", False), ("mug", True), ("cup", False),
    ]  # fmt: skip


def test_an_object_of_the_clients_own_id(served: Served) -> None:
    image = served.image()
    where = f"/v1/images/{image['id']}/objects/{'a1' * 16}"
    body = {"revision": 0, "rle": image["masks"][0]["rle"]}
    assert [served.client.put(where, json=body).status_code for _ in range(2)] == [201, 201]
    assert served.client.get(where).json()["revision"] == 1


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"rle": {"size": [5, 5], "counts": "i0"}}, "rle: expected compressed COCO run lengths"),  # of another picture
        ({"rle": {"size": [96, 128], "counts": "nonsense"}}, "rle.counts: String should match pattern"),  # an s
        ({"rle": {"size": [96, 128], "counts": "é"}}, "rle.counts: String should match pattern"),
        ({"rle": {"size": [96, 128], "counts": "P"}}, "rle: expected compressed COCO run lengths"),  # cut off
        ({}, "rle: Field required"),
        ({"colour": "red"}, "colour"),
        ({"prompts": [{"type": "circle"}]}, "prompts[0]: prompt: expected a type out of"),
        ({"lable": "cup"}, "lable: Extra inputs are not permitted"),
    ],
)
def test_objects_that_are_none(served: Served, fields: dict[str, Any], told: str) -> None:
    image = served.image()
    whole = {"rle": image["masks"][0]["rle"], **fields} if fields else {}
    answer = served.client.post(f"/v1/images/{image['id']}/objects", json=whole)
    assert answer.status_code == 422 and told in answer.json()["error"]["message"]


def test_files_are_those_of_the_objects(served: Served) -> None:
    image = served.image()
    for index in (0, 1):
        fields = {"label": f"thing {index}", "rle": image["masks"][index]["rle"]}
        served.client.post(f"/v1/images/{image['id']}/objects", json=fields).raise_for_status()
    export = f"/v1/images/{image['id']}/export"
    coco = served.client.get(export, headers={"Accept": "application/json"}).json()
    assert [each["segmentation"]["counts"] for each in coco["annotations"]] == [
        each["rle"]["counts"] for each in image["masks"][:2]
    ]
    every = served.client.get(export, params={"format": "coco", "of": "masks"}).json()
    assert len(every["annotations"]) == len(image["masks"])
    refused = served.client.get(export, headers={"Accept": "video/mp4, text/*;q=0.5"})
    assert refused.status_code == 406 and "image/png" in refused.json()["error"]["message"]


def test_files_of_some_objects(served: Served) -> None:
    image = served.image()
    where = f"/v1/images/{image['id']}"
    fields = [{"label": f"thing {n}", "rle": image["masks"][n]["rle"], "visible": n != 1} for n in range(3)]
    first, second, third = (served.client.post(f"{where}/objects", json=each).json()["id"] for each in fields)
    queries: tuple[tuple[dict[str, Any], list[int]], ...] = (
        ({}, [0, 1, 2]),
        ({"hidden": False}, [0, 2]),
        ({"id": [third, second]}, [1, 2]),
        ({"id": [first, second], "hidden": False}, [0]),
    )
    for query, expected in queries:
        coco = served.client.get(f"{where}/export", params={"format": "coco", **query}).json()
        recipe = served.client.get(f"{where}/recipe", params=query).json()
        wanted = [image["masks"][index]["rle"]["counts"] for index in expected]
        assert [each["segmentation"]["counts"] for each in coco["annotations"]] == wanted
        assert [each["label"] for each in recipe["objects"]] == [f"thing {index}" for index in expected]
    unknown = served.client.get(f"{where}/export", params={"id": [first, "0" * 32]})
    assert unknown.status_code == 404 and f"object {'0' * 32}: the image has none" in unknown.json()["error"]["message"]
    assert served.client.get(f"{where}/export", params={"id": "no id"}).status_code == 422
    of_masks = served.client.get(f"{where}/export", params={"of": "masks", "id": first})
    assert of_masks.status_code == 422 and "choose among objects" in of_masks.json()["error"]["message"]


def test_a_thumbnail_is_the_picture_made_small(served: Served) -> None:
    image = served.send(png(96, 128), wait=False).json()["id"]
    answer = served.client.get(f"/v1/images/{image}/thumbnail", params={"size": 64})
    assert answer.headers["content-type"] == "image/jpeg" and "immutable" in answer.headers["cache-control"]
    small = np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGB"), float)
    expected = np.asarray(Image.open(io.BytesIO(png(96, 128))).resize((64, 48)), float)
    assert small.shape == (48, 64, 3), small.shape
    assert np.abs(small - expected).mean() < 10, np.abs(small - expected).mean()
    larger = served.client.get(f"/v1/images/{image}/thumbnail", params={"size": 1024})
    assert Image.open(io.BytesIO(larger.content)).size == (128, 96)  # not made larger than it is
    for size in (0, 15, 1025, "x"):
        assert served.client.get(f"/v1/images/{image}/thumbnail", params={"size": size}).status_code == 422
    assert served.client.get(f"/v1/images/{'0' * 32}/thumbnail").status_code == 404


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_images_that_are_not_there(served: Served, method: str) -> None:
    answer = served.client.request(method, f"/v1/images/{'0' * 32}")
    assert answer.status_code == 404 and "GET /v1/images lists" in answer.json()["error"]["message"]
    assert served.client.request(method, "/v1/images/not-an-id").status_code == 422


def test_images_are_listed_newest_first_page_by_page(serve: Serve) -> None:
    served = serve()
    sent = [served.image(png(value=value))["id"] for value in range(5)]
    seen: list[str] = []
    page: dict[str, Any] = {"next": None}
    while not seen or page["next"]:
        page = served.client.get("/v1/images", params={"limit": 2, **({"after": page["next"]} if seen else {})}).json()
        seen += [each["id"] for each in page["images"]]
    assert seen == sent[::-1]


def test_what_was_let_go_of_memory_is_read_again(serve: Serve) -> None:
    served = serve(memory=1)  # so that one image is held at a time
    images = [served.image(png(96 + 8 * number)) for number in range(3)]
    body = {"prompts": [POINT], "refine": "off"}
    first = [served.client.post(f"/v1/images/{each['id']}/select", json=body).json() for each in images]
    assert served.client.get("/v1/health").json()["open_images"] == 1
    assert [served.client.get(f"/v1/images/{each['id']}").json() for each in images] == images
    assert [served.client.post(f"/v1/images/{each['id']}/select", json=body).json() for each in images] == first


def test_the_work_is_there_after_a_restart(serve: Serve) -> None:
    served = serve()
    image = served.image()
    look = served.client.post(f"/v1/images/{image['id']}/look", json={"box": [0, 0, 60, 60]}).json()
    fields = {"label": "cup", "rle": image["masks"][0]["rle"]}
    made = served.client.post(f"/v1/images/{image['id']}/objects", json=fields).json()
    text = {"prompts": [{"type": "text", "text": "dog"}]}
    before = served.client.post(f"/v1/images/{image['id']}/select", json=text).json()
    served = serve()
    now = served.client.get(f"/v1/images/{image['id']}").json()
    assert now["revision"] == look["revision"] + 1 and len(now["masks"]) == len(look["parents"])
    assert served.client.get(f"/v1/images/{image['id']}/objects").json()["objects"] == [made]
    after = served.client.post(f"/v1/images/{image['id']}/select", json=text).json()
    assert after == before  # though what the network saw is seen anew


def test_a_full_data_folder_takes_no_more_pictures(serve: Serve) -> None:
    content = png()
    served = serve(quota=200_000)
    sent = served.image(content)
    noise = np.random.default_rng(0).integers(0, 256, (400, 400, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "png")
    refused = served.send(file.getvalue())
    assert refused.status_code == 507 and "larger --quota" in refused.json()["error"]["message"]
    assert [each["id"] for each in served.client.get("/v1/images").json()["images"]] == [sent["id"]]


def test_prometheus_is_told_by_route(served: Served) -> None:
    served.client.get(f"/v1/images/{'0' * 32}")
    told = served.client.get("/metrics").text
    assert 'anymask_requests_total{method="GET",route="/v1/images/{image}",status="404"}' in told
    assert 'anymask_jobs{lane="finding",state="waiting"}' in told
    assert "0" * 32 not in told  # ids make no names of their own
