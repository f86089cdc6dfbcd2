"""How many edge pixels are right and how many boundary pixels are found, at every threshold on the strength."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from anymask.evaluate.edges.boundary import thinned
from anymask.evaluate.edges.matching import match, reach

THRESHOLDS = 99  # as in the benchmark; fewer only sample the curve of precision over recall more coarsely

RIGHT, DRAWN, FOUND, TRUE = range(4)  # columns of counts: precision is RIGHT / DRAWN, recall is FOUND / TRUE


def thresholds(number: int = THRESHOLDS) -> NDArray[np.float64]:
    """(number,) levels inside (0, 1), evenly spaced."""
    return np.arange(1, number + 1) / (number + 1)


def count_map(
    strength: NDArray[np.floating], annotators: Sequence[NDArray[np.bool_]], number: int = THRESHOLDS
) -> NDArray[np.int64]:
    """(number, 4) counts of one photo, see `count_edges`, one row for each of so many `thresholds`.

    strength: (H, W) in [0, 1]; edges are where it reaches the threshold, thinned.
    annotators: the (H, W) boundary of each.
    """
    return np.stack([count_edges(thinned(strength >= level), annotators) for level in thresholds(number)])


def count_edges(edges: NDArray[np.bool_], annotators: Sequence[NDArray[np.bool_]]) -> NDArray[np.int64]:
    """(4,) counts RIGHT, DRAWN, FOUND, TRUE of one map of edges, each (H, W) bool.

    Every annotator's boundary is matched alone, see `match`. An edge pixel is RIGHT if any of them matches it. FOUND
    and TRUE are summed over annotators: to find everything is to find what each of them drew.
    """
    right = np.zeros_like(edges)
    found = 0
    for boundary in annotators:
        matched_edges, matched_boundary = match(edges, boundary, reach(*edges.shape))
        right |= matched_edges
        found += int(matched_boundary.sum())
    true = sum(np.count_nonzero(boundary) for boundary in annotators)
    return np.array([np.count_nonzero(right), np.count_nonzero(edges), found, true])


def count_annotators(annotators: Sequence[NDArray[np.bool_]]) -> NDArray[np.int64]:
    """(1, 4) counts of each annotator's boundary as edges against all others, summed over them; 0 of a lone one."""
    others = [[*annotators[:index], *annotators[index + 1 :]] for index in range(len(annotators))]
    counts = [count_edges(one, rest) for one, rest in zip(annotators, others, strict=True) if rest]
    total: NDArray[np.int64] = np.stack([np.zeros(4, np.int64), *counts]).sum(axis=0, keepdims=True)
    return total
