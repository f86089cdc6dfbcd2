"""Clients that note what a server acknowledged, and what is missing of it after the server was killed."""

import contextlib
import hashlib
import random
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from anymask import rle
from anymask.serve.database import FILE
from tests.serve.conftest import PATIENCE, png, start_program, wait_until

CLIENTS = 4
LEAST, MOST = 0.005, 0.4  # seconds between the first write that a round acknowledges and the kill
# A find that takes hardly any time: this is about what is kept, and masks are written meanwhile too
TINY = {"wait": "false", "image_size": 32, "max_masks": 5, "drawn": 0, "refine": "off"}
HEIGHT, WIDTH = 12, 16
POINT = {"type": "point", "points": [[2, 2]], "labels": [1]}
SHARED = 6  # pictures that all clients send again and again, so that one's deletion meets another's upload


@dataclass
class Kept:
    """What clients know of one image.

    content: SHA-256 of what was sent. versions: what was acknowledged of each object, by id and revision: a label, or
    None where it is deleted. gone: deletion was acknowledged. asked: it was asked for, at least.
    """

    content: str
    number: int  # of the round
    versions: dict[str, dict[int, str | None]] = field(default_factory=dict)
    gone: bool = False
    asked: bool = False


@dataclass
class Tally:
    """What all rounds came to. losses: what was acknowledged and is not there, one line each."""

    kills: int = 0
    acknowledged: int = 0
    cut: int = 0  # writes that were under way at a kill
    losses: list[str] = field(default_factory=list)


class Client:
    """Posts pictures; makes, changes and deletes objects; until the server is gone."""

    def __init__(self, address: str, number: int, seed: str) -> None:
        self.http = httpx.Client(base_url=address, timeout=PATIENCE)
        self.number, self.random = number, random.Random(seed)
        self.images: dict[str, Kept] = {}
        self.acknowledged = 0
        self.writing = False
        self.wrong: list[str] = []  # answers that nothing explains but a loss
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        with contextlib.suppress(httpx.TransportError), self.http:
            while True:
                alive = [image for image, kept in self.images.items() if not kept.asked]
                chance = self.random.random()
                if not alive or chance < 0.2:
                    self._post()
                elif chance < 0.27:
                    self._delete(self.random.choice(alive))
                else:
                    self._edit(self.random.choice(alive))

    def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        self.writing = True
        answer = self.http.request(method, path, **more)
        self.writing = False
        if answer.is_success:
            self.acknowledged += 1
        elif answer.status_code != 503:  # no place to wait; nothing was promised
            self.wrong.append(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer

    def _post(self) -> None:
        grey = self.random.randrange(SHARED) if self.random.random() < 0.3 else self.random.randrange(SHARED, 256)
        content = png(HEIGHT, WIDTH, grey)
        if grey >= SHARED:
            content += self.random.randbytes(self.random.randrange(1, 20_000))  # behind the PNG's end: another file
        answer = self._ask("POST", "/v1/images", files={"file": ("a.png", content)}, params=TINY)
        if answer.is_success:
            self.images[answer.json()["id"]] = Kept(hashlib.sha256(content).hexdigest(), self.number)

    def _delete(self, image: str) -> None:
        self.images[image].asked = True
        self.images[image].gone = self._ask("DELETE", f"/v1/images/{image}").is_success

    def _edit(self, image: str) -> None:
        versions = self.images[image].versions
        if not versions or self.random.random() < 0.3:
            object_id = self.random.randbytes(16).hex()
            noted: dict[int, str | None] = {}
        else:
            object_id = self.random.choice(list(versions))
            noted = versions[object_id]
        path, read = f"/v1/images/{image}/objects/{object_id}", max(noted, default=0)
        if read and noted[read] is not None and self.random.random() < 0.15:
            answer = self._ask("DELETE", path, params={"revision": read})
            label = None
        else:
            label = self.random.randbytes(8).hex()
            answer = self._ask("PUT", path, json=document(label) | {"revision": read})
        if answer.is_success:
            versions.setdefault(object_id, noted)[answer.json()["revision"]] = label


def document(label: str) -> dict[str, Any]:
    """An object of the upper half of a picture of HEIGHT x WIDTH."""
    return {"label": label, "rle": {"size": [HEIGHT, WIDTH], "counts": COUNTS}}


COUNTS = rle.encode_crop(np.ones((HEIGHT // 2, WIDTH), np.bool_), 0, 0, HEIGHT, WIDTH).decode("ascii")


def kill_again_and_again(data: Path, kills: int, seed: int, **program: Any) -> Tally:
    """Start the server over ``data``, let clients write, kill it at a random moment, look, and so on.

    program: further arguments of `start_program`.
    """
    tally = Tally()
    moments = random.Random(seed)
    images: dict[str, Kept] = {}
    for number in range(kills + 1):
        server = start_program(data, "--threads", "1", **program)
        try:
            latest = {image: kept for image, kept in images.items() if kept.number == number - 1}
            # of this round everything, of those before a few; at the end everything once more
            some = moments.sample(sorted(images), min(10, len(images))) if number < kills else sorted(images)
            with httpx.Client(base_url=server.address, timeout=PATIENCE) as http:
                for image in {**latest, **dict.fromkeys(some)}:
                    tally.losses += missing(http, image, images[image])
            tally.losses += amiss(data)
            if number == kills:
                break
            clients = [Client(server.address, number, f"{seed} {number} {each}") for each in range(CLIENTS)]
            for client in clients:
                client.thread.start()
            wait_until(lambda clients=clients: any(each.acknowledged for each in clients))  # type: ignore[misc]
            threading.Event().wait(moments.uniform(LEAST, MOST))
        finally:
            server.kill()
        for client in clients:
            client.thread.join(PATIENCE)
            images |= client.images
            tally.acknowledged += client.acknowledged
            tally.cut += client.writing
            tally.losses += client.wrong
        tally.kills += 1
    return tally


def missing(http: httpx.Client, image: str, kept: Kept) -> Iterator[str]:
    """What a server does not have, or has otherwise, of what it acknowledged of an image."""
    path = f"/v1/images/{image}"
    picture = http.get(f"{path}/picture")
    if picture.status_code == 404 and kept.asked:
        return
    if kept.gone:
        yield f"{path}: deleted, but there again"
    elif picture.status_code != 200:
        yield f"{path}: acknowledged, and now {picture.status_code} {picture.text}"
    elif hashlib.sha256(picture.content).hexdigest() != kept.content:
        yield f"{path}: another picture"
    else:
        for object_id, noted in kept.versions.items():
            yield from _missing_versions(http, f"{path}/objects/{object_id}", noted)
        # its masks were found before, or else are found now
        answer = http.post(f"{path}/select", json={"prompts": [POINT], "refine": "off"})
        if answer.status_code not in (200, 503):
            yield f"{path}: cannot be selected from: {answer.status_code} {answer.text}"


def _missing_versions(http: httpx.Client, path: str, noted: dict[int, str | None]) -> Iterator[str]:
    answer = http.get(f"{path}/history")
    if answer.status_code != 200:
        yield f"{path}: acknowledged, and now {answer.status_code}"
        return
    versions = {each["revision"]: None if each["deleted"] else each["label"] for each in answer.json()["versions"]}
    for revision, label in noted.items():
        if versions.get(revision, "none") != label:
            yield f"{path}: revision {revision}: expected {label}, got {versions.get(revision, 'none')}"
    if list(versions) != list(range(1, len(versions) + 1)) or len(versions) > max(noted) + 1:
        yield f"{path}: has revisions {list(versions)}, of which {list(noted)} were acknowledged"
    current = http.get(path)
    shown = current.json()["label"] if current.status_code == 200 else None
    if shown != versions[max(versions)]:
        yield f"{path}: is {shown}, but its last version {versions[max(versions)]}"


def amiss(data: Path) -> Iterator[str]:
    """What is wrong with a data folder, whatever was acknowledged."""
    with contextlib.closing(sqlite3.connect(data / FILE)) as rows:
        (integrity,) = rows.execute("PRAGMA integrity_check").fetchone()
        if integrity != "ok":
            yield f"integrity: {integrity}"
        yield from (f"foreign key: {each}" for each in rows.execute("PRAGMA foreign_key_check"))
        pictures = rows.execute("SELECT DISTINCT picture, bytes FROM images").fetchall()
    for name, size in pictures:
        path = data / "pictures" / name[:2] / name
        if not path.is_file() or path.stat().st_size != size:
            yield f"{path.name}: has a row, but no such file of {size} bytes"
