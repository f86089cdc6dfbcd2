"""`anymask doctor` as a user runs it, where all is well and where it is not."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anymask

Run = Callable[..., Any]


def states(out: str) -> dict[str, str]:
    return {check["name"]: check["state"] for check in json.loads(out)["checks"]}


def test_all_is_well(run: Run) -> None:
    ended = run("doctor", "--json")
    assert (ended.code, ended.err) == (0, "")
    document = json.loads(ended.out)
    assert document["ok"] is True and document["version"] == anymask.__version__
    found = states(ended.out)
    facts = {check["name"]: check["facts"] for check in document["checks"]}
    assert facts["runtime onnx"]["pass_s"] > 0 and facts["segment"]["masks"] > 0 and facts["segment"]["answers"] > 0
    assert {name: found[name] for name in ("python", "packages", "runtime onnx", "segment")} == {
        "python": "ok",
        "packages": "ok",
        "runtime onnx": "ok",
        "segment": "ok",
    }
    assert {"weights default", "weights refiner", "cache", "data", "memory", "cpu", "extra train"} <= set(found)


def test_what_is_broken_is_told_and_the_exit_code_says_so(tmp_path: Path) -> None:
    """A copy of the package with half a weights file, a cache below a file, and no OpenVINO."""
    copy = tmp_path / "site"
    shutil.copytree(Path(anymask.__file__).parent, copy / "anymask", ignore=shutil.ignore_patterns("__pycache__"))
    weights = copy / "anymask" / "weights" / "default.onnx"
    weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])
    (tmp_path / "file").write_text("")
    program = (
        "import importlib.metadata as metadata, sys\n"
        "known = metadata.version\n"
        "def version(name):\n"
        "    if name == 'openvino': raise metadata.PackageNotFoundError(name)\n"
        "    return known(name)\n"
        "metadata.version = version\n"
        "from anymask.cli import main; main(['doctor'])"
    )
    environment = {**os.environ, "PYTHONPATH": str(copy), "ANYMASK_CACHE": str(tmp_path / "file" / "cache")}
    finished = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 1 and finished.stderr == ""
    lines = {line[6:22].strip(): line for line in finished.stdout.splitlines()}
    assert lines["weights default"].startswith("ERROR") and "install anymask again" in lines["weights default"]
    assert lines["weights refiner"].startswith("ok ")
    assert lines["cache"].startswith("ERROR") and lines["cache"].endswith(
        "; set ANYMASK_CACHE to a folder that can be written"
    )
    assert lines["extra openvino"].startswith("- ") and lines["extra openvino"].endswith(
        'pip install "anymask[openvino]"'
    )
    assert finished.stdout.splitlines()[-1].endswith(": broken: weights default, cache")
