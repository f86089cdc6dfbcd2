"""Which file a name of weights stands for."""

import hashlib
import os
from pathlib import Path

import pytest

from anymask.classifier import labels_hash
from anymask.errors import WeightsError
from anymask.models import (
    DEFAULT,
    MADE_WITH,
    classifier_weights,
    default_weights,
    made_with,
    mask_head_weights,
    refiner_weights,
    resolve,
    weights_hash,
)
from anymask.runtimes import OnnxClassifier, OnnxMaskHead, OnnxRefiner, OnnxRuntime
from anymask.runtimes.base import TRUNK
from anymask.runtimes.onnx_classifier import LABELS


def test_the_default_is_a_file_in_the_package() -> None:
    assert resolve(DEFAULT) == default_weights()
    assert default_weights().is_file() and default_weights().suffix == ".onnx"


@pytest.mark.parametrize("name", ["mine.onnx", "MINE.ONNX", "v1.2 größer.onnx"])
def test_a_file_of_ones_own(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"")  # reading it is the runtime's work
    assert resolve(path) == resolve(str(path)) == path


def test_a_file_called_default_needs_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "default.onnx").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    assert resolve("default") == default_weights()
    assert resolve("default.onnx") == Path("default.onnx")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("missing.onnx", "missing.onnx: there is no such weights file; check the path, or take 'default'"),
        ("folder.onnx", "folder.onnx: there is no such weights file"),
        ("last.pt", r"last.pt: expected 'default' or an ONNX file that `anymask export` wrote, got the suffix '.pt'"),
        ("fastsam-x", "fastsam-x: expected 'default' or an ONNX file .*, got no suffix"),
        ("Default", "got no suffix"),
        ("onnx", "got no suffix"),
        ("", "got no suffix"),
    ],
)
def test_anything_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, said: str) -> None:
    (tmp_path / "folder.onnx").mkdir()
    (tmp_path / "last.pt").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WeightsError, match=said):
        resolve(name)


def test_the_hash_is_that_of_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(b"weights")
    assert weights_hash(path) == hashlib.sha256(b"weights").hexdigest()
    large = os.urandom(3_000_001)  # more than one block
    path.write_bytes(large)
    assert weights_hash(path) == hashlib.sha256(large).hexdigest()


def test_the_packaged_weights_were_made_together() -> None:
    # One command replaces them, scripts/replace_weights.py: a file that was fitted to others than these is refused here
    detector, mask_head = OnnxRuntime(default_weights()), OnnxMaskHead(mask_head_weights())
    classifier, refiner = OnnxClassifier(classifier_weights()), OnnxRefiner(refiner_weights())
    assert {mask_head.trunk, classifier.trunk, refiner.trunk} == {detector.metadata[TRUNK]}
    known = made_with(default_weights())
    assert mask_head.metadata.get(MADE_WITH, known) == known  # one from before it was written there lacks it
    assert classifier.metadata[MADE_WITH] == made_with(default_weights(), mask_head_weights())
    assert classifier.metadata[LABELS] == labels_hash()


def test_files_are_named_by_their_content(tmp_path: Path) -> None:
    one, other = tmp_path / "a.onnx", tmp_path / "b.onnx"
    one.write_bytes(b"one")
    other.write_bytes(b"other")
    assert len(made_with(one)) == 16
    assert len({made_with(one), made_with(other), made_with(one, other), made_with(other, one)}) == 4
