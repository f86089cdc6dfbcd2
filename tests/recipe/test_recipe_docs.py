"""docs/recipes.md: its walk-through runs, and what it says comes out."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

TEXT = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", TEXT, flags=re.MULTILINE | re.DOTALL)
    return str(found)


def test_the_walk_through_runs(tmp_path: Path, astronaut: Path) -> None:
    shutil.copy(astronaut, tmp_path / "photo.jpg")
    first, again, other = (
        subprocess.run(
            [sys.executable, "-m", "anymask", *shlex.split(line)[1:]],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        for line in block("console").splitlines()
    )
    assert first.returncode == again.returncode == other.returncode == 0
    recorded = json.loads((tmp_path / "first" / "photo.recipe.json").read_text())["objects"]
    assert again.stderr == ""
    assert [each["rle"] for each in json.loads(again.stdout)["masks"]] == [each["rle"] for each in recorded]
    shown = block("text").splitlines()
    told = other.stderr.splitlines()[:-1]
    assert len(told) >= 2 and told[0].startswith(shown[0].partition(" instead of the threads")[0])
    # Numbers are those of one computer
    assert re.sub(r"[\d.]+|\b(is|are)\b", "#", told[-1]) == re.sub(r"[\d.]+|\b(is|are)\b", "#", shown[-1])


def test_the_program_runs(tmp_path: Path, astronaut: Path) -> None:
    shutil.copy(astronaut, tmp_path / "photo.jpg")
    finished = subprocess.run(
        [sys.executable, "-c", block("python")], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr
