"""The published network as a tree of named modules: YOLOv8-seg as its checkpoints hold it.

The tree says what a checkpoint's pickle says, class by class and attribute by attribute, so that programs which know
the published classes can open what is written here. Its tensors' names and shapes are the published ones.
"""

from collections.abc import Iterator
from typing import Any

from anymask.fastsam.pickles import Instance, StoredTensor

MOST_MODULES = 20_000
DEEPEST = 30


def named_tensors(module: Instance, prefix: str = "") -> dict[str, StoredTensor]:
    """The tensors of a module and of all inside it, by the names that torch's state_dict gives them.

    Raises ValueError for what is no tree of modules.
    """
    found: dict[str, StoredTensor] = {}
    for visited, (name, inner) in enumerate(walk(module, prefix, 0)):
        if visited > MOST_MODULES:
            raise ValueError(f"more than {MOST_MODULES} modules")
        for group in ("_parameters", "_buffers"):
            for part, value in table(inner, group).items():
                if isinstance(value, StoredTensor):
                    found[f"{name}{part}"] = value
    return found


def walk(module: Any, prefix: str, depth: int) -> Iterator[tuple[str, Instance]]:
    """A module and all inside it, each with the beginning of its tensors' names."""
    if not isinstance(module, Instance) or depth > DEEPEST:
        raise ValueError("no tree of modules, or one that is in itself")
    yield prefix, module
    for name, inner in table(module, "_modules").items():
        if inner is not None:
            yield from walk(inner, f"{prefix}{name}.", depth + 1)


def table(module: Instance, name: str) -> dict[Any, Any]:
    """One of the three tables of a module."""
    held = module.state.get(name) if isinstance(module.state, dict) else None
    if not isinstance(held, dict):
        raise ValueError(f"a {module.kind.name!r:.80} without its {name}")
    return held
