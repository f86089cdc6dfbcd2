"""The tensors of torch modules that came out of a pickle as inert objects."""

from collections.abc import Iterator
from typing import Any

from anymask.fastsam.pickles import Instance, StoredTensor

MOST_ENTRIES = 100_000  # parameters, buffers and modules; a network of size x has 2,000
LONGEST_NAME = 500
DEEPEST = 30


def named_tensors(module: Instance) -> dict[str, StoredTensor]:
    """The tensors of a module and of all inside it, by the names that torch's state_dict gives them.

    Raises ValueError for what is no tree of modules.
    """
    found: dict[str, StoredTensor] = {}
    for number, (name, value) in enumerate(entries(module, "", 0)):
        if number > MOST_ENTRIES or len(name) > LONGEST_NAME:  # modules in modules can be countless in a small file
            raise ValueError(f"more than {MOST_ENTRIES} parts in its modules, or names that never end")
        if isinstance(value, StoredTensor):
            found[name] = value
    return found


def entries(module: Any, prefix: str, depth: int) -> Iterator[tuple[str, Any]]:
    """What a module has and what the modules inside it have, each with its full name."""
    if not isinstance(module, Instance) or depth > DEEPEST:
        raise ValueError("no tree of modules, or one that is in itself")
    for group in ("_parameters", "_buffers"):
        for part, value in table(module, group).items():
            yield f"{prefix}{part}", value
    for part, inner in table(module, "_modules").items():
        yield f"{prefix}{part}", inner
        if inner is not None:
            yield from entries(inner, f"{prefix}{part}.", depth + 1)


def table(module: Instance, name: str) -> dict[Any, Any]:
    """One of the three tables of a module."""
    held = module.state.get(name) if isinstance(module.state, dict) else None
    if not isinstance(held, dict):
        raise ValueError(f"a {module.kind.name!r:.80} without its {name}")
    return held
