"""From English descriptions to queries: what is left out, and several things at once."""

from typing import Any

import pytest

from anymask.words.parse import parse
from anymask.words.query import Query


@pytest.mark.parametrize(
    ("text", "query"),
    [
        (
            "boy not kicking a ball",
            {"find": ["boy"], "not": [{"relations": [{"relation": "with", "to": {"find": ["ball"]}}]}]},
        ),
        (
            "the dog that isn't eating the cake",
            {"find": ["dog"], "not": [{"relations": [{"relation": "with", "to": {"find": ["cake"]}}]}]},
        ),
        (
            "man without a hat",
            {"find": ["man"], "not": [{"relations": [{"relation": "with", "to": {"find": ["hat"]}}]}]},
        ),
        (
            "the person not wearing a hat",
            {"find": ["person"], "not": [{"relations": [{"relation": "with", "to": {"find": ["hat"]}}]}]},
        ),
        (
            "the cat under the table and the dog on the sofa",
            {
                "find": ["cat"],
                "relations": [{"relation": "below", "to": {"find": ["table"]}}],
                "or": [{"find": ["dog"], "relations": [{"relation": "on", "to": {"find": ["sofa"]}}]}],
            },
        ),
        (
            "the dog and the cat on the sofa",
            {"find": ["dog"], "or": [{"find": ["cat"], "relations": [{"relation": "on", "to": {"find": ["sofa"]}}]}]},
        ),
        ("not on the table", {"not": [{"relations": [{"relation": "on", "to": {"find": ["table"]}}]}]}),
        (
            "cup that's not on the table",
            {"find": ["cup"], "not": [{"relations": [{"relation": "on", "to": {"find": ["table"]}}]}]},
        ),
    ],
)
def test_a_description_is_read_as_a_query(text: str, query: dict[str, Any]) -> None:
    assert parse(text).to_json() == query
    assert parse(f"  {text.upper()}. ").to_json() == query  # neither case, blanks nor a full stop matter
    assert Query.from_json(query) == parse(text)
