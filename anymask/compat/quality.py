"""Our scores on the scale of SAM's two thresholds, so that thresholds written for SAM keep their meaning.

A mask is worth looking at from a score of .05 here; SAM keeps those whose predicted IoU is at least .88 and whose
stability is at least .95. Each scale is a power of the score that takes the one cut to the other and leaves 0 and 1
where they are. Neither is a measured IoU or stability: there is one score, seen through two scales.
"""

from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anymask.errors import SettingsError
from anymask.segment import SHOWN

PRED_IOU_THRESH = 0.88  # SAM's defaults
STABILITY_SCORE_THRESH = 0.95

IOU_POWER = log(PRED_IOU_THRESH) / log(SHOWN)
STABILITY_POWER = log(STABILITY_SCORE_THRESH) / log(SHOWN)


def predicted_iou(scores: NDArray[Any]) -> NDArray[np.float32]:
    """Scores in [0, 1] on the scale of ``pred_iou_thresh``."""
    return (scores**IOU_POWER).astype(np.float32)


def stability(scores: NDArray[Any]) -> NDArray[np.float32]:
    """Scores in [0, 1] on the scale of ``stability_score_thresh``."""
    return (scores**STABILITY_POWER).astype(np.float32)


def least_score(pred_iou_thresh: float, stability_score_thresh: float) -> float:
    """The score from which a mask passes both thresholds.

    Raises SettingsError if one is not in [0, 1].
    """
    for name, value in (("pred_iou_thresh", pred_iou_thresh), ("stability_score_thresh", stability_score_thresh)):
        if not 0 <= value <= 1:
            raise SettingsError(f"{name} must be in [0, 1], but got {value}")
    return float(max(pred_iou_thresh ** (1 / IOU_POWER), stability_score_thresh ** (1 / STABILITY_POWER)))
