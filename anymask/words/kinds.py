"""How much masks look like a kind of thing: from scores for labels to scores for nouns.

The scores of N masks are (N, L) float32 in [0, 1], in the order of ``nouns().labels``. The first `CLASSES` are those of
ImageNet, of which a mask is one at most, so that what a noun like "terrier" has of them adds up. Those after them were
learnt from photos, may be several at once, and the best of them counts. Of what a label of the photos means, such as
all breeds of dogs, it alone is asked: it was learnt from masks, and is right more often.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anymask.errors import ShapeError, check_shape
from anymask.words.nouns import CLASSES, nouns

CUT = 0.5  # from this score on a mask is said to be of a kind; the classifier is fitted to it by `train.fit_sureness`


def kind_scores(label_scores: NDArray[np.floating[Any]], labels: Sequence[int]) -> NDArray[np.float32]:
    """(N,) how much masks look like any of some labels: the best of the photos', or the sum of other classes if higher.

    label_scores: (N, L). labels: numbers below L, each once.

    Raises ShapeError for scores of another number of labels than the numbers reach to.
    """
    check_shape(label_scores, "N L", "label_scores")
    if labels and max(labels) >= label_scores.shape[1]:
        raise ShapeError(
            f"label_scores must have a column for each label, but got {label_scores.shape[1]} columns and the label "
            f"{max(labels)}: make them with the classifier of this version"
        )
    others = [label for label in labels if label >= CLASSES]
    covered = frozenset[int]().union(*(nouns().covered[label] for label in others))
    classes = [label for label in labels if label < CLASSES and label not in covered]
    summed = np.minimum(label_scores[:, classes].sum(axis=1), 1)
    best = label_scores[:, others].max(axis=1, initial=0)
    return np.asarray(np.maximum(summed, best), np.float32)
