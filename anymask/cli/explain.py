"""``anymask explain``: what a description is read as, without any picture."""

import json
from typing import Annotated, Any

import typer

from anymask.prompts import Text
from anymask.words.answer import unknown_nouns
from anymask.words.nouns import nouns
from anymask.words.query import Query

EXAMPLES = 5  # labels that are named of all that a noun means


def explain(
    text: Annotated[list[str], typer.Argument(metavar="TEXT", help="A description in English; quotes are not needed.")],
) -> None:
    """Print what a description is read as: the query, which may be edited and given as a prompt, and its words."""
    typer.echo(json.dumps(explained(Text(" ".join(text))), indent=2))


def explained(prompt: Text) -> dict[str, Any]:
    """What a text is read as: the prompt with its query, what its nouns mean, and which are not known."""
    means = {}
    for word in words_of(prompt.query):
        if (noun := nouns().find(word)) is not None:
            names = list(dict.fromkeys(nouns().labels[label] for label in reversed(noun.labels)))
            means[word] = {"labels": len(noun.labels), "such as": names[:EXAMPLES], "broader": noun.broader}
    unknown = {word: list(near) for word, near in unknown_nouns(prompt.query).items()}
    return {
        "type": prompt.type,
        "text": prompt.text,
        "query": prompt.query.to_json(),
        "nouns": means,
        "unknown": unknown,
    }


def words_of(query: Query) -> list[str]:
    """Every noun of a query and of those inside it."""
    return list(dict.fromkeys([*query.find, *(word for each in query.inner() for word in words_of(each))]))
