"""AP of masks from given boxes is what pycocotools says, and boxes are read as COCO writes them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from anymask import MaskSet, SettingsError, rle
from anymask.datasets import LabelledPhoto
from anymask.evaluate.precision import GivenBox, GivenBoxes, Instances, average_precision, read_boxes
from anymask.evaluate.prompted import first_answers
from anymask.evaluate.run import answer_given
from anymask.prompts import Prompt, select

SIDE = 128
PHOTO = LabelledPhoto("coco", Path("000000000042.jpg"), 100, 200, "all", ((),), ((),))


def square(side: int, x: int = 0, y: int = 0) -> bytes:
    return rle.encode_crop(np.ones((side, side), np.bool_), x, y, SIDE, SIDE)


def instances(rng: np.random.Generator, classes: list[str | None]) -> Instances:
    """Objects of every size, and masks of which most are near one of them, some with the wrong class."""
    truth, found, found_classes = [], [], []
    true_classes = [classes[index] for index in rng.integers(len(classes), size=8)]
    for name in true_classes:
        side = int(rng.choice([6, 20, 50, 110]))
        x, y = rng.integers(0, SIDE - side + 1, 2).tolist()
        truth.append(square(side, x, y))
        for _ in range(int(rng.integers(0, 3))):
            less = int(rng.integers(0, 1 + side // 4))
            found.append(square(side - less, x, y))
            found_classes.append(name if rng.random() < 0.8 else classes[0])
    corner = square(60, SIDE - 60, SIDE - 60)  # a crowd, and what is found inside it
    found += [square(20, SIDE - 40, SIDE - 40), square(30, SIDE - 60, SIDE - 60)]
    found_classes += [classes[0], classes[-1]]
    scores = rng.random(len(found))
    return Instances((SIDE, SIDE), truth, true_classes, found, found_classes, scores, [corner], [classes[0]])


def by_coco(photos: list[Instances], use_classes: bool, folder: Path) -> list[float]:
    """The first six figures of pycocotools, its files and its loadRes used as its manual says."""
    truth: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    for image, photo in enumerate(photos):
        sizes = {"size": [SIDE, SIDE]}
        rles, names = [*photo.truth, *photo.crowds], [*photo.classes, *photo.crowd_classes]
        for index, (counts, name, area) in enumerate(zip(rles, names, rle.areas(rles).tolist(), strict=True)):
            crowd = int(index >= len(photo.truth))
            about = {"id": len(truth) + 1, "image_id": image, "category_id": ord(name or "?"), "iscrowd": crowd}
            truth.append(
                {**about, "area": area, "bbox": [0, 0, 1, 1], "segmentation": {**sizes, "counts": counts.decode()}}
            )
        for counts, name, score in zip(photo.found, photo.found_classes, photo.scores.tolist(), strict=True):
            about = {"image_id": image, "category_id": ord(name or "?"), "score": score}
            found.append({**about, "segmentation": {**sizes, "counts": counts.decode()}})
    images = [{"id": image, "height": SIDE, "width": SIDE} for image in range(len(photos))]
    categories = [{"id": number} for number in sorted({each["category_id"] for each in truth + found})]
    (folder / "truth.json").write_text(json.dumps({"images": images, "categories": categories, "annotations": truth}))
    coco = COCO(str(folder / "truth.json"))
    evaluation = COCOeval(coco, coco.loadRes(found), "segm")
    evaluation.params.useCats = int(use_classes)
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    values: list[float] = evaluation.stats[:6].tolist()
    return values


@pytest.mark.parametrize("classes", [["a"], ["a", "b", "c"], [None, "a"]])
@pytest.mark.parametrize("seed", range(3))
def test_equal_to_pycocotools(classes: list[str | None], seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    photos = [instances(rng, classes) for _ in range(4)]
    ours = average_precision(photos)
    expected = by_coco(photos, use_classes=None not in classes, folder=tmp_path)
    assert list(ours) == ["AP", "AP50", "AP75", "small", "medium", "large"]
    assert [-1 if value is None else value for value in ours.values()] == pytest.approx(expected, abs=1e-6)
    assert 0 < expected[0] < 1


def one(truth: list[bytes], found: list[bytes], classes: str = "", found_classes: str = "") -> Instances:
    scores = np.linspace(0.9, 0.1, len(found))
    return Instances(
        (SIDE, SIDE), truth, [*classes] or [""] * len(truth), found, [*found_classes] or [""] * len(found), scores
    )


@pytest.mark.parametrize(
    ("photo", "expected"),
    [
        (one([square(40)], [square(40)]), 1.0),
        (one([square(40)], [square(40)], "a", "b"), 0.0),  # of another class
        (one([square(40)], [square(20, 60)]), 0.0),  # elsewhere
        (one([square(40)], []), 0.0),
        (one([square(40)], [square(20, 60), square(40)]), 0.5),  # the first is wrong: precision 1/2 at every recall
        (one([], [square(40)]), None),  # nothing to find
    ],
)
def test_cases_by_hand(photo: Instances, expected: float | None, capsys: pytest.CaptureFixture[str]) -> None:
    assert average_precision([photo])["AP"] == pytest.approx(expected)
    assert capsys.readouterr().out == ""  # pycocotools is silent


ENTRY = {"bbox": [10, 20, 30, 40], "score": 0.5}
EXPECTED = GivenBox((10, 20, 40, 60), 0.5, None)


@pytest.mark.parametrize(
    ("document", "category"),
    [
        ([{**ENTRY, "image_id": 42, "category_id": 3}], None),  # COCO's own: the file is called by its number
        ([{**ENTRY, "file_name": "000000000042.jpg", "category": "cat"}], "cat"),
        (
            {
                "images": [{"id": 7, "file_name": "000000000042.jpg"}],
                "categories": [{"id": 3, "name": "cat"}],
                "annotations": [{**ENTRY, "image_id": 7, "category_id": 3}],
            },
            "cat",
        ),
    ],
)
def test_boxes_are_read(document: Any, category: str | None, tmp_path: Path) -> None:
    file = tmp_path / "boxes.json"
    file.write_text(json.dumps(document))
    given = read_boxes(str(file), [PHOTO])
    assert isinstance(given, GivenBoxes)
    assert given.of(PHOTO) == [replace(EXPECTED, category=category)]
    assert given.of(replace(PHOTO, path=Path("43.jpg"))) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[", "JSONDecodeError"),
        ("3", "got "),
        ('[{"image_id": 1}]', "KeyError"),
        ('{"images": []}', "KeyError"),
        ('[{"image_id": 1, "bbox": [1, 2], "score": 1}]', "ValueError"),
        ('[{"image_id": 9, "bbox": [1, 2, 3, 4], "score": 1}]', "such as 000000000042.jpg, got boxes of none"),
        (None, "boxes.json"),  # there is no such file
    ],
)
def test_other_files_are_refused(text: str | None, said: str, tmp_path: Path) -> None:
    file = tmp_path / "boxes.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(SettingsError, match=r"boxes\.json: expected") as caught:
        read_boxes(str(file), [PHOTO])
    assert said in str(caught.value)


def test_the_truth_needs_no_file() -> None:
    assert read_boxes("truth", []) == "truth"


def test_boxes_are_the_best_hundred_inside_the_photo() -> None:
    boxes = [GivenBox((-5, -5, 10, 300), index / 200, None) for index in range(120)]
    boxes.append(GivenBox((300, 0, 310, 10), 1.0, None))  # beside the photo
    of_photo = GivenBoxes({PHOTO.path.name: boxes}).of(PHOTO)
    assert len(of_photo) == 100
    assert of_photo[0] == GivenBox((0, 0, 10, 100), 119 / 200, None)


def test_given_boxes_are_answered_with_their_own_scores() -> None:
    masks = MaskSet.from_masks(np.array([[[True, True, False, False]], [[False, False, True, True]]]), [0.3, 0.2])
    photo = replace(PHOTO, height=1, width=4, layers=((masks.rles[0],),), labels=(("cat",),))
    given = GivenBoxes({PHOTO.path.name: [GivenBox((2, 0, 4, 1), 0.8, "dog"), GivenBox((0, 0, 2, 1), 0.9, "cat")]})

    def choose(prompt: Prompt) -> MaskSet:
        return select(masks, prompt)

    answered = answer_given(choose, photo, given)
    assert list(answered.found) == list(masks.rles)  # the best box first
    assert (list(answered.found_classes), answered.scores.tolist()) == (["cat", "dog"], [0.9, 0.8])
    assert (list(answered.truth), list(answered.classes)) == ([masks.rles[0]], ["cat"])
    rles, scores = first_answers(lambda prompt: MaskSet.empty((1, 4)), np.array([[0, 0, 2, 1]]), (1, 4))
    assert (rle.areas(rles).tolist(), scores.tolist()) == ([0], [0.0])
