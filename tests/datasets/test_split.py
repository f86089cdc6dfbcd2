"""The split in data/photos_split.csv: nothing that is measured on was ever trained on."""

import csv
from collections import defaultdict
from pathlib import Path

import pytest

from anymask.datasets import content_hash, read_photos, read_split
from scripts import make_split

SPLIT = Path(__file__).parents[2] / "data" / "photos_split.csv"


def rows() -> list[dict[str, str]]:
    with SPLIT.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def straddling(rows: list[dict[str, str]], column: str) -> list[str]:
    """The values of a column that occur on both sides."""
    sides = defaultdict(set)
    for row in rows:
        sides[row[column]].add(row["side"])
    return [value for value, found in sides.items() if len(found) > 1]


def test_every_photo_is_on_one_side() -> None:
    split = read_split(SPLIT)
    assert len(split) == len(rows()) == 4565 - 32
    assert not make_split.left_out() & split.keys()
    assert set(split.values()) == {"train", "kept_out"}
    assert {row["sha256"] for row in rows() if len(row["sha256"]) != 16} == set()


def test_nothing_that_belongs_together_is_on_both_sides() -> None:
    assert straddling(rows(), "sha256") == []  # the same bytes, also in another collection
    assert straddling(rows(), "group") == []


@pytest.mark.parametrize("collection", ["facades", "camvid"])
def test_no_capture_and_no_sequence_is_on_both_sides(collection: str) -> None:
    named = []
    for row in rows():
        if row["collection"] == collection:
            # by hand: the facade's name before "_scaled" and after the part of the set; CamVid's before "_"
            name = row["file_name"]
            group = name.split("__", 1)[1].split("_scaled")[0] if collection == "facades" else name.split("_")[0]
            named.append({**row, "by_hand": group})
    assert len({row["by_hand"] for row in named}) == {"facades": 280, "camvid": 3}[collection]
    assert straddling(named, "by_hand") == []


def test_every_collection_keeps_some_out() -> None:
    sides = defaultdict(list)
    for row in rows():
        sides[row["collection"]].append(row["side"] == "kept_out")
    shares = {collection: sum(kept) / len(kept) for collection, kept in sides.items()}
    assert set(shares) == {
        "bsds", "camvid", "car_parts", "ccp", "cells", "coco", "coco_panoptic", "facades", "voc",
    }  # fmt: skip
    assert {collection: share for collection, share in shares.items() if not 0.05 <= share <= 0.2} == {}
    assert {row["group"] for row in rows() if row["collection"] == "camvid" and row["side"] == "kept_out"} == {
        "camvid:0001TP"
    }  # one whole sequence


def test_photos_in_two_collections_are_on_one_side() -> None:
    both = defaultdict(set)
    for row in rows():
        both[row["sha256"]].add(row["collection"])
    assert sum(found == {"coco", "coco_panoptic"} for found in both.values()) == 98
    assert {tuple(sorted(found)) for found in both.values() if len(found) > 1} == {("coco", "coco_panoptic")}


@pytest.mark.parametrize(
    ("collection", "name", "group"),
    [
        ("voc", "2007_000032.jpg", "content:0123456789abcdef"),
        ("camvid", "0001TP_006690.jpg", "camvid:0001TP"),
        ("facades", "test__20230329_200511_287_R_scaled_1_png_jpg.rf.1349.jpg", "facades:20230329_200511_287_R"),
        ("facades", "train__20230329_200511_287_R_scaled_0_png_jpg.rf.77.jpg", "facades:20230329_200511_287_R"),
    ],
)
def test_groups(collection: str, name: str, group: str) -> None:
    assert make_split.group_of(collection, name, "0123456789abcdef" * 4) == group


def test_a_facade_without_a_capture_is_an_error() -> None:
    with pytest.raises(ValueError, match="cannot tell its capture"):
        make_split.group_of("facades", "house.jpg", "00")


def test_about_a_tenth_of_all_groups_is_below() -> None:
    below = sum(make_split.below_fraction(f"group {number}") for number in range(2000))
    assert 0.08 < below / 2000 < 0.12


def test_the_file_is_what_the_script_makes_of_the_photos(photos: Path, tmp_path: Path) -> None:
    make_split.main(photos, tmp_path / "split.csv")  # computes every hash again
    assert (tmp_path / "split.csv").read_text("utf-8") == SPLIT.read_text("utf-8")


def test_no_photos_leave_the_file_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "split.csv").write_text("old")
    with pytest.raises(SystemExit, match="found none"):
        make_split.main(tmp_path, tmp_path / "split.csv")
    assert (tmp_path / "split.csv").read_text() == "old"


def test_what_is_left_out_is_there_and_a_training_photo_would_be(photos: Path) -> None:
    """Else the list names photos in vain, or takes away what is measured on."""
    unusable = make_split.left_out()
    assert len(unusable) == 32
    for collection, name in unusable:
        held = content_hash(photos / collection / "images" / name)
        assert not make_split.below_fraction(f"content:{held}")


def test_every_named_photo_can_be_read(photos: Path) -> None:
    found = [photo for side in ("train", "kept_out") for photo in read_photos(photos, SPLIT, side)]
    named = {(row["collection"], row["file_name"]): row["sha256"] for row in rows()}
    assert len(named) - len(found) == 1  # on one photo nothing was drawn
    for photo in found[::200]:
        assert content_hash(photo.path) == named[photo.collection, photo.path.name]
        assert photo.masks().any((1, 2)).all()
