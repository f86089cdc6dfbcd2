"""scripts/make.py, run as a user runs it, in a folder of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent.parent / "scripts" / "make.py"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    (tmp_path / "scripts").mkdir()
    shutil.copy(SCRIPT, tmp_path / "scripts")
    return tmp_path


def make(clone: Path, *arguments: str, photos: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(clone / "scripts" / "make.py"), *arguments]
    environment = {**os.environ, "ANYMASK_PHOTOS": str(photos)} if photos else None
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


@pytest.mark.parametrize("arguments", [(), ("bake",), ("demo", "test")])  # none, unknown, too many
def test_a_wrong_call_says_the_usage(clone: Path, arguments: tuple[str, ...]) -> None:
    finished = make(clone, *arguments)
    assert finished.returncode == 2
    assert finished.stderr == "usage: make.py demo|test|compare|soak|clean\n"


@pytest.mark.parametrize("task", ["demo", "test", "soak"])
def test_an_environment_of_the_users_stays(clone: Path, task: str) -> None:
    (clone / ".venv").mkdir()
    (clone / ".venv" / "pyvenv.cfg").write_text("home = elsewhere\n")
    finished = make(clone, task)
    assert finished.returncode == 1
    assert finished.stderr.startswith(f"make.py {task}: .venv was not made by this script")
    assert finished.stderr.count("\n") == 1
    assert [path.name for path in (clone / ".venv").iterdir()] == ["pyvenv.cfg"]


def test_comparing_is_skipped_without_the_photographs(clone: Path) -> None:
    finished = make(clone, "compare", photos=clone / "nowhere")
    assert finished.returncode == 0
    assert finished.stdout.startswith("compare: skipped, the labelled photographs are not here")
    assert [path.name for path in clone.iterdir()] == ["scripts"]


def test_clean_removes_only_what_was_made(clone: Path) -> None:
    made = ["demo/astronaut.overlay.png", "build/a", "anymask/__pycache__/a.pyc", ".venv/made-by-anymask.json"]
    kept = ["demo/mine.png", "examples/astronaut.jpg", "anymask/a.py"]
    for name in made + kept:
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).write_text("")
    assert make(clone, "clean").returncode == 0
    assert [name for name in made if (clone / name).exists()] == []
    assert [name for name in kept if not (clone / name).exists()] == []


def test_clean_keeps_an_environment_of_the_users(clone: Path) -> None:
    (clone / ".venv").mkdir()
    assert make(clone, "clean").returncode == 0
    assert (clone / ".venv").is_dir()
