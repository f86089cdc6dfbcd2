"""The descriptions in data/word_queries.jsonl: what they name is there, in photos that nothing was trained on."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from anymask.datasets import read, read_split

DATA = Path(__file__).parent.parent / "data"
KINDS = {
    "plain": 36,
    "colour": 18,
    "position": 14,
    "order": 14,
    "count": 9,
    "relation": 20,
    "all": 5,
    "not": 5,
    "absent": 29,
}


@pytest.fixture(scope="module")
def queries() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / "word_queries.jsonl").read_text("utf-8").splitlines()]


def test_there_are_as_many_of_each_kind_as_the_description_says(queries: list[dict[str, Any]]) -> None:
    described = (DATA / "README.md").read_text("utf-8")
    assert Counter(query["kind"] for query in queries) == KINDS
    assert [kind for kind, number in KINDS.items() if f"`{kind}` {number}" not in described] == []
    photos = {query["photo"] for query in queries}
    assert f"{len(queries)} English descriptions of things in {len(photos)} kept-out photos" in described
    assert len(queries) == 150


def test_each_line_is_whole(queries: list[dict[str, Any]]) -> None:
    for query in queries:
        assert list(query) == ["photo", "text", "kind", "objects"]
        assert query["text"] == query["text"].strip() != ""
        assert query["objects"] == sorted(set(query["objects"]))
        assert (query["kind"] == "absent") == (query["objects"] == []), query


def test_no_photo_is_asked_the_same_twice(queries: list[dict[str, Any]]) -> None:
    asked = Counter((query["photo"], query["text"].lower()) for query in queries)
    assert [each for each, times in asked.items() if times > 1] == []


def test_every_photo_is_kept_out(queries: list[dict[str, Any]]) -> None:
    split = read_split(DATA / "photos_split.csv")
    named = {tuple(query["photo"].split("/")) for query in queries}
    assert {photo: split.get(photo) for photo in named if split.get(photo) != "kept_out"} == {}


def test_every_object_is_in_its_photo(queries: list[dict[str, Any]], photos: Path) -> None:
    collections = frozenset(query["photo"].split("/")[0] for query in queries)
    kept_out = read(photos, side="kept_out", split=DATA / "photos_split.csv", collections=collections)
    entries = {f"{entry.collection}/{entry.path.name}": entry for entry in kept_out}
    counts = {name: len(entries[name].load().layers[0]) for name in {query["photo"] for query in queries}}
    for query in queries:
        assert set(query["objects"]) <= set(range(counts[query["photo"]])), query
