"""Two runs compared: which figures differ, and whether by more than chance."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from anymask.errors import SettingsError
from anymask.evaluate.bootstrap import percentiles, quotients
from anymask.evaluate.figures import LESS_IS_BETTER, Figure, Keys, groups_of, walk
from anymask.evaluate.tables import SIZES, Table

# B is better or worse than A beyond chance, or not; or it is unknown, since a figure has no interval
Verdict = Literal["better", "worse", "chance", "unknown"]

SETTINGS = ("side", "collections", "limit", "subset", "seed", "refine", "image_size", "drawn", "asked", "boxes", "cut")
WEIGHTS = ("weights_sha256", "mask_head_sha256", "refiner_sha256", "classifier_sha256")

Sums = tuple[NDArray[np.float64], NDArray[np.float64]]  # of each photo, (P,): a figure is the quotient of their sums


@dataclass(frozen=True)
class Difference:
    """One figure of both runs."""

    group: str  # of photos; empty for what is not by group
    keys: Keys  # that lead to the figure
    a: Figure
    b: Figure
    interval: tuple[float, float] | None  # of B less A, where both runs have the sums of the same photos
    verdict: Verdict

    @property
    def difference(self) -> float:
        """B less A."""
        return self.b["value"] - self.a["value"]

    @property
    def is_main(self) -> bool:
        """Whether it is over objects of all sizes, or over all photos."""
        return self.group in ("", "all") or not any(size in self.keys for size in SIZES)


def read(file: Path) -> dict[str, Any]:
    """A document that ``anymask evaluate`` wrote.

    Raises SettingsError if the file is missing or something else.
    """
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        groups = document["groups"]
        if not any(True for _ in walk(groups)):
            raise ValueError("no figures")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingsError(
            f"{file}: expected what `anymask evaluate --to FILE` or `--details FILE` writes, got {error!r}"
        ) from error
    found: dict[str, Any] = document
    return found


def differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[Difference]:
    """Every figure that both documents have, in the order of A.

    Where both have the sums of the same photos, the interval of the difference is a paired bootstrap over photos
    (Efron & Tibshirani 1993): the same photos are drawn for both. Elsewhere a difference is beyond chance where the
    intervals of the two figures do not meet, which is the stricter of the two.
    """
    theirs = dict(_figures(b))
    sums_a, sums_b = _sums(a), _sums(b)
    found = []
    for (group, keys), figure in _figures(a):
        if (other := theirs.get((group, keys))) is None:
            continue
        one, two = sums_a.get(group, {}), sums_b.get(group, {})
        between = None
        if keys in one and keys in two and one[keys].photos == two[keys].photos:
            between = paired_interval(one[keys].sums, two[keys].sums)
        verdict = _verdict(figure, other, between, less_is_better=keys[-1] in LESS_IS_BETTER)
        found.append(Difference(group, keys, figure, other, between, verdict))
    return found


def paired_interval(a: Sums, b: Sums) -> tuple[float, float]:
    """The 95 % bootstrap interval of the difference of two quotients of sums over the same photos."""
    return percentiles(quotients(*b) - quotients(*a))


def notes(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    """What the two runs did not do alike, one sentence each."""
    said = [f"{key}: {_word(a, key)} in A, {_word(b, key)} in B." for key in SETTINGS if a.get(key) != b.get(key)]
    if all(a.get(key) == b.get(key) for key in WEIGHTS):
        said.append("Both runs are of the same weights.")
    for name, one, two in (("A", a, b), ("B", b, a)):
        if alone := [group for group in one["groups"] if group not in two["groups"]]:
            said.append(f"Only {name} has photos of {', '.join(alone)}.")
    shared = [group for group in a["groups"] if group in b["groups"]]
    unlike = {group: _unlike(a["groups"][group], b["groups"][group]) for group in shared}
    said += [f"{group}: {words}; not the same objects." for group, words in unlike.items() if words]
    return said


def by_figure(found: Sequence[Difference]) -> Table:
    """One row per figure."""
    rows = []
    for each in found:
        between = "" if each.interval is None else f"{each.interval[0]:+.3f} to {each.interval[1]:+.3f}"
        values = f"{each.a['value']:.3f}", f"{each.b['value']:.3f}", f"{each.difference:+.3f}"
        rows.append([" ".join((each.group, *each.keys)).strip(), *values, between, _said(each)])
    return Table(("", "A", "B", "B - A", "interval", ""), rows)


def comparison_report(a: Mapping[str, Any], b: Mapping[str, Any], found: Sequence[Difference], files: Keys) -> str:
    """The Markdown of two runs compared. files: the names of A's and of B's."""
    lines = ["# Two runs compared", ""]
    for name, document, file in zip("AB", (a, b), files, strict=True):
        weights = ", ".join(f"`{document[key][:16]}`" if document.get(key) else "none" for key in WEIGHTS)
        lines.append(f"- {name}: `{file}`, weights, mask head, refiner and classifier {weights}")
    lines += ["", *(f"- {note}" for note in notes(a, b)), "", EXPLANATION]
    for group in dict.fromkeys(each.group for each in found):
        chosen = [each for each in found if each.group == group]
        lines += ["", f"## {group or 'Of all photos at once'}", "", *by_figure(chosen).markdown()]
    return "\n".join(lines) + "\n"


EXPLANATION = (
    "Interval: 95 % paired bootstrap of the difference over photos, where both files have the sums of the same photos "
    "(`anymask evaluate --details FILE`). A difference is beyond chance where that interval leaves out 0; without it, "
    "where the intervals of both figures do not overlap. Among many figures one in twenty is beyond chance by chance."
)


@dataclass(frozen=True)
class _OfPhotos:
    photos: tuple[str, ...]
    sums: Sums


def _figures(document: Mapping[str, Any]) -> list[tuple[tuple[str, Keys], Figure]]:
    """((group, keys), figure) of all figures of a document."""
    found = [((group, keys), figure) for group, node in document["groups"].items() for keys, figure in walk(node)]
    found += [(("", keys), figure) for keys, figure in walk({k: v for k, v in document.items() if k != "groups"})]
    for key, value in document.get("rank_correlation_with_iou", {}).items():
        if key != "candidates" and value is not None:
            found.append((("", ("rank correlation", key)), {"value": value}))
    return found


def _sums(document: Mapping[str, Any]) -> dict[str, dict[Keys, _OfPhotos]]:
    """{group: {keys: sums of each of its photos}}, the photos in the order of their names."""
    details = document.get("per photo")
    if details is None:
        return {}
    photos = np.array(details["photos"])
    order = np.argsort(photos, kind="stable")
    columns = {
        tuple(name.split("/")): np.array([[np.nan if x is None else x for x in column] for column in pair])[:, order]
        for name, pair in details["figures"].items()
    }
    groups = groups_of([str(name).partition("/")[0] for name in photos[order]])
    return {
        group: {
            keys: _OfPhotos(tuple(photos[order][members].tolist()), (pair[0][members], pair[1][members]))
            for keys, pair in columns.items()
        }
        for group, members in groups.items()
    }


def _verdict(a: Figure, b: Figure, between: tuple[float, float] | None, *, less_is_better: bool) -> Verdict:
    if between is None and not ("low" in a and "low" in b):
        return "unknown"
    if between is not None and not np.isfinite(between).all():  # a photo without a sum
        return "unknown"
    low, high = between or (b["low"] - a["high"], b["high"] - a["low"])
    if low <= 0 <= high:
        return "chance"
    return "better" if (low > 0) != less_is_better else "worse"


def _said(each: Difference) -> str:
    if each.verdict == "unknown":
        return "no interval"
    if each.verdict == "chance":
        if each.interval == (0.0, 0.0):
            return "the same"
        return "intervals overlap" if each.interval is None else "may be chance"
    how = ", intervals do not overlap" if each.interval is None else ""
    return f"B is {each.verdict}{how}"


def _word(document: Mapping[str, Any], key: str) -> str:
    return "unsaid" if key not in document else "all" if document[key] is None else str(document[key])


def _unlike(a: Mapping[str, Any], b: Mapping[str, Any]) -> str:
    """How many photos, objects and objects asked about two groups have, as far as the numbers differ."""
    counts = {
        "photos": [each["photos"] for each in (a, b)],
        "objects": [each["objects"]["all"] for each in (a, b)],
        "objects asked about": [each.get("asked", each["objects"])["all"] for each in (a, b)],
    }
    return ", ".join(f"{name} {one} in A and {two} in B" for name, (one, two) in counts.items() if one != two)
