"""How sure a classifier must be before it says what a mask is: fitted on masks that training left out.

A label is found in a picture if one of many masks looks like it, so that a small chance for each adds up to a false
alarm. What "none of them" counts against the labels is raised until those are rare.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from anymask.network.classifier import CLASSES, Classifier
from anymask.train.classifier import LEFT_OUT, same_classes
from anymask.train.described import NONE, Described
from anymask.words.kinds import CUT

FALSE_ALARMS = 0.05  # of labels that are not in a picture, so many are found there
STEPS = np.arange(-4, 6.01, 0.1)  # added to the logit of "none of them"


class Fit(NamedTuple):
    """What was fitted, and what came of it on masks that training left out."""

    labels: float  # added to the logit of "none of the labels"
    classes: float  # and of "none of ImageNet's classes"
    false_alarms: float  # share of the labels that are not in a picture, that are found there
    found: float  # share of those that are, whose best mask is of one and scores enough


@torch.no_grad()
def fit_none(network: Classifier, described: Described) -> Fit:
    """Changes ``network``. Nothing is changed where no picture was left out of training."""
    left = (described.photos % LEFT_OUT == 0) & described.found
    if not left.any():
        return Fit(0, 0, float("nan"), float("nan"))
    output = network(torch.from_numpy(described.descriptions[left].astype(np.float32)))
    photos, labels = described.photos[left], described.labels[left]
    whole = np.isin(photos, photos[labels == NONE])  # only where everything is labelled is a mask known to be nothing
    same = same_classes()[:-1, :-1].float()

    def by_label(extra: float) -> NDArray[np.float32]:
        logits = output.labels.clone()
        logits[:, -1] += extra
        scores: NDArray[np.float32] = logits.softmax(dim=1)[:, :-1].numpy()
        return scores

    def by_class(extra: float) -> NDArray[np.float32]:
        logits = output.classes.clone()
        logits[:, -1] += extra
        scores: NDArray[np.float32] = (logits.softmax(dim=1)[:, :CLASSES] @ same.T).numpy()
        return scores

    fitted = []
    for scores in (by_label, by_class):
        rates = [outcome(scores(extra)[whole], photos[whole], labels[whole])[0] for extra in STEPS]
        fitted.append(float(STEPS[next((at for at, rate in enumerate(rates) if rate <= FALSE_ALARMS), -1)]))
    network.leave.bias[-1] += fitted[0]
    network.no_class.bias[0] += fitted[1]
    both = np.maximum(by_label(fitted[0]), by_class(fitted[1]))[whole]
    false_alarms, found = outcome(both, photos[whole], labels[whole])
    return Fit(fitted[0], fitted[1], false_alarms, found)


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
