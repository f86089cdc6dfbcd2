"""Does a better score mean a better mask? Rank correlation, and the score rule that maximises it."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from anymask import rle
from anymask.datasets import LabelledPhoto, PhotoEntry
from anymask.errors import DatasetError
from anymask.letterbox import Letterbox
from anymask.mask_head import MaskHead
from anymask.postprocess import assemble, decode, suppress
from anymask.rules import CropRule, MaskRule, ScoreRule
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
    """Spearman's rank correlation, in [-1, 1]; equal values share their mean rank. NaN where either is constant."""
    if len(np.unique(a)) < 2 or len(np.unique(b)) < 2:
        return float("nan")
    return float(np.corrcoef(mean_ranks(a), mean_ranks(b))[0, 1])


def mean_ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) rank of each value from 0, equal values sharing the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts + 1) / 2)[inverse]


def score_photo(runtime: Runtime, photo: LabelledPhoto, image_size: int, mask_head: MaskHead | None = None) -> Scored:
    """The best candidates of one photo with what the score rule knows of them and how good they truly are.

    With a mask head, of the masks that it draws, and in place of maskness the IoU it believes them to have.
    """
    image = photo.pixels()
    height, width, _ = image.shape
    letterbox = Letterbox.fit(height, width, image_size)
    pixels = letterbox(image)
    raw, features = runtime.run_with_features(pixels) if mask_head else (runtime.run(pixels), ())
    mask_rule = MaskRule.from_metadata(runtime.metadata)
    candidates = suppress(decode(raw, letterbox), (height, width), 0.7, BEST, mask_rule.clipping)
    if mask_head is not None:
        rles, maskness = mask_head.masks(candidates, raw, features, letterbox)
    else:
        crop_rule = CropRule.from_metadata(runtime.metadata)
        rles, maskness = assemble(candidates, raw.prototypes[0], letterbox, crop_rule, mask_rule=mask_rule)
    truth = rle.iou(rles, list(photo.layers[0]), height, width)
    return Scored(candidates.scores, maskness, truth.max(axis=1, initial=0.0))


def score_photos(
    runtime: Runtime, photos: Iterable[PhotoEntry], image_size: int, mask_head: MaskHead | None = None
) -> Scored:
    """``score_photo`` over photos on which everything, or nearly, is labelled: elsewhere a true IoU is unknown."""
    each = [score_photo(runtime, photo.load(), image_size, mask_head) for photo in photos if photo.labelled != "some"]
    names = [field.name for field in fields(Scored)]
    return Scored(*(np.concatenate([np.zeros(0), *(getattr(scored, name) for scored in each)]) for name in names))


def fit_factor(rule: ScoreRule, drawn: Scored, plain: Scored, plain_rule: ScoreRule) -> ScoreRule:
    """``rule`` with the factor that lets drawn masks score what the same candidates would score undrawn.

    Only some masks of a picture are drawn, and all are ranked together. Those that follow are like the unlikelier half
    of the drawn ones: the factor is the median over those.

    drawn, plain: of the very same candidates. Raises DatasetError if there are none.
    """
    unlikely = plain.class_scores <= np.median(plain.class_scores) if len(plain.class_scores) else np.zeros(0, bool)
    scores = rule(drawn.class_scores, drawn.maskness)[unlikely]
    wanted = plain_rule(plain.class_scores, plain.maskness)[unlikely]
    if not (scores > 0).any():
        raise DatasetError("scores: expected candidates with a score above 0, got none; fit on more photos")
    factor = float(np.median(wanted[scores > 0] / scores[scores > 0]))
    return replace(rule, factor=round(min(factor, 1.0), 3))


def fit_score_rule(scored: Scored, slack: float = 0.0) -> ScoreRule:
    """The power of maskness, beside a class power of 1, that gives the highest rank correlation.

    slack: so much less correlation is as good: the smallest power that reaches it is taken, as scores are largest then.

    Raises DatasetError if there is none: no candidates, or all have the same score or are equally good.
    """
    rules = [ScoreRule(1.0, power) for power in POWERS]
    correlations = np.array([scored.correlation(rule) for rule in rules])
    if np.isnan(correlations).all():
        raise DatasetError(
            f"scores: expected candidates that differ in score and in quality, got {len(scored.true_iou)} candidates; "
            "fit on more photos on which everything is labelled"
        )
    return rules[int(np.flatnonzero(correlations >= np.nanmax(correlations) - slack)[0])]
