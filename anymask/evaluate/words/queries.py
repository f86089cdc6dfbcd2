"""Descriptions of things in photos, each with its right answer: data/README.md says how a file of them looks."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from anymask.errors import SettingsError

QUERIES = (Path("data/word_queries.jsonl"), Path("data/generated_queries.jsonl"))
KEYS = ("photo", "text", "kind", "objects")


@dataclass(frozen=True)
class WordQuery:
    """One description.

    file: the stem of the file it stands in.
    photo: collection and file name.
    objects: every right answer, as indices into the first layer of the photo; empty where nothing fits.
    """

    file: str
    photo: str
    text: str
    kind: str
    objects: tuple[int, ...]


def read_queries(files: Sequence[Path]) -> dict[str, list[WordQuery]]:
    """The descriptions of each photo, in the order of the files.

    Raises SettingsError if a file cannot be read, or a line of it is no description.
    """
    found: dict[str, list[WordQuery]] = {}
    for file in files:
        place = f"{file}"
        try:
            for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
                place = f"{file}, line {number}"
                query = _query(file.stem, json.loads(line))
                found.setdefault(query.photo, []).append(query)
        except (OSError, ValueError) as error:
            raise SettingsError(
                f'{place}: expected a JSON object with "photo", "text", "kind" and "objects" on each line, got '
                f"{error}; see data/README.md"
            ) from error
    return found


def _query(file: str, each: object) -> WordQuery:
    if not isinstance(each, Mapping) or set(each) != set(KEYS):
        raise ValueError(f"{each!r:.80}")
    photo, text, kind, objects = (each[key] for key in KEYS)
    if not all(isinstance(one, str) and one for one in (photo, text, kind)):
        raise ValueError(f"{each!r:.80}")
    if not isinstance(objects, list) or not all(type(number) is int and number >= 0 for number in objects):
        raise ValueError(f"the objects {objects!r:.80}")
    return WordQuery(file, photo, text, kind, tuple(objects))
