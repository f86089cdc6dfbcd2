"""How sure the classifier must be: as much is found as is possible while false alarms are rare."""

import numpy as np
import pytest
import torch

from anymask.network.classifier import CLASSES, Classifier, ClassifierConfig, ClassifierOutput
from anymask.train.classifier import LEFT_OUT
from anymask.train.described import NONE, Described
from anymask.train.fit_sureness import LABELS_ALARM, Fit, fit_sureness, outcome

CONFIG = ClassifierConfig(hidden=2)


@pytest.mark.parametrize(
    ("scores", "labels", "expected"),
    [
        # one picture, three masks, two labels: the best mask of a label counts
        ([[0.9, 0.1], [0.6, 0.2], [0.1, 0.3]], [0, 1, NONE], (float("nan"), 0.5)),
        ([[0.9, 0.1], [0.6, 0.2], [0.1, 0.7]], [0, NONE, NONE], (1.0, 1.0)),
        ([[0.4, 0.1], [0.3, 0.2], [0.1, 0.4]], [0, NONE, NONE], (0.0, 0.0)),
        ([[0.6, 0.1], [0.9, 0.2], [0.1, 0.4]], [0, NONE, NONE], (0.0, 0.0)),  # the best is another thing
    ],
)
@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:invalid value encountered")
def test_outcomes(scores: list[list[float]], labels: list[int], expected: tuple[float, float]) -> None:
    got = outcome(np.array(scores, np.float32), np.zeros(3, np.int64), np.array(labels))
    assert got == pytest.approx(expected, nan_ok=True)


class Reading(Classifier):
    """Its logits of the labels are the first numbers of a description, and it is rarely sure enough."""

    def forward(self, described: torch.Tensor) -> ClassifierOutput:
        none = torch.full((len(described), 1), 5.0)
        classes = torch.full((len(described), CLASSES), -9.0)
        no_class = self.no_class.bias.expand(len(described), 1)
        labels = described[:, : self.config.labels]
        return ClassifierOutput(torch.cat((classes, no_class), dim=1), torch.cat((labels, none), dim=1))

    def judged(self, described: torch.Tensor) -> torch.Tensor:
        return torch.full((len(described),), 9.0)


def masks() -> tuple[Classifier, Described]:
    """Of 40 pictures, 4 of which are left out: of each three objects and ten masks of nothing."""
    rng = np.random.default_rng(0)
    network = Reading(CONFIG).eval()
    labels = np.where(np.arange(40 * 13) % 13 < 3, rng.integers(0, CONFIG.labels, 40 * 13), NONE)
    descriptions = np.zeros((len(labels), 1, network.described), np.float16)
    descriptions[:, 0, : CONFIG.labels] = rng.normal(0, 1.2, (len(labels), CONFIG.labels))
    descriptions[np.flatnonzero(labels != NONE), 0, labels[labels != NONE]] += 3
    photos, ious = np.repeat(np.arange(40), 13), (labels != NONE).astype(np.float32)
    return network, Described(descriptions, labels, photos, np.ones(len(labels), np.bool_), ious)


def test_false_alarms_become_rare_and_things_are_found() -> None:
    network, described = masks()
    before = network.scores(torch.from_numpy(described.descriptions[:, 0].astype(np.float32)))[:, CLASSES:].clone()
    fit = fit_sureness(network, described)
    after = network.scores(torch.from_numpy(described.descriptions[:, 0].astype(np.float32)))[:, CLASSES:]
    assert 1 < fit.labels < 6 and float(network.sureness) == pytest.approx(fit.labels)
    assert (after >= before).all()
    assert torch.equal(after.argmax(dim=1), before.argmax(dim=1))  # only moved
    assert fit.false_alarms <= LABELS_ALARM
    left = described.photos % LEFT_OUT == 0
    unfitted = outcome(before.detach().numpy()[left], described.photos[left], described.labels[left])[1]
    assert fit.found > unfitted


def test_without_what_was_left_out_nothing_changes() -> None:
    network, described = masks()
    kept = described.photos % LEFT_OUT != 0
    fit = fit_sureness(network, Described(*(each[kept] for each in described)))
    assert fit[:2] == Fit(0, 0, 0, 0)[:2] and np.isnan(fit.found)
    assert float(network.sureness) == 0
