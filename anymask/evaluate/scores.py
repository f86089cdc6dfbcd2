"""Does a better score mean a better mask? Rank correlation, and the score rule that maximises it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anymask import rle
from anymask.dataset import LabelledPhoto
from anymask.image import load_image
from anymask.letterbox import Letterbox
from anymask.nms import nms_boxes
from anymask.postprocess import CropRule, ScoreRule, assemble, decode
from anymask.runtimes import Runtime

BEST = 100  # candidates per photo that are compared, by class score
POWERS = tuple(np.round(np.arange(0, 4.01, 0.25), 2).tolist())


@dataclass(frozen=True)
class Scored:
    """Candidates of one or more photos, (N,) each."""

    class_scores: NDArray[np.float64]
    maskness: NDArray[np.float64]
    true_iou: NDArray[np.float64]  # with the true mask that fits best

    def correlation(self, rule: ScoreRule) -> float:
        """Spearman's rank correlation of the rule's score with the true IoU."""
        return spearman(rule(self.class_scores, self.maskness), self.true_iou)


def spearman(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Spearman's rank correlation, in [-1, 1]; equal values share their mean rank."""
    return float(np.corrcoef(mean_ranks(a), mean_ranks(b))[0, 1])


def mean_ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) rank of each value from 0, equal values sharing the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts + 1) / 2)[inverse]


def score_photo(runtime: Runtime, photo: LabelledPhoto, image_size: int) -> Scored:
    """The best candidates of one photo with what the score rule knows of them and how good they truly are."""
    image = load_image(photo.path)
    letterbox = Letterbox.fit(*image.shape[:2], image_size)
    raw = runtime.run(letterbox(image))
    candidates = decode(raw, letterbox)
    candidates = candidates[nms_boxes(candidates.boxes, candidates.scores, 0.7, BEST)]
    rles, maskness = assemble(candidates, raw.prototypes[0], letterbox, CropRule())
    truth = rle.iou(rles, list(photo.layers[0]), *image.shape[:2])
    return Scored(candidates.scores, maskness, truth.max(axis=1, initial=0.0))


def score_photos(runtime: Runtime, photos: Iterable[LabelledPhoto], image_size: int) -> Scored:
    """``score_photo`` over photos on which everything, or nearly, is labelled: elsewhere a true IoU is unknown."""
    each = [score_photo(runtime, photo, image_size) for photo in photos if photo.labelled != "some"]
    return Scored(*(np.concatenate([getattr(s, name) for s in each]) for name in Scored.__annotations__))


def fit_score_rule(scored: Scored) -> ScoreRule:
    """The power of maskness, beside a class power of 1, that gives the highest rank correlation."""
    rate: Callable[[float], float] = lambda power: scored.correlation(ScoreRule(1.0, power))  # noqa: E731
    return ScoreRule(1.0, max(POWERS, key=rate))
