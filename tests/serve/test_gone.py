"""Clients that go away: their work stops, their streams are let go, and the server can end."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from anymask.segment import Segmenter
from anymask.serve.lanes import Job, Lane
from anymask.serve.settings import ServeSettings
from tests.serve.conftest import PATIENCE, Served, png, running, wait_until
from tests.serve.raw import ask, connect

Serve = Callable[..., Served]


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[threading.Event, list[str]]]:
    """Jobs of a lane wait for this event before they begin; the names of the lanes whose jobs then did."""
    free, begun = threading.Event(), list[str]()
    submit = Lane.submit

    def submit_held(lane: Lane, work: Callable[[Job[object]], object], *about: Any) -> Job[object]:
        def waits(job: Job[object]) -> object:
            free.wait(PATIENCE)
            job.check()
            begun.append(lane.name)
            return work(job)

        return submit(lane, waits, *about)

    monkeypatch.setattr(Lane, "submit", submit_held)
    yield free, begun
    free.set()


def running_jobs(served: Served) -> int:
    health = served.client.get("/v1/health").json()
    return int(health["running"] + health["waiting"])


def test_a_select_of_somebody_who_went_away_is_not_run(serve: Serve, held: tuple[threading.Event, list[str]]) -> None:
    free, begun = held
    served = serve(choosers=1)
    free.set()
    image = served.image()["id"]
    wait_until(lambda: running_jobs(served) == 0)  # or the labels, made after the answer, would be held and counted
    free.clear()
    begun.clear()
    body = json.dumps({"prompts": [{"type": "point", "points": [[60, 40]]}]}).encode()
    head = (
        f"POST /v1/images/{image}/select HTTP/1.1\r\nHost: {urlsplit(served.address).netloc}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    clients = [connect(served.address) for _ in range(12)]
    clients[0].sendall(head + body)
    wait_until(lambda: running_jobs(served) == 1)  # it has the one thread, and the others wait
    for each in clients[1:]:
        each.sendall(head + body)
    wait_until(lambda: running_jobs(served) == 12)
    for each in clients[1:]:
        each.close()
    wait_until(lambda: running_jobs(served) == 1)  # one that a thread has stops at its check: see the next test
    free.set()
    wait_until(lambda: running_jobs(served) == 0)
    assert len(begun) == 1
    assert clients[0].recv(12) == b"HTTP/1.1 200"
    clients[0].close()


def test_a_picture_of_somebody_who_went_away_is_not_kept(serve: Serve, held: tuple[threading.Event, list[str]]) -> None:
    free, begun = held
    served = serve()
    part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
    body = part + png() + b"\r\n--b--\r\n"
    with connect(served.address) as stream:
        stream.sendall(
            f"POST /v1/images HTTP/1.1\r\nHost: {urlsplit(served.address).netloc}\r\n"
            f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        wait_until(lambda: running_jobs(served) == 1)
        assert len(served.client.get("/v1/images").json()["images"]) == 1
    wait_until(lambda: served.client.get("/v1/images").json()["images"] == [])
    free.set()
    wait_until(lambda: running_jobs(served) == 0)
    assert begun == []


def open_stream(served: Served, image: str) -> bytes:
    host = urlsplit(served.address).netloc
    return f"GET /v1/images/{image}/events HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


def test_streams_are_let_go(serve: Serve) -> None:
    served = serve(listeners=5)
    image = served.image()["id"]
    for _ in range(4):  # as often as would use up the places if they leaked
        streams = [connect(served.address) for _ in range(5)]
        for each in streams:
            each.sendall(open_stream(served, image))
            assert each.recv(12) == b"HTTP/1.1 200"

        def status() -> int:
            with connect(served.address) as further:
                further.sendall(open_stream(served, image))
                return int(further.recv(12).split()[1])

        assert status() == 503
        for each in streams:
            each.close()
        wait_until(lambda: status() == 200)
        time.sleep(0.5)


def test_a_server_ends_with_streams_open(tmp_path: Path, segmenter: Segmenter) -> None:
    with running(ServeSettings(tmp_path / "data"), segmenter) as served:
        image = served.image()["id"]
        streams = [connect(served.address) for _ in range(5)]
        for each in streams:
            each.sendall(open_stream(served, image))
            assert each.recv(12) == b"HTTP/1.1 200"
        began = time.monotonic()
    assert time.monotonic() - began < PATIENCE / 2
    for each in streams:
        each.close()


def test_a_deleted_image_ends_what_waits_for_it(serve: Serve, held: tuple[threading.Event, list[str]]) -> None:
    free, begun = held
    served = serve()
    image = served.send(png(), wait="false").json()["id"]
    answers: list[int] = []

    def select() -> None:
        body = json.dumps({"prompts": [{"type": "point", "points": [[60, 40]]}]}).encode()
        answers.append(
            ask(
                served.address, f"POST /v1/images/{image}/select HTTP/1.1",
                f"Host: {urlsplit(served.address).netloc}", "Content-Type: application/json",
                f"Content-Length: {len(body)}", body=body, timeout=PATIENCE,
            ).status
        )  # fmt: skip

    threads = [threading.Thread(target=select) for _ in range(5)]
    for each in threads:
        each.start()
    time.sleep(0.5)
    assert served.client.delete(f"/v1/images/{image}").status_code == 204
    free.set()
    for each in threads:
        each.join(PATIENCE)
    assert answers == [404] * 5 and begun == []
