"""Tables of figures: for the terminal, for the README and for reports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from anymask.evaluate.figures import PROMPT_NAMES, Figure, Keys, prompts_of
from anymask.evaluate.recall import AREAS, TOP

Group = Mapping[str, Any]
SIZES = tuple(size for size in AREAS if size != "all")
HEADINGS = ("photos", "objects", *(f"AR@{top}" for top in TOP), *SIZES, "click", "box")
PRECISIONS = ("AP", "AP50", "AP75", *SIZES)
EDGES = ("ods", "ois", "ap", "r50")


@dataclass(frozen=True)
class Table:
    """Rows of texts. The first column names the row, the others are numbers."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> list[str]:
        """The lines of a table of GitHub's Markdown."""
        lines = [self.head, ["---"] * len(self.head), *self.rows]
        plain, ruled = "| {} |", "|{}|"
        return [
            (ruled.format("|".join(cells)) if index == 1 else plain.format(" | ".join(map(_escaped, cells))))
            for index, cells in enumerate(lines)
        ]


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def cell(figure: Figure | None) -> str:
    """A value to two digits with its interval where it has one, or a dash."""
    if figure is None:
        return "-"
    value = f"{figure['value']:.2f}"
    return f"{value} ({figure['low']:.2f} to {figure['high']:.2f})" if "low" in figure else value


def short(figure: Figure | None, digits: int = 2) -> str:
    """A value alone, or a dash."""
    return "-" if figure is None else f"{figure['value']:.{digits}f}"


def or_unknown(value: float | None) -> str:
    """A number to three digits, for people."""
    return "unknown" if value is None else f"{value:.3f}"


def overview(groups: Mapping[str, Group]) -> Table:
    """The main figures without intervals, one row per group of photos; the sizes are mask AR@1000."""
    rows = []
    for name, group in groups.items():
        ar = group["ar"]
        figures = [*(ar["all"][str(top)] for top in TOP), *(ar[size]["1000"] for size in SIZES)]
        figures += [group["click"]["all"], group["box"]["all"]]
        cells = (short(figure, 3) for figure in figures)
        rows.append([name, str(group["photos"]), str(group["objects"]["all"]), *cells])
    return Table(("", *HEADINGS), rows)


def prompts_overview(group: Group) -> Table:
    """The IoU that each prompt gets without intervals, one column per size of the object."""
    rows = [[name, *(short(row[size], 3) for size in AREAS)] for name, row in prompts_of(group).items()]
    return Table(("", *AREAS), rows)


def by_collection(groups: Mapping[str, Group]) -> Table:
    """Recall, clicks and boxes with intervals, one row per group of photos."""
    columns: dict[str, Keys] = {f"AR@{top}": ("ar", "all", str(top)) for top in TOP}
    if all("box ar" in group for group in groups.values()):
        columns["box AR@1000"] = ("box ar", "all", "1000")
    columns |= {"click": ("click", "all"), "box": ("box", "all")}
    rows = []
    for name, group in groups.items():
        cells = (cell(at(group, path)) for path in columns.values())
        rows.append([name, str(group["photos"]), str(group["objects"]["all"]), *cells])
    return Table(("photos of", "photos", "objects", *columns), rows)


def by_size(group: Group) -> Table:
    """Recall at 1000, clicks and boxes with intervals, by the size of the object."""
    names = {"AR@1000": ("ar", "1000"), "box AR@1000": ("box ar", "1000"), "click": ("click",), "box": ("box",)}
    names = {heading: path for heading, path in names.items() if path[0] in group}
    rows = [
        [size, str(group["objects"][size]), *(cell(at(group, (first, size, *rest))) for first, *rest in names.values())]
        for size in SIZES
    ]
    return Table(("objects", "number", *names), rows)


def by_detections(group: Group, kind: str) -> Table:
    """Average recall ("ar" or "box ar") with intervals, by the size of the object and the number of detections."""
    rows = [[size, *(cell(group[kind][size][str(top)]) for top in TOP)] for size in AREAS]
    return Table(("objects", *(f"AR@{top}" for top in TOP)), rows)


def by_prompt(group: Group, photos: str) -> Table:
    """The IoU that each prompt gets; ``photos`` says of what photos."""
    count = group.get("asked", group["objects"])["all"]
    rows = [
        [PROMPT_NAMES.get(name, name), cell(row["all"]), *(short(row[size]) for size in SIZES)]
        for name, row in prompts_of(group).items()
    ]
    return Table((f"mean IoU, {count} objects of {photos}", *AREAS), rows)


def precision(groups: Mapping[str, Group]) -> Table:
    """Mask AP of the answers to boxes, one row per group of photos."""
    rows = [[name, *(short(group["ap"][key], 3) for key in PRECISIONS)] for name, group in groups.items()]
    return Table(("photos of", "AP", "AP50", "AP75", *(f"AP {size}" for size in SIZES)), rows)


def edges(found: Mapping[str, Figure | None]) -> Table:
    """How well edges are found: ODS, OIS, AP and R50."""
    names = [name for name in EDGES if name in found]
    return Table(("", *(name.upper() for name in names)), [["edges", *(cell(found[name]) for name in names)]])


def at(group: Group, path: Sequence[str]) -> Figure | None:
    """The figure at the end of a path of keys."""
    node: Any = group
    for key in path:
        node = node[key]
    figure: Figure | None = node
    return figure
