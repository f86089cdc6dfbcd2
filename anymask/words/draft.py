"""`Draft`: a query while its text is being read."""

from dataclasses import dataclass, field, replace

from anymask.words.query import Pick, Query, Relation
from anymask.words.vocabulary import FAR, ORDERS

VERTICAL, HORIZONTAL = ("top", "bottom"), ("left", "right")


@dataclass
class Draft:
    """What is known of a noun phrase so far: the fields of `Query`, and more.

    far: those of its places that are as far there as anything: "on the far left".
    definite: whether one is meant that is known, if it is one: "the", "this".
    several: whether more than one is meant: a plural, "every".
    headed: whether it has a noun, or "thing" or "one" in its place.
    ordered: whether it was said in which order one is picked.
    among: "of" was read, as in "the bigger of the two": a number behind it counts what there is to choose from.
    said: whether it says anything at all.
    described: whether an adjective was read.
    alternative: the next colour is one that the thing may have instead: "red or blue".
    colours: further sets of colours of which each will do.
    unused: where words go that later ones replace, as "biggest" in "the biggest smallest cup".
    others: the same noun with other descriptions, each of which will do: "on the left or on the right".
    """

    unused: list[str] = field(default_factory=list)
    find: list[str] = field(default_factory=list)
    colour: list[str] = field(default_factory=list)
    size: list[str] = field(default_factory=list)
    position: list[str] = field(default_factory=list)
    relations: list[Relation] = field(default_factory=list)
    exclude: list[Query] = field(default_factory=list)
    pick: Pick | None = None
    count: int | None = None
    far: list[str] = field(default_factory=list)
    definite: bool = False
    several: bool = False
    headed: bool = False
    ordered: bool = False
    among: bool = False
    said: bool = False
    described: bool = False
    alternative: bool = False
    colours: list[list[str]] = field(default_factory=list)
    others: list["Draft"] = field(default_factory=list)

    def add_colour(self, colour: str) -> None:
        """One more colour, beside or instead of those so far."""
        if self.alternative:
            self.colours.append(self.colour)
            self.colour = []
            self.alternative = False
        if colour not in self.colour:
            self.colour.append(colour)

    def add_places(self, places: list[str]) -> None:
        """More places, each once."""
        for place in places:
            plain = place.removeprefix(FAR)
            if plain != place and plain not in self.far:
                self.far.append(plain)
            if plain not in self.position:
                self.position.append(plain)

    def pick_by(self, order: str) -> None:
        """In which order one is picked; the number so far stays."""
        if self.ordered and self.pick is not None and self.pick.by != order:
            self.unused.append(self.pick.by)
        self.pick = Pick(order, 1 if self.pick is None else self.pick.nth)
        self.said = self.ordered = True

    def pick_nth(self, nth: int) -> None:
        """Which one is picked, from the left where nothing else is said."""
        if self.pick is not None and self.pick.nth not in (1, nth):
            self.unused.append(str(self.pick.nth))
        self.pick = Pick("left" if self.pick is None else self.pick.by, nth)
        self.said = True

    def count_up_to(self, number: int) -> None:
        """How many there may be; among some that were counted no more than what there is to choose from."""
        if self.count not in (None, number):
            self.unused.append(str(self.count))
        self.count = None if self.among and self.pick is not None else number
        self.said = True

    def copy(self) -> "Draft":
        """A draft that changes apart from this one."""
        return replace(
            self,
            find=[*self.find],
            colour=[*self.colour],
            size=[*self.size],
            position=[*self.position],
            far=[*self.far],
            relations=[*self.relations],
            exclude=[*self.exclude],
            colours=[*self.colours],
            others=[],
        )

    def queries(self) -> list[Query]:
        """The query, and those of its alternatives."""
        position, pick = self._one_in_its_place()
        made = Query(
            find=tuple(self.find),
            colour=tuple(self.colour),
            size=tuple(self.size),
            position=tuple(position),
            relations=tuple(self.relations),
            exclude=tuple(self.exclude),
            pick=pick,
            count=self.count,
        )
        others = [query for other in self.others for query in other.queries()]
        return [*(replace(made, colour=tuple(each)) for each in self.colours), made, *others]

    def _one_in_its_place(self) -> tuple[list[str], Pick | None]:
        """The places, and which one is picked: of one thing at a side the one that is furthest there.

        So it is of "the chair on the left", which is one, and not of "a chair on the left" or "the chairs on the left";
        "on the far left" need not be in the left half.
        """
        sides = [place for place in (*VERTICAL, *HORIZONTAL) if place in self.position]
        picked = self.pick is not None or self.count is not None
        if picked or self.several or not self.headed or not (self.definite or self.far):
            return self.position, self.pick
        if " ".join(sides) not in ORDERS:
            return self.position, self.pick
        return [place for place in self.position if place not in self.far], Pick(" ".join(sides))

    def query(self) -> Query:
        """One query, with the alternatives in its "or"."""
        first, *rest = self.queries()
        return replace(first, either=tuple(rest))
