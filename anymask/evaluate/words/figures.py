"""The figures of words over several photos, from what was measured on each; and their tables."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anymask.evaluate.figures import Keys
from anymask.evaluate.tables import Group, Table, at, cell, short
from anymask.evaluate.words.asking import CUTS, EVERY, FIGURES, SOURCES, WordsMeasured, Wrong

PRESENT, ABSENT = "first right", "false alarms"  # figures that count the names of either kind
QUERY_FIGURES = ("set right", "first right")


def words_columns(measured: Sequence[WordsMeasured | None]) -> dict[Keys, tuple[NDArray[Any], NDArray[Any]]]:
    """Every figure as its two sums of each photo, (P,) each, as `run.columns` has them; 0 where nothing was asked."""
    found = dict.fromkeys(keys for each in measured if each is not None for keys in each.sums)
    sums = {}
    for keys in found:
        parts, wholes = np.array(
            [(0.0, 0.0) if each is None else each.sums.get(keys, (0.0, 0.0)) for each in measured]
        ).T
        sums[keys] = parts, wholes.astype(np.int64)
    return sums


def words_extras(measured: Sequence[WordsMeasured | None]) -> dict[str, Any]:
    """What a group of photos tells beside its figures: how much was asked, and what another cut would give.

    Returns:
        {"words": {"pairs": {"present": n, "absent": n}, "sweep": {source: [{"cut": c, figure: value}]}},
        "queries": {file: {"asked": {kind: n}}}}; {} where no words were asked.
    """
    asked = [each for each in measured if each is not None]
    if not asked:
        return {}
    sums = words_columns(asked)
    extras: dict[str, Any] = {"words": {"sweep": {}}, "queries": {}}
    names = {"present": PRESENT, "absent": ABSENT}
    extras["words"]["pairs"] = {name: int(sums["words", SOURCES[0], figure][1].sum()) for name, figure in names.items()}
    for source in SOURCES:
        totals = np.sum([each.sweep[source] for each in asked], axis=0)  # (cuts, figures, 2)
        extras["words"]["sweep"][source] = [
            {"cut": cut, **{name: _share(*sums) for name, sums in zip(FIGURES, row.tolist(), strict=True)}}
            for cut, row in zip(CUTS, totals, strict=True)
        ]
    for keys, (_, wholes) in sums.items():
        if keys[0] == "queries" and keys[2] == SOURCES[0] and keys[4] == QUERY_FIGURES[0]:
            extras["queries"].setdefault(keys[1], {"asked": {}})["asked"][keys[3]] = int(wholes.sum())
    return extras


def _share(part: float, whole: float) -> float | None:
    return round(part / whole, 4) if whole else None


def wrong_answers(measured: Sequence[WordsMeasured | None]) -> list[dict[str, Any]]:
    """Every description that was not answered rightly, for people to read."""
    return [_told(wrong) for each in measured if each is not None for wrong in each.wrong]


def _told(wrong: Wrong) -> dict[str, Any]:
    query = wrong.query
    return {
        "file": query.file,
        "photo": query.photo,
        "text": query.text,
        "kind": query.kind,
        "source": wrong.source,
        "right": len(query.objects),
        "answered": wrong.answered,
        "first right": wrong.first_right,
        "said": wrong.said,
    }


def has_words(group: Group) -> bool:
    """Whether words were asked of a group of photos."""
    return "words" in group


def names_table(groups: Mapping[str, Group], intervals: bool = True) -> Table:
    """How well names choose, one row per group of photos and source of masks."""
    shown = cell if intervals else (lambda figure: short(figure, 3))
    rows = []
    for name, group in groups.items():
        if not has_words(group) or not any(group["words"]["pairs"].values()):
            continue
        pairs = group["words"]["pairs"]
        for source in SOURCES:
            figures = [shown(at(group, ("words", source, figure))) for figure in FIGURES]
            rows.append([name, source, str(pairs["present"]), *figures[:-1], str(pairs["absent"]), figures[-1]])
    return Table(("photos of", "masks", "present", *FIGURES[:-1], "absent", FIGURES[-1]), rows)


def queries_table(group: Group, intervals: bool = True) -> Table:
    """How many descriptions are answered rightly, one row per file and kind."""
    shown = cell if intervals else (lambda figure: short(figure, 3))
    rows = []
    for file, found in group["queries"].items():
        kinds = sorted(found["asked"], key=lambda kind: (kind == EVERY, kind))
        for kind in kinds:
            figures = [shown(found[source][kind][name]) for source in SOURCES for name in QUERY_FIGURES]
            rows.append([file, kind, str(found["asked"][kind]), *figures])
    return Table(
        ("file", "kind", "asked", *(f"{source}: {name}" for source in SOURCES for name in QUERY_FIGURES)), rows
    )
