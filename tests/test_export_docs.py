"""The program in docs/export.md, which has nothing of anymask but the exported file, finds what anymask finds."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from anymask import Segmenter
from anymask.fastsam.checkpoint import our_weights, variant_of, write_weights
from anymask.fastsam.weights import onnx_file
from anymask.image import load_image
from anymask.models import default_weights
from scripts.coarse_weights import unpack

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "export.md").read_text("utf-8")
PROGRAMS = re.findall(r"^```python\n(.*?)^```", TEXT, flags=re.MULTILINE | re.DOTALL)

Scores = NDArray[np.float64]
Masks = NDArray[np.bool_]
RunJavaScript = Callable[..., tuple[Scores, Masks]]


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


def test_the_javascript_shown_is_that_of_the_example() -> None:
    (shown,) = re.findall(r"^```js\n(.*?)^```", TEXT, flags=re.MULTILINE | re.DOTALL)
    assert shown in (ROOT / "examples" / "masks.mjs").read_text("utf-8")
    function = shown[shown.index("function") :]
    assert len(function.splitlines()) <= 30  # what the text says of it


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


@pytest.fixture
def run_javascript(tmp_path: Path) -> RunJavaScript:
    """Runs the example with a changed score limit in a folder of its own; the scores, and the masks."""
    (tmp_path / "node_modules").symlink_to(node_modules().absolute())

    def run_javascript(*given: object, photo: Path, fastsam_score: str = "0.25") -> tuple[Scores, Masks]:
        text = (ROOT / "examples" / "masks.mjs").read_text("utf-8")
        (tmp_path / "masks.mjs").write_text(text.replace("0.25", fastsam_score), "utf-8")
        model, *more = map(str, given)
        command = ["node", "masks.mjs", model, str(photo), *more]
        finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert finished.returncode == 0, finished.stderr
        scores = np.array(json.loads((tmp_path / "scores.json").read_text()))
        height, width, _ = load_image(photo).shape
        return scores, np.fromfile(tmp_path / "masks.bin", np.uint8).reshape(len(scores), height, width) > 0

    return run_javascript


def test_the_same_in_javascript(astronaut: Path, run_javascript: RunJavaScript) -> None:
    scores, masks = run_javascript(default_weights(), photo=astronaut)
    # Another program reads the JPEG and resizes, and the network is not robust against that
    ious = same(astronaut, masks, scores, 0.05)[:15]
    assert ious.min() > 0.8 and ious.mean() > 0.9


def test_the_same_in_javascript_with_fastsams_weights(
    astronaut: Path, run_javascript: RunJavaScript, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network kept for CI, which scores low, on a picture that is padded and not resized."""
    monkeypatch.setenv("ANYMASK_CACHE", str(tmp_path / "cache"))
    weights = unpack((ROOT / "data" / "fastsam_n.xz").read_bytes())
    with (tmp_path / "n.pt").open("wb") as stream:
        write_weights(stream, variant_of(weights, tmp_path), our_weights(weights))
    photo = tmp_path / "photo.png"
    Image.fromarray(load_image(astronaut)[:200, :320]).save(photo)
    scores, masks = run_javascript(onnx_file(tmp_path / "n.pt"), 320, photo=photo, fastsam_score="0.03")
    expected = Segmenter(tmp_path / "n.pt", threads=1)(photo, score=0.03, image_size=320)
    assert len(masks) == len(expected) > 10
    np.testing.assert_allclose(scores, expected.scores, atol=1e-5)
    both, either = (expected.masks & masks).sum((1, 2)), (expected.masks | masks).sum((1, 2))
    assert (both / np.maximum(either, 1)).min() > 0.99


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
