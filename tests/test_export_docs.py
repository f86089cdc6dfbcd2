"""The program in docs/export.md, which has nothing of anymask but the exported file, finds what anymask finds."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from anymask import Segmenter
from anymask.image import load_image
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
        ious = same(astronaut, made["masks"], made["scores"], 0.01)
    assert ious.min() > 0.85 and ious.mean() > 0.95


def node_modules() -> Path:
    """Where onnxruntime-node and sharp are installed for Node; skips the test where they are not."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    places = [Path(os.environ.get("ANYMASK_NODE_MODULES", "node_modules")), ROOT / "examples" / "node_modules"]
    for place in places:
        if all((place / package).is_dir() for package in ("onnxruntime-node", "sharp")):
            return place
    pytest.skip(
        "onnxruntime-node and sharp are not installed: npm install them in examples, or set ANYMASK_NODE_MODULES"
    )


def test_the_same_in_javascript(astronaut: Path, tmp_path: Path) -> None:
    (tmp_path / "node_modules").symlink_to(node_modules().absolute())
    program = shutil.copy(ROOT / "examples" / "masks.mjs", tmp_path)
    command = ["node", program, str(default_weights()), str(astronaut)]
    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    scores = np.array(json.loads((tmp_path / "scores.json").read_text()))
    height, width, _ = load_image(astronaut).shape
    masks = np.fromfile(tmp_path / "masks.bin", np.uint8).reshape(len(scores), height, width) > 0
    # Another program reads the JPEG and resizes, and the network is not robust against that
    ious = same(astronaut, masks, scores, 0.05)[:15]
    assert ious.min() > 0.8 and ious.mean() > 0.9


def same(photo: Path, masks: NDArray[np.bool_], scores: NDArray[np.float64], apart: float) -> NDArray[np.float64]:
    """The IoU of each mask that anymask finds in a photo, best first, with the nearest of others.

    apart: by how much their scores may differ.
    """
    expected = Segmenter(threads=1)(photo, score=0.05, drawn=0)
    assert len(expected) > 10 and abs(len(masks) - len(expected)) <= 2  # of those that nearly score too little
    ious = []
    for mask, score in zip(expected.masks, expected.scores, strict=True):
        shared = (masks & mask).sum((1, 2)) / (masks | mask).sum((1, 2))
        ious.append(shared.max())
        assert abs(scores[shared.argmax()] - score) < apart
    return np.array(ious)
