"""Write data/generated_queries.jsonl: descriptions of things in kept-out photos, made from their boxes and names.

    python scripts/make_word_queries.py [--photos DIR] [--to data/generated_queries.jsonl]

What a description means is told by boxes alone, by rules of this file that know nothing of the code that reads texts.
It is left out unless it holds by a margin for what is meant and fails by one for all else of that name: "left of" is
wholly beside, "largest" is half as large again as the next. Only photos of ``coco`` are used, where objects of the 80
names are labelled, and none where an object has no name. The file has the form of data/word_queries.jsonl.
"""

import argparse
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anymask import rle
from anymask.cli.places import PHOTOS, SPLIT
from anymask.datasets import LabelledPhoto, read
from anymask.datasets.coco_names import NAMES

QUERIES = Path("data/generated_queries.jsonl")
COLLECTION = "coco"
SEED = 0
EACH = 2  # descriptions of a kind and photo at most
ABSENT = 2  # names that are not in a photo

SMALLEST = 14  # pixels of the shorter side of a box: of what is smaller nothing is said
APART = 0.06  # of the side of the picture: places that differ less are not told apart
LARGER = 1.5  # times
SIDE, MIDDLE = 0.35, 0.1  # how far from a side, and from the middle, a centre may lie
LEVEL = 0.5  # share of the shorter of two extents that both have, to be beside or above each other
SAME = 0.5  # IoU of two masks from which they may be one thing under two names
SHARED = 0.1  # share of a box that lies in another one of its name, from which they may be one thing

COUNTS = {2: "two", 3: "three", 4: "four"}
ORDINALS = ("first", "second", "third", "fourth", "fifth")
PLURALS = {"person": "people", "knife": "knives", "sheep": "sheep", "mouse": "mice", "skis": "skis"}
PLURALS |= {"scissors": "scissors", "broccoli": "broccoli"}
UNCOUNTED = frozenset({"skis", "scissors", "broccoli", "book"})  # and shelves are labelled in part
BEARS = frozenset({"dining table", "bed", "bench"})  # and reach round what is beside them
BORNE = frozenset(  # what, where it is seen within the outline of a thing that bears, lies on it
    {
        *("bottle", "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange"),
        *("pizza", "donut", "cake", "laptop", "cell phone", "vase"),
    }
)


@dataclass(frozen=True)
class Query:
    """A line of the file."""

    text: str
    kind: str
    objects: tuple[int, ...]


class Things:
    """Everything of one name in a photo.

    indices: (N,) int64 in the first layer.
    boxes: (N, 4) xyxy in shares of the picture's sides.
    areas: (N,) pixels.
    is_clear: whether all of them are large enough, and none may be one with another.
    """

    def __init__(
        self, name: str, photo: LabelledPhoto, boxes: NDArray[np.float64], doubtful: NDArray[np.bool_]
    ) -> None:
        """boxes: (G, 4) of all objects of the photo. doubtful: (G,) which of them may be another one as well."""
        self.name = name
        self.indices = np.flatnonzero([label == name for label in photo.labels[0]])
        own = boxes[self.indices]
        self.areas = rle.areas([photo.layers[0][index] for index in self.indices])
        large = (own[:, 2:] - own[:, :2]).min(axis=1) >= SMALLEST
        self.is_clear = bool(large.all()) and not doubtful[self.indices].any() and not _overlapping(own)
        self.boxes = own / np.array([photo.width, photo.height, photo.width, photo.height])
        self.x, self.y = ((self.boxes[:, axis] + self.boxes[:, axis + 2]) / 2 for axis in (0, 1))

    def __len__(self) -> int:
        return len(self.indices)

    def named(self, number: int = 1) -> str:
        """The name, in the plural of several."""
        return self.name if number == 1 else plural(self.name)


def _overlapping(boxes: NDArray[np.float64]) -> bool:
    low, high = np.maximum(boxes[:, None, :2], boxes[None, :, :2]), np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    shared = np.maximum(high - low, 0).prod(axis=2) / np.maximum((boxes[:, 2:] - boxes[:, :2]).prod(axis=1), 1)[:, None]
    np.fill_diagonal(shared, 0)
    return bool((shared > SHARED).any())


def plural(name: str) -> str:
    """Several of a name: "wine glasses"."""
    if name in PLURALS:
        return PLURALS[name]
    return f"{name}es" if name.endswith(("s", "sh", "ch", "x")) else f"{name}s"


def things_of(photo: LabelledPhoto) -> list[Things]:
    """The things of a photo by name, in the order of the names."""
    rles, size = photo.layers[0], (photo.height, photo.width)
    boxes = rle.boxes(rles, *size).astype(np.float64)
    doubtful = (rle.iou(rles, rles, *size) > SAME).sum(axis=1) > 1
    return [Things(name, photo, boxes, doubtful) for name in sorted({label for label in photo.labels[0] if label})]


def sides(things: Things) -> Iterator[Query]:
    """The left one of two, the leftmost of several; right likewise."""
    if len(things) < 2 or not things.is_clear:
        return
    for side, near, x in (("left", 0, things.x), ("right", 2, -things.x)):
        order = np.argsort(x, kind="stable")
        first, second = order[:2]
        edges = np.abs(things.boxes[:, near] - things.boxes[first, near]) > APART / 2
        ahead = np.sign(things.x - things.x[first]) == np.sign(things.boxes[:, near] - things.boxes[first, near])
        others = np.arange(len(things)) != first
        if x[second] - x[first] < APART or not (edges & ahead)[others].all():
            continue
        chosen = (int(things.indices[first]),)
        if len(things) > 2:
            yield Query(f"the {side}most {things.name}", side, chosen)
        elif {things.x[first] < 0.5, things.x[second] < 0.5} == {True, False} and abs(things.x[first] - 0.5) > APART:
            yield Query(f"the {things.name} on the {side}", side, chosen)
        else:
            yield Query(f"the {side} {things.name}", side, chosen)


def sizes(things: Things) -> Iterator[Query]:
    """The largest and the smallest, by area and by box."""
    if len(things) < 2 or not things.is_clear:
        return
    boxes = (things.boxes[:, 2:] - things.boxes[:, :2]).prod(axis=1)
    big = "biggest" if len(things) == 2 else "largest"
    for kind, word, areas, extents in (
        ("largest", big, things.areas.astype(np.float64), boxes),
        ("smallest", "smallest", 1 / things.areas, 1 / boxes),
    ):
        first, second = np.argsort(-areas, kind="stable")[:2]
        others = np.arange(len(things)) != first
        if areas[first] >= LARGER * areas[second] and (extents[first] >= LARGER * extents[others]).all():
            yield Query(f"the {word} {things.name}", kind, (int(things.indices[first]),))


def counts(things: Things) -> Iterator[Query]:
    """As many as there are."""
    if len(things) in COUNTS and things.is_clear and things.name not in UNCOUNTED:
        yield Query(f"{COUNTS[len(things)]} {plural(things.name)}", "count", tuple(things.indices.tolist()))


def ordinals(things: Things) -> Iterator[Query]:
    """The second from a side, where all stand in a row: centres and both edges are in one order."""
    if not 3 <= len(things) <= len(ORDINALS) or not things.is_clear:
        return
    for side, sign in (("left", 1), ("right", -1)):
        order = np.argsort(sign * things.x, kind="stable")
        rows = sign * np.stack([things.x, things.boxes[:, 0], things.boxes[:, 2]])[:, order]
        if (np.diff(rows[0]) < APART).any() or (np.diff(rows[1:], axis=1) <= 0).any():
            continue
        for place in range(1, len(things) - 1):
            text = f"the {ORDINALS[place]} {things.name} from the {side}"
            yield Query(text, "ordinal", (int(things.indices[order[place]]),))


def positions(things: Things) -> Iterator[Query]:
    """Those at one side of the picture, where all others are at the opposite one; a single one in the middle."""
    if not things.is_clear:
        return
    for words, place in (
        ("on the left", things.x),
        ("on the right", 1 - things.x),
        ("at the top", things.y),
        ("at the bottom", 1 - things.y),
    ):
        inside, outside = place < SIDE, place > 1 - SIDE
        if inside.any() and (inside | outside).all() and (len(things) == 1 or outside.any()):
            if words.endswith(("left", "right")) and len(things) == 2:
                continue  # asked among the sides
            yield Query(
                f"the {things.named(int(inside.sum()))} {words}", "position", tuple(things.indices[inside].tolist())
            )
    if len(things) == 1 and abs(things.x[0] - 0.5) < MIDDLE and abs(things.y[0] - 0.5) < MIDDLE:
        yield Query(f"the {things.name} in the middle", "position", tuple(things.indices.tolist()))


def relations(things: Things, to: Things) -> Iterator[Query]:
    """Those that lie so to the only one of another name, where none of the others can be said to."""
    if len(to) != 1 or not (to.is_clear and things.is_clear):
        return
    ((x1, y1, x2, y2),) = to.boxes
    a1, b1, a2, b2 = things.boxes.T
    rows = (np.minimum(b2, y2) - np.maximum(b1, y1)) / np.minimum(b2 - b1, y2 - y1)
    columns = (np.minimum(a2, x2) - np.maximum(a1, x1)) / np.minimum(a2 - a1, x2 - x1)
    if not {things.name, to.name} & BEARS:
        for words, gap, level, beyond in (
            ("to the left of", x1 - a2, rows, things.x - to.x),
            ("to the right of", a1 - x2, rows, to.x - things.x),
            ("above", y1 - b2, columns, things.y - to.y),
            ("below", b1 - y2, columns, to.y - things.y),
        ):
            is_so, is_not = (gap >= 0) & (level >= LEVEL), beyond > APART / 2
            yield from _related(things, to, words, is_so, is_not)
    if to.name in BEARS and things.name in BORNE:
        is_so = (a1 > x1) & (a2 < x2) & (b1 > y1) & (b2 < y2)
        is_not = (columns < 0) | (rows < 0)
        yield from _related(things, to, "on", is_so, is_not)


def _related(
    things: Things, to: Things, words: str, is_so: NDArray[np.bool_], is_not: NDArray[np.bool_]
) -> Iterator[Query]:
    if is_so.any() and (is_so | is_not).all():
        what = things.named(int(is_so.sum()))
        yield Query(
            f"the {what} {words} the {to.name}",
            words.split()[-2] + " of" if "of" in words else words,
            tuple(things.indices[is_so].tolist()),
        )


def described(photo: LabelledPhoto, seed: int = SEED) -> list[Query]:
    """The descriptions of one photo: at most ``EACH`` of a kind, drawn by the seed and the photo's name."""
    chance = random.Random(f"{seed}:{photo.path.name}")
    labels = photo.labels[0]
    if None in labels:
        return []
    found = things_of(photo)
    made = [query for each in found for rule in (sides, sizes, counts, ordinals, positions) for query in rule(each)]
    made += [query for each in found for to in found if to is not each for query in relations(each, to)]
    kinds: dict[str, list[Query]] = {}
    for query in made:
        kinds.setdefault(query.kind, []).append(query)
    chosen = [query for kind in sorted(kinds) for query in chance.sample(kinds[kind], min(EACH, len(kinds[kind])))]
    absent = chance.sample([name for name in NAMES if name not in labels], ABSENT)
    return [*chosen, *(Query(f"{chance.choice(('', 'the '))}{name}", "absent", ()) for name in absent)]


def lines(photos: Path, split: Path) -> Iterator[str]:
    """The lines of the file."""
    for entry in read(photos, side="kept_out", split=split, collections=frozenset({COLLECTION})):
        photo = entry.load()
        for query in described(photo):
            named = {"photo": f"{photo.collection}/{photo.path.name}", "text": query.text, "kind": query.kind}
            yield json.dumps({**named, "objects": sorted(query.objects)})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, default=PHOTOS)
    parser.add_argument("--split", type=Path, default=SPLIT)
    parser.add_argument("--to", type=Path, default=QUERIES)
    options = parser.parse_args()
    written = list(lines(options.photos, options.split))
    options.to.write_text("\n".join(written) + "\n", encoding="utf-8")
    print(f"{len(written)} descriptions, written to {options.to}")


if __name__ == "__main__":
    main()
