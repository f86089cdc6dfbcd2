"""Words asked of tiny pictures: what is right, what is not, and what another cut would give."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from anymask import MaskSet, SettingsError, Text, rle
from anymask.datasets import LabelledPhoto
from anymask.datasets.photo import Labelled
from anymask.evaluate.words.asking import (
    CUTS,
    EVERY,
    FIGURES,
    Asked,
    Right,
    ask_names,
    measure_words,
    names_absent,
    names_present,
    true_scores,
)
from anymask.evaluate.words.queries import WordQuery
from anymask.words.answer import answer
from anymask.words.nouns import nouns

SIZE = HEIGHT, WIDTH = 20, 40


def box(x1: int, y1: int, x2: int, y2: int) -> NDArray[np.bool_]:
    mask = np.zeros(SIZE, np.bool_)
    mask[y1:y2, x1:x2] = True
    return mask


# A dog on the left, a smaller one on the right, a cat between them
LEFT, RIGHT, CAT = box(0, 0, 10, 10), box(30, 0, 36, 6), box(16, 10, 24, 18)


def photo(
    masks: Sequence[NDArray[np.bool_]] = (LEFT, RIGHT, CAT),
    labels: tuple[str | None, ...] = ("dog", "dog", "cat"),
    collection: str = "coco",
    labelled: Labelled = "most",
) -> LabelledPhoto:
    rles = tuple(rle.encode_crop(mask, 0, 0, *SIZE) for mask in masks)
    return LabelledPhoto(collection, Path("1.jpg"), *SIZE, labelled, (rles,), (labels,))


def scored(masks: Sequence[NDArray[np.bool_]], scores: Sequence[Mapping[str, float]]) -> MaskSet:
    """Masks with scores for names of coco's."""
    found = MaskSet.from_masks(np.array(masks, np.bool_).reshape(-1, *SIZE), image=np.zeros((*SIZE, 3), np.uint8))
    label_scores = np.zeros((len(masks), len(nouns().labels)), np.float32)
    for row, each in zip(label_scores, scores, strict=True):
        for name, score in each.items():
            row[nouns().collections[f"coco:{name}"]] = score
    return replace(found, label_scores=label_scores)


def as_dogs(found: MaskSet) -> MaskSet:
    """A classifier that takes everything for a dog, unless it knows better."""
    if found.label_scores is not None:
        return found
    return scored(list(found.masks), [{"dog": 0.9}] * len(found))


@pytest.mark.parametrize(
    ("iou", "expected"),
    [
        # first right, matched, answers, instances, none
        ([[0.9, 0.0], [0.0, 0.5]], (1, 2, 2, 2, 0)),
        ([[0.2, 0.4], [0.9, 0.0]], (0, 1, 2, 2, 0)),
        ([[0.8, 0.0], [0.9, 0.0]], (1, 1, 2, 2, 0)),  # one object, twice
        ([[0.49, 0.0]], (0, 0, 1, 2, 0)),
    ],
)
def test_a_name_in_the_photo(iou: list[list[float]], expected: tuple[int, ...]) -> None:
    first, matched, answers, instances, none = expected
    right = Right()
    right.count_present(np.array(iou), is_complete=True)
    assert dict(zip(FIGURES, right.sums.tolist(), strict=True)) == {
        "first right": [first, 1],
        "recall": [matched, instances],
        "precision": [matched, answers],
        "F1": [2 * matched, answers + instances],
        "none though there": [none, 1],
        "false alarms": [0, 0],
    }


def test_no_answer_and_names_that_are_not_there() -> None:
    right = Right()
    right.count_present(np.zeros((0, 3)), is_complete=False)
    for answers in (0, 2, 1):
        right.count_absent(answers)
    # precision is unknown where not all objects are labelled
    assert right.sums.tolist() == [[0, 1], [0, 3], [0, 0], [0, 0], [1, 1], [2, 3]]


def test_which_names_are_there_and_which_are_known_not_to_be() -> None:
    assert names_present(photo()) == ["dog", "cat"]
    absent = names_absent(photo())
    assert len(absent) == 78 and {"person", "toothbrush"} <= set(absent) and not {"dog", "cat"} & set(absent)
    assert names_absent(photo(labels=("dog", "dog", None))) == []  # the one without a name may be anything
    assert names_absent(photo(collection="voc")) == []
    assert names_present(photo(labels=("sofa", "widget", None), collection="voc")) == ["sofa"]


def test_labels_of_names() -> None:
    labels = nouns().labels
    for collection, name, label in (("voc", "sofa", "couch"), ("camvid", "tree", "tree"), ("mine", "person", "person")):
        number = nouns().number(collection, name)
        assert number is not None and labels[number] == label
    assert nouns().number("mine", "widget") is None
    scores = true_scores(photo(labels=("dog", None, "widget")))
    assert scores.sum(axis=1).tolist() == [1, 0, 0]
    assert labels[int(scores[0].argmax())] == "dog"


def test_three_sources_are_told_apart() -> None:
    # ours: the left dog, half of the right one, and something where nothing is
    found = scored([LEFT, box(30, 0, 33, 6), box(0, 12, 6, 18)], [{"dog": 0.9}, {"dog": 0.8}, {"dog": 0.7}])
    measured = measure_words(photo(), found, label=as_dogs)
    assert measured is not None

    def of(source: str) -> dict[str, tuple[float, float]]:
        return {figure: measured.sums["words", source, figure] for figure in FIGURES}

    assert of("true names") == {
        "first right": (2, 2),
        "recall": (3, 3),
        "precision": (3, 3),
        "F1": (6, 6),
        "none though there": (0, 2),
        "false alarms": (0, 78),
    }
    assert of("true masks") == {  # the cat is a dog too, and no cat is found
        "first right": (1, 2),
        "recall": (2, 3),
        "precision": (2, 3),
        "F1": (4, 6),
        "none though there": (1, 2),
        "false alarms": (0, 78),
    }
    assert of("our masks") == {  # half of a mask has an IoU of just .5
        "first right": (1, 2),
        "recall": (2, 3),
        "precision": (2, 3),
        "F1": (4, 6),
        "none though there": (1, 2),
        "false alarms": (0, 78),
    }
    some = measure_words(photo(collection="voc", labelled="some"), found, label=as_dogs)
    assert some is not None
    unknown = {figure for figure in FIGURES if some.sums["words", "our masks", figure][1] == 0}
    assert unknown == {"precision", "F1", "false alarms"}
    assert list(some.sums["words", "true masks", "precision"]) == [2, 3]


def test_what_is_answered_to_names_that_are_not_there() -> None:
    found = scored([LEFT], [{"zebra": 0.9, "horse": 0.6, "dog": 0.1}])
    measured = measure_words(photo(), found, label=as_dogs)
    assert measured is not None
    assert list(measured.sums["words", "our masks", "false alarms"]) == [2, 78]
    alarms = {cut: row[-1].tolist() for cut, row in zip(CUTS, measured.sweep["our masks"], strict=True)}
    assert (alarms[0.05], alarms[0.5], alarms[0.7]) == ([2, 78], [2, 78], [1, 78])
    dogs = {cut: row[0].tolist() for cut, row in zip(CUTS, measured.sweep["our masks"], strict=True)}
    assert (dogs[0.1], dogs[0.2]) == ([1, 2], [0, 2])


def test_the_sweep_is_what_each_cut_answers() -> None:
    rng = np.random.default_rng(0)
    corners = rng.integers(0, (24, 10), (30, 2))
    masks = [box(x, y, x + w, y + h) for (x, y), (w, h) in zip(corners, rng.integers(2, 16, (30, 2)), strict=True)]
    found = scored(masks, [{"dog": score} for score in rng.uniform(size=30)])
    truth = [LEFT, RIGHT, CAT]
    iou = rle.iou(found.rles, photo().layers[0], *SIZE)
    _, sweep = ask_names(Asked("", found, iou, True), ["dog"] * len(truth), ["dog"], [])
    for cut, row in zip(CUTS, sweep, strict=True):
        right = Right()
        right.count_present(iou[answer(Text("dog").query, found, cut).indices], True)
        assert row.tolist() == right.sums.tolist(), cut
    assert len(np.unique(sweep[:, FIGURES.index("precision"), 1])) >= 5  # answers differ


def query(text: str, *objects: int, kind: str = "k") -> WordQuery:
    return WordQuery("file", "coco/1.jpg", text, kind, objects)


def test_descriptions() -> None:
    asked = [
        query("dogs", 0, 1),
        query("the dog on the left", 0, kind="place"),
        query("the dog on the right", 0, kind="place"),  # a wrong answer in the file
        query("the biggest dog", 0, 1),  # only one of the two
        query("horse"),
        query("cat"),
        query("wibble"),  # an unknown word finds nothing, which is right
        query("!"),  # no description
    ]
    measured = measure_words(photo(), scored([], []), label=as_dogs, queries={"coco/1.jpg": asked, "voc/1.jpg": []})
    assert measured is not None
    sums = {keys[3:]: value for keys, value in measured.sums.items() if keys[:3] == ("queries", "file", "true names")}
    assert sums == {
        ("k", "set right"): (3, 6),
        ("k", "first right"): (4, 6),
        ("place", "set right"): (1, 2),
        ("place", "first right"): (1, 2),
        (EVERY, "set right"): (4, 8),
        (EVERY, "first right"): (5, 8),
    }
    named = [each for each in measured.wrong if each.source == "true names"]
    assert {each.query.text: (each.answered, each.first_right) for each in named} == {
        "the dog on the right": (1, False),
        "the biggest dog": (1, True),
        "cat": (1, False),
        "!": (0, False),
    }
    ours = {each.query.text for each in measured.wrong if each.source == "our masks"}
    assert ours == {"dogs", "the dog on the left", "the dog on the right", "the biggest dog", "!"}


def test_nothing_to_ask() -> None:
    assert measure_words(photo(labels=(None,) * 3, collection="cells"), scored([], []), label=as_dogs) is None


def test_an_object_that_is_not_there_is_told() -> None:
    with pytest.raises(SettingsError, match=r"file: 'dogs' is about object 3 of coco/1.jpg, which has 3; see"):
        measure_words(photo(), scored([], []), label=as_dogs, queries={"coco/1.jpg": [query("dogs", 3)]})
