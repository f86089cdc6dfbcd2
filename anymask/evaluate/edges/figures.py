"""Figures of the BSDS500 benchmark from the counts of photos: ODS, OIS, AP and R50.

Arbelaez, Maire, Fowlkes and Malik, "Contour detection and hierarchical image segmentation", 2011, section 3.1.
Counts are (photos, thresholds, 4), with the columns of `counting`, thresholds from low to high. A share of nothing
is 0.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from anymask.evaluate.bootstrap import interval
from anymask.evaluate.edges.counting import DRAWN, FOUND, RIGHT, TRUE

Counts = NDArray[np.int64]
Curve = NDArray[np.float64]

BETWEEN = 100  # points from one threshold to the next at which F is looked at
RECALLS = np.linspace(0, 1, 101)  # at which AP samples precision
HALF = 0.5  # the precision of R50


def precision_recall(counts: Counts) -> tuple[Curve, Curve]:
    """Precision and recall, (...,) each, of (..., 4) counts."""
    return share(counts[..., RIGHT], counts[..., DRAWN]), share(counts[..., FOUND], counts[..., TRUE])


def share(parts: Counts, wholes: Counts) -> Curve:
    """parts / wholes, 0 where there is no whole."""
    return np.divide(parts, wholes, out=np.zeros(np.shape(parts)), where=wholes > 0)


def f_measure(precision: Curve, recall: Curve) -> Curve:
    """The harmonic mean of both, 0 where both are 0."""
    return np.divide(2 * precision * recall, precision + recall, out=np.zeros_like(precision), where=precision > 0)


def ods(counts: Counts) -> float:
    """The best F of all photos at one threshold (optimal dataset scale).

    Precision and recall are linear between two thresholds.
    """
    precision, recall = finely(*precision_recall(counts.sum(axis=0)))
    return float(f_measure(precision, recall).max(initial=0.0))


def ois(counts: Counts) -> float:
    """F of all photos, each at the threshold that is best for itself (optimal image scale)."""
    best = f_measure(*precision_recall(counts)).argmax(axis=1)
    chosen = counts[np.arange(len(counts)), best].sum(axis=0)
    return float(f_measure(*precision_recall(chosen)))


def average_precision(counts: Counts) -> float:
    """The area under precision over recall, linear between thresholds; 0 at recalls that no threshold reaches."""
    precision, recall = precision_recall(counts.sum(axis=0))
    recall, first = np.unique(recall, return_index=True)
    return float(np.trapezoid(np.interp(RECALLS, recall, precision[first], left=0, right=0), RECALLS))


def recall_at_half(counts: Counts) -> float:
    """The highest recall at a precision of at least .5, linear between thresholds; 0 where precision never is."""
    precision, recall = finely(*precision_recall(counts.sum(axis=0)))
    return float(recall[precision >= HALF].max(initial=0.0))


def finely(precision: Curve, recall: Curve) -> tuple[Curve, Curve]:
    """Both at `BETWEEN` points from each threshold to the next."""
    places = np.linspace(0, len(recall) - 1, (len(recall) - 1) * BETWEEN + 1)
    thresholds = np.arange(len(recall))
    return np.interp(places, thresholds, precision), np.interp(places, thresholds, recall)


FIGURES: dict[str, Callable[[Counts], float]] = {
    "ods": ods,
    "ois": ois,
    "ap": average_precision,
    "r50": recall_at_half,
}


def summarise(counts: Counts) -> dict[str, dict[str, float]]:
    """Every figure by name as {"value", "low", "high"}, with its 95 % bootstrap interval over photos."""
    return {name: with_interval(figure, counts) for name, figure in FIGURES.items()}


def with_interval(figure: Callable[[Counts], float], counts: Counts) -> dict[str, float]:
    """One figure of at least one photo, rounded to four digits."""
    low, high = interval(lambda chosen: figure(counts[chosen]), len(counts))
    return {"value": round(figure(counts), 4), "low": round(low, 4), "high": round(high, 4)}
