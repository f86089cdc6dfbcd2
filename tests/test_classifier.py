"""Which cells a mask covers, and the labels of masks: where they come from, and when nothing runs for them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from anymask import MaskSet, PromptError, Segmenter, Text, rle
from anymask.classifier import Classifier, Seen, coverage, labels_hash
from anymask.errors import ShapeError, WeightsError
from anymask.letterbox import Letterbox
from anymask.models import classifier_weights, default_weights, mask_head_weights
from anymask.runtimes import OnnxClassifier, OnnxRuntime
from anymask.words.nouns import CLASSES, nouns


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter(threads=1)


@pytest.fixture
def picture() -> NDArray[np.uint8]:
    """A red disc on grey."""
    y, x = np.mgrid[:96, :128]
    pixels = np.full((96, 128, 3), 120, np.uint8)
    pixels[(y - 48) ** 2 + (x - 64) ** 2 < 900] = (220, 30, 30)
    return pixels


def masks_of(picture: NDArray[np.uint8]) -> MaskSet:
    masks = np.zeros((2, *picture.shape[:2]), np.bool_)
    masks[0, 18:78, 34:94] = True
    masks[1, :10] = True
    return MaskSet.from_masks(masks, image=picture)


@pytest.mark.parametrize(
    ("size", "box", "expected"),
    [
        # 32 x 64 source pixels at 64 network pixels: a cell of 8 is 8 of the source
        ((32, 64), (0, 0, 8, 8), {(0, 0): 1.0}),
        ((32, 64), (4, 0, 12, 4), {(0, 0): 0.25, (0, 1): 0.25}),
        ((32, 64), (60, 30, 64, 32), {(3, 7): 0.125}),
        # 16 x 32 at 64: a cell is 4 of the source
        ((16, 32), (0, 0, 4, 4), {(0, 0): 1.0}),
        ((16, 32), (31, 15, 32, 16), {(3, 7): 0.0625}),
        # 63 x 126 at 64: 1.97 of the source in a pixel; the last row and column of cells are covered whole
        ((63, 126), (0, 0, 126, 63), {(y, x): 1.0 for y in range(4) for x in range(8)}),
        ((32, 64), (0, 0, 0, 0), {}),
    ],
)
def test_shares_of_cells(
    size: tuple[int, int], box: tuple[int, int, int, int], expected: dict[tuple[int, int], float]
) -> None:
    x1, y1, x2, y2 = box
    counts = rle.encode_crop(np.ones((y2 - y1, x2 - x1), np.bool_), x1, y1, *size)
    wanted = np.zeros((1, 4, 8), np.float32)
    for cell, share in expected.items():
        wanted[(0, *cell)] = share
    assert np.allclose(coverage([counts], Letterbox.fit(*size, 64)), wanted, atol=1e-5)


@given(st.integers(1, 90), st.integers(1, 90), st.data())
def test_cells_hold_the_area_of_a_mask(height: int, width: int, data: st.DataObject) -> None:
    seed = data.draw(st.integers(0, 2**32 - 1))
    mask = np.random.default_rng(seed).random((height, width)) < 0.5
    letterbox = Letterbox.fit(height, width, 64)
    covered = coverage([rle.encode_crop(mask, 0, 0, height, width)], letterbox)
    assert covered.min() >= 0 and covered.max() <= 1 + 1e-5
    area = mask.sum() * letterbox.scale_x * letterbox.scale_y / 64  # in cells
    assert covered.sum() == pytest.approx(area, rel=1e-4, abs=1e-4)


def scores_of(segmenter: Segmenter, found: MaskSet) -> NDArray[np.float32]:
    scores = segmenter.label(found).label_scores
    assert scores is not None
    return scores


def test_no_masks_have_no_labels(segmenter: Segmenter, picture: NDArray[np.uint8]) -> None:
    assert scores_of(segmenter, MaskSet.empty((96, 128), image=picture)).shape == (0, len(nouns().labels))


def test_scores_are_chances(segmenter: Segmenter, picture: NDArray[np.uint8]) -> None:
    scores = scores_of(segmenter, masks_of(picture))
    assert scores.shape == (2, len(nouns().labels))
    assert scores.min() >= 0
    assert scores[:, :CLASSES].sum(axis=1).max() <= 1 + 1e-5
    assert scores.max() <= 1 + 1e-5


class Counting(OnnxRuntime):
    """Counts what it runs."""

    runs = 0

    def run(self, batch: NDArray[np.float32]) -> Any:
        self.runs += 1
        return super().run(batch)

    def features(self, batch: NDArray[np.float32]) -> Any:
        self.runs += 1
        return super().features(batch)

    def run_with_features(self, batch: NDArray[np.float32]) -> Any:
        self.runs += 1
        return super().run_with_features(batch)


@pytest.mark.parametrize(
    ("how", "passes"),
    [
        ({}, 0),  # the first pass kept what the trunk saw
        ({"drawn": 0}, 1),
        ({"image_size": 320}, 1),  # learnt at the default size, and asked at it
    ],
)
def test_texts_run_the_network_once_at_most(how: dict[str, int], passes: int, picture: NDArray[np.uint8]) -> None:
    segmenter = Segmenter(threads=1)
    counting = Counting(default_weights(), 1)
    segmenter.runtime = counting
    found = segmenter(picture, **how)  # type: ignore[arg-type]
    before = counting.runs
    for text in ("the biggest", "a dog", "the red ball on the left", "two cats"):
        segmenter.select(found, Text(text))
    assert counting.runs - before == passes
    first = segmenter.label(found)
    assert segmenter.label(found) is first
    assert segmenter.label(first) is first


def test_a_question_without_a_noun_needs_no_labels(picture: NDArray[np.uint8]) -> None:
    segmenter = Segmenter(threads=1)
    found = masks_of(picture)
    assert len(segmenter.select(found, Text("the biggest one"))) == 1
    assert "seen" not in found.features


def test_masks_without_a_picture_cannot_be_labelled(segmenter: Segmenter, picture: NDArray[np.uint8]) -> None:
    with pytest.raises(PromptError, match=r"expected masks with their picture or label scores .* got neither"):
        segmenter.select(replace(masks_of(picture), image=None), Text("dog"))


def test_masks_of_another_picture_are_seen_anew(segmenter: Segmenter, picture: NDArray[np.uint8]) -> None:
    found = segmenter(picture)
    other = replace(masks_of(picture[:, :100].copy()), features=found.features)
    assert np.array_equal(scores_of(segmenter, other), scores_of(segmenter, masks_of(picture[:, :100].copy())))


def test_weights_of_another_trunk_are_labelled_by_the_default_one(
    segmenter: Segmenter, picture: NDArray[np.uint8], tmp_path: Path
) -> None:
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    model = onnx.load(default_weights())
    onnx.helper.set_model_props(model, {"trunk": "0123456789abcdef"})
    path = tmp_path / "other.onnx"
    onnx.save(model, path)
    other = Segmenter(path, threads=1)
    expected = scores_of(segmenter, masks_of(picture))
    assert np.array_equal(scores_of(other, masks_of(picture)), expected)
    features = (np.zeros((1, 8, 12, 16), np.float32),) * 4
    strange = Seen("0123456789abcdef", features, Letterbox.fit(96, 128, 640))
    found = replace(masks_of(picture), features={Seen.NAME: strange})
    assert np.array_equal(scores_of(other, found), expected)


def test_labels_of_another_version_are_refused(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    model = onnx.load(classifier_weights())
    onnx.helper.set_model_props(model, {"labels": "0123456789abcdef"})
    path = tmp_path / "other.onnx"
    onnx.save(model, path)
    with pytest.raises(WeightsError, match=rf"labels {labels_hash()} .* got \d+ labels 0123456789abcdef"):
        Classifier(OnnxClassifier(path))


@pytest.mark.parametrize("other", [default_weights, mask_head_weights])
def test_other_models_are_no_classifier(other: Callable[[], Path]) -> None:
    with pytest.raises(WeightsError, match="must be a classifier with the inputs"):
        OnnxClassifier(other())


def test_what_does_not_fit_together_is_refused(segmenter: Segmenter) -> None:
    network = segmenter.classifier.network
    features = segmenter.runtime.features(np.zeros((1, 3, 64, 96), np.float32))
    with pytest.raises(ShapeError, match="masks"):
        network.run(features, np.zeros((1, 8, 11), np.float32))
    with pytest.raises(ShapeError, match="features must be 4 maps, but got 3"):
        network.run(features[1:], np.zeros((1, 8, 12), np.float32))
