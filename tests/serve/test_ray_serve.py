"""deploy/ray_serve.py on a Ray of this machine: the same app, in two replicas."""

import contextlib
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import ROOT
from tests.serve.conftest import PATIENCE, QUICK, png, wait_until

POINT = {"type": "point", "points": [[40, 40]], "labels": [1]}

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs the extra `batch`"),
]


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder:  # short: sockets lie there
        mine = {"RAY_TMPDIR": folder, "ANYMASK_DATA": str(tmp_path / "data"), "ANYMASK_PORT": str(port)}
        with (
            (tmp_path / "said").open("w") as said,
            subprocess.Popen(
                [sys.executable, str(ROOT / "deploy" / "ray_serve.py")],
                env={**os.environ, **mine},
                stdout=said,
                stderr=said,
            ) as process,
            httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as asking,
        ):
            try:
                wait_until(lambda: is_up(asking) or process.poll() is not None, 4 * PATIENCE)
                assert process.poll() is None, (tmp_path / "said").read_text()
                yield asking
            finally:
                process.send_signal(signal.SIGINT)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(PATIENCE)
                process.kill()


def is_up(client: httpx.Client) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return client.get("/v1/health").status_code == 200
    return False


def test_the_way_of_a_picture_through_ray(client: httpx.Client) -> None:
    sent = client.post("/v1/images", files={"file": ("a.png", png())}, params=QUICK)
    assert sent.status_code == 201, sent.text
    image = sent.json()
    path = f"/v1/images/{image['id']}"
    assert image["masks"] == client.get(path).json()["masks"]

    # Whichever replica answers: all do, and alike
    question = {"prompts": [POINT], "refine": "off"}
    answers = [client.post(f"{path}/select", json=question) for _ in range(12)]
    assert {each.status_code for each in answers} == {200}
    masks = answers[0].json()["masks"]
    assert masks and all(each.json()["masks"] == masks for each in answers)
    open_images = {client.get("/v1/health").json()["open_images"] for _ in range(30)}
    assert open_images == {1}  # both replicas have it open

    made = client.post(f"{path}/objects", json={"label": "cat", "rle": masks[0]["rle"]})
    assert made.status_code == 201
    place = f"{path}/objects/{made.json()['id']}"
    change = {"label": "dog", "rle": masks[0]["rle"], "revision": 1}
    assert [client.put(place, json=change).json()["revision"] for _ in range(4)] == [2] * 4  # sent again is done once
    stale = client.put(place, json={**change, "label": "cow"})
    assert stale.status_code == 409 and stale.json()["object"]["label"] == "dog"

    with client.stream("GET", f"{path}/events") as stream:
        assert next(stream.iter_lines()) == "event: progress"
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404
    assert client.get("/v1/health", headers={"Host": "elsewhere.example"}).status_code == 421
