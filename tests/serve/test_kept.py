"""What a data folder keeps beside the database: picture files, each once; the quota; and nothing with --no-save."""

import hashlib
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from anymask.segment import Segmenter
from anymask.serve.images import ImageRecord, Images
from anymask.serve.pictures import STRAY, Pictures
from anymask.serve.refusals import BusyError, FullError, NotFoundError
from anymask.serve.settings import ServeSettings
from anymask.serve.workspace import Workspace
from tests.serve.conftest import PATIENCE, Served, png, start_program
from tests.serve.test_database import no_file_larger_than


@pytest.fixture
def workspace(tmp_path: Path, segmenter: Segmenter) -> Iterator[Workspace]:
    work = Workspace(ServeSettings(tmp_path), segmenter)
    yield work
    work.close()


def files(work: Workspace) -> list[str]:
    return sorted(path.name for path in work.pictures.folder.glob("*/*"))


def test_a_picture_lies_once_and_goes_with_its_last_image(workspace: Workspace) -> None:
    content = png()
    first, second = (workspace.receive(content, name, {}) for name in ("a.png", "b.png"))
    assert files(workspace) == [hashlib.sha256(content).hexdigest()]
    workspace.remove(first.id)
    assert workspace.pictures.read(second.picture) == content
    workspace.remove(second.id)
    assert files(workspace) == []
    with pytest.raises(NotFoundError, match="its file is gone"):
        workspace.pictures.read(second.picture)


def test_what_a_dead_process_left_is_swept_when_it_is_old(workspace: Workspace) -> None:
    kept = workspace.receive(png(), "a.png", {}).picture
    stray, _ = workspace.pictures.put(b"its row was never written")
    part = workspace.pictures.path(stray).with_name(".part-1234")
    part.write_bytes(b"half of")
    pictures = Pictures(workspace.settings.data)
    assert pictures.sweep({kept}) == 0  # it may be an upload in progress
    for path in workspace.pictures.folder.glob("*/*"):
        os.utime(path, (time.time() - STRAY - 1,) * 2)
    assert pictures.sweep({kept}) == 2
    assert files(workspace) == [kept]


def test_above_the_quota_nothing_is_half_kept(serve: Callable[..., Served]) -> None:
    server = serve(quota=200_000)
    content = png(value=7) + bytes(100_000)
    image = server.send(content, wait="false").json()["id"]
    before = sorted(server.settings.data.glob("pictures/*/*"))
    refused = server.send(content + b"1", wait="false")
    assert refused.status_code == 507 and "delete images" in refused.json()["error"]["message"]
    assert [each["id"] for each in server.client.get("/v1/images").json()["images"]] == [image]
    assert sorted(server.settings.data.glob("pictures/*/*")) == before
    assert server.client.delete(f"/v1/images/{image}").status_code == 204
    assert server.send(content + b"1", wait="false").status_code == 202  # there is room again


def test_above_the_quota_objects_are_refused_and_deletes_are_not(serve: Callable[..., Served]) -> None:
    server = serve(quota=400_000)
    image = server.image()
    objects = f"/v1/images/{image['id']}/objects"
    body = {"rle": image["masks"][0]["rle"], "prompts": [{"type": "text", "text": "x" * 400}] * 20}
    first = server.client.post(objects, json=body).json()
    put = {**body, "label": "cat", "revision": 1}
    assert server.client.put(f"{objects}/{first['id']}", json=put).status_code == 200
    for _ in range(100):
        refused = server.client.post(objects, json=body)
        if refused.status_code != 201:
            break
    assert refused.status_code == 507
    said = refused.json()["error"]["message"]
    assert "at most 400000 bytes, got 4" in said and "delete images" in said and "--quota" in said
    further = {**put, "revision": 2, "label": "dog"}
    assert server.client.put(f"{objects}/{first['id']}", json=further).status_code == 507
    assert server.client.put(f"{objects}/{first['id']}", json=put).status_code == 200  # sent again: nothing new
    kept = server.client.get(objects).json()["objects"]
    assert len(kept) > 10 and [each["label"] for each in kept if each["id"] == first["id"]] == ["cat"]
    for each in kept:
        gone = server.client.delete(f"{objects}/{each['id']}", params={"revision": each["revision"]})
        assert gone.status_code == 200, gone.text
    assert server.client.post(objects, json=body).status_code == 507  # the history is still there
    assert server.client.delete(f"/v1/images/{image['id']}").status_code == 204
    image = server.image()
    assert server.client.post(f"/v1/images/{image['id']}/objects", json=body).status_code == 201


def test_no_room_for_a_picture_is_told_and_leaves_no_part_of_it(workspace: Workspace) -> None:
    with no_file_larger_than(50_000), pytest.raises(FullError, match=r"big\.png: cannot be kept"):
        workspace.receive(png() + bytes(100_000), "big.png", {})
    assert files(workspace) == [] and workspace.images.page(10) == []


def test_a_picture_whose_row_cannot_be_written_goes_again(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anymask.serve.database.PATIENCE", 0.05)
    content = png()
    kept = workspace.receive(content, "a.png", {})
    with workspace.database.changing(), pytest.raises(BusyError):
        workspace.receive(png(value=3), "b.png", {})
    with workspace.database.changing(), pytest.raises(BusyError):
        workspace.receive(content, "the same.png", {})
    assert files(workspace) == [kept.picture]  # but not where another image has it


def test_masks_that_could_not_be_written_are_found_another_time(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = workspace.receive(png(), "a.png", {"image_size": 160}).id
    set_masks = Images.set_masks

    def set_while_others_write(images: Images, *arguments: Any, **more: Any) -> ImageRecord:
        with images.database.changing():
            return set_masks(images, *arguments, **more)

    with monkeypatch.context() as patched:
        patched.setattr("anymask.serve.database.PATIENCE", 0.05)
        workspace.database.close()  # connections that have more of it
        patched.setattr(Images, "set_masks", set_while_others_write)
        with pytest.raises(BusyError):
            workspace.find(image).future.result(PATIENCE)
    assert workspace.images.get(image).state == "waiting"  # and not failed, for good
    assert workspace.find(image).future.result(PATIENCE).record.state == "ready"


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="no other way to bound another process")
def test_a_server_that_may_open_no_more_files_says_so(tmp_path: Path) -> None:
    server = start_program(tmp_path / "data")
    with httpx.Client(base_url=server.address, timeout=PATIENCE) as client:
        query = {"image_size": "160", "wait": "false"}
        image = client.post("/v1/images?image_size=160", files={"file": ("a.png", png())}).json()["id"]
        process, files = server.process.pid, resource.RLIMIT_NOFILE
        before = resource.prlimit(process, files)
        resource.prlimit(process, files, (3, before[1]))
        shown = client.get(f"/v1/images/{image}/picture")
        sent = client.post("/v1/images", params=query, files={"file": ("b.png", png(value=3))})
        resource.prlimit(process, files, before)
        for each in (shown, sent):
            assert each.status_code in (503, 507) and "open" in each.json()["error"]["message"], each.text
        again = client.post("/v1/images", params=query, files={"file": ("b.png", png(value=3))})
        assert again.status_code == 202 and client.get(f"/v1/images/{image}/picture").status_code == 200
    server.kill()


def test_what_is_not_saved_leaves_nothing(tmp_path: Path) -> None:
    environment = {"TMPDIR": str(tmp_path), "ANYMASK_DATA": str(tmp_path / "data"), "ORT_DISABLE_TELEMETRY": "1"}
    server = start_program(tmp_path / "named", "--no-save", environment=environment)
    with httpx.Client(base_url=server.address, timeout=PATIENCE) as client:
        assert client.get("/v1/health").json()["saved"] is False
        answer = client.post("/v1/images?wait=false&image_size=32", files={"file": ("a.png", png())})
        assert answer.status_code == 202
        assert list(tmp_path.glob("anymask-*/anymask.db"))
    server.process.send_signal(signal.SIGINT if sys.platform != "win32" else signal.SIGTERM)
    server.process.wait(PATIENCE)
    server.kill()
    assert list(tmp_path.iterdir()) == []


def test_two_processes_never_lose_a_file_that_an_image_has(tmp_path: Path, segmenter: Segmenter) -> None:
    """One uploads what the other deletes, over and over: whoever wins, rows and files stay together."""
    works = [Workspace(ServeSettings(tmp_path), segmenter) for _ in range(2)]  # locks are per file, as with processes
    content = png()
    lost: list[str] = []

    def upload_and_delete(work: Workspace) -> None:
        for _ in range(25):
            image = work.receive(content, "a.png", {})
            try:
                work.pictures.read(image.picture)
            except NotFoundError as error:
                lost.append(str(error))
            work.remove(image.id)

    threads = [threading.Thread(target=upload_and_delete, args=[work]) for work in works]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert lost == [] and files(works[0]) == []
    for work in works:
        work.close()
