"""From a query to the masks that answer it, or to the reason why none does. Start reading at `answer`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anymask.errors import PromptError
from anymask.maskset import MaskSet
from anymask.words.kinds import CUT, kind_scores
from anymask.words.nouns import CLASSES, Noun, nouns
from anymask.words.places import ordered, positions, sizes
from anymask.words.query import Query, Relation
from anymask.words.relations import related
from anymask.words.saying import place_of, thing
from anymask.words.scene import Scene

FITS = 0.5  # a mask has a colour, size, place or relation from this degree on
SEEN = 0.05  # a mask that scores lower is no "thing", unless all do; with a noun the label scores tell
REAL = 0.02  # likewise a mask of a noun: of a thousand masks some that are nothing look like anything
SURE = 1 - 1e-6  # a score is no higher, so that it has odds
NEAREST = 3  # masks that are told where none answers
BELOW = 0.25  # a mask that scores less does not even nearly fit
MOST_BELOW = 20  # masks that nearly fit are told, at most

Indices = NDArray[np.int64]
Scores = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Candidate:
    """A mask that came near: its index in the set, its score for what was asked, and the label it looks like most."""

    index: int
    score: float
    name: str


@dataclass(frozen=True, eq=False)
class Answer:
    """What answers a query.

    indices: (M,) int64 of the masks, best first.
    scores: (M,) float32 in [0, 1]: of the noun, whose odds are taken times the root of the mask's own score, or that
        score itself where there is no noun; times how well each description fits.
    reason: why there is none, "" where there are.
    nearest: where there is none, at most ``NEAREST`` masks that came nearest.
    notes: what else there is to say: words that were of no use, nouns that were taken for something broader, counts
        that were not reached.
    """

    indices: Indices
    scores: NDArray[np.float32]
    reason: str
    nearest: tuple[Candidate, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Matches:
    """Masks and their scores, best first; where there are none the reason, and what came nearest."""

    indices: Indices
    scores: Scores
    reason: str = ""
    nearest: tuple[tuple[int, float], ...] = ()


def answer(query: Query, found: MaskSet, cut: float = CUT) -> Answer:
    """The masks of ``found`` that answer a query: every match, or none and why.

    Nouns are answered by ``found.label_scores``, colours by ``found.image``; each is needed only where it is asked for.
    Nothing is run. Of masks that are parts of each other or show one thing only the best is a match. A relation to
    things of which nothing is known is left out, which ``notes`` tells, unless nothing else is asked.

    cut: the score from which a mask is of a kind, in [0, 1].

    Raises PromptError where the label scores or the picture that the query needs are missing.
    """
    answering = _Answering(found, cut)
    if query.unused and query == Query(unused=query.unused):  # "the wooden one" is not every thing
        matches = answering.none(f"nothing could be made of {', '.join(query.unused)}", answering.of_kind(query))
    else:
        matches = answering.matches(query)
    notes = [note for note in answering.notes if note not in matches.reason]
    if query.unused:
        notes.append(f"not used: {', '.join(query.unused)}")
    nearest = tuple(Candidate(index, score, answering.name(index)) for index, score in matches.nearest)
    scores = np.clip(matches.scores, 0, 1).astype(np.float32)
    return Answer(matches.indices, scores, matches.reason, nearest, tuple(dict.fromkeys(notes)))


def below(query: Query, found: MaskSet, answered: Answer) -> tuple[Candidate, ...]:
    """At most ``MOST_BELOW`` masks that nearly fit, best first: what a cut of ``BELOW`` would answer with besides.

    None of them shows what answers already, or is part of it. An order or a number asks for no more than it names:
    there are none then, and none where no noun is asked for.

    Raises PromptError as `answer`.
    """
    if query.pick is not None or query.count is not None or not query.has_nouns():
        return ()
    answering = _Answering(found, BELOW)
    matches, scene = answering.matches(query), answering.scene
    pick = np.ix_(matches.indices, answered.indices)
    new = ~(scene.alike[pick] | scene.inside[pick] | scene.inside.T[pick]).any(axis=1)
    pairs = zip(matches.indices[new].tolist(), matches.scores[new].tolist(), strict=True)
    return tuple(Candidate(index, min(score, 1.0), answering.name(index)) for index, score in pairs)[:MOST_BELOW]


class _Answering:
    """One query being answered."""

    def __init__(self, found: MaskSet, cut: float) -> None:
        self.scene, self.label_scores, self.cut = Scene.of(found), found.label_scores, cut
        self.notes: list[str] = []

    def name(self, index: int) -> str:
        """The label that a mask looks like most; "" without label scores."""
        return "" if self.label_scores is None else nouns().labels[int(self.label_scores[index].argmax())]

    def matches(self, query: Query) -> Matches:
        """What answers a query or one of its alternatives."""
        found = [self.own(query), *(self.matches(each) for each in query.either)]
        some = [each for each in found if len(each.indices)]
        if not some:
            reasons = dict.fromkeys(each.reason for each in found)
            nearest = sorted((near for each in found for near in each.nearest), key=lambda near: -near[1])
            return replace(found[0], reason="; ".join(reasons), nearest=tuple(nearest[:NEAREST]))
        if len(some) == 1:
            return some[0]
        indices, scores = (
            np.concatenate(each) for each in zip(*((one.indices, one.scores) for one in some), strict=True)
        )
        order = np.argsort(-scores, kind="stable")
        _, first = np.unique(indices[order], return_index=True)
        order = order[np.sort(first)]
        return Matches(indices[order], scores[order])

    def own(self, query: Query) -> Matches:
        """What answers a query without its alternatives."""
        matches = self.of_kind(query)
        if not len(matches.indices):
            return matches
        lost = [each for each in query.relations if cannot_be_judged(each)]
        bare = replace(query, relations=query.relations[len(lost) :], pick=None, count=None, either=(), unused=())
        if lost and bare == Query():  # nothing else is asked
            return self.none("; ".join(map(not_judged, lost)), matches)
        left = _Left(matches)
        for what, degree in self.degrees(query, matches.indices):
            if not left.narrow(degree):
                count, noun = len(left.indices), " or ".join(query.find) or "thing"
                return self.none(f"of {count} found for {noun!r} none is {what}", left.nearest(degree))
        if not query.find:
            left = _Left(self.undoubled(left.matches()))
        for each in query.exclude:
            if lost := [relation for relation in each.relations if cannot_be_judged(relation)]:
                self.notes += map(not_judged, lost)
                continue
            kept = ~self.excluded(each, left.indices, bool(query.find))
            if not left.narrow(kept.astype(np.float64)):
                return self.none(f"every {thing(query)} is a {thing(each)}, which was not asked for", left.matches())
        return self.picked(query, left.matches())

    def of_kind(self, query: Query) -> Matches:
        """The masks of the query's nouns, or every object."""
        if not query.find:
            indices = self.scene.objects
            seen = indices[self.scene.scores[indices] >= SEEN]
            seen = seen if len(seen) else indices
            every = seen[np.argsort(-self.scene.scores[seen], kind="stable")]
            return Matches(every, self.scene.scores[every], "" if len(every) else "there are no masks")
        indices = self.scene.masks
        known = [noun for noun in map(self.noun, query.find) if noun is not None]
        if not known:
            return Matches(indices[:0], np.zeros(0), "; ".join(map(unknown, query.find)))
        if self.label_scores is None:
            raise PromptError(
                f"text: expected masks with label scores to find {query.find[0]!r}, got none: pass "
                "segmenter.label(found), or dataclasses.replace(found, label_scores=scores)"
            )
        labels = sorted({label for noun in known for label in noun.labels})
        real = self.scene.scores[indices] >= REAL
        indices = indices[real] if real.any() else indices
        scores = kind_scores(self.label_scores, labels)[indices]
        order = np.argsort(-scores, kind="stable")
        indices, scores = indices[order], scores[order]
        enough = scores >= self.cut
        if not enough.any():
            best = (
                f"the best scores {scores[0]:.2f}, which is below {self.cut:.2f}"
                if len(scores)
                else "there are no masks"
            )
            near = self.undoubled(Matches(indices[: 10 * NEAREST], scores[: 10 * NEAREST]), of_kind=True)
            return self.none(f"nothing looks like {thing(query)}: {best}", near)
        indices = indices[enough]
        # A part looks like the whole, and the mask's own score knows too which of them is an object. Scores near 1 are
        # told apart by their odds
        odds = scores[enough].astype(np.float64) / (1 - np.minimum(scores[enough], SURE))
        believed = odds * np.sqrt(self.scene.scores[indices])
        return self.undoubled(Matches(indices, believed / (1 + believed)), of_kind=True)

    def noun(self, word: str) -> Noun | None:
        """What a noun means; what is to be said about it is noted."""
        noun = nouns().find(" ".join(word.lower().split()))
        if noun is None:
            self.notes.append(unknown(word))
        elif noun.broader:
            broader = [nouns().labels[label] for label in noun.labels if label >= CLASSES]
            told = broader[0] if broader else nouns().labels[noun.labels[0]]
            self.notes.append(f"{word!r} has no label of its own and is taken for something broader, such as {told!r}")
        return noun

    def degrees(self, query: Query, indices: Indices) -> Iterator[tuple[str, Scores]]:
        """What a query says of its masks, one by one, and how well it is true of each of (K,) masks."""
        for colour in query.colour:
            yield colour, self.scene.colours.degree(colour)[indices]
        if query.size:
            yield " and ".join(query.size), sizes(self.scene, indices, query.size, bool(query.find))
        if query.position:
            yield place_of(query.position), positions(self.scene, indices, query.position)
        for relation in query.relations:
            if cannot_be_judged(relation):
                self.notes.append(not_judged(relation))
                continue
            to = self.matches(relation.to)
            other = self.matches(relation.other) if relation.other is not None else None
            for target, asked in ((to, relation.to), (other, relation.other)):
                if target is not None and asked is not None and not len(target.indices):
                    yield f"{relation.relation} {thing(asked)}, for {target.reason}", np.zeros(len(indices))
                    return
            degree = related(self.scene, relation.relation, indices, to.indices, other.indices if other else None)
            second = f" and {thing(relation.other)}" if relation.other is not None else ""
            yield f"{relation.relation} {thing(relation.to)}{second}", degree

    def excluded(self, query: Query, indices: Indices, of_kind: bool) -> NDArray[np.bool_]:
        """(K,) which masks a query says no to: those that fit its descriptions, or are parts of what it finds."""
        if not (query.find or query.either):
            no = np.ones(len(indices), np.bool_)
            for _, degree in self.degrees(query, indices):
                no &= degree >= FITS
            for each in query.exclude:
                no &= ~self.excluded(each, indices, of_kind)
            if no.any() and (query.pick or query.count):  # "all but the biggest": of what there is to choose from
                no = np.isin(indices, self.picked(query, Matches(indices[no], np.ones(no.sum()))).indices)
            return no
        pick = np.ix_(indices, self.matches(query).indices)
        return np.asarray((self.scene.alike[pick] | self.scene.inside[pick]).any(axis=1))

    def picked(self, query: Query, matches: Matches) -> Matches:
        """The one in an order, or as many as are asked for."""
        count, number = query.count, len(matches.indices)
        if query.pick is not None:
            inorder = ordered(self.scene, matches.indices, query.pick.by)
            nth, many = query.pick.nth, 1 if count is None else count
            first = nth - 1 if nth > 0 else number + nth - (many - 1)
            if first >= number or first + many <= 0:
                return self.none(f"number {nth} was asked for, but only {number} found for {thing(query)!r}", matches)
            chosen = inorder[max(first, 0) : first + many]
            place = {index: at for at, index in enumerate(matches.indices.tolist())}
            if number > many == 1 and nth == 1 and set(query.pick.by.split()) <= set(query.position):
                self.notes.append(
                    f"of {number} found for {thing(query)!r} the one furthest to the {query.pick.by} is taken; "
                    "ask in the plural for all"
                )
            matches = Matches(chosen, matches.scores[[place[index] for index in chosen.tolist()]])
        elif count is not None:
            matches = Matches(matches.indices[:count], matches.scores[:count])
        if count is not None and len(matches.indices) < count:
            self.notes.append(f"{count} were asked for, but only {len(matches.indices)} found for {thing(query)!r}")
        return matches

    def undoubled(self, matches: Matches, of_kind: bool = False) -> Matches:
        """From the best down, masks that are no part of a better one, hold none, and do not show the same thing.

        of_kind: they are all of one kind; then `Scene.doubles_of_kind` tells which show the same.
        """
        order = np.lexsort((-self.scene.areas[matches.indices], -matches.scores))
        indices, scores = matches.indices[order], matches.scores[order]
        if of_kind:
            double, left = self.scene.doubles_of_kind(indices), np.ones(len(indices), np.bool_)
            for at in range(len(indices)):
                if left[at]:
                    left[at + 1 :] &= ~double[at, at + 1 :]
            return Matches(indices[left], scores[left])
        doubles, taken, kept = self.scene.doubles, 0, []
        for at, index in enumerate(indices.tolist()):
            if not doubles[index] & taken:
                taken |= 1 << index
                kept.append(at)
        return Matches(indices[kept], scores[kept])

    def none(self, reason: str, near: Matches) -> Matches:
        """No matches, and those that came nearest."""
        nearest = zip(near.indices[:NEAREST].tolist(), near.scores[:NEAREST].tolist(), strict=True)
        return Matches(near.indices[:0], near.scores[:0], reason, tuple(nearest))


class _Left:
    """The masks that are still left while one description after another is asked for."""

    def __init__(self, matches: Matches) -> None:
        self._all, self._scores = matches.indices, np.asarray(matches.scores, np.float64)
        self._left = np.ones(len(self._all), np.bool_)

    @property
    def indices(self) -> Indices:
        """(K,) those that are left."""
        return self._all[self._left]

    def narrow(self, degree: Scores) -> bool:
        """Leaves those that a description fits, by (all,) degrees or those of what is left; False if it fits none."""
        full = degree
        if len(degree) != len(self._all):
            full = np.zeros(len(self._all))
            full[self._left] = degree
        still = self._left & (full >= FITS)
        if not still.any():
            return False
        self._left, self._scores = still, self._scores * full
        return True

    def nearest(self, degree: Scores) -> Matches:
        """Those that are left, by how well a description fits that fits none."""
        scores = (self._scores * degree)[self._left]
        order = np.argsort(-scores, kind="stable")
        return Matches(self.indices[order], scores[order])

    def matches(self) -> Matches:
        """Those that are left, best first."""
        indices, scores = self.indices, self._scores[self._left]
        order = np.argsort(-scores, kind="stable")
        return Matches(indices[order], scores[order])


def nothing_known(query: Query) -> bool:
    """Whether a query is about nouns of which none is known."""
    known = [noun for noun in query.find if nouns().find(" ".join(noun.lower().split())) is not None]
    return bool(query.find) and not known and all(map(nothing_known, query.either))


def cannot_be_judged(relation: Relation) -> bool:
    """Whether a relation is to things of which nothing is known, so that it may be true of any mask or of none."""
    return nothing_known(relation.to) or (relation.other is not None and nothing_known(relation.other))


def not_judged(relation: Relation) -> str:
    """That such a relation was left out."""
    other = relation.other
    lost = relation.to if other is None or nothing_known(relation.to) else other
    return f"left out, for it cannot be judged: {relation.relation} {thing(lost)}; {unknown(lost.find[0])}"


def unknown(word: str) -> str:
    """That a noun is not known, and which are written nearly so."""
    near = nouns().nearest(" ".join(word.lower().split()))
    return f"{word!r} is not a known word" + (f"; the nearest known are {', '.join(near)}" if near else "")


def unknown_nouns(query: Query) -> dict[str, Sequence[str]]:
    """Every noun of a query, also of those inside it, that is not known -> the nearest known ones."""
    found: dict[str, Sequence[str]] = {
        word: nouns().nearest(word) for word in query.find if nouns().find(" ".join(word.lower().split())) is None
    }
    for each in query.inner():
        found |= unknown_nouns(each)
    return found
