"""The published comparison with ultralytics is the measured one, and holds what it must."""

import json
from pathlib import Path

import pytest

from scripts.compare_fastsam import PHOTOS, wrong
from scripts.fastsam_parity import BOX, MASK, SCORE
from scripts.fastsam_ways import WAYS
from scripts.write_parity import share, tables

ROOT = Path(__file__).parent.parent.parent
MEASURED = json.loads((ROOT / "docs" / "fastsam_parity.json").read_text("utf-8"))


def test_the_document_shows_what_was_measured() -> None:
    assert tables(MEASURED) in (ROOT / "docs" / "fastsam.md").read_text("utf-8")


@pytest.mark.parametrize("row", MEASURED, ids=lambda row: f"{row['name']}, {row['as_they_are']}")
def test_every_row_holds(row: dict[str, object]) -> None:
    assert row["photos"] == PHOTOS
    assert wrong(row, at_least=200) == []
    off = row["all_off"]
    assert isinstance(off, dict)
    assert off["theirs"] == off["ours"] == off["pairs"]
    assert off["score"] < SCORE and off["box"] < BOX and off["least_iou_large"] > MASK


def test_sizes_bins_and_both_writers_were_measured() -> None:
    assert {(row["network"], row["reg_max"]) for row in MEASURED} >= {("n", 26), ("s", 16), ("s", 26), ("x", 26)}
    assert {version for row in MEASURED for version in ("8.0.120", "8.4.190") if version in row["name"]} == {
        "8.0.120",
        "8.4.190",
    }


def test_every_way_is_told_in_the_document() -> None:
    text = (ROOT / "docs" / "fastsam.md").read_text("utf-8")
    assert [way for way in WAYS if f"| {way} |" not in text] == []


@pytest.mark.parametrize(("value", "shown"), [(None, ""), (1.0, "1.0000"), (0.99999, "0.9999"), (0.94761, "0.9476")])
def test_an_iou_is_not_rounded_up_to_one(value: float | None, shown: str) -> None:
    assert share(value) == shown
