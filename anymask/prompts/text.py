"""Text: things by a description in English."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from anymask.maskset import MaskSet
from anymask.prompts.numbers import only_fields
from anymask.words.answer import Answer, Candidate, answer, below
from anymask.words.parse import parse
from anymask.words.query import Query
from anymask.words.query_schema import QUERY
from anymask.words.tokens import LONGEST


@dataclass(frozen=True)
class Text:
    """All things that a description in English fits, or none.

    Args:
        text: the description: "the red car on the left", "two cups", "everything on the table except the laptop".
        query: what is asked for, where it is not what the text is read as: a `Query`, or its JSON object.

    ``query`` says what the text was read as. docs/words.md says what can be said.

    Raises:
        PromptError: the text is empty, too long, holds control characters or another script, or describes nothing; or
            the query is none.
    """

    text: str
    query: Query
    type: ClassVar[str] = "text"
    schema: ClassVar[Mapping[str, Any]] = {
        "text": {
            "description": "A description in English, such as 'the red car on the left'.",
            "type": "string",
            "minLength": 1,
            "maxLength": LONGEST,
        },
        "query": {
            "description": "What is asked for, instead of what the text is read as; null to read the text.",
            "anyOf": [{"$ref": "#/$defs/query"}, {"type": "null"}],
            "default": None,
        },
    }
    definitions: ClassVar[Mapping[str, Any]] = {"query": QUERY}

    def __init__(self, text: str, query: Query | Mapping[str, Any] | None = None) -> None:
        read = parse(text)
        object.__setattr__(self, "text", text)
        object.__setattr__(
            self, "query", read if query is None else query if isinstance(query, Query) else Query.from_json(query)
        )

    @property
    def has_nouns(self) -> bool:
        """Whether it is answered by what things are, besides by what they look like and where."""
        return self.query.has_nouns()

    def choose(self, found: MaskSet) -> MaskSet:
        """Every mask that the description fits, best first; none where nothing does. ``answer`` tells why.

        Scores are how well the description fits, in [0, 1], and not those of the masks.

        Raises:
            PromptError: ``found`` lacks the label scores or the picture that the description needs.
        """
        answered = self.answer(found)
        return replace(found[answered.indices], scores=answered.scores)

    def answer(self, found: MaskSet) -> Answer:
        """What ``choose`` chooses; where that is nothing the reason and what came nearest; what else is to be said."""
        return answer(self.query, found)

    def below(self, found: MaskSet, answered: Answer) -> tuple[Candidate, ...]:
        """Masks that nearly fit, and that ``answered``, which is what ``answer`` says, does not hold: see `below`."""
        return below(self.query, found, answered)

    def closer(self, found: MaskSet, chosen: MaskSet) -> tuple[float, float, float, float] | None:
        return None

    def to_json(self) -> dict[str, Any]:
        query = {} if self.query == parse(self.text) else {"query": self.query.to_json()}
        return {"type": self.type, "text": self.text, **query}

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> "Text":
        only_fields(fields, cls.schema, cls.type)
        return cls(fields["text"], fields.get("query"))
