"""The worst cases are kept, and drawn as they are."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anymask import rle
from anymask.datasets import LabelledPhoto
from anymask.evaluate.worst import ANSWER, PROMPT, SIDE, TRUTH, Case, Kind, Worst, draw


@pytest.fixture
def photo(tmp_path: Path) -> LabelledPhoto:
    path = tmp_path / "grey.png"
    Image.new("RGB", (100, 60), (90, 90, 90)).save(path)
    return LabelledPhoto("made", path, 60, 100, "all", ((),), ((),))


def square(side: int, x: int, y: int) -> bytes:
    return rle.encode_crop(np.ones((side, side), np.bool_), x, y, 60, 100)


EMPTY = rle.encode_changes(np.zeros(0, np.int64), 60, 100)


def test_only_the_worst_are_kept(photo: LabelledPhoto) -> None:
    worst = Worst(3)
    ious = np.random.default_rng(0).permutation(40) / 40
    for start in range(0, 40, 4):  # ten photos of four objects
        worst.see("click", photo, [square(9, 1, 1)] * 4, [EMPTY] * 4, ious[start : start + 4])
    assert [case.iou for case in worst.cases()] == [0.0, 1 / 40, 2 / 40]


def test_of_equal_ones_the_largest_and_then_the_first(photo: LabelledPhoto) -> None:
    worst = Worst(2)
    truth = [square(side, x, 1) for side, x in ((5, 1), (9, 1), (7, 1), (9, 30))]
    worst.see("box", photo, truth, [EMPTY] * 4, np.zeros(4))
    assert [case.truth for case in worst.cases()] == [truth[1], truth[3]]


def test_what_a_mask_fits_is_not_missed(photo: LabelledPhoto) -> None:
    worst = Worst(5)
    worst.see("missed", photo, [square(9, 1, 1)] * 3, [EMPTY] * 3, np.array([0.5, 0.49, 0.9]))
    worst.see("box", photo, [square(9, 1, 1)], [EMPTY], np.array([0.9]))
    assert [(case.kind, case.iou) for case in worst.cases()] == [("box", 0.9), ("missed", 0.49)]


@pytest.mark.parametrize(
    ("kind", "answer", "colours"),
    [
        ("box", square(10, 44, 24), {TRUTH, ANSWER, PROMPT}),
        ("click", square(10, 44, 24), {TRUTH, ANSWER, PROMPT}),
        ("missed", square(10, 44, 24), {TRUTH, ANSWER}),
        ("missed", EMPTY, {TRUTH}),  # nothing overlaps it
    ],
)
def test_a_picture(photo: LabelledPhoto, kind: Kind, answer: bytes, colours: set[tuple[int, int, int]]) -> None:
    drawn = draw(Case(kind, photo, square(10, 40, 20), answer, 0.2))
    assert max(drawn.size) == SIDE
    seen = {colour for _, colour in drawn.getcolors(SIDE * SIDE) or []}
    assert seen & {TRUTH, ANSWER, PROMPT} == colours


def test_outlines_are_where_the_masks_are(photo: LabelledPhoto) -> None:
    """10 pixels of truth, with 12 around it: 34 source pixels are 360 drawn ones."""
    drawn = np.asarray(draw(Case("missed", photo, square(10, 40, 20), EMPTY, 0.0)))
    rows, columns = np.nonzero((drawn == TRUTH).all(axis=2))
    low, high = 12 / 34 * SIDE, 22 / 34 * SIDE
    assert (rows.min(), columns.min()) == pytest.approx((low, low), abs=1)
    assert (rows.max() + 1, columns.max() + 1) == pytest.approx((high, high), abs=1)


def test_at_the_edge_of_the_photo(photo: LabelledPhoto) -> None:
    drawn = draw(Case("box", photo, square(60, 0, 0), square(60, 40, 0), 0.1))
    assert drawn.size == (SIDE, round(SIDE * 60 / 100))  # the whole photo and nothing beyond
