"""Queries in words, for reasons and messages."""

from anymask.words.query import Query

PLACES = {
    "middle": "in the middle",
    "corner": "in a corner",
    "edge": "at an edge",
    "foreground": "in the foreground",
    "background": "in the background",
    "top": "at the top",
    "bottom": "at the bottom",
    "left": "on the left",
    "right": "on the right",
}


def place_of(positions: tuple[str, ...]) -> str:
    """Places in words: "at the top and on the left"."""
    return " and ".join(PLACES[each] for each in positions)


def thing(query: Query) -> str:
    """What a query is about, in a few words: "red cup or mug on the left"."""
    words = [*query.size, " and ".join(query.colour), " or ".join(query.find) or "thing"]
    words += [place_of(query.position)] if query.position else []
    words += [f"{relation.relation} {thing(relation.to)}" for relation in query.relations[:1]]
    return " ".join(word for word in words if word)
