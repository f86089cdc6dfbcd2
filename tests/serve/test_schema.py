"""What /openapi.json says is true: schemathesis asks for everything in it, rightly and wrongly."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.serve.conftest import Served

# What the long run asked last is kept here, by operation; docs/serve_security.md tells of it
REPORT = os.environ.get("ANYMASK_SCHEMATHESIS_REPORT")
PROGRAM = Path(sys.executable).with_name("schemathesis")


def references(document: Any) -> Iterator[str]:
    """Every $ref in it."""
    if isinstance(document, dict):
        if isinstance(document.get("$ref"), str):
            yield document["$ref"]
        document = list(document.values())
    if isinstance(document, list):
        for each in document:
            yield from references(each)


def test_every_reference_leads_somewhere(served: Served) -> None:
    document = served.client.get("/openapi.json").json()
    found = set(references(document))
    assert len(found) > 20
    for reference in found:
        place = document
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/v1/images", "GET, POST"),
        ("/v1/images/" + "0" * 32, "DELETE, GET"),
        (f"/v1/images/{'0' * 32}/objects/{'0' * 32}", "DELETE, GET, PUT"),
        (f"/v1/images/{'0' * 32}/select", "POST"),
        ("/v1/health", "GET"),
    ],
)
def test_all_methods_of_an_address_are_told(served: Served, path: str, allow: str) -> None:
    answer = served.client.request("PATCH", path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allow)


def run(served: Served, folder: Path, *arguments: str) -> dict[str, Any]:
    """Run schemathesis, and read its report."""
    served.image()
    report = folder / "report.json"
    finished = subprocess.run(
        [
            str(PROGRAM), "--config-file", str(Path(__file__).with_name("schemathesis.toml")), "run",
            f"{served.address.rstrip('/')}/openapi.json", "--seed", "1", "--generation-deterministic",
            "--request-timeout", "60", "--no-color", "--continue-on-failure",
            "--exclude-path-regex", "/events$",  # they do not end: test_gone.py
            "--report-json-path", str(report), *arguments,
        ],
        capture_output=True, text=True, check=False, cwd=folder,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stdout[-20_000:] + finished.stderr[-2000:]
    assert served.client.get("/v1/health").json()["status"] == "ok"
    if REPORT is not None:
        shutil.copy(report, REPORT)
        Path(REPORT).with_suffix(".txt").write_text(finished.stdout)
    document: dict[str, Any] = json.loads(report.read_text())
    return document


@pytest.mark.skipif(not PROGRAM.exists(), reason="schemathesis is not installed")
def test_a_few_requests_of_each_kind(served: Served, tmp_path: Path) -> None:
    run(served, tmp_path, "--phases", "fuzzing", "--max-examples", "4", "--no-shrink")


@pytest.mark.soak
@pytest.mark.skipif(not PROGRAM.exists(), reason="schemathesis is not installed")
def test_many_requests_of_each_kind(served: Served, tmp_path: Path) -> None:
    run(served, tmp_path, "--phases", "examples,coverage,fuzzing,stateful", "--max-examples", "100")
