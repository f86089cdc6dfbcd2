"""Rank correlation by literal values, and the score rule that it picks."""

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anymask import DatasetError, rle
from anymask.datasets import LabelledPhoto
from anymask.evaluate.scores import Scored, fit_factor, fit_score_rule, mean_ranks, score_photo, score_photos, spearman
from anymask.rules import ScoreRule
from anymask.runtimes import FakeRuntime


@pytest.mark.parametrize(
    ("values", "ranks"),
    [
        ([], []),
        ([7.0], [0]),
        ([3.0, 1.0, 2.0], [2, 0, 1]),
        ([1.0, 1.0], [0.5, 0.5]),  # equal values share the mean of their ranks
        ([5.0, 1.0, 5.0, 9.0, 5.0], [2, 0, 2, 4, 2]),
        ([0.2, 0.1, 0.2, 0.1], [2.5, 0.5, 2.5, 0.5]),
        ([-1.0, -np.inf, np.inf], [1, 0, 2]),
    ],
)
def test_mean_ranks(values: list[float], ranks: list[float]) -> None:
    assert mean_ranks(np.array(values)).tolist() == ranks


@pytest.mark.parametrize(
    ("a", "b", "correlation"),
    [
        ([1, 2, 3], [10, 20, 30], 1),
        ([1, 2, 3], [1, 100, 101], 1),  # only the order counts
        ([1, 2, 3], [3, 2, 1], -1),
        ([1, 2, 3], [1, 3, 2], 0.5),
        ([1, 2, 3, 4, 5], [5, 6, 7, 8, 7], 0.8207826816681233),  # a tie in b
        ([1, 2, 2, 3], [1, 3, 2, 4], 0.9486832980505138),  # 4.5 / sqrt(4.5 x 5)
        ([1, 1, 2, 2], [1, 2, 1, 2], 0),
    ],
)
def test_spearman(a: list[float], b: list[float], correlation: float) -> None:
    first, second = np.array(a, float), np.array(b, float)
    assert spearman(first, second) == pytest.approx(correlation, abs=1e-12)
    assert spearman(second, first) == pytest.approx(correlation, abs=1e-12)


@pytest.mark.parametrize(("a", "b"), [([], []), ([1], [2]), ([1, 1], [1, 2]), ([1, 2], [3, 3])])
def test_spearman_of_a_constant_is_not_known(a: list[float], b: list[float]) -> None:
    assert math.isnan(spearman(np.array(a, float), np.array(b, float)))


def test_the_power_with_the_best_order_is_taken() -> None:
    # the class score alone is right
    right = Scored(np.array([0.1, 0.2, 0.3]), np.array([0.9, 0.7, 0.5]), np.array([0.1, 0.2, 0.3]))
    assert fit_score_rule(right) == ScoreRule(1.0, 0.0)
    # it says nothing: any power above 0 is right, and the first is taken
    silent = Scored(np.array([0.5, 0.5, 0.5]), np.array([0.5, 0.7, 0.9]), np.array([0.1, 0.2, 0.3]))
    assert fit_score_rule(silent) == ScoreRule(1.0, 0.25)
    # it misleads, and maskness needs a power above log(.4 / .2) / log(.9 / .6) = 1.71 to win
    wrong = Scored(np.array([0.4, 0.2]), np.array([0.6, 0.9]), np.array([0.1, 0.9]))
    assert fit_score_rule(wrong) == ScoreRule(1.0, 1.75)
    assert wrong.correlation(ScoreRule(1.0, 1.5)) == pytest.approx(-1)


@pytest.mark.parametrize("values", [[], [0.5], [0.5, 0.5]])
def test_nothing_to_fit_on_is_refused(values: list[float]) -> None:
    same = np.array(values)
    with pytest.raises(DatasetError, match=rf"differ in score and in quality, got {len(values)} candidates"):
        fit_score_rule(Scored(same, same, same))


def runtime() -> FakeRuntime:
    """Three candidates in a picture of 32 x 32: boxes 4..20, 12..28 and the first once more, which is suppressed."""
    rows = np.array(
        [
            [12, 12, 16, 16, 0.9, 5.0],
            [20, 20, 16, 16, 0.6, 5.0],
            [12, 12, 16, 16, 0.5, 5.0],
        ],
        np.float32,
    )
    return FakeRuntime(rows.T[None], np.ones((1, 1, 8, 8), np.float32))


@pytest.fixture
def photo(tmp_path: Path) -> LabelledPhoto:
    Image.new("RGB", (32, 32)).save(tmp_path / "a.png")
    truth = rle.encode_crop(np.ones((16, 16), np.bool_), 4, 4, 32, 32)
    return LabelledPhoto("coco", tmp_path / "a.png", 32, 32, "all", ((truth,),), (("cat",),))


def test_candidates_of_a_photo(photo: LabelledPhoto) -> None:
    scored = score_photo(runtime(), photo, 32)
    assert scored.class_scores.tolist() == pytest.approx([0.9, 0.6])
    assert scored.maskness.tolist() == pytest.approx([1 / (1 + math.exp(-5))] * 2)
    best, second = scored.true_iou.tolist()
    assert 0.1 < second < 0.3 < 0.4 < best  # the first is the true box and what the crop rule grants around it
    assert scored.correlation(ScoreRule(1.0, 1.0)) == pytest.approx(1)


def test_only_photos_with_everything_labelled_count(photo: LabelledPhoto) -> None:
    names = ("collection", "path", "height", "width", "labelled", "layers", "labels")
    some, most = (
        LabelledPhoto(**{**{name: getattr(photo, name) for name in names}, "labelled": word})
        for word in ("some", "most")
    )
    one = score_photo(runtime(), photo, 32)
    two = score_photos(runtime(), [photo, some, most], 32)
    assert two.true_iou.tolist() == one.true_iou.tolist() * 2
    assert two.class_scores.tolist() == one.class_scores.tolist() * 2
    assert two.maskness.tolist() == one.maskness.tolist() * 2
    none = score_photos(runtime(), [some], 32)
    assert [len(none.class_scores), len(none.maskness), len(none.true_iou)] == [0, 0, 0]
    assert math.isnan(none.correlation(ScoreRule()))


def test_a_smaller_power_is_taken_where_it_is_nearly_as_good() -> None:
    rng = np.random.default_rng(0)
    true_iou = rng.random(200)
    scored = Scored(rng.random(200), true_iou * rng.uniform(0.8, 1, 200), true_iou)
    best = fit_score_rule(scored)
    modest = fit_score_rule(scored, slack=0.05)
    assert modest.maskness_power < best.maskness_power
    assert scored.correlation(modest) >= scored.correlation(best) - 0.05


def test_the_factor_lets_drawn_masks_score_like_the_others() -> None:
    class_scores = np.array([0.9, 0.8, 0.4, 0.2, 0.1])
    drawn = Scored(class_scores, np.array([0.9, 0.9, 0.8, 0.5, 0.5]), np.zeros(5))
    plain = Scored(class_scores, np.array([0.9, 0.9, 0.4, 0.25, 0.25]), np.zeros(5))
    rule = fit_factor(ScoreRule(1.0, 1.0), drawn, plain, ScoreRule(1.0, 1.0))
    assert rule == ScoreRule(1.0, 1.0, 0.5)
    assert rule(class_scores, drawn.maskness)[2:].tolist() == pytest.approx([0.16, 0.05, 0.025])
    assert fit_factor(ScoreRule(), plain, drawn, ScoreRule()).factor == 1.0  # never above what a score may be
    none = Scored(np.zeros(0), np.zeros(0), np.zeros(0))
    with pytest.raises(DatasetError, match="candidates with a score above 0"):
        fit_factor(ScoreRule(), none, none, ScoreRule())
