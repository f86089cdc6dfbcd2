"""Two replicas over one data folder behind nginx, as deploy/nginx.conf and docs/scaling.md say."""

import contextlib
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.conftest import ROOT
from tests.serve.conftest import PATIENCE, QUICK, Program, png, start_program, wait_until

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin")
NAME = "anymask.example"
POINT = {"type": "point", "points": [[40, 40]], "labels": [1]}

pytestmark = [pytest.mark.soak, pytest.mark.skipif(NGINX is None, reason="nginx is not installed")]


@dataclass
class Replicas:
    """Two servers, each with a client of its own, and a client of nginx before them."""

    programs: list[Program]
    direct: list[httpx.Client]
    front: httpx.Client


@contextlib.contextmanager
def nginx(folder: Path, replicas: list[str]) -> Iterator[str]:
    """Nginx on a free port with deploy/nginx.conf, before replicas at those HOST:PORT; its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    text = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    changes = {"listen 8642;": f"listen 127.0.0.1:{port};"} | dict(
        zip(("127.0.0.1:8643", "127.0.0.1:8644"), replicas, strict=True)
    )
    for old, new in changes.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    folder.mkdir()
    user = "user root;" if os.geteuid() == 0 else ""  # who can reach the test's folder
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder / kind};\n" for kind in kinds)
    (folder / "nginx.conf").write_text(
        f"{user} pid {folder / 'pid'}; error_log {folder / 'error.log'};\nevents {{}}\n"
        f"http {{ access_log off; {temporary} {text} }}\n"
    )
    command = [str(NGINX), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", "daemon off;"]
    with subprocess.Popen([*command, "-e", str(folder / "error.log")], stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: answers(port) or process.poll() is not None)
            assert process.poll() is None, (folder / "error.log").read_text()
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@pytest.fixture
def replicas(tmp_path: Path) -> Iterator[Replicas]:
    with contextlib.ExitStack() as stack:
        programs = []
        for _ in range(2):
            programs.append(start_program(tmp_path / "data", "--threads", "1", "--allow-host", NAME))
            stack.callback(programs[-1].kill)
        places = [each.address.removeprefix("http://").rstrip("/") for each in programs]
        front = stack.enter_context(nginx(tmp_path / "nginx", places))
        clients = [
            stack.enter_context(httpx.Client(base_url=address, timeout=PATIENCE))
            for address in (*[each.address for each in programs], front)
        ]
        yield Replicas(programs, clients[:2], clients[2])


def send(client: httpx.Client, content: bytes) -> str:
    answer = client.post("/v1/images", files={"file": ("a.png", content)}, params=QUICK)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def select(client: httpx.Client, image: str) -> httpx.Response:
    return client.post(f"/v1/images/{image}/select", json={"prompts": [POINT], "refine": "off"})


def events(client: httpx.Client, path: str, said: list[str]) -> None:
    with client.stream("GET", f"{path}/events") as stream:
        said.extend(line for line in stream.iter_lines() if line.startswith("event"))  # each as it comes


def test_two_replicas_are_as_one(replicas: Replicas) -> None:
    one, two = replicas.direct
    image = send(one, png())
    path = f"/v1/images/{image}"

    # Sent to one, selected at the other; an object and a look of one are seen by the other, and through nginx
    masks = [select(client, image).json()["masks"] for client in (two, one, replicas.front)]
    assert masks[0] and masks[0] == masks[1] == masks[2]
    made = one.post(f"{path}/objects", json={"label": "cat", "rle": masks[0][0]["rle"]}).json()
    changed = two.put(f"{path}/objects/{made['id']}", json={"label": "dog", "rle": made["rle"], "revision": 1})
    assert changed.status_code == 200
    stale = one.put(f"{path}/objects/{made['id']}", json={"label": "cow", "rle": made["rle"], "revision": 1})
    assert stale.status_code == 409 and stale.json()["object"]["label"] == "dog"
    looked = two.post(f"{path}/look", json={"box": [0, 0, 64, 48]}).json()
    seen = [client.get(path).json()["masks"] for client in (one, two, replicas.front)]
    assert len(seen[0]) == len(looked["parents"]) and seen[0] == seen[1] == seen[2]

    # Names: nginx passes Host on, and the replicas hold it to theirs; so is Origin
    assert replicas.front.get("/v1/health", headers={"Host": NAME}).status_code == 200
    assert replicas.front.get("/v1/health", headers={"Host": "elsewhere.example"}).status_code == 421
    address = str(replicas.front.base_url).rstrip("/")
    assert replicas.front.get("/v1/health", headers={"Origin": address}).status_code == 200
    assert replicas.front.get("/v1/health", headers={"Origin": "http://elsewhere.example"}).status_code == 403

    # A large picture passes; events pass when they come, until one replica has deleted what the other tells of
    large = send(replicas.front, png(value=7) + bytes(3 * 2**20))
    said: list[str] = []
    listener = threading.Thread(target=events, args=[replicas.front, f"/v1/images/{large}", said])
    listener.start()
    wait_until(lambda: said == ["event: progress"])
    assert two.delete(f"/v1/images/{large}").status_code == 204
    listener.join(PATIENCE)
    assert said[-1] == "event: deleted"


def test_when_one_replica_is_killed_the_other_goes_on(replicas: Replicas) -> None:
    images = [send(replicas.front, png(value=value)) for value in range(6)]  # some for each of the two
    rle = {
        "size": [96, 128],
        "counts": select(replicas.direct[0], send(replicas.front, png())).json()["masks"][0]["rle"]["counts"],
    }
    kept: dict[tuple[str, str], int] = {}
    refused: list[str] = []
    over = threading.Event()

    def edit(number: int) -> None:
        with httpx.Client(base_url=replicas.front.base_url, timeout=PATIENCE) as client:
            revision = 0
            while not over.is_set():
                for image in images:
                    name = f"{number:032x}"
                    body = {"label": f"{revision}", "rle": rle, "revision": revision}
                    answer = client.put(f"/v1/images/{image}/objects/{name}", json=body)
                    if answer.is_success:
                        kept[image, name] = answer.json()["revision"]
                    else:
                        refused.append(f"{answer.status_code} {answer.text}")
                revision += 1

    editors = [threading.Thread(target=edit, args=[number]) for number in range(3)]
    for each in editors:
        each.start()
    wait_until(lambda: len(kept) == 3 * len(images))
    replicas.programs[0].kill()
    before = sum(kept.values())
    wait_until(lambda: sum(kept.values()) > before + 3 * len(images))
    over.set()
    for each in editors:
        each.join()
    assert refused == []
    for (image, name), revision in kept.items():
        versions = replicas.front.get(f"/v1/images/{image}/objects/{name}/history").json()["versions"]
        assert [each["label"] for each in versions] == [str(number) for number in range(revision)]
    assert send(replicas.front, png(value=99))  # also what is new
    assert all(select(replicas.front, image).status_code == 200 for image in images)
