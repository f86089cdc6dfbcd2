"""The words of a text with what each may be: the longest known phrase of every kind that begins at each of them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from anymask.words import vocabulary as known
from anymask.words.nouns import Noun, Nouns

LONGEST = 5  # words of a phrase
NOUN_WORDS = 5  # words of a noun
DESCRIBING = frozenset(("colour", "tone", "size"))
FEW = 2  # labels of a noun that is a kind of its own although it begins with a colour: "brown bear", and not "big cat"

Value = str | int
Found = tuple[Value, int]  # what it is taken for, and how many words it has
NONE: Found = ("", 0)


def _phrases() -> dict[str, dict[str, Value]]:
    """Every phrase of the vocabulary -> kind -> what it is taken for."""
    tables: dict[str, dict[str, Value]] = {
        "colour": {**known.COLOUR_WORDS},
        "tone": {**known.TONE_WORDS},
        "size": {**known.SIZE_WORDS},
        "order": {**known.ORDER_WORDS},
        "place": {**known.PLACE_WORDS, **known.FAR_WORDS},
        "place phrase": {**known.PLACE_PHRASES},
        "number": {**known.NUMBERS},
        "ordinal": {**known.ORDINALS},
        "relation": {**known.RELATION_WORDS},
    }
    sets: dict[str, Iterable[str]] = {
        "without": known.WITHOUT,
        "except": known.EXCEPT,
        "not": known.NOT,
        "and": known.AND,
        "or": known.OR,
        "thing": known.THINGS,
        "one": known.ONES,
        "article": known.ARTICLES,
        "quantifier": known.QUANTIFIERS,
        "link": known.LINKS,
        "polite": known.POLITE,
        "lead": known.LEAD,
        "picture": known.PICTURES,
        "partitive": known.PARTITIVES,
        "adverb": known.ADVERBS,
        "camera": known.CAMERA,
        "before": known.PLACE_BEFORE,
        "after": known.PLACE_AFTER,
        "farthest": known.FARTHEST,
        "owner": ("'s",),
    }
    found: dict[str, dict[str, Value]] = {}
    tables |= {kind: {word: word for word in words} for kind, words in sets.items()}
    for kind, table in tables.items():
        for word, value in table.items():
            found.setdefault(word, {})[kind] = value
    return found


PHRASES = _phrases()
WEAK = frozenset(
    ("lead", "partitive", "picture", "camera", "after", "farthest")
)  # words that are nouns too, be they not known
# Kinds after which a word is no part of a noun any more
GRAMMAR = frozenset(
    ("colour", "tone", "size", "order", "place", "place phrase", "number", "ordinal", "relation", "without", "except",
     "not", "and", "or", "article", "quantifier", "adverb", "link", "polite", "owner", "before", "thing", "one")
)  # fmt: skip


@dataclass(frozen=True)
class Phrases:
    """A text of W words.

    words: the words.
    kinds: for each the phrases that begin there, by kind; "noun" is a known one, "unknown" a word that is nothing.
        "several" is there too where the noun, "thing" or "one" is about more than one.
    """

    words: tuple[str, ...]
    kinds: tuple[dict[str, Found], ...]

    @classmethod
    def of(cls, words: list[str], nouns: Nouns) -> "Phrases":
        """The phrases of a list of words."""
        kinds = tuple(_at(words, index, nouns) for index in range(len(words)))
        for found, following in pairwise(kinds):
            if found.keys() & DESCRIBING and 1 < found.get("noun", NONE)[1] <= following.get("noun", NONE)[1]:
                del found["noun"]  # "red wine glass": a red one
        return cls(tuple(words), kinds)


def _at(words: list[str], index: int, nouns: Nouns) -> dict[str, Found]:
    found: dict[str, Found] = {}
    for count in range(min(LONGEST, len(words) - index), 0, -1):
        phrase = words[index] if count == 1 else " ".join(words[index : index + count])
        for kind, value in PHRASES.get(phrase, {}).items():
            found.setdefault(kind, (value, count))
        if count <= NOUN_WORDS and "noun" not in found and (count > 1 or _may_be_noun(phrase)):
            noun = nouns.find(phrase)
            if noun is not None and not _is_described(words[index], phrase, noun):
                found["noun"] = (noun.name, count)
            elif (
                noun is None
                and count == 2
                and (noun := nouns.find(phrase.replace(" ", ""))) is not None
                and not noun.broader
            ):
                found["noun"] = (noun.name, count)  # "stop light"
    if words[index] in known.PERSONS:
        found["noun"] = ("person", 1)
    if (words[index] in known.SEVERAL and found.get("noun", NONE)[1] <= 1) or (
        "noun" in found and _is_plural(words[index:], found["noun"])
    ):
        found["several"] = (words[index], 1)
    if (digits := re.fullmatch(r"(\d{1,3})(st|nd|rd|th)?", words[index])) and int(digits[1]):
        found["ordinal" if digits[2] else "number"] = (int(digits[1]), 1)
    if not found.keys() - WEAK:
        found["unknown"] = (words[index], 1)
    return found


def _is_plural(words: list[str], noun: Found) -> bool:
    """Whether the noun that begins here is not written as in the table, be it in one word or in several."""
    name, count = noun
    return "".join(words[:count]) != str(name).replace(" ", "")


def _may_be_noun(word: str) -> bool:
    return len(word) > 1 and word[0].isalpha()


def _is_described(first: str, phrase: str, noun: Noun) -> bool:
    """Whether a noun is better read as something else.

    One of several words as a description of its last: "big cat", "white man"; one of a single word as the word of the
    vocabulary that it is: "upper", which WordNet has for a berth.
    """
    kinds = PHRASES.get(first, {}).keys()
    if first == phrase:
        return bool(kinds & {"thing", "link"} or (noun.broader and kinds - WEAK))
    if kinds & DESCRIBING:
        return noun.broader or len(noun.labels) > FEW
    return bool(kinds & {"article", "relation", "not"})
