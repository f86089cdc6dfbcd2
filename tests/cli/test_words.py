"""``anymask explain``, and descriptions in ``anymask segment``."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from anymask import Text
from anymask.prompts import parse

Run = Callable[..., Any]
QUICK = ("--image-size", "96", "--drawn", "0", "--json")
PHOTO = Path(__file__).parents[2] / "examples" / "astronaut.jpg"


@pytest.fixture(autouse=True)
def disc(folder: Path) -> None:
    """A red disc on blue."""
    picture = Image.new("RGB", (96, 96), (30, 60, 200))
    ImageDraw.Draw(picture).ellipse((20, 20, 70, 70), fill=(210, 30, 30))
    picture.save("disc.png")


def test_explain_prints_a_prompt_that_may_be_edited(run: Run) -> None:
    ended = run("explain", "the striped dog next to the gras")
    assert (ended.code, ended.err) == (0, "")
    said = json.loads(ended.out)
    assert said["query"] == {
        "find": ["dog"],
        "relations": [{"relation": "next to", "to": {"find": ["gras"]}}],
        "unused": ["striped"],
    }
    assert said["unknown"] == {"gras": ["gas", "grampus", "grand"]}
    assert said["nouns"]["dog"]["labels"] == 119 and said["nouns"]["dog"]["such as"][0] == "dog"
    edited = {**said["query"], "count": 2}
    assert parse({"type": said["type"], "text": said["text"], "query": edited}) == Text(said["text"], edited)


def test_quotes_are_not_needed(run: Run) -> None:
    assert run("explain", "two", "red", "cups").out == run("explain", "two red cups").out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "text: expected words that describe something"),
        ("the", "text: expected what to look for, got 'the'"),
        ("x" * 1001, "text: expected at most 1000 characters, got 1001"),
        ("собака", "text: only English is understood"),
        ("a\x00b", "text: expected words, got the control character U+0000"),
    ],
)
def test_bad_text_is_one_line(run: Run, text: str, said: str) -> None:
    ended = run("explain", text)
    (line,) = ended.lines
    assert ended.code == 1 and line.startswith(f"anymask: {said}")
    ended = run("segment", "disc.png", *QUICK, "--text", text)
    assert ended.code == 2 and sum(said in line for line in ended.lines) == 1 and ended.out == ""


def test_every_text_chooses_for_itself(run: Run) -> None:
    ended = run(
        "segment", "disc.png", *QUICK, "--text", "the biggest red thing", "--text", "anything", "--candidates", "9"
    )
    assert ended.code == 0, ended.err
    masks = json.loads(ended.out)["masks"]
    assert {mask["prompt"] for mask in masks} <= {0, 1} and any(mask["prompt"] == 1 for mask in masks)


def test_a_noun_is_answered_or_what_came_nearest_is_told(run: Run) -> None:
    ended = run("segment", "disc.png", *QUICK, "--text", "zebras", "--text", "anything red")
    assert ended.code == 0
    (none,) = ended.lines
    assert "nothing found for 'zebras': nothing looks like zebra: the best scores 0." in none
    assert re.search(r"\(nearest: 0\.\d\d in the box \d+,\d+,\d+,\d+, which looks most like \w+", none)
    written = json.loads(ended.out)
    assert {mask["prompt"] for mask in written["masks"]} == {1}
    zebras, red = written["texts"]
    assert (zebras["prompt"], zebras["text"], zebras["notes"]) == (0, "zebras", [])
    assert zebras["reason"].startswith("nothing looks like zebra: the best scores 0.")
    near = zebras["nearest"][0]
    assert len(near["box"]) == 4 and 0 <= near["score"] < 0.5 and near["name"]
    assert red == {"prompt": 1, "text": "anything red", "reason": "", "nearest": [], "notes": []}


def test_all_that_a_text_fits_are_written_and_one_mask_of_a_box(run: Run) -> None:
    asked = ("segment", PHOTO, *QUICK[2:], "--image-size", "320", "--text", "anything", "--box", "60,200,360,512")
    every, two = (json.loads(run(*asked, *more).out)["masks"] for more in ((), ("--candidates", "2")))
    assert [mask["prompt"] for mask in every].count(0) == 1  # boxes come first
    assert [mask["prompt"] for mask in every].count(1) > 2
    assert [mask["prompt"] for mask in two].count(1) == 2


def test_explain_comes_before_the_pictures(run: Run) -> None:
    ended = run("segment", "disc.png", *QUICK, "--text", "green things", "--explain")
    first, second = map(json.loads, ended.out.splitlines())
    assert first == {"type": "text", "text": "green things", "query": {"colour": ["green"]}, "nouns": {}, "unknown": {}}
    assert second["masks"] == []


def test_why_there_is_nothing_is_told_and_what_was_not_used(run: Run) -> None:
    ended = run("segment", "disc.png", *QUICK, "--text", "spotted green thing", "--text", "flurble")
    assert ended.code == 0
    none, unused, unknown = ended.lines
    assert none.startswith("anymask: disc.png: nothing found for 'spotted green thing': of ")
    assert "none is green (nearest: 0.00 in the box " in none
    assert unused == "anymask: disc.png: 'spotted green thing': not used: spotted"
    assert "nothing found for 'flurble': 'flurble' is not a known word; the nearest known are flute" in unknown
    assert run("segment", "disc.png", *QUICK, "--text", "flurble", "-q").err == ""


def test_a_prompt_file_may_hold_an_edited_query(run: Run) -> None:
    Path("p.json").write_text(json.dumps({"type": "text", "text": "the disc", "query": {"colour": ["green"]}}))
    ended = run("segment", "disc.png", *QUICK, "--prompt", "p.json")
    assert ended.code == 0 and json.loads(ended.out)["masks"] == []
