"""`Reader`: goes through the phrases of a text from its first word to its last."""

from anymask.words.phrases import GRAMMAR, Phrases, Value
from anymask.words.vocabulary import GARMENTS, NOT_VERBS

ADJECTIVES = ("colour", "tone", "size")
NAMES = ("noun", "unknown", "thing", "one")


class Reader:
    """Where reading has come to.

    words: of the text. at: the number of the word that comes next. unused: words that were no use so far.
    worn: what is being read is this to a thing, "in" or "wearing".
    """

    def __init__(self, phrases: Phrases) -> None:
        self.words, self.kinds = phrases.words, phrases.kinds
        self.at = 0
        self.worn = ""
        self.unused: list[str] = []

    def over(self) -> bool:
        """Whether nothing comes any more."""
        return self.at >= len(self.words)

    def here(self, *kinds: str, ahead: int = 0) -> bool:
        """Whether a phrase of one of the kinds begins here, or so many words ahead."""
        at = self.at + ahead
        return at < len(self.words) and any(kind in self.kinds[at] for kind in kinds)

    def length(self, *kinds: str, ahead: int = 0) -> int:
        """How many words the longest phrase of the kinds has that begins here."""
        found = self.kinds[self.at + ahead] if self.at + ahead < len(self.kinds) else {}
        return max((found[kind][1] for kind in kinds if kind in found), default=0)

    def take(self, kind: str) -> Value | None:
        """What the phrase of a kind that begins here is taken for, and goes on behind it; None if there is none."""
        if self.over() or kind not in self.kinds[self.at]:
            return None
        value, count = self.kinds[self.at][kind]
        self.at += count
        return value

    def drop(self, count: int = 1) -> None:
        """Words that are no use, kept to be told."""
        if not self.here("article", "link") and not self.next_is(","):
            self.unused.append(" ".join(self.words[self.at : self.at + count]))
        self.at += count

    def skip(self, *kinds: str) -> None:
        """Goes on behind all phrases of these kinds that come next."""
        while any(self.take(kind) is not None for kind in kinds):
            pass

    def next_is(self, *words: str) -> bool:
        """Whether one of the words comes next."""
        return not self.over() and self.words[self.at] in words

    def counted(self) -> bool:
        """Whether a number begins here, and is not the "one" in "the red one"."""
        if not self.here("number") or self.length("noun") > self.length("number"):
            return False
        if not self.here("one"):
            return True
        ahead = self.length("number")
        before = self.words[self.at - 1] if self.at else ""
        return (self.here("noun", "unknown", *ADJECTIVES, "place", ahead=ahead) and before not in ("the", "this")) or (
            self.words[self.at + ahead : self.at + ahead + 1] == ("of",)
        )

    def adjective(self) -> bool:
        """Whether a colour or size begins here, and not a noun that is written as one: "the orange", "a light"."""
        if not self.here(*ADJECTIVES):
            return False
        if not self.here("noun"):
            return True
        ahead = self.length(*ADJECTIVES)
        if self.length("noun") > ahead:
            return False
        if self.here("and", "or", ahead=ahead):
            ahead += self.length("and", "or", ahead=ahead)
            return self.here(*ADJECTIVES, ahead=ahead) and not self.here("noun", ahead=ahead)
        return self.here(*NAMES, *ADJECTIVES, ahead=ahead) and not self.here("before", "relation", "link", ahead=ahead)

    def superlative(self) -> bool:
        """Whether an order begins here, and not a noun that is written as one: "the lighter"."""
        if not self.here("order"):
            return False
        ahead = self.length("order")
        return self.words[self.at + ahead : self.at + ahead + 1] == ("of",) or self.here(*NAMES, ahead=ahead)

    def places(self) -> list[str]:
        """Places side by side, and words like "side" behind them."""
        places: list[str] = []
        while (place := self.take("place")) is not None:
            if place not in places:
                places.append(str(place))
            while self.here("after") and not self.here("noun"):
                if (corner := self.take("place")) is None:
                    self.take("after")
                elif len(places) < 2:  # the corner of "top left corner" is said already
                    places.append(str(corner))
        return places

    def side(self) -> bool:
        """Reads a side of a thing that is no other thing: the "back" of "the horse's back"."""
        at = self.at
        if self.places() and self.words[self.at - 1] != "hand" and not self.here(*NAMES):
            self.unused.append(" ".join(self.words[at : self.at]))
            return True
        self.at = at
        return False

    def picture(self) -> bool:
        """As in "of the picture": true of everything, so that there is nothing to ask."""
        if not self.next_is("of", "in", "on", "from", "within"):
            return False
        ahead = 1 + self.here("article", ahead=1)
        ahead += self.length("quantifier", ahead=ahead)  # "in the whole picture"
        if not self.here("picture", ahead=ahead):
            return False
        self.at += ahead + 1
        return True

    def verb(self) -> bool:
        """Whether a verb is here with what it is done to behind it: "cutting the cake", "eating grass".

        Without an article that has to be a known noun: in "smiling happily" nothing is done to anything.
        """
        word = "" if self.over() else self.words[self.at]
        if not word.endswith("ing") or len(word) < 5 or word in NOT_VERBS or self.here(*GRAMMAR):
            return False
        if self.here("article", "quantifier", ahead=1):
            if self.here("camera", ahead=2) or (
                self.here("picture", "one", ahead=2) and not self.here("noun", ahead=2)
            ):
                return False  # "facing the camera"
            return not self.here("place", ahead=2) or self.here(*NAMES, ahead=3)  # "facing the left"
        if self.here("noun") or self.here("place", "relation", ahead=1):
            return False
        return self.here("noun", "number", ahead=1) or (self.here(*ADJECTIVES, ahead=1) and self.noun_follows(1))

    def garment(self, worn: str, coloured: bool) -> bool:
        """Whether a word here that is a place elsewhere is something worn: "in the blue top", "wearing a top"."""
        if not worn or not self.next_is(*GARMENTS) or self.length("noun", "place") > 1:
            return False
        following = self.words[self.at + 1 : self.at + 2]
        behind = following == ("of",) or self.here("noun", "place", "after", ahead=1)
        behind = behind or (
            self.here("unknown", ahead=1) and not following[0].endswith("ing")
        )  # "the white top drawer"
        return (coloured or worn.endswith(("wearing", "wears", "dressed in"))) and not behind

    def described_further(self) -> bool:
        """Whether the unknown word here is an adjective, as it stands before others: "spotted green thing"."""
        ahead = 1
        while self.here("unknown", ahead=ahead):
            ahead += 1
        return self.here("thing", "one", ahead=ahead) or (
            self.here(*ADJECTIVES, ahead=ahead) and not self.here("noun", ahead=ahead) and self.noun_follows(ahead)
        )

    def noun_follows(self, ahead: int = 0) -> bool:
        """Whether a noun stands behind the adjectives that come next, or so many words ahead."""
        while self.here(*ADJECTIVES, ahead=ahead):
            ahead += self.length(*ADJECTIVES, ahead=ahead)
            if self.here("and", "or", ahead=ahead) and self.here(*ADJECTIVES, ahead=ahead + 1):
                ahead += 1
        return self.here("noun", "unknown", "one", "thing", ahead=ahead)
