"""`anymask evaluate --words` on a small collection."""

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anymask import MaskSet, Segmenter
from anymask.words.nouns import nouns

Run = Callable[..., Any]


@pytest.fixture
def named(collections: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The collection "drawn" as "coco" with the name "dog", and a classifier that takes every mask for a dog."""
    (collections / "drawn").rename(collections / "coco")
    file = collections / "coco" / "annotations.json.gz"
    document = json.loads(gzip.decompress(file.read_bytes()))
    for each in document["annotations"]:
        each["label"] = "dog"
    file.write_bytes(gzip.compress(json.dumps(document).encode()))
    split = collections / "split.csv"
    split.write_text(split.read_text().replace("drawn,1.png,kept_out", "coco,1.png,train").replace("drawn", "coco"))

    def label(_: Segmenter, found: MaskSet) -> MaskSet:
        scores = np.zeros((len(found), len(nouns().labels)), np.float32)
        scores[:, nouns().collections["coco:dog"]] = 1
        return replace(found, label_scores=scores)

    monkeypatch.setattr(Segmenter, "label", label)
    return collections


def evaluate(run: Run, photos: Path, *arguments: str | Path) -> Any:
    options = "--split", photos / "split.csv", "--image-size", "64", "--words", "--asked", "0"
    return run("evaluate", "--photos", photos, *options, *arguments)


def test_names_and_descriptions(run: Run, named: Path) -> None:
    lines = [("the dog", [0]), ("two cats", [])]
    Path("mine.jsonl").write_text(
        "".join(
            json.dumps({"photo": "coco/0.png", "text": text, "kind": "k", "objects": objects}) + "\n"
            for text, objects in lines
        )
    )
    given = "--queries", "mine.jsonl", "--to", "x.json", "--details", "y.json", "--report", "r"
    ended = evaluate(run, named, *given)
    assert (ended.code, ended.err) == (0, "")
    assert "masks answered to names" in ended.out and "descriptions answered rightly" in ended.out
    document, details = (json.loads(Path(name).read_text()) for name in ("x.json", "y.json"))
    coco = document["groups"]["coco"]
    assert coco["words"]["pairs"] == {"present": 1, "absent": 79}
    for source in ("true names", "true masks"):
        assert coco["words"][source]["first right"]["value"] == 1.0
        assert coco["words"][source]["false alarms"]["value"] == 0.0
        assert coco["queries"]["mine"][source]["every kind"]["set right"]["value"] == 1.0
    assert coco["queries"]["mine"]["asked"] == {"k": 2, "every kind": 2}
    assert coco["asked"]["all"] == 0 and coco["click"]["all"] is None and coco["objects"]["all"] == 1
    assert {each["source"] for each in document["wrong queries"]} <= {"our masks"}
    assert "words/our masks/first right" in details["per photo"]["figures"]
    text = Path("r/report.md").read_text()
    assert "## Words" in text and "| mine | every kind | 2 |" in text
    ended = run("compare", "x.json", "y.json")
    assert (ended.code, ended.err) == (0, "")
    assert "all words true masks false alarms" in ended.out


def test_training_photos_to_choose_a_cut(run: Run, named: Path) -> None:
    ended = evaluate(run, named, "--side", "train", "--to", "x.json")
    assert (ended.code, ended.err) == (0, "")
    document = json.loads(Path("x.json").read_text())
    assert document["side"] == "train" and set(document["groups"]) == {"coco", "coco and voc", "all"}
    assert {row["cut"]: row["first right"] for row in document["groups"]["coco"]["words"]["sweep"]["true masks"]}[
        0.5
    ] == 1


def test_a_file_that_is_wrong_is_told_before_anything_is_measured(run: Run, named: Path) -> None:
    Path("bad.jsonl").write_text("{}\n")
    ended = evaluate(run, named, "--queries", "bad.jsonl")
    assert (ended.code, ended.out) == (2, "")
    assert "bad.jsonl, line 1: expected a JSON object" in ended.lines[-1]
