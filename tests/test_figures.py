"""Published figures belong to the published weights."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from anymask.evaluate.figures import prompts_of
from anymask.models import classifier_weights, default_weights, mask_head_weights, refiner_weights, weights_hash

ROOT = Path(__file__).parent.parent
EVALUATION = json.loads((ROOT / "docs" / "evaluation.json").read_text("utf-8"))
PROMPTS = json.loads((ROOT / "docs" / "prompts.json").read_text("utf-8"))
WORDS = json.loads((ROOT / "docs" / "words.json").read_text("utf-8"))
TEXTS = ["README.md", "anymask/weights/MODEL_CARD.md", "docs/words.md"]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("write_figures", ROOT / "scripts" / "write_figures.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_figures_are_of_the_weights_in_the_package() -> None:
    for document in (EVALUATION, PROMPTS, WORDS):
        assert document["weights_sha256"] == weights_hash(default_weights())
        assert document["mask_head_sha256"] == weights_hash(mask_head_weights())
        assert document["refiner_sha256"] == weights_hash(refiner_weights())
        assert document["side"] == "kept_out"
    assert WORDS["classifier_sha256"] == weights_hash(classifier_weights())


def test_the_weights_are_small() -> None:
    assert default_weights().stat().st_size <= 16e6
    assert mask_head_weights().stat().st_size <= 4e6
    assert refiner_weights().stat().st_size <= 4e6
    assert classifier_weights().stat().st_size <= 12e6


@pytest.mark.parametrize("name", TEXTS)
def test_texts_show_the_figures_as_they_were_measured(name: str, script: ModuleType) -> None:
    assert script.texts()[ROOT / name] in (ROOT / name).read_text("utf-8")


def test_every_kept_out_photo_was_measured() -> None:
    rows = (ROOT / "data" / "photos_split.csv").read_text("utf-8").splitlines()
    kept_out = sum(row.endswith(",kept_out") for row in rows)
    assert 0 <= kept_out - EVALUATION["groups"]["all"]["photos"] <= 1  # one photo of ccp shows nothing labelled


def test_the_floor() -> None:
    """What a rough trial reached is the least that a release may."""
    group = EVALUATION["groups"]["coco and voc"]
    assert group["box"]["all"]["value"] >= 0.60
    assert group["click"]["all"]["value"] >= 0.50


def test_drawing_anew_is_better_than_choosing_and_corrections_help() -> None:
    group = {name: row["all"]["value"] for name, row in prompts_of(PROMPTS["groups"]["all"]).items() if row["all"]}
    assert group["box"] > group["detector's box"]
    assert group["click"] > group["detector's click"]
    assert group["border"] > group["detector's border"]
    assert group["first click"] < group["one correction"] < group["two corrections"]


def test_the_score_says_more_about_the_mask_than_the_class_score() -> None:
    correlation = EVALUATION["rank_correlation_with_iou"]
    assert correlation["score"] > correlation["class_score"]
