"""Files of descriptions, right and wrong."""

import json
from pathlib import Path

import pytest

from anymask import SettingsError
from anymask.evaluate.words.queries import WordQuery, read_queries

RIGHT = {"photo": "coco/1.jpg", "text": "dogs", "kind": "plain", "objects": [0, 2]}


def test_by_photo_in_the_order_of_the_files(tmp_path: Path) -> None:
    for name, lines in {"a": [RIGHT, RIGHT | {"photo": "voc/1.jpg", "objects": []}], "b": [RIGHT]}.items():
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = read_queries([tmp_path / "a.jsonl", tmp_path / "b.jsonl"])
    assert found == {
        "coco/1.jpg": [WordQuery(file, "coco/1.jpg", "dogs", "plain", (0, 2)) for file in "ab"],
        "voc/1.jpg": [WordQuery("a", "voc/1.jpg", "dogs", "plain", ())],
    }
    assert read_queries([]) == {}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "Expecting"),
        ("[]", r"got \[\]"),
        (json.dumps({"photo": "coco/1.jpg"}), "got {'photo': 'coco/1.jpg'}"),
        (json.dumps(RIGHT | {"text": ""}), "'text': ''"),
        (json.dumps(RIGHT | {"objects": [-1]}), r"the objects \[-1\]"),
        (json.dumps(RIGHT | {"objects": "all"}), "the objects 'all'"),
    ],
)
def test_what_is_no_description_is_told(tmp_path: Path, line: str, said: str) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_text(f"{json.dumps(RIGHT)}\n{line}\n")
    with pytest.raises(SettingsError, match=rf"mine.jsonl, line 2: expected a JSON object .*{said}.*; see data/"):
        read_queries([file])


def test_a_file_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none.jsonl: expected a JSON object .*No such file"):
        read_queries([tmp_path / "none.jsonl"])
