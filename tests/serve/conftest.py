"""Real servers, in this process and as programs of their own."""

import contextlib
import io
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import uvicorn
from PIL import Image

from anymask.sample import sample_picture
from anymask.segment import Segmenter
from anymask.serve.app import create_app
from anymask.serve.connections import configured
from anymask.serve.settings import ServeSettings

QUICK = {"image_size": 160, "max_masks": 60, "drawn": 5}  # keywords of a find that takes little time
PATIENCE = 60.0  # seconds for a server to start, on a busy machine


@dataclass
class Served:
    """A server that runs, and a client of it."""

    client: httpx.Client
    settings: ServeSettings

    @property
    def address(self) -> str:
        return str(self.client.base_url)

    def send(self, content: bytes, name: str = "picture.png", **query: Any) -> httpx.Response:
        return self.client.post("/v1/images", files={"file": (name, content)}, params={**QUICK, **query})

    def image(self, content: bytes | None = None) -> dict[str, Any]:
        """A picture that was sent, with its masks."""
        answer = self.send(png() if content is None else content)
        assert answer.status_code == 201, answer.text
        document: dict[str, Any] = answer.json()
        return document


def png(height: int = 96, width: int = 128, value: int | None = None) -> bytes:
    """A small picture as a PNG: drawn things, or one grey."""
    pixels = sample_picture(height, width) if value is None else np.full((height, width, 3), value, np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png")
    return file.getvalue()


@contextlib.contextmanager
def running(settings: ServeSettings, segmenter: Segmenter) -> Iterator[Served]:
    """A server on a free port of this machine, in a thread of this process."""
    app = create_app(settings, segmenter)
    config = configured(app, settings, log_config=None, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0), backlog=512)
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    port = listening.getsockname()[1]
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as client:
            wait_until(lambda: server.started)
            yield Served(client, settings)
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        listening.close()
        assert not thread.is_alive()


def wait_until(holds: Callable[[], bool], patience: float = PATIENCE) -> None:
    until = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < until, "it did not come true in time"
        time.sleep(0.01)


@pytest.fixture(scope="session")
def segmenter() -> Segmenter:
    return Segmenter(threads=1)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, segmenter: Segmenter) -> Iterator[Served]:
    """One server for a file of tests, which share its images."""
    with running(ServeSettings(tmp_path_factory.mktemp("serve")), segmenter) as server:
        yield server


@pytest.fixture
def serve(tmp_path: Path, segmenter: Segmenter) -> Iterator[Callable[..., Served]]:
    """A server of one test with the settings it names, over the test's own data folder; several one after another."""
    with contextlib.ExitStack() as stack:

        def start(**settings: Any) -> Served:
            stack.close()
            return stack.enter_context(running(replace(ServeSettings(tmp_path / "data"), **settings), segmenter))

        yield start


@dataclass
class Program:
    """``anymask serve`` as a process of its own."""

    process: subprocess.Popen[str]
    address: str

    def kill(self) -> None:
        """As when the power goes: nothing of it gets to clean up."""
        self.process.kill()
        self.process.wait()
        if self.process.stderr is not None:
            self.process.stderr.close()


def start_program(data: Path, *arguments: str, environment: dict[str, str] | None = None) -> Program:
    """Start ``anymask serve`` over a data folder, on a free port, and wait until it says where it listens."""
    command = [sys.executable, "-m", "anymask", "serve", "--no-open", "--port", "0", "--data", str(data), *arguments]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})})
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if (address := re.search(r"http://\S+", line)) is not None:
            return Program(process, address[0])
    process.wait()
    process.stderr.close()
    raise AssertionError(f"the server did not start: {''.join(said)}")
