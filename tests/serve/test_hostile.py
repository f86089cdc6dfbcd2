"""Hostile uploads: each is answered in time and never with a fault, and the server goes on."""

import itertools
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.serve.conftest import Served, png
from tests.serve.hostile import Upload, uploads
from tests.serve.raw import ask

# Starlette leaves the files of a form that breaks off to the garbage collector, which closes them and says so
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

Serve = Callable[..., Served]
BOUND = 60.0  # seconds; a hang is what is looked for, on a machine that may be busy
MOST_PIXELS = 4_000_000
REPORT = os.environ.get("ANYMASK_HOSTILE_REPORT")


def resident_mib() -> float:
    if sys.platform != "linux":
        return 0.0
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def send(served: Served, upload: Upload) -> int:
    length = "Transfer-Encoding: chunked" if upload.chunked else f"Content-Length: {len(upload.body)}"
    body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(upload.body), upload.body) if upload.chunked and upload.body else upload.body
    if upload.chunked and not upload.body:
        body = b"0\r\n\r\n"
    answer = ask(
        served.address, "POST /v1/images?image_size=64&max_masks=5&drawn=0&refine=off HTTP/1.1",
        f"Host: {urlsplit(served.address).netloc}", f"Content-Type: {upload.content_type}", length,
        "Connection: close", body=body, timeout=BOUND,
    )  # fmt: skip
    if answer.status >= 400:
        assert answer.json()["error"]["message"], upload.name
    return answer.status


def attack(served: Served, count: int) -> dict[str, object]:
    """Send so many, and tell what was answered."""
    statuses: Counter[int] = Counter()
    served.image()
    slowest = (0.0, "")
    largest = before = resident_mib()
    for upload in itertools.islice(uploads(), count):
        began = time.monotonic()
        status = send(served, upload)
        slowest = max(slowest, (time.monotonic() - began, upload.name))
        assert status == 201 or 400 <= status < 500, (upload.name, status)
        statuses[status] += 1
        assert served.client.get("/v1/health").json()["status"] == "ok", upload.name
        largest = max(largest, resident_mib())
    assert served.send(png()).status_code == 201
    return {
        "uploads": count,
        "statuses": dict(sorted(statuses.items())),
        "slowest": [round(slowest[0], 1), slowest[1]],
        "resident_mib": {"before": round(before), "largest": round(largest)},
    }


def test_hostile_uploads(serve: Serve) -> None:
    attack(serve(max_pixels=MOST_PIXELS), 80)


@pytest.mark.soak
def test_a_thousand_hostile_uploads(serve: Serve) -> None:
    told = attack(serve(max_pixels=MOST_PIXELS, memory=64 * 2**20), 1000)
    memory = told["resident_mib"]
    assert isinstance(memory, dict) and memory["largest"] - memory["before"] < 600
    if REPORT is not None:
        Path(REPORT).write_text(json.dumps(told, indent=2) + "\n")
