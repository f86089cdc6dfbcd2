"""Descriptions made from boxes: what is said of tiny scenes, and that the file in data/ is what the script writes."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from anymask import rle
from anymask.datasets import LabelledPhoto
from scripts.make_word_queries import (
    Query,
    counts,
    described,
    lines,
    ordinals,
    plural,
    positions,
    relations,
    sides,
    things_of,
)
from scripts.make_word_queries import sizes as by_size

ROOT = Path(__file__).parent.parent.parent
DATA = ROOT / "data"
HEIGHT, WIDTH = 200, 400

SIDES = ("left", "right")
# x1, y1, x2, y2
Box = tuple[int, int, int, int]
SMALL, TALL, WIDE = (20, 80, 60, 120), (180, 60, 240, 140), (320, 70, 390, 150)  # in a row, each larger than the last


def photo(**boxes: list[Box]) -> LabelledPhoto:
    """Rectangles by name."""
    labels, rles = [], []
    for name, each in boxes.items():
        for x1, y1, x2, y2 in each:
            labels.append(name.replace("_", " "))
            rles.append(rle.encode_crop(np.ones((y2 - y1, x2 - x1), np.bool_), x1, y1, HEIGHT, WIDTH))
    return LabelledPhoto("coco", Path("1.jpg"), HEIGHT, WIDTH, "most", (tuple(rles),), (tuple(labels),))


def said(queries: list[Query]) -> dict[str, tuple[int, ...]]:
    return {query.text: query.objects for query in queries}


def of_one(rule: object, **boxes: list[Box]) -> dict[str, tuple[int, ...]]:
    (things,) = things_of(photo(**boxes))
    assert callable(rule)
    return said(list(rule(things)))


def test_sides() -> None:
    assert of_one(sides, dog=[WIDE, SMALL]) == {"the dog on the left": (1,), "the dog on the right": (0,)}
    assert of_one(sides, dog=[WIDE, SMALL, TALL]) == {"the leftmost dog": (1,), "the rightmost dog": (0,)}
    beside = (100, 80, 140, 120)
    assert of_one(sides, dog=[SMALL, beside]) == {"the left dog": (0,), "the right dog": (1,)}  # both in the left half
    assert of_one(sides, dog=[SMALL, (25, 150, 65, 190)]) == {}  # one above the other
    assert of_one(sides, dog=[SMALL]) == {}


def test_sizes() -> None:
    assert of_one(by_size, dog=[TALL, SMALL]) == {"the biggest dog": (0,), "the smallest dog": (1,)}
    assert of_one(by_size, dog=[SMALL, TALL, WIDE]) == {"the smallest dog": (0,)}  # the others are nearly alike


def test_counts_and_ordinals() -> None:
    assert of_one(counts, person=[SMALL, TALL, WIDE]) == {"three people": (0, 1, 2)}
    assert of_one(counts, person=[SMALL, (20, 130, 30, 140)]) == {}  # one is tiny
    assert of_one(counts, person=[SMALL, (25, 85, 70, 125)]) == {}  # may be one
    assert of_one(ordinals, cup=[WIDE, SMALL, TALL]) == {
        "the second cup from the left": (2,),
        "the second cup from the right": (2,),
    }
    assert of_one(ordinals, cup=[WIDE, SMALL, (30, 10, 70, 50)]) == {}


def test_positions() -> None:
    assert of_one(positions, cat=[SMALL]) == {"the cat on the left": (0,)}
    assert of_one(positions, cat=[(180, 80, 220, 120)]) == {"the cat in the middle": (0,)}
    top = [(180, 10, 210, 40), (230, 10, 260, 40)]
    assert of_one(positions, cat=[*top, (200, 160, 240, 199)])["the cats at the top"] == (0, 1)
    assert of_one(positions, cat=[(140, 80, 170, 110), SMALL]) == {}


@pytest.mark.parametrize(
    ("name", "boxes", "to", "at", "expected"),
    [
        ("cup", [SMALL], "book", TALL, {"the cup to the left of the book": (0,)}),
        ("cup", [SMALL, WIDE], "book", TALL, {f"the cup to the {w} of the book": (i,) for i, w in enumerate(SIDES)}),
        ("cup", [SMALL, (175, 10, 215, 55)], "book", TALL, {}),  # the second, above, is a little to the left as well
        ("cup", [(190, 10, 230, 50)], "book", TALL, {"the cup above the book": (0,)}),
        ("cup", [(190, 10, 230, 50)], "book", (10, 100, 50, 140), {}),  # higher, but not over it
        ("cup", [(100, 60, 130, 90)], "dining_table", (50, 50, 300, 190), {"the cup on the dining table": (0,)}),
        ("person", [(100, 60, 130, 90)], "dining_table", (50, 50, 300, 190), {}),
        ("cup", [(100, 60, 130, 90), (10, 100, 60, 140)], "dining_table", (50, 50, 300, 190), {}),  # one is half on it
    ],
)  # fmt: skip
def test_relations(name: str, boxes: list[Box], to: str, at: Box, expected: dict[str, tuple[int, ...]]) -> None:
    found = {each.name: each for each in things_of(photo(**{name: boxes, to: [at]}))}
    assert said(list(relations(found[name], found[to.replace("_", " ")]))) == expected


@pytest.mark.parametrize(
    ("one", "several"),
    [("wine glass", "wine glasses"), ("bench", "benches"), ("dog", "dogs"), ("person", "people"), ("bus", "buses")],
)
def test_plurals(one: str, several: str) -> None:
    assert plural(one) == several


def test_of_each_kind_two_at_most_and_names_that_are_not_there() -> None:
    scene = photo(dog=[SMALL, TALL, WIDE], cat=[(20, 10, 60, 50)], cup=[(320, 10, 370, 60)])
    found = described(scene)
    assert found == described(scene) != described(scene, seed=1)
    number = Counter(query.kind for query in found)
    assert max(number.values()) == 2 == number["absent"]
    absent = {query.text.removeprefix("the ") for query in found if query.kind == "absent"}
    assert len(absent) == 2 and not absent & {"dog", "cat", "cup"}
    unnamed = LabelledPhoto("coco", Path("1.jpg"), HEIGHT, WIDTH, "most", scene.layers, ((None,) * 5,))
    assert described(unnamed) == []


def test_the_file_in_data_is_described() -> None:
    queries = [json.loads(line) for line in (DATA / "generated_queries.jsonl").read_text("utf-8").splitlines()]
    text = " ".join((DATA / "README.md").read_text("utf-8").split())
    number = Counter(query["kind"] for query in queries)
    assert len(queries) >= 300
    assert [kind for kind in number if f"`{kind}` {number[kind]}" not in text] == []
    assert f"{len(queries)} of {len({query['photo'] for query in queries})} kept-out photos" in text


def test_the_file_in_data_is_what_the_script_writes(photos: Path) -> None:
    written = (DATA / "generated_queries.jsonl").read_text("utf-8").splitlines()
    assert written == list(lines(photos, DATA / "photos_split.csv"))
