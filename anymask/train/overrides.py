"""Settings by name: ``name=value`` as on the command line, with the type that the dataclass says."""

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from anymask.errors import SettingsError

SettingsT = TypeVar("SettingsT")

WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
EXPECTED: Mapping[Any, str] = {bool: "true or false", int: "a whole number", float: "a number"}


def override(settings: SettingsT, texts: Iterable[str]) -> SettingsT:
    """A copy of ``settings`` with some changed, all at once: those that need each other come in any order.

    texts: ``name=value``. A setting of a dataclass inside is ``network.size=s``, a pair is ``zoom=0.7,2.0``, a mapping
        is replaced as a whole by ``sides=256:0.5,640:0.5``.

    Raises:
        SettingsError: no such setting, not a value of its type, or one that the settings refuse.
    """
    changes: dict[str, Any] = {}
    inner: dict[str, list[str]] = {}
    kinds = get_type_hints(type(settings))
    names = [field.name for field in fields(settings)]  # type: ignore[arg-type]
    for text in texts:
        name, equals, value = text.partition("=")
        outer, dot, rest = name.strip().partition(".")
        if not equals or outer not in names:
            got = f"got {text!r}" if not equals else f"there is no {outer!r}"
            raise SettingsError(f"a setting is given as name=value, {got}; the names are {', '.join(names)}")
        if is_dataclass(kinds[outer]) != bool(dot):
            raise SettingsError(f"{name}: expected {_expected(outer, kinds[outer])}, got {text!r}")
        if dot:
            inner.setdefault(outer, []).append(f"{rest}={value}")
        else:
            changes[outer] = _parsed(name, value.strip(), kinds[outer])
    changes.update({name: override(getattr(settings, name), given) for name, given in inner.items()})
    return replace(settings, **changes)  # type: ignore[type-var]


def _expected(name: str, kind: Any) -> str:
    """What is to be written for a setting, in words."""
    if is_dataclass(kind):
        return " or ".join(f"{name}.{field.name}=..." for field in fields(kind))
    parts = [EXPECTED.get(part, "a word") for part in get_args(kind)]
    if get_origin(kind) is tuple:
        number = "" if Ellipsis in get_args(kind) else f"{len(parts)} "
        return f"{number}values with commas, each {parts[0]}"
    if parts:
        return f"pairs with commas, each {parts[0]}, a colon and {parts[1]}"
    return EXPECTED.get(kind, "a word")


def _parsed(name: str, text: str, kind: Any) -> Any:
    parts = get_args(kind)
    try:
        if get_origin(kind) is tuple and parts[-1] is Ellipsis:
            return tuple(parts[0](item) for item in text.split(","))
        if get_origin(kind) is tuple:
            return tuple(part(item) for part, item in zip(parts, text.split(","), strict=True))
        if parts:
            pairs = [item.split(":") for item in text.split(",")]
            return {parts[0](key.strip()): parts[1](value) for key, value in pairs}
        return WORDS[text.lower()] if kind is bool else kind(text)
    except (ValueError, KeyError) as error:
        raise SettingsError(f"{name}: expected {_expected(name, kind)}, got {text!r}") from error
