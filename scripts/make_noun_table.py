"""Write anymask/words/nouns.json.gz: which nouns mean which labels, and the order of the labels.

    python scripts/make_noun_table.py WORDNET

WORDNET is the folder with the files of WordNet 3.0, as Debian's package wordnet-base brings it. Beside it are read

- data/words/imagenet.txt: the ids of the 1,000 ImageNet classes (ILSVRC2012), which are WordNet 3.0 synsets; class i is
  the i-th. The list is that of the Python package timm 1.0.31 (Apache-2.0), and sorted, as the classes are.
- data/words/photo_labels.csv: a label for every name that the labelled photos carry, and its synsets; one that has no
  synset of its own is under another.
- data/words/nouns.csv: what WordNet does not know or says otherwise than people do: "pet", "cup", "bike".

A noun means every label at or below its synset. A word has several senses; which count is said at `senses`. A noun with
no label below it is taken for the nearest label above it ("teacher" for person), and is marked as broader.
"""

import argparse
import csv
import gzip
import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from anymask.words.tokens import tokens

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data" / "words"
TABLE = ROOT / "anymask" / "words" / "nouns.json.gz"
WORDNET_FILES = ("data.noun", "index.noun", "noun.exc", "cntlist.rev")
DATA_FILES = ("imagenet.txt", "photo_labels.csv", "nouns.csv")

CLASSES = 1000  # of ImageNet
OFTEN = 0.5  # a sense counts beside the first that means labels if it is used at least so often as that one
RARE_RANK, RARE_SHARE = 5, 0.05  # a later sense that is rarer than this is none that people think of
# Whatever is so general says nothing: the parser takes "thing" and the like for any mask
TOO_GENERAL = {"entity", "physical_entity", "object", "whole", "thing", "abstraction", "matter", "unit", "group"} | {
    "part",
    "relation",
    "set",
}

Labels = frozenset[int]


class Synset(NamedTuple):
    """One meaning: its words, and its hypernyms as ids."""

    words: tuple[str, ...]
    above: tuple[str, ...]


class WordNet(NamedTuple):
    """The nouns of WordNet."""

    synsets: dict[str, Synset]
    senses: dict[str, tuple[str, ...]]  # of a word in lower case, the most frequent first
    counts: dict[tuple[str, int], int]  # how often a word was found in its sense number 1, 2, ...
    irregular: dict[str, str]  # plural -> singular


def read_wordnet(folder: Path) -> WordNet:
    """The files are described in wndb(5WN)."""
    synsets = {}
    for line in lines_of(folder / "data.noun"):
        fields = line.partition("|")[0].split()
        words = 4 + 2 * int(fields[3], 16)
        pointers = [fields[at : at + 4] for at in range(words + 1, words + 1 + 4 * int(fields[words]), 4)]
        above = tuple(f"n{to}" for symbol, to, kind, _ in pointers if symbol == "@" and kind == "n")
        synsets[f"n{fields[0]}"] = Synset(tuple(fields[4:words:2]), above)
    senses = {}
    for line in lines_of(folder / "index.noun"):
        fields = line.split()
        senses[fields[0]] = tuple(f"n{offset}" for offset in fields[-int(fields[2]) :])
    counts = {}
    for line in lines_of(folder / "cntlist.rev"):
        key, number, count = line.split()
        word, _, rest = key.partition("%")
        if rest.startswith("1:"):
            counts[word, int(number)] = int(count)
    irregular = {line.split()[0]: line.split()[1] for line in lines_of(folder / "noun.exc")}
    return WordNet(synsets, senses, counts, irregular)


def lines_of(path: Path) -> list[str]:
    """The lines of a file of WordNet without its licence, which is indented."""
    return [line for line in path.read_text(encoding="latin-1").splitlines() if line and not line.startswith(" ")]


class Meanings:
    """Which labels each synset means."""

    def __init__(self, wordnet: WordNet, homes: Sequence[Iterable[str]], parents: Sequence[Iterable[str]]) -> None:
        """homes, parents: for each label its own synsets, and those it is under without having one of its own."""
        self.wordnet = wordnet
        self.below: dict[str, set[int]] = defaultdict(set)
        self.homes = {synset for each in homes for synset in each}
        for label, (own, under) in enumerate(zip(homes, parents, strict=True)):
            for synset in (*own, *under):
                self._climb(synset, label)

    def _climb(self, synset: str, label: int) -> None:
        if label not in self.below[synset]:
            self.below[synset].add(label)
            for each in self.wordnet.synsets[synset].above:
                self._climb(each, label)

    def exact(self, synset: str) -> Labels:
        """The labels at or below a synset."""
        general = TOO_GENERAL & set(self.wordnet.synsets[synset].words)
        return frozenset() if general else frozenset(self.below.get(synset, ()))

    def broader(self, synset: str) -> Labels:
        """The labels of the nearest synset above that is a label's own."""
        level = [synset]
        while level:
            found = [each for each in level if each in self.homes]
            if found:
                return frozenset(label for each in found for label in self.below[each])
            level = [above for each in level for above in self.wordnet.synsets[each].above]
        return frozenset()

    def of_word(self, word: str) -> tuple[Labels, bool]:
        """The labels that a word means, none for most words, and whether they are broader than the word."""
        senses = self.wordnet.senses[word]
        counts = [self.wordnet.counts.get((word, number), 0) for number in range(1, len(senses) + 1)]
        exact = [self.exact(each) for each in senses]
        usual = [
            at
            for at, labels in enumerate(exact)
            if labels and (at < RARE_RANK or counts[at] >= RARE_SHARE * max(1, sum(counts)))
        ]
        if usual:
            least = OFTEN * counts[usual[0]]
            return frozenset().union(*(exact[at] for at in usual if counts[at] >= least)), False
        main = [at for at, count in enumerate(counts) if count >= OFTEN * max(counts)]
        return frozenset().union(*(self.broader(senses[at]) for at in main)), True


def read_labels(wordnet: WordNet) -> tuple[list[str], dict[str, int], list[list[str]], list[list[str]]]:
    """Names of all labels, the label of each name in a collection, and each label's synsets and parents."""
    classes = (DATA / "imagenet.txt").read_text().split()
    if len(classes) != CLASSES or classes != sorted(set(classes)):
        raise SystemExit(f"imagenet.txt: expected {CLASSES} different ids in their order, got {len(classes)}")
    names = [wordnet.synsets[each].words[0].replace("_", " ") for each in classes]
    homes, parents = [[each] for each in classes], [list[str]() for _ in classes]
    collections = {}
    for row in rows_of("photo_labels.csv"):
        for name in re.split(r" (?=\w+:)", row["collections"]):
            collections[name] = len(names)
        names.append(row["label"])
        homes.append(row["synsets"].split())
        parents.append(row["under"].split())
    return names, collections, homes, parents


def rows_of(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def plain(word: str) -> str:
    """As the parser looks a word up: its tokens with spaces between them."""
    return " ".join(tokens(word.replace("_", " ")))


def make_nouns(wordnet: WordNet, meanings: Meanings, names: Sequence[str]) -> dict[str, tuple[Labels, bool]]:
    """Every noun that means labels, and whether those are broader than it."""
    nouns: dict[str, tuple[Labels, bool]] = {}
    for word in wordnet.senses:
        labels, broader = meanings.of_word(word)
        common = any(each in wordnet.synsets[wordnet.senses[word][0]].words for each in (word, word.replace("_", "-")))
        if labels and (common or not broader) and re.fullmatch(r"[a-z][a-z '.-]*", plain(word)):
            earlier = nouns.get(plain(word))
            if earlier is None or earlier[1]:
                nouns[plain(word)] = labels, broader
    for number, name in enumerate(names[:CLASSES]):  # a class answers to its name too, be it a rare meaning of it
        meant, broader = nouns.get(plain(name), (frozenset(), False))
        nouns[plain(name)] = (frozenset({number}) if broader else meant | {number}), False
    photo = {name: number for number, name in enumerate(names) if number >= CLASSES}
    for name, number in photo.items():  # a label always answers to its name
        meant, broader = nouns.get(name, (frozenset(), False))
        nouns[name] = (frozenset({number}) if broader else meant | {number}), False
    classes = {name: number for number, name in enumerate((DATA / "imagenet.txt").read_text().split())}
    listed: dict[str, tuple[Labels, bool]] = {}

    def known(noun: str) -> tuple[Labels, bool]:
        if noun not in nouns:
            raise SystemExit(f"nouns.csv: {noun!r} is no noun of WordNet that means labels")
        return nouns[noun]

    for row in rows_of("nouns.csv"):
        labels = frozenset[int]()
        for each in row["means"].split("|"):
            if each.startswith("photo "):
                labels |= {photo[each.removeprefix("photo ")]}
            else:
                labels |= {classes[each]} if each in classes else known(each)[0]
        listed[row["noun"]] = labels, bool(row["broader"])
    return nouns | listed


def spans(labels: Labels) -> str:
    """Numbers as text: "3 7-9"."""
    parts: list[list[int]] = []
    for each in sorted(labels):
        if parts and each == parts[-1][1] + 1:
            parts[-1][1] = each
        else:
            parts.append([each, each])
    return " ".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wordnet", type=Path, help="the folder with data.noun of WordNet 3.0")
    folder = parser.parse_args().wordnet
    wordnet = read_wordnet(folder)
    names, collections, homes, parents = read_labels(wordnet)
    nouns = make_nouns(wordnet, Meanings(wordnet, homes, parents), names)
    sets = sorted(
        {spans(labels) for labels, _ in nouns.values()}, key=lambda text: [int(x) for x in re.findall(r"\d+", text)]
    )
    words: dict[str, list[list[str]]] = {"nouns": [[] for _ in sets], "broader": [[] for _ in sets]}
    number = {text: at for at, text in enumerate(sets)}
    for noun, (labels, broader) in sorted(nouns.items()):
        words["broader" if broader else "nouns"][number[spans(labels)]].append(noun)
    table = {
        "inputs": {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in [*(folder / name for name in WORDNET_FILES), *(DATA / name for name in DATA_FILES)]
        },
        "labels": names,
        "collections": collections,
        "sets": sets,
        **{kind: ["|".join(each) for each in by_set] for kind, by_set in words.items()},
        "irregular": {many: one for many, one in sorted(wordnet.irregular.items()) if one in nouns and many != one},
    }
    packed = gzip.compress(json.dumps(table, separators=(",", ":")).encode(), mtime=0)
    TABLE.write_bytes(packed)
    exact = sum(not broader for _, broader in nouns.values())
    print(f"{TABLE.name}: {len(names)} labels, {exact} nouns, {len(nouns) - exact} broader, {len(packed)} bytes")


if __name__ == "__main__":
    main()
