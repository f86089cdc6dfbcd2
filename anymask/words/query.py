"""What is asked for, as plain data: a `Query` says what a text is read as, and can be written by hand."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from anymask.errors import PromptError
from anymask.words.vocabulary import COLOURS, ORDERS, PLACES, RELATIONS, SIZES, TONES

DEEPEST = 6  # queries inside one another
MOST = 1000  # entries of a list, and the highest number

Item = TypeVar("Item")


@dataclass(frozen=True)
class Pick:
    """Which one in an order.

    by: one of `ORDERS`: "left" counts from the left, "big" from the biggest.
    nth: 1 for the first, -1 for the last.
    """

    by: str
    nth: int = 1


@dataclass(frozen=True)
class Relation:
    """How a mask lies to others.

    relation: one of `RELATIONS`.
    to: what it is related to.
    other: the second thing that it is "between".
    """

    relation: str
    to: "Query"
    other: "Query | None" = None


@dataclass(frozen=True)
class Query:
    """Which masks are asked for. What is empty asks nothing; an empty query means every object.

    find: nouns, of which any fits. Whether they are known is asked when the query is answered.
    colour: colours that a mask must all have, with "light", "dark" or "bright" before them or alone.
    size: each out of `SIZES`, against others of the kind.
    position: each out of `PLACES`.
    relations: all must hold.
    exclude: masks that answer one of these are left out. "not" in JSON.
    pick: of what is left, one in an order; with ``count`` as many from there on.
    count: how many at most, the best.
    either: further queries, whose answers are added. "or" in JSON.
    unused: words of the text that nothing was made of.
    """

    find: tuple[str, ...] = ()
    colour: tuple[str, ...] = ()
    size: tuple[str, ...] = ()
    position: tuple[str, ...] = ()
    relations: tuple[Relation, ...] = ()
    exclude: tuple["Query", ...] = ()
    pick: Pick | None = None
    count: int | None = None
    either: tuple["Query", ...] = ()
    unused: tuple[str, ...] = ()

    def inner(self) -> list["Query"]:
        """The queries right inside this one."""
        found = [*self.exclude, *self.either, *(each.to for each in self.relations)]
        return found + [each.other for each in self.relations if each.other is not None]

    def has_nouns(self) -> bool:
        """Whether a noun is looked for, here or in a query inside."""
        return bool(self.find) or any(each.has_nouns() for each in self.inner())

    def depth(self) -> int:
        """How many queries there are inside one another, itself included."""
        return 1 + max((each.depth() for each in self.inner()), default=0)

    def to_json(self) -> dict[str, Any]:
        """A JSON object of what is asked, without what is empty."""
        given: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Pick):
                given[field.name] = {"by": value.by, "nth": value.nth}
            elif value is not None and value != ():
                name = NAMES.get(field.name, field.name)
                given[name] = [_written(each) for each in value] if isinstance(value, tuple) else value
        return given

    @classmethod
    def from_json(cls, document: object, depth: int = 1) -> "Query":
        """The query of a JSON object.

        Raises:
            PromptError: something in it is unknown or of the wrong kind.
        """
        if depth > DEEPEST:
            raise PromptError(f"query: expected at most {DEEPEST} queries inside one another, got more")
        given = _object(document, "query", {NAMES.get(field.name, field.name) for field in fields(cls)})

        def inner(value: object) -> Query:
            return cls.from_json(value, depth + 1)

        def relation(value: object) -> Relation:
            each = _object(value, "relations", {"relation", "to", "and"}, {"relation", "to"})
            name = _word(each["relation"], "relation", RELATIONS)
            if (name == "between") != ("and" in each):
                raise PromptError("relations: expected 'and' beside 'to' for 'between', and only there")
            return Relation(name, inner(each["to"]), inner(each["and"]) if "and" in each else None)

        pick = None
        if "pick" in given:
            each = _object(given["pick"], "pick", {"by", "nth"}, {"by"})
            pick = Pick(_word(each["by"], "by", ORDERS), _number(each.get("nth", 1), "nth", -MOST))
        return cls(
            find=_list(given, "find", _text),
            colour=_list(given, "colour", _colour),
            size=_list(given, "size", lambda value: _word(value, "size", SIZES)),
            position=_list(given, "position", lambda value: _word(value, "position", PLACES)),
            relations=_list(given, "relations", relation),
            exclude=_list(given, "not", inner),
            pick=pick,
            count=_number(given["count"], "count", 1) if "count" in given else None,
            either=_list(given, "or", inner),
            unused=_list(given, "unused", _text),
        )


NAMES: Mapping[str, str] = {"exclude": "not", "either": "or"}  # words of Python, and what they are in JSON


def _written(value: Any) -> Any:
    if isinstance(value, Relation):
        other = {} if value.other is None else {"and": value.other.to_json()}
        return {"relation": value.relation, "to": value.to.to_json(), **other}
    return value.to_json() if isinstance(value, Query) else value


def _object(value: object, name: str, known: set[str], needed: set[str] = frozenset()) -> dict[str, Any]:  # type: ignore[assignment]
    if not isinstance(value, dict):
        raise PromptError(f"{name}: expected a JSON object, got {_shown(value)}")
    if wrong := [each for each in value if each not in known]:
        raise PromptError(f"{name}: unknown field {_shown(wrong[0])}; expected {', '.join(sorted(known))}")
    if missing := sorted(needed - set(value)):
        raise PromptError(f"{name}: field {missing[0]!r} is missing")
    return value


def _list(given: Mapping[str, Any], name: str, read: Callable[[object], Item]) -> tuple[Item, ...]:
    value = given.get(name, [])
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > MOST:
        raise PromptError(f"{name}: expected a list of at most {MOST}, got {_shown(value)}")
    return tuple(read(each) for each in value)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise PromptError(f"query: expected a word, got {_shown(value)}")
    return value


def _word(value: object, name: str, known: Sequence[str]) -> str:
    if not isinstance(value, str) or value not in known:
        raise PromptError(f"{name}: expected one of {', '.join(known)}, got {_shown(value)}")
    return value


def _colour(value: object) -> str:
    text = _text(value)
    tone, _, colour = text.rpartition(" ")
    known = tone in TONES or text == colour
    if text not in TONES and not (colour in COLOURS and known):
        raise PromptError(
            f"colour: expected one of {', '.join((*COLOURS, *TONES))}, or {', '.join(TONES)} before a colour, "
            f"got {_shown(value)}"
        )
    return text


def _number(value: object, name: str, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MOST or value == 0:
        raise PromptError(f"{name}: expected a whole number from {least} to {MOST} but not 0, got {_shown(value)}")
    return value


def _shown(value: object) -> str:
    return " ".join(repr(value).split())[:60]
