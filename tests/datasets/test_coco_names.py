"""Names of COCO128 that went through the wrong list, and are mended on reading."""

from collections import Counter
from pathlib import Path

import pytest

from anymask.datasets import read
from anymask.datasets.coco_names import NAMES, NUMBERS, is_of_coco128, true_name
from tests.datasets.test_collections import COLUMN, CORNER, annotation, image, write


def labels(folder: Path) -> dict[str, tuple[str | None, ...]]:
    return {photo.path.name: photo.load().labels[0] for photo in read(folder)}


def test_the_table() -> None:
    assert len(NAMES) == len(NUMBERS) == len(set(NAMES)) == 80
    # published pairs from the start, around the gaps, and from the end
    known = {"person": 1, "stop sign": 13, "backpack": 27, "wine glass": 46, "dining table": 67, "toilet": 70, "tv": 72}
    known |= {"book": 84, "toothbrush": 90}
    assert {name: NUMBERS[name] for name in known} == known


@pytest.mark.parametrize(
    ("wrong", "true"),
    [("bicycle", "person"), ("truck", "train"), ("carrot", "bowl"), ("tv", "chair"), ("cake", "orange"), (None, None)],
)
def test_what_a_wrong_name_stands_for(wrong: str | None, true: str | None) -> None:
    assert true_name(wrong) == true


@pytest.mark.parametrize(
    ("file_name", "expected"),
    [
        ("000000000009.jpg", True),
        ("000000000650.jpg", True),
        ("000000000790.jpg", False),
        ("9.jpg", False),
        ("a00000000009.jpg", False),
    ],
)
def test_which_photos(file_name: str, expected: bool) -> None:
    assert is_of_coco128(file_name) == expected


def test_names_are_mended_in_that_collection_and_those_photos_alone(tmp_path: Path) -> None:
    images = [image(1, "000000000071.jpg"), image(2, "000000000790.jpg")]
    drawn = [annotation(1, CORNER, "truck"), annotation(1, COLUMN), annotation(2, CORNER, "truck")]
    write(tmp_path, "coco", images, drawn)
    assert labels(tmp_path) == {"000000000071.jpg": ("train", None), "000000000790.jpg": ("truck",)}
    (tmp_path / "coco").rename(tmp_path / "mine")
    assert labels(tmp_path) == {"000000000071.jpg": ("truck", None), "000000000790.jpg": ("truck",)}


def test_names_that_are_right_stay(tmp_path: Path) -> None:
    images = [image(1, "000000000071.jpg"), image(2, "000000000072.jpg")]
    # no number becomes "person": somebody mended the file
    write(tmp_path, "coco", images, [annotation(1, CORNER, "train"), annotation(2, CORNER, "person")])
    assert labels(tmp_path) == {"000000000071.jpg": ("train",), "000000000072.jpg": ("person",)}


def test_the_photos_themselves(photos: Path) -> None:
    found = read(photos, collections=frozenset({"coco"}))
    mended = {photo.path.name: photo.load().labels[0] for photo in found if is_of_coco128(photo.path.name)}
    assert Counter(mended["000000000071.jpg"]) == {"train": 1, "truck": 2, "car": 11}  # as the picture shows
    counts = Counter(label for each in mended.values() for label in each)
    assert len(mended) == 98 and sum(counts.values()) == 740
    assert (counts["person"], counts["bicycle"], counts[None]) == (208, 4, 43)
