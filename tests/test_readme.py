"""What README.md shows works as it stands."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from anymask.prompts import parse

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


COMMANDS = [line for block in blocks("console") for line in block.splitlines() if line.startswith("anymask ")]


def test_there_is_a_snippet_per_door() -> None:
    assert len(blocks("python")) >= 1
    assert len(COMMANDS) >= 2


@pytest.mark.parametrize("program", blocks("python"))
def test_python_snippets_run(program: str) -> None:
    finished = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr


@pytest.mark.parametrize("page", ["python", "words"])
def test_the_python_snippet_of_a_page_runs(page: str) -> None:
    text = (ROOT / "docs" / f"{page}.md").read_text("utf-8")
    (snippet,) = re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    made = 'import anymask\nsegmenter = anymask.Segmenter()\nfound = segmenter("examples/astronaut.jpg")\n'
    finished = subprocess.run(
        [sys.executable, "-c", made + snippet], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_run(line: str, astronaut: Path, tmp_path: Path) -> None:
    shutil.copy(astronaut, tmp_path / "photo.jpg")
    command = [sys.executable, "-m", "anymask", *shlex.split(line, comments=True)[1:]]
    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr


@pytest.mark.parametrize("line", [line for block in blocks("json") for line in block.splitlines()])
def test_prompts_are_prompts(line: str) -> None:
    document = json.loads(line)
    assert parse(document).to_json() == document


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= 180
