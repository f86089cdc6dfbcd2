"""Counts of small maps, and figures of curves whose answer is known."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

from anymask.datasets import read_photos
from anymask.evaluate.edges.boundary import annotator_boundaries, suppressed
from anymask.evaluate.edges.counting import DRAWN, FOUND, RIGHT, TRUE, count_annotators, count_edges, count_map
from anymask.evaluate.edges.figures import average_precision, ods, ois, recall_at_half, summarise
from anymask.evaluate.edges.matching import Flags
from anymask.image import load_image

SPLIT = Path(__file__).parent.parent.parent.parent / "data" / "photos_split.csv"
SIZE = 40, 60  # pairs may be .54 pixels apart: on the same pixel


def column(*places: int) -> Flags:
    """A map with some whole columns."""
    drawn = np.zeros(SIZE, np.bool_)
    drawn[:, places] = True
    return drawn


@pytest.mark.parametrize(
    ("edges", "annotators", "counts"),  # RIGHT, DRAWN, FOUND, TRUE in columns
    [
        ([10], [[10]], [1, 1, 1, 1]),  # perfect
        ([10], [[10], [10]], [1, 1, 2, 2]),  # right once, found twice
        ([10], [[10], [30]], [1, 1, 1, 2]),  # one annotator is enough to be right
        ([10, 30], [[10], [30]], [2, 2, 2, 2]),  # each half by another
        ([10, 20], [[10]], [1, 2, 1, 1]),  # one too many
        ([], [[10], [30]], [0, 0, 0, 2]),
        ([10], [[]], [0, 1, 0, 0]),
        ([10], [], [0, 1, 0, 0]),
    ],
)
def test_counts(edges: list[int], annotators: list[list[int]], counts: list[int]) -> None:
    found = count_edges(column(*edges), [column(*places) for places in annotators])
    assert found.tolist() == [SIZE[0] * count for count in counts]


def test_thresholds_go_from_low_to_high() -> None:
    strength = 0.3 * column(10) + 0.6 * column(20)
    counts = count_map(strength, [column(10)], 3)  # at .25, .5 and .75
    assert (counts / SIZE[0]).tolist() == [[1, 2, 1, 1], [0, 1, 0, 1], [0, 0, 0, 1]]


def test_annotators_against_each_other() -> None:
    counts = count_annotators([column(10), column(10, 20), column(30)])
    assert (counts / SIZE[0]).tolist() == [[2, 4, 2, 8]]
    assert count_annotators([column(10)]).tolist() == [[0, 0, 0, 0]]  # there are no others


@given(arrays(np.bool_, (3, 6, 8)))
def test_counts_stay_below_their_wholes(maps: Flags) -> None:
    counts = count_edges(maps[0], list(maps[1:]))
    assert counts[RIGHT] <= counts[DRAWN] and counts[FOUND] <= counts[TRUE]
    assert counts[RIGHT] <= counts[FOUND]  # who is right found something


def curve(*points: tuple[float, float]) -> np.ndarray:
    """(thresholds, 4) counts with these precisions and recalls."""
    return np.array([[round(1000 * precision), 1000, round(1000 * recall), 1000] for precision, recall in points])


def test_perfect_edges() -> None:
    counts = np.stack([count_map(column(10).astype(float), [column(10)] * 2, 5)])
    assert ods(counts) == ois(counts) == recall_at_half(counts) == 1.0


def test_no_edges() -> None:
    counts = np.stack([count_map(np.zeros(SIZE), [column(10)], 5)])
    assert ods(counts) == ois(counts) == average_precision(counts) == recall_at_half(counts) == 0.0


@pytest.mark.parametrize(
    ("points", "area", "half"),
    [
        ([(0, 1), (1, 0)], 0.5, 0.5),  # a straight line down
        ([(0.8, 1), (0.8, 0)], 0.8, 1.0),  # as precise everywhere
        ([(0.4, 1), (0.6, 0.5), (1, 0)], 0.65, 0.75),  # .8 on one half, .5 on the other; halfway between two thresholds
        ([(0.4, 1), (0.4, 0)], 0.4, 0.0),  # never precise enough
        ([(0.6, 0.5), (1, 0)], 0.4, 0.5),  # nothing is known beyond a recall of .5: the area there is 0
    ],
)
def test_known_curves(points: list[tuple[float, float]], area: float, half: float) -> None:
    counts = curve(*points)[None]
    assert average_precision(counts) == pytest.approx(area, abs=0.006)  # 101 recalls: the last step may slope
    assert recall_at_half(counts) == pytest.approx(half, abs=0.01)


def test_f_between_two_thresholds() -> None:
    # F is 0 at both, and .5 where both precision and recall are .5
    assert ods(curve((0, 1), (1, 0))[None]) == pytest.approx(0.5, abs=1e-3)


def test_each_photo_at_its_own_threshold() -> None:
    counts = np.stack([curve((1, 1), (0, 0)), curve((0, 0), (1, 1))])
    assert ods(counts) == 0.5
    assert ois(counts) == 1.0


def test_the_summary() -> None:
    same = summarise(np.stack([curve((0.8, 1), (0.8, 0))] * 2))
    assert set(same) == {"ods", "ois", "ap", "r50"}
    assert same["r50"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    differ = summarise(np.stack([curve((1, 1)), curve((0.5, 0.5))]))["ods"]
    assert differ == {"value": 0.75, "low": 0.5, "high": 1.0}


def test_people_are_better_than_gradients(photos: Path) -> None:
    few = read_photos(photos, SPLIT, "kept_out", frozenset({"bsds"}))[:2]
    drawn = [annotator_boundaries(photo) for photo in few]
    people = ods(np.stack([count_annotators(boundaries) for boundaries in drawn]))
    counts = []
    for photo, boundaries in zip(few, drawn, strict=True):
        slopes = np.hypot(*np.gradient(load_image(photo.path).mean(axis=2)))
        counts.append(count_map(suppressed(slopes / slopes.max()), boundaries, 9))
    assert people > ods(np.stack(counts)) + 0.05
    assert 0.6 < people < 1
