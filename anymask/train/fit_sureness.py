"""How sure a classifier must be before it says what a mask is: fitted on masks that training left out.

A label is found in a picture if one of many masks looks like it, so that a small chance for each adds up to a false
alarm; and asked for by its name, a thing that may be a cup or a bowl is better found than not. So scores are moved to
where at a score of ``CUT`` as much is found as is possible while false alarms are rare.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anymask.network.classifier import CLASSES, Classifier
from anymask.train.classifier import LEFT_OUT, same_classes
from anymask.train.described import NONE, Described
from anymask.words.kinds import CUT

# Of labels that are not in a picture, so many are found there, by the labels' scores and by those of ImageNet's classes
LABELS_ALARM, CLASSES_ALARM = 0.08, 0.02
STEPS = np.arange(6, -6.01, -0.1).tolist()  # what is added to logits, from much that is found to little


class Fit(NamedTuple):
    """What was fitted, and what came of the labels on masks that training left out."""

    labels: float  # added to the log odds of labels
    classes: float  # taken off the logit of "none of ImageNet's classes"
    false_alarms: float  # share of the labels that are not in a picture, that are found there
    found: float  # share of those that are, whose best mask is of one and scores enough


@torch.no_grad()
def fit_sureness(network: Classifier, described: Described) -> Fit:
    """Changes ``network``. Nothing is changed where nothing was left out of training."""
    left = (described.photos % LEFT_OUT == 0) & described.found
    left &= np.isin(described.photos, described.photos[described.labels == NONE])  # only there all is labelled
    if not left.any():
        return Fit(0, 0, float("nan"), float("nan"))
    descriptions = torch.from_numpy(described.descriptions[left, 0].astype(np.float32))
    photos, labels = described.photos[left], described.labels[left]
    same = same_classes()[:-1, :-1].float()
    trained = network.sureness.clone(), network.no_class.bias.clone()
    output, judged = network(descriptions), network.judged(descriptions)  # once; what is fitted only moves them
    none = torch.eye(CLASSES + 1)[CLASSES]

    def scores(of_labels: float, of_classes: float) -> tuple[Tensor, Tensor]:
        network.sureness.copy_(trained[0] + of_labels)
        network.no_class.bias.copy_(trained[1] - of_classes)
        every = network.scored(output._replace(classes=output.classes - of_classes * none), judged)
        return every[:, CLASSES:], (every[:, :CLASSES] @ same.T).clamp(max=1)

    def first(sort: int, rare: float) -> float:
        rates = ((step, outcome(scores(step, step)[sort].numpy(), photos, labels)[0]) for step in STEPS)
        return float(next((step for step, rate in rates if rate <= rare), STEPS[-1]))

    fitted = first(0, LABELS_ALARM), first(1, CLASSES_ALARM)
    return Fit(*fitted, *outcome(scores(*fitted)[0].numpy(), photos, labels))


def outcome(scores: NDArray[np.float32], photos: NDArray[np.int64], labels: NDArray[np.int64]) -> tuple[float, float]:
    """False alarms and found ones, as shares; a picture's best mask for a label counts.

    scores: (M, labels). photos, labels: (M,), as in `Described`; labels of pictures on which everything is labelled.
    """
    alarms, found = [], []
    for photo in np.unique(photos):
        own = np.flatnonzero(photos == photo)
        best = own[scores[own].argmax(axis=0)]
        enough = scores[best, np.arange(scores.shape[1])] >= CUT
        there = np.isin(np.arange(scores.shape[1]), labels[own])
        alarms.append(enough[~there])
        found.append((enough & (labels[best] == np.arange(scores.shape[1])))[there])
    return float(np.concatenate(alarms).mean()), float(np.concatenate(found).mean())
