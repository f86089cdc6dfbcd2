"""The program in docs/export.md, which has nothing of anymask but the exported file, finds what anymask finds."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np

from anymask import Segmenter
from anymask.models import default_weights

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "export.md").read_text("utf-8")
PROGRAMS = re.findall(r"^```python\n(.*?)^```", TEXT, flags=re.MULTILINE | re.DOTALL)


def test_the_first_program_runs() -> None:
    finished = subprocess.run([sys.executable, "-c", PROGRAMS[0]], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr


def test_the_rest_of_the_work_is_what_anymask_does(astronaut: Path, tmp_path: Path) -> None:
    without = "import sys; sys.modules['anymask'] = None\n"
    command = [sys.executable, "-c", without + PROGRAMS[1], str(default_weights()), str(astronaut)]
    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    with np.load(tmp_path / "masks.npz") as made:
        masks, scores = made["masks"], made["scores"]
    expected = Segmenter(threads=1)(astronaut, score=0.05, drawn=0)
    assert len(expected) > 10 and abs(len(masks) - len(expected)) <= 2  # of those that nearly score too little
    ious = []
    for mask, score in zip(expected.masks, expected.scores, strict=True):
        shared = (masks & mask).sum((1, 2)) / (masks | mask).sum((1, 2))
        ious.append(shared.max())
        assert abs(scores[shared.argmax()] - score) < 0.01
    assert min(ious) > 0.85 and np.mean(ious) > 0.95
