"""`anymask evaluate` on a small collection, and on real photographs where they are."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from anymask.evaluate.tables import HEADINGS
from anymask.models import default_weights, mask_head_weights, refiner_weights, weights_hash

Run = Callable[..., Any]
ROOT = Path(__file__).parent.parent.parent
SPLIT = ROOT / "data" / "photos_split.csv"


def evaluate(run: Run, photos: Path, *arguments: str | Path) -> Any:
    return run("evaluate", "--photos", photos, "--split", photos / "split.csv", "--image-size", "64", *arguments)


def test_the_table_and_the_file(run: Run, collections: Path) -> None:
    ended = evaluate(run, collections, "--to", "made/too/x.json")
    assert (ended.code, ended.err) == (0, "")
    title, headings, *rows, correlation = ended.out.splitlines()
    assert "best-of-three click IoU" in title
    assert tuple(headings.split()) == HEADINGS
    assert [row.split()[:3] for row in rows] == [["drawn", "2", "2"], ["rough", "1", "1"], ["all", "3", "3"]]
    assert max(map(len, ended.out.splitlines())) <= 100  # nothing is cut or folded
    assert "…" not in ended.out
    assert correlation.startswith("rank correlation with the true IoU over ")

    text = Path("made/too/x.json").read_text()
    document = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert set(document) == {
        *(
            "weights_sha256",
            "mask_head_sha256",
            "drawn",
            "refiner_sha256",
            "refine",
            "image_size",
            "asked",
            "side",
            "groups",
            "rank_correlation_with_iou",
        )
    }
    assert document["mask_head_sha256"] == weights_hash(mask_head_weights())
    assert document["refiner_sha256"] == weights_hash(refiner_weights())
    assert document["weights_sha256"] == weights_hash(default_weights())
    assert (document["image_size"], document["side"]) == (64, "kept_out")
    assert document["groups"]["drawn"]["objects"] == {"all": 2, "small": 0, "medium": 2, "large": 0}
    assert set(document["rank_correlation_with_iou"]) == {"class_score", "score", "candidates"}
    # the two photos of "drawn" are alike, so nothing hangs on which of them are drawn
    figure = document["groups"]["drawn"]["ar"]["all"]["1000"]
    assert figure["low"] == figure["value"] == figure["high"]


def test_collections_and_limit(run: Run, collections: Path) -> None:
    ended = evaluate(run, collections, "--collections", "drawn", "--limit", "1", "--to", "x.json")
    groups = json.loads(Path("x.json").read_text())["groups"]
    assert ended.code == 0
    assert {name: group["photos"] for name, group in groups.items()} == {"drawn": 1, "all": 1}


def test_without_fully_labelled_photos_the_correlation_is_unknown(run: Run, collections: Path) -> None:
    ended = evaluate(run, collections, "--collections", "rough", "--to", "x.json")
    assert ended.code == 0
    assert ended.out.endswith("over 0 candidates: class score unknown, score unknown\n")
    correlation = json.loads(Path("x.json").read_text())["rank_correlation_with_iou"]
    assert correlation == {"class_score": None, "score": None, "candidates": 0}


def test_edges(run: Run, collections: Path) -> None:
    (collections / "drawn").rename(collections / "bsds")
    split = collections / "split.csv"
    split.write_text(split.read_text().replace("drawn", "bsds"))
    ended = evaluate(run, collections, "--edges", "--to", "x.json")
    assert (ended.code, ended.err) == (0, "")
    edges = json.loads(Path("x.json").read_text())["edges"]
    assert (edges.pop("photos"), edges.pop("thresholds")) == (2, 99)
    # one region, the whole picture, has no boundary: nothing can be right or found
    nothing = {"value": 0.0, "low": 0.0, "high": 0.0}
    assert edges == {"ods": nothing, "ois": nothing, "ap": nothing, "r50": nothing}
    title, headings, values = ended.out.splitlines()[-4:-1]
    assert title.strip() == "edges on 2 photos of bsds"
    assert headings.split() == ["ODS", "OIS", "AP", "R50"]
    assert values.split()[:2] == ["edges", "0.00"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--collections", "drawn,typo"], 1, "photos: no kept-out photos of typo; check --collections"),
        (["--collections", "typo"], 1, "typo"),
        (["--edges"], 1, "--edges needs photos of bsds, got none; check --collections"),
        (["--split", "none.csv"], 1, "none.csv"),
        (["--photos", "nowhere"], 1, "nowhere"),
        (["--weights", "none.onnx"], 1, "none.onnx: there is no such weights file"),
        (["--image-size", "100"], 2, "image_size must be a multiple of 32"),
        (["--limit", "0"], 2, "--limit"),
        (["--boxes", "none.json"], 2, "none.json: expected a list of boxes"),
    ],
)
def test_what_is_wrong_is_told(run: Run, collections: Path, arguments: list[str], code: int, said: str) -> None:
    ended = evaluate(run, collections, *arguments)
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.lines[-1]
    assert len(ended.lines) == 1 or "Usage" in ended.lines[0]


def test_a_photo_that_is_missing_is_told(run: Run, collections: Path) -> None:
    (collections / "drawn" / "images" / "0.png").unlink()
    ended = evaluate(run, collections)
    (line,) = ended.lines
    assert ended.code == 1 and "0.png: expected a picture" in line and "there is no such file" in line


def test_real_photographs(run: Run, photos: Path) -> None:
    given = ("--limit", "1", "--collections", "coco", "--image-size", "160", "--to", "x.json")
    ended = run("evaluate", "--photos", photos, "--split", SPLIT, *given)
    assert ended.code == 0, ended.err
    document = json.loads(Path("x.json").read_text())
    group = document["groups"]["coco"]
    assert group["photos"] == 1 and group["objects"]["all"] > 0
    assert all(0 <= group[name]["all"]["value"] <= 1 for name in ("click", "box"))
    assert document["rank_correlation_with_iou"]["candidates"] > 10
    assert math.isfinite(document["rank_correlation_with_iou"]["score"])


def test_a_report_and_given_boxes(run: Run, collections: Path) -> None:
    boxes = [{"file_name": "0.png", "category": "thing", "bbox": [0, 0, 96, 64], "score": 0.9}]
    Path("boxes.json").write_text(json.dumps(boxes))
    given = (
        "--refine",
        "off",
        "--boxes",
        "boxes.json",
        "--to",
        "x.json",
        "--details",
        "y.json",
        "--report",
        "reports/r",
    )
    ended = evaluate(run, collections, *given)
    assert (ended.code, ended.err) == (0, "")
    assert "mask AP of the answers to boxes" in ended.out
    document, details = (json.loads(Path(name).read_text()) for name in ("x.json", "y.json"))
    assert document["boxes"] == "boxes.json"
    assert set(document["groups"]["drawn"]["ap"]) == {"AP", "AP50", "AP75", "small", "medium", "large"}
    assert details.pop("per photo")["photos"] == ["drawn/0.png", "drawn/1.png", "rough/0.png"]
    assert details == document
    text = Path("reports/r/report.md").read_text()
    assert "| drawn | 2 | 2 |" in text and "Boxes of `boxes.json`" in text
    assert (
        Path("reports/r/worst/box-3.png").is_file() and "worst/box-3.png" in text
    )  # one object on each of three photos
