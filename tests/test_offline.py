"""Segmenting a picture with the weights in the package opens no socket."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

# Python reports every socket, name look-up and connection to audit hooks; this one refuses them all.
PREAMBLE = """
import runpy, sys

def refuse(event, arguments):
    if event.startswith("socket."):
        raise PermissionError(f"this test allows no {event}")

sys.addaudithook(refuse)
"""


def run_offline(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PREAMBLE + program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "program",
    [
        "import socket; socket.socket()",
        "import socket; socket.getaddrinfo('localhost', 80)",
        "import urllib.request; urllib.request.urlopen('http://localhost:9')",
    ],
)
def test_the_preamble_refuses(program: str) -> None:
    finished = run_offline(program)
    assert finished.returncode != 0
    assert "this test allows no socket." in finished.stderr


def test_segment_opens_no_socket(astronaut: Path, tmp_path: Path) -> None:
    arguments = ("segment", str(astronaut), "--format", "coco,png,overlay,cutout", "--out", str(tmp_path))
    finished = run_offline("runpy.run_module('anymask', run_name='__main__', alter_sys=True)", *arguments)
    assert finished.returncode == 0, finished.stderr
    assert any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("program", "leaves"),
    [
        ("import onnxruntime", True),  # so that the other one can fail
        ("import anymask; anymask.Segmenter()('examples/astronaut.jpg', drawn=0)", False),
    ],
)
def test_onnx_runtime_leaves_no_identifier(program: str, leaves: bool, tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT, env=environment)
    left = [path.name for path in tmp_path.iterdir()]
    if leaves and not left:
        pytest.skip("this release of ONNX Runtime leaves nothing by itself")
    assert (left != []) == leaves
