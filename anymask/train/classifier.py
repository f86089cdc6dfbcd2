"""What the classifier learns: of which label a mask is, or that it is of none, and whether it is all of a thing."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.utils.data import Dataset

from anymask.errors import SettingsError, WeightsError
from anymask.network.checkpoint import check_same, classifier_config
from anymask.network.classifier import CLASSES, Classifier
from anymask.network.trunk import imagenet_state
from anymask.train.classifier_settings import ClassifierSettings
from anymask.train.described import NONE, Described
from anymask.train.loop import Lesson
from anymask.words.nouns import nouns

PARTLY = {"person", "book", "building"}  # most of which are of no class, though some are
LEFT_OUT = 10  # every so manyeth photo is not learnt from: scores are fitted on those


class DescribedBatch(NamedTuple):
    """B masks whose label is learnt, and J others whose IoU is."""

    descriptions: Tensor  # (B, described) float32
    labels: Tensor  # (B,) int64: from 0, or the number of labels for none of them
    judged: Tensor  # (J, described) float32
    ious: Tensor  # (J,) float32 in [0, 1]


class DescribedBatches(Dataset[DescribedBatch]):
    """Draws of masks, the same for the same number.

    Raises SettingsError where a kind of masks is missing.
    """

    def __init__(self, described: Described, settings: ClassifierSettings) -> None:
        self.settings = settings
        self.described = described
        learnt = described.photos % LEFT_OUT != 0
        named, found = described.labels >= 0, described.found
        self.kinds = (
            (settings.true, np.flatnonzero(learnt & named & ~found)),
            (1 - settings.true - settings.strange, np.flatnonzero(learnt & named & found)),
            (settings.strange, np.flatnonzero(learnt & (described.labels == NONE))),
        )
        whole = np.isin(described.photos, described.photos[described.labels == NONE])  # all is labelled there
        told = learnt & np.isfinite(described.ious)
        judged = [np.flatnonzero(told & each) for each in (~found, found & whole, found & ~whole)]
        shares = settings.judged_true, (1 - settings.judged_true) / 2, (1 - settings.judged_true) / 2
        self.judged = np.concatenate(judged)
        self.judged_chances = np.concatenate(
            [np.full(len(members), share / max(len(members), 1)) for share, members in zip(shares, judged, strict=True)]
        )
        self.judged_chances /= self.judged_chances.sum()
        self.masks = int(learnt.sum())
        # Rare labels are drawn more often than they are there
        counts = np.bincount(described.labels[learnt & named], minlength=settings.network.labels)
        wanted = np.maximum(counts, 1.0) ** -settings.balance
        self.weights = np.where(named, wanted[np.maximum(described.labels, 0)], 1.0)
        for share, members in self.kinds:
            if share > 0 and not len(members):
                raise SettingsError(
                    "the classifier learns from true masks, from found ones, and from found ones that are no object; "
                    "expected each of them, got a kind without one: give more photos of coco, voc and camvid"
                )

    def __getitem__(self, number: int) -> DescribedBatch:
        rng = np.random.default_rng((self.settings.seed, number))
        drawn = []
        for share, members in self.kinds:
            if share > 0:
                chances = self.weights[members] / self.weights[members].sum()
                drawn.append(rng.choice(members, round(share * self.settings.masks), p=chances))
        chosen = np.concatenate(drawn)
        labels = self.described.labels[chosen]
        judged = rng.choice(self.judged, self.settings.judged, p=self.judged_chances)
        return DescribedBatch(
            self._described(chosen, rng),
            torch.from_numpy(np.where(labels == NONE, self.settings.network.labels, labels)),
            self._described(judged, rng),
            torch.from_numpy(self.described.ious[judged]),
        )

    def _described(self, masks: NDArray[np.int64], rng: np.random.Generator) -> Tensor:
        """(B, described) masks, each in the view of use or in another one."""
        descriptions = self.described.descriptions
        others = 1 + rng.integers(descriptions.shape[1] - 1, size=len(masks))
        views = np.where(rng.random(len(masks)) < self.settings.as_used, 0, others)
        return torch.from_numpy(descriptions[masks, views].astype(np.float32))


class ClassifierLosses(NamedTuple):
    """Already weighted by their gains."""

    labels: Tensor
    classes: Tensor
    judged: Tensor

    def total(self) -> Tensor:
        return self.labels + self.classes + self.judged


class ClassifierLesson(Lesson[Classifier]):
    """The classifier on described masks.

    Raises:
        SettingsError: there is nothing to learn from, or not so many labels as nouns have.
    """

    model = "classifier"
    checkpoint = "classifier.pt"

    def __init__(self, described: Described, settings: ClassifierSettings) -> None:
        learnt = len(nouns().labels) - CLASSES
        if settings.network.labels != learnt:
            raise SettingsError(f"network.labels must be {learnt}, as there are, got {settings.network.labels}")
        self.settings: ClassifierSettings = settings
        self.described = described
        self.batches = DescribedBatches(described, settings)
        self.batches_per_epoch = self.batches.masks / settings.masks
        self.same = same_classes()

    def build(self, state: dict[str, Any] | None, path: Path) -> Classifier:
        if state is not None:
            check_same(classifier_config(state, path), self.settings.network, path)
        return Classifier(self.settings.network) if state is not None else self.new()

    def new(self) -> Classifier:
        """One that knows ImageNet's classes, and what descriptions are like."""
        network = Classifier(self.settings.network)
        network.load_imagenet(imagenet_state(self.settings.network.trunk))
        values = self.described.descriptions[:, 0]
        mean = values.mean(axis=0, dtype=np.float64)
        deviation = np.sqrt(np.maximum(np.square(values - mean[None].astype(np.float32)).mean(axis=0), 1e-6))
        network.mean.copy_(torch.from_numpy(mean.astype(np.float32)))
        network.deviation.copy_(torch.from_numpy(deviation.astype(np.float32)))
        return network

    def start_from(self, network: Classifier, weights: Path) -> None:
        raise WeightsError(f"{weights}: a classifier is trained anew in minutes; leave --weights out")

    def begin(self, network: Classifier, device: str) -> None:
        network.train()

    def losses(self, network: Classifier, batch: DescribedBatch, number: int) -> ClassifierLosses:
        torch.manual_seed(self.settings.seed * 2**32 + number)  # of what is dropped
        output = network(batch.descriptions)
        labels = functional.cross_entropy(output.labels, batch.labels, label_smoothing=self.settings.smoothing)
        right = self.same.to(batch.labels.device)[batch.labels]  # (B, 1001)
        chance = output.classes.log_softmax(dim=1).masked_fill(~right, -torch.inf).logsumexp(dim=1)
        judged = functional.binary_cross_entropy_with_logits(network.judged(batch.judged), batch.ious)
        return ClassifierLosses(labels, -self.settings.class_gain * chance.mean(), self.settings.judge_gain * judged)


def same_classes() -> Tensor:
    """(labels + 1, 1001) bool: which of ImageNet's classes a thing of each label may be.

    "none of them", the last, where there is none for a label; and for masks of no label, which may be a thing that only
    ImageNet knows, any.
    """
    labels = nouns().labels
    same = torch.zeros(len(labels) - CLASSES + 1, CLASSES + 1, dtype=torch.bool)
    for label, classes in nouns().covered.items():
        same[label - CLASSES, sorted(classes) or [CLASSES]] = True
        same[label - CLASSES, CLASSES] |= labels[label] in PARTLY
    same[-1] = True
    return same
