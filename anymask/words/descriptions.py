"""`Descriptions`: reads what of a noun phrase holds no other noun phrase: adjectives, orders, places, nouns."""

from anymask.words.draft import Draft
from anymask.words.phrases import GRAMMAR
from anymask.words.reader import Reader
from anymask.words.vocabulary import FAR, ORDERS


class Descriptions(Reader):
    """A method adds what its name says to a draft. Those that return a bool say whether it was there."""

    def of(self, draft: Draft) -> bool:
        """The "of" in "two of the cups"; always True."""
        if draft.said and self.next_is("of"):
            self.at += 1
            draft.among = True
        return True

    def describe(self, draft: Draft) -> bool:
        """A colour or a size; always True."""
        if (size := self.take("size")) is not None:
            draft.size.append(str(size))
        elif self.here("colour") and self.length("colour") >= self.length("tone"):
            draft.add_colour(str(self.take("colour")))
        else:
            tone = str(self.take("tone"))
            colour = self.take("colour") if self.here("colour") else None
            draft.add_colour(tone if colour is None else f"{tone} {str(colour).rpartition(' ')[2]}")
        draft.said = draft.described = True
        return True

    def ordinal(self, draft: Draft) -> bool:
        """As in "the second", "the second biggest", "the second from the left"."""
        if (nth := self.take("ordinal")) is None:
            return False
        draft.pick_nth(int(nth))
        if (order := self.take("order")) is not None:
            draft.pick_by(str(order))
        return True

    def order(self, draft: Draft) -> bool:
        """A superlative, unless it goes on as a relation: "closest to"."""
        if not self.here("order") or self.length("relation", "place") > self.length("order"):
            return False
        draft.pick_by(str(self.take("order")))
        return True

    def name(self, draft: Draft) -> None:
        """The noun of a phrase: the last known one of those that follow each other, or the last word where none is."""
        found: list[tuple[str, bool, bool]] = []
        while self.here("noun", "unknown"):
            known = self.here("noun")
            if not known and any(each[1] for each in found) and self.words[self.at].endswith("ing"):
                break  # "person riding a horse"
            if found and self.verb():
                break  # "woman painting a wall"
            if found and self.here(*GRAMMAR) and not (known and self.length("noun") > 1):
                break
            name = str(self.kinds[self.at]["noun" if known else "unknown"][0])
            found.append((name, known, self.here("several")))
            self.at += self.length("noun", "unknown")
        chosen = max(
            range(len(found)), key=lambda at: (found[at][1], not found[at][0].endswith(("ing", "ly", "ed")), at)
        )
        self.unused += [each[0] for at, each in enumerate(found) if at != chosen]
        draft.find.append(found[chosen][0])
        draft.several = draft.several or found[chosen][2]
        draft.said = draft.headed = True

    def place_before(self, draft: Draft) -> bool:
        """A place before its noun: "the upper left window", "the middle cup"."""
        at = self.at
        places = self.places()
        if self.next_is("of"):
            self.at = at  # "left of the laptop"
            return False
        if places == ["middle"] and self.here("noun", "one", "unknown", "thing"):
            draft.pick_by("middle")
        else:
            draft.add_places(places)
        draft.said = draft.described = True
        return True

    def to_picture(self, draft: Draft, relation: str) -> bool:
        """The order in "closest to the camera", and in "closest to the top"."""
        if relation not in ("nearest to", "farthest from"):
            return False
        ahead = int(self.here("article"))
        if self.here("camera", ahead=ahead):
            self.at += ahead + 1
            draft.pick_by("near" if relation == "nearest to" else "far")
            return True
        if self.here("place", ahead=ahead) and relation == "nearest to" and not self.here("noun", ahead=ahead):
            self.at += ahead
            place = self.places()[0].removeprefix(FAR)
            if place in ORDERS:
                draft.pick_by(place)
            else:
                draft.position.append(place)
                draft.said = True
            return True
        return False

    def loose(self) -> None:
        """Words that are no use, up to where a description begins again."""
        self.drop()
        while not self.over() and not self.here(
            "relation", "before", "without", "not", "link", "and", "or", "except", "place phrase", "polite"
        ):
            self.drop()
