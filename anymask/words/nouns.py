"""Nouns: which labels a word means, from the table that ``scripts/make_noun_table.py`` makes of WordNet 3.0."""

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

TABLE = Path(__file__).parent / "nouns.json.gz"

CLASSES = 1000  # labels before this one are ImageNet's classes, those from it on were learnt from the labelled photos
NEAREST = 3  # known nouns that are offered for one that is not
COMPARED = 25  # nouns that share the most pairs of letters with an unknown one, which are compared closely
SAME_START = 0.05  # what the same three first letters count beside the likeness
ALIKE = 0.6  # what is less like the unknown word than that is not offered

# Ends of plurals, and what is there instead in the singular; the first that gives a known noun counts
ENDINGS = (("s", ""), ("ies", "y"), ("ves", "f"), ("ves", "fe"), ("men", "man"), ("es", ""))


@dataclass(frozen=True)
class Noun:
    """What a word means.

    name: the word as the table has it, in the singular.
    labels: numbers of labels, ascending.
    broader: no label means this word; these mean something that it is one of: "teacher" is looked for as a person.
    """

    name: str
    labels: tuple[int, ...]
    broader: bool = False


class Nouns:
    """The table: labels in the order that scores have them, and the nouns that mean them.

    labels: (L,) names, `CLASSES` of ImageNet and then those of the labelled photos.
    collections: "coco:couch" -> the number of the label that a name in a collection stands for.
    """

    def __init__(
        self,
        labels: Sequence[str],
        collections: Mapping[str, int],
        sets: Sequence[tuple[int, ...]],
        words: Mapping[str, int],
        irregular: Mapping[str, str],
    ) -> None:
        """words: the number of each noun's set of labels; -1 - number where those are broader than the noun."""
        self.labels = tuple(labels)
        self.collections = dict(collections)
        self._sets = tuple(sets)
        self._words = dict(words)
        self._irregular = dict(irregular)

    def __len__(self) -> int:
        return len(self._words)

    def __iter__(self) -> Iterator[str]:
        return iter(self._words)

    def find(self, word: str) -> Noun | None:
        """What a word or several mean, in the singular or plural, in lower case; None for an unknown noun."""
        word = self._joined.get(word, word)  # "wineglass"
        if word in self._words:
            return self._noun(word)
        before, _, last = word.rpartition(" ")
        singulars = (f"{before} {one}".strip() for one in _singulars(last, self._irregular))
        return next((self._noun(one) for one in singulars if one in self._words), None)

    def _noun(self, name: str) -> Noun:
        number = self._words[name]
        return Noun(name, self._sets[max(number, -1 - number)], number < 0)

    def number(self, collection: str, name: str | None) -> int | None:
        """The number of the label that a name in a collection stands for; None if there is none."""
        others = self.labels[CLASSES:]
        own = CLASSES + others.index(name) if name in others else None
        return self.collections.get(f"{collection}:{name}", own)

    def is_plural(self, word: str) -> bool:
        """Whether a known noun is written as a plural: "dogs", and not "glasses", which is one of its own."""
        return word not in self._words and self.find(word) is not None

    def nearest(self, word: str) -> tuple[str, ...]:
        """At most ``NEAREST`` known nouns that are written nearly like a word, the likest first."""
        pairs = _pairs(word)
        where = [self._with_pair[pair] for pair in pairs if pair in self._with_pair]
        if not where:
            return ()
        shared = np.bincount(np.concatenate(where), minlength=len(self._exact))
        closest = np.argsort(-shared / (self._lengths + len(pairs)), kind="stable")[:COMPARED]
        matcher = SequenceMatcher(b=word, autojunk=False)
        likeness = {}
        for each in (self._exact[index] for index in closest):
            matcher.set_seq1(each)
            likeness[each] = matcher.ratio() + SAME_START * (each[:3] == word[:3])
        alike = [each for each in likeness if likeness[each] >= ALIKE]
        return tuple(sorted(alike, key=lambda each: (-likeness[each], each))[:NEAREST])

    @cached_property
    def covered(self) -> dict[int, frozenset[int]]:
        """The classes that each label of the photos means too: those of its name as a noun."""
        found = {label: self.find(name) for label, name in enumerate(self.labels) if label >= CLASSES}
        return {
            label: frozenset(each for each in noun.labels if each < CLASSES)
            if noun and not noun.broader
            else frozenset()
            for label, noun in found.items()
        }

    @cached_property
    def _joined(self) -> dict[str, str]:
        """Nouns of several words that are no other noun when they are written as one."""
        joined = {word.replace(" ", ""): word for word in self._words if " " in word}
        joined |= {f"{one}s": word for one, word in joined.items()}
        return {one: word for one, word in joined.items() if one not in self._words}

    @cached_property
    def _exact(self) -> list[str]:
        return [word for word, number in self._words.items() if number >= 0]

    @cached_property
    def _lengths(self) -> NDArray[np.int64]:
        return np.array([len(_pairs(word)) for word in self._exact])

    @cached_property
    def _with_pair(self) -> dict[str, NDArray[np.int64]]:
        """The nouns that hold each pair of letters."""
        found: dict[str, list[int]] = {}
        for index, name in enumerate(self._exact):
            for pair in _pairs(name):
                found.setdefault(pair, []).append(index)
        return {pair: np.array(indices) for pair, indices in found.items()}


@lru_cache(maxsize=1)
def nouns() -> Nouns:
    """The table in the package, read once."""
    table = json.loads(gzip.decompress(TABLE.read_bytes()))
    sets = [tuple(_numbers(text)) for text in table["sets"]]
    words = {word: at for at, of_set in enumerate(table["nouns"]) for word in of_set.split("|") if word}
    words |= {word: -1 - at for at, of_set in enumerate(table["broader"]) for word in of_set.split("|") if word}
    return Nouns(table["labels"], table["collections"], sets, words, table["irregular"])


def inputs() -> dict[str, str]:
    """The SHA-256 of every file that the table was made of, by name."""
    hashes: dict[str, str] = json.loads(gzip.decompress(TABLE.read_bytes()))["inputs"]
    return hashes


def _numbers(text: str) -> Iterator[int]:
    """The numbers of "3 7-9"."""
    for part in text.split():
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


def _singulars(word: str, irregular: Mapping[str, str]) -> Iterator[str]:
    """What a word may be the plural of."""
    for ending, instead in ENDINGS:
        if word.endswith(ending) and len(word) > len(ending) + 1 and not word.endswith("ss"):
            yield word.removesuffix(ending) + instead
    if word in irregular:
        yield irregular[word]


def _pairs(word: str) -> set[str]:
    """Pairs of letters next to each other, with the border of the word."""
    framed = f" {word} "
    return {framed[at : at + 2] for at in range(len(framed) - 1)}
