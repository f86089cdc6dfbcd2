"""Figures of words over several photos, and their tables."""

import numpy as np
import pytest

from anymask.evaluate.comparison import differences
from anymask.evaluate.figures import Keys, prompts_of
from anymask.evaluate.recall import AREAS, THRESHOLDS, TOP, Recalled
from anymask.evaluate.run import Measured, per_photo, summarise
from anymask.evaluate.words.asking import CUTS, EVERY, FIGURES, SOURCES, WordsMeasured, Wrong
from anymask.evaluate.words.figures import names_table, queries_table, wrong_answers
from anymask.evaluate.words.queries import WordQuery

NOTHING = np.zeros(0)
QUERY = WordQuery("mine", "coco/a", "dogs", "plain", (0, 1))


def words(first: float, alarms: float, asked: int = 0) -> WordsMeasured:
    """Four names that are there and ten that are not; of so many queries one is answered rightly."""
    pairs = (first, 4.0), (2.0, 4.0), (2.0, 2.0), (4.0, 6.0), (1.0, 4.0), (alarms, 10.0)
    each: dict[Keys, tuple[float, float]] = {
        ("words", source, name): pair for source in SOURCES for name, pair in zip(FIGURES, pairs, strict=True)
    }
    if asked:
        each |= {
            ("queries", "mine", source, kind, figure): (1.0, float(asked))
            for source in SOURCES
            for kind in ("plain", EVERY)
            for figure in ("set right", "first right")
        }
    sweep = np.array([[[first * (cut < 0.5), 4], *[[0, 0]] * 4, [alarms, 10]] for cut in CUTS])
    wrong = [Wrong(QUERY, "our masks", 1, True, "")] if asked else []
    return WordsMeasured(each, dict.fromkeys(SOURCES, sweep), wrong)


def measured(name: str, of_words: WordsMeasured | None, collection: str = "coco") -> Measured:
    none = Recalled(np.zeros((len(AREAS), len(TOP), len(THRESHOLDS)), np.int64), np.zeros(len(AREAS), np.int64))
    return Measured(collection, none, none, NOTHING.astype(np.int64), NOTHING, NOTHING, name=name, words=of_words)


PHOTOS = [measured("a", words(4, 1, 2)), measured("b", words(1, 2)), measured("c", None), measured("d", None, "cells")]


def test_figures_by_group() -> None:
    groups = summarise(PHOTOS)
    assert "words" not in groups["cells"]
    coco = groups["coco"]
    assert coco["words"]["pairs"] == {"present": 8, "absent": 20}
    figure = coco["words"]["true masks"]["first right"]
    assert (figure["value"], figure["low"], figure["high"]) == (0.625, 0.25, 1.0)
    assert coco["words"]["our masks"]["false alarms"]["value"] == 0.15
    assert coco["queries"]["mine"]["asked"] == {"plain": 2, EVERY: 2}
    assert coco["queries"]["mine"]["our masks"][EVERY]["set right"]["value"] == 0.5
    assert set(prompts_of(coco)) == {"click", "box"}  # words are no prompts with sizes


def test_the_sweep_is_over_all_photos() -> None:
    rows = {row["cut"]: row for row in summarise(PHOTOS)["all"]["words"]["sweep"]["our masks"]}
    assert (rows[0.4]["first right"], rows[0.5]["first right"]) == (0.625, 0.0)
    assert rows[0.5]["false alarms"] == 0.15 and rows[0.5]["recall"] is None


def test_tables() -> None:
    groups = summarise(PHOTOS)
    table = names_table(groups, intervals=False)
    assert [row[:4] for row in table.rows[:3]] == [["coco", source, "8", "0.625"] for source in SOURCES]
    assert {row[0] for row in table.rows} == {"coco", "coco and voc", "all"}
    assert table.rows[0][-2:] == ["20", "0.150"]
    assert all(len(row) == len(table.head) for row in table.rows)
    table = queries_table(groups["all"])
    assert [row[:4] for row in table.rows] == [
        ["mine", "plain", "2", "0.50 (0.50 to 0.50)"],
        ["mine", EVERY, "2", "0.50 (0.50 to 0.50)"],
    ]
    assert len(table.head) == 9


def test_wrong_answers_are_listed() -> None:
    (only,) = wrong_answers([each.words for each in PHOTOS])
    assert (only["text"], only["source"], only["right"], only["answered"]) == ("dogs", "our masks", 2, 1)


@pytest.mark.parametrize(("first", "alarms", "verdicts"), [(4, 0, ("better", "better")), (0, 9, ("worse", "worse"))])
def test_fewer_false_alarms_are_better(first: int, alarms: int, verdicts: tuple[str, str]) -> None:
    before, after = ([measured(name, words(*each)) for name in "abc"] for each in ((2, 4), (first, alarms)))
    a, b = ({"groups": summarise(each), "per photo": per_photo(each)} for each in (before, after))
    found = {each.keys[-1]: each.verdict for each in differences(a, b) if each.group == "all"}
    assert (found["first right"], found["false alarms"]) == verdicts
    assert found["recall"] == "chance"
