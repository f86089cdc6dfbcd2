"""From a text to a `Query`: a small grammar of English descriptions, read from left to right.

    text    = [lead] group {"except" group}
    group   = noun phrase {("and" | "or") noun phrase}
    phrase  = {article | number | ordinal | superlative | adjective} [noun]
              {place | relation phrase | "not" description | adjective}

A description after a relation belongs to what it stands next to: in "the man behind the car on the left" the car is on
the left. What the grammar has no use for is kept in ``unused``.
"""

from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

from anymask.errors import PromptError
from anymask.words.descriptions import Descriptions
from anymask.words.draft import Draft
from anymask.words.nouns import nouns
from anymask.words.phrases import GRAMMAR, Phrases
from anymask.words.query import DEEPEST, Query, Relation
from anymask.words.reader import ADJECTIVES, NAMES
from anymask.words.tokens import tokens
from anymask.words.vocabulary import CONTAINERS, FAR, INDEFINITE, PAIRS, PLACE_RELATIONS, WHOLES

TOO_DEEP = f"text: expected at most {DEEPEST} things related to one another in a row: say it shorter"
REMEMBERED = 256  # texts whose queries are kept

AFTER_HEAD = ("relation", "before", "place", "place phrase", "without", "not", "link", "order", "ordinal")


def parse(text: str) -> Query:
    """The query that a text is read as. Whether its nouns are known is asked when it is answered.

    Raises:
        PromptError: the text is empty or too long, holds control characters or another script, or says nothing but
            filling words.
    """
    if not isinstance(text, str):
        raise PromptError(f"text: expected words, got {type(text).__name__}")
    return read(text)


@lru_cache(maxsize=REMEMBERED)
def read(text: str) -> Query:
    """As `parse`, which it remembers."""
    return Parser(Phrases.of(tokens(text), nouns())).text()


class Parser(Descriptions):
    """Reads a text once. A method reads what its name says, and those that return a bool say whether it was there."""

    def text(self) -> Query:
        """The query of the whole text."""
        while self.here("polite", "lead") and self.length("polite", "lead") < len(self.words) - self.at:
            self.at += self.length("polite", "lead")
        drafts = self._group(None, 1)
        while not self.over():
            said = " ".join(self.words[self.at : self.at + self.length("except")])
            if self.take("except") is not None:
                excluded = [draft for draft in self._group(drafts[0], 2) if draft.said]
                for each in drafts:
                    each.exclude += [query for draft in excluded for query in draft.queries()]
                if not excluded:
                    self.unused.append(said)
            elif self.take("polite") is None:
                self.drop()
        queries = [query for draft in drafts for query in draft.queries()]
        if any(query.depth() >= DEEPEST for query in queries):
            raise PromptError(TOO_DEEP)
        if not any(draft.said for draft in drafts):
            got = " ".join(self.words)
            raise PromptError(f"text: expected what to look for, got {got[:60]!r}: write for example 'the red car'")
        return replace(queries[0], either=(*queries[0].either, *queries[1:]), unused=tuple(self.unused))

    # Noun phrases

    def _group(self, outer: Draft | None, depth: int) -> list[Draft]:
        """Noun phrases with "and", "or" or commas between them."""
        drafts = [self._phrase(outer, depth)]
        while self.here("and", "or") and not self.here("except"):
            self.skip("and", "or")
            if self.over():
                break
            drafts.append(self._phrase(drafts[-1], depth))
        for draft, following in reversed(list(pairwise(drafts))):
            if draft.said and not draft.headed and not draft.exclude and not draft.relations:
                draft.find = list(following.find)  # "the first and last car"
                draft.headed, draft.several = following.headed, following.several
        return [draft for draft in drafts if draft.said] or drafts[:1]

    def _phrase(self, outer: Draft | None, depth: int, joining: bool = True, described: bool = True) -> Draft:
        """One noun phrase.

        outer: the one before it, of which "one" is another. joining: "cat and dog" may be one phrase. described:
        descriptions behind its noun are its own.
        """
        if depth > DEEPEST:
            raise PromptError(TOO_DEEP)
        draft = Draft(self.unused)
        while not self.over() and self._before_head(draft, outer, depth):
            pass
        self._head(draft, outer, joining)
        if self.take("owner") is not None and not (draft.find and self.side()):
            owned = self._phrase(outer, depth + 1, joining, described)
            owned.relations.append(Relation("part of", draft.query()))
            owned.said = True
            return owned
        if described:
            self._after_head(draft, depth, joining=depth == 1)
        return draft

    def _before_head(self, draft: Draft, outer: Draft | None, depth: int) -> bool:
        """Reads one word before a noun; False where there is none."""
        if self.here("noun") and not (self.adjective() or self.counted() or self.superlative()):
            return False
        if self.here("partitive") and self.words[self.at + 1 : self.at + 2] == ("of",):
            self.drop()
            self.at += 1
            return True
        if self.next_is("that", "those") and self.here(*NAMES, *ADJECTIVES, "number", ahead=1):
            draft.definite = self.next_is("that")
            self.at += 1  # "that car"
            return True
        if self.here("thing", "one") and not self.counted():
            return False
        if self.here("unknown") and self.described_further():
            self.drop()
            return True
        if self.here("adverb") and self.length("adverb") >= self.length("relation", "thing", "noun", "number", "place"):
            self.drop(self.length("adverb"))
            return True
        if (article := self.take("article")) is not None:
            draft.definite = article not in INDEFINITE
            return True
        for kind in ("polite", "link"):
            if self.take(kind) is not None:
                return True
        if (word := self.take("quantifier")) is not None:
            draft.several = draft.several or word not in WHOLES
            draft.said = draft.said or word in ("all", "every", "each", "any")
            return self.of(draft)
        if self.here("without", "except") and self.length("without", "except") >= self.length("not"):
            return False
        if self.take("not") is not None:
            self._negated(draft, depth)
            return True
        if self.counted():
            draft.count_up_to(int(self.take("number") or 1))
            if draft.count == 2 and self.words[self.at - 2] == "pair" and self.words[self.at : self.at + 1]:
                draft.count = 1 if self.words[self.at] in PAIRS else 2
            return self.of(draft)
        if self.ordinal(draft) or self.order(draft):
            return self.of(draft)
        if self.adjective():
            return self.describe(draft)
        if self.garment(self.worn, bool(draft.colour)):
            return False
        if self.here("place") and not self.here("place phrase", "relation"):
            return self.place_before(draft)
        if draft.described and self.here("and", "or"):
            ahead = self.length("and", "or")
            if self.here(*ADJECTIVES, ahead=ahead) and not self.here("article", ahead=ahead):
                draft.alternative = self.here("or") and not self.here("and")
                self.at += ahead
                return True
            if self.here("unknown", ahead=ahead) and self.here(*NAMES, ahead=ahead + 1):
                self.at += ahead  # "red and round ball"
                self.drop()
                return True
        return False

    def _head(self, draft: Draft, outer: Draft | None, joining: bool) -> None:
        """The noun of a phrase, if it has one, and further ones that share its description: "cat or dog"."""
        draft.several = draft.several or (self.here("thing", "one") and self.here("several"))
        if self.take("thing") is not None:
            draft.said = draft.headed = True
            return
        if self.here("one") and not self.here("link"):
            self.take("one")
            draft.find = list(outer.find) if outer is not None else []
            draft.said = draft.headed = True
            return
        if self.garment(self.worn, bool(draft.colour)):
            draft.find.append(self.words[self.at])
            draft.said = draft.headed = True
            self.at += 1
            return
        if not self.here("noun", "unknown"):
            return
        self.name(draft)
        while joining and self.here("and", "or"):
            ahead = self.length("and", "or")
            if self.here(*GRAMMAR, ahead=ahead) or not self.here("noun", "unknown", ahead=ahead):
                break
            draft.several = draft.several or self.here("and")
            self.at += ahead
            self.name(draft)

    # What stands behind a noun

    def _after_head(self, draft: Draft, depth: int, joining: bool = True) -> None:
        """Descriptions behind a noun. joining: also those behind an "and", which are else of what it stands behind."""
        base = draft.copy()
        while not self.over():
            if self.here("except") and self.length("except") >= self.length("not", "without"):
                return
            if self.here("and", "or"):
                ahead = self.length("and", "or")
                if not joining or not self._goes_on(ahead):
                    return
                if self.here("or") and not self.here("and") and draft.said:
                    self.at += ahead
                    other = base.copy()
                    self._after_head(other, depth)
                    draft.others.append(other)
                    return
                self.at += ahead
            elif not (self.picture() or self._describes(draft, depth)):
                self.loose()

    def _goes_on(self, ahead: int) -> bool:
        """Whether what follows an "and" still describes the same noun."""
        if self.here("article", "quantifier", "number", ahead=ahead):
            return False
        if self.here("relation", "before", "without", "not", "link", "place phrase", ahead=ahead):
            return True
        if not self.here(*ADJECTIVES, "place", ahead=ahead):
            return False
        while self.here(*ADJECTIVES, "place", "after", ahead=ahead):
            ahead += self.length(*ADJECTIVES, "place", "after", ahead=ahead)
        return not self.here(*NAMES, ahead=ahead)

    def _describes(self, draft: Draft, depth: int) -> bool:
        """Reads one description behind a noun; False where there is none."""
        if self.take("polite") is not None:
            return True
        if self.here("adverb") and self.length("adverb") >= self.length("relation", "place phrase", "before"):
            self.drop(self.length("adverb"))
            return True
        if self.here("link") and not self.here("relation"):
            return self.take("link") is not None
        if (without := self.take("without")) is not None:
            target = self._phrase(draft, depth + 2, described=False)
            if target.said:
                draft.exclude.append(Query(relations=(Relation("with", target.query()),)))
                draft.said = True
            else:
                self.unused.append(str(without))
            return True
        if self.take("not") is not None:
            self._negated(draft, depth)
            return True
        if self.verb():
            self.at += 1
            return self._related(draft, "with", depth, self.at - 1)
        if self._place(draft, depth) or self._relation(draft, depth):
            return True
        if self.ordinal(draft) or self.order(draft):
            return True
        if self.here(*ADJECTIVES):
            return self.describe(draft)
        return self.take("article") is not None

    def _negated(self, draft: Draft, depth: int) -> None:
        """What "not" says no to: a description, or a thing."""
        other = Draft(self.unused)
        if draft.headed and self.here("unknown", "adverb") and not self.verb():  # "the chair that is not occupied"
            self.unused.append(self.words[self.at - 1])
            self.drop()
            return
        self.skip("article") if self.here("article") and self.here("place", "order", "one", ahead=1) else None
        if self.here("one"):
            self.take("one")
            other.find = list(draft.find)
            self._after_head(other, depth + 1)
        elif self.adjective() or self.here(*AFTER_HEAD) or (draft.headed and self.verb()):
            self._describes(other, depth + 1)
            if self.here("noun", "unknown", "one", "thing") and other.described and not draft.find:
                self._head(other, draft, True)
        else:
            other = self._phrase(draft, depth + 1)
        if other.said:
            draft.exclude += other.queries()
            draft.said = True
        else:
            self.unused.append("not")
        while self.here("or") and not self.here("and"):  # "not red or blue", "neither the dog nor the cat"
            at = self.at
            self.skip("or")
            another = Draft(self.unused)
            if self.adjective() and not self.noun_follows():
                self.describe(another)
            elif self.here("article"):
                another = self._phrase(draft, depth + 1)
            if not another.said:
                self.at = at
                return
            draft.exclude += another.queries()

    def _place(self, draft: Draft, depth: int) -> bool:
        """As in "in the top right corner", "at the back", "to the left of the laptop", "from the left"."""
        if self.length("relation") > self.length("place", "place phrase", "before"):
            return False
        if (place := self.take("place phrase")) is not None:
            draft.position.append(str(place))
            draft.said = True
            return True
        start = self.at
        far = self.take("farthest") is not None
        word = self.take("before")
        self.skip("article")
        places = self.places()
        if not places or (far and word is None):
            self.at = start
            return False
        if self.next_is("of") and not self.picture():
            relation = PLACE_RELATIONS.get(places[0].removeprefix(FAR))
            if word == "on" and places[0] == "background":
                relation = "on"  # "on the back of the horse"
            if relation is None or (len(places) > 1 and "corner" not in places):
                self.at = start
                return False
            self.at += 1
            return self._related(draft, relation, depth, start)
        if word == "from" and (draft.pick is not None or draft.count is not None):
            draft.pick_by(places[0].removeprefix(FAR))
            if self.next_is("to") and self.here("place", ahead=1):
                self.at += 2
            return True
        draft.add_places([FAR + place for place in places] if far else places)
        draft.said = True
        return True

    def _relation(self, draft: Draft, depth: int) -> bool:
        start = self.at
        if (relation := self.take("relation")) is None:
            return False
        return self._related(draft, str(relation), depth, start)

    def _related(self, draft: Draft, relation: str, depth: int, start: int) -> bool:
        """The thing that a relation is to, and the second one of "between"; always True.

        start: the number of the first word of the relation.
        """
        word = " ".join(self.words[start : self.at])
        if relation in ("in", "with") and self.here("colour", "tone") and not self.noun_follows():
            while self.here("colour", "tone"):
                self.describe(draft)
                if self.here("and") and self.here("colour", "tone", ahead=1):
                    self.at += 1
            return True
        if self.to_picture(draft, relation):
            return True
        start = self.at
        if self.next_is("it", "them") or self.here("adverb"):  # "with a spoon in it", "next to each other"
            self.unused.append(word)
            self.drop(max(1, self.length("adverb")))
            return True
        if word == "of" and draft.find and draft.find[-1] in CONTAINERS and self.here("noun", "unknown"):
            content = Draft()
            self.name(content)
            self.unused += [word, *content.find]
            return True
        # What is worn, held or within is seldom described further: "the man in the red shirt on the left"
        described = relation not in ("in", "with")
        before, self.worn = self.worn, "" if described else word
        target = self._phrase(draft, depth + 1, joining=relation != "between", described=described)
        self.worn = before
        if not target.said:
            self.unused.append(word)
            self.at = max(self.at, start)
            return True
        other = None
        if relation == "between":
            self.skip("and")
            second = self._phrase(target, depth + 1) if self.at > start and not self.over() else Draft(self.unused)
            other = second.query() if second.said else target.query()
        draft.relations.append(Relation(relation, target.query(), other))
        draft.said = True
        return True
