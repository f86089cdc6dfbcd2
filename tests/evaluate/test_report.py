"""Reports say what the document says, and replace nothing but their own files."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from anymask import rle
from anymask.datasets import LabelledPhoto
from anymask.evaluate.report import Run, page, run_report, write
from anymask.evaluate.tables import Table, by_collection, by_size
from anymask.evaluate.worst import Case, Kind

ROOT = Path(__file__).parent.parent.parent
EVALUATION = json.loads((ROOT / "docs" / "evaluation.json").read_text("utf-8"))
PROMPTS = json.loads((ROOT / "docs" / "prompts.json").read_text("utf-8"))
RUN = Run("anymask evaluate --limit 2", "2026-01-31", 2)
FIGURE = {"value": 0.123, "low": 0.045, "high": 0.678}


@pytest.fixture
def photo(tmp_path: Path) -> LabelledPhoto:
    path = tmp_path / "a|b<c>.png"
    Image.new("RGB", (40, 30)).save(path)
    return LabelledPhoto("made", path, 30, 40, "all", ((),), ((),))


def case(kind: Kind, photo: LabelledPhoto, iou: float) -> Case:
    mask = rle.encode_crop(np.ones((5, 6), np.bool_), 10, 10, 30, 40)
    return Case(kind, photo, mask, mask, iou)


def test_markdown_of_a_table() -> None:
    table = Table(("", "AR"), [["coco", "0.5"], ["a|b", "-"]])
    assert table.markdown() == ["|  | AR |", "|---|---|", "| coco | 0.5 |", "| a\\|b | - |"]


def test_box_recall_is_a_column_where_it_was_measured() -> None:
    row: dict[str, Any] = {"10": FIGURE, "100": None, "1000": FIGURE}
    sizes = ("all", "small", "medium", "large")
    group: dict[str, Any] = {"photos": 2, "objects": dict.fromkeys(sizes, 3), "ar": dict.fromkeys(sizes, row)}
    group |= {name: dict.fromkeys(sizes, FIGURE) for name in ("click", "box")}
    assert "box AR@1000" not in by_collection({"coco": group}).head
    assert "box AR@1000" not in by_size(group).head
    group["box ar"] = {size: {**row, "1000": {"value": 0.9}} for size in sizes}
    table = by_collection({"coco": group})
    assert dict(zip(table.head, table.rows[0], strict=True)) == {
        "photos of": "coco",
        "photos": "2",
        "objects": "3",
        "AR@10": "0.12 (0.04 to 0.68)",
        "AR@100": "-",
        "AR@1000": "0.12 (0.04 to 0.68)",
        "box AR@1000": "0.90",  # a figure without an interval
        "click": "0.12 (0.04 to 0.68)",
        "box": "0.12 (0.04 to 0.68)",
    }
    assert by_size(group).rows[0][:4] == ["small", "3", "0.12 (0.04 to 0.68)", "0.90"]


@pytest.mark.parametrize("document", [EVALUATION, PROMPTS])
def test_published_documents_are_reported(document: dict[str, Any]) -> None:
    text = run_report(document, RUN, [])
    assert RUN.command in text and RUN.date in text and "2 cores" in text
    assert document["weights_sha256"] in text and document["refiner_sha256"] in text
    for name, group in document["groups"].items():
        assert f"| {name} | {group['photos']} | {group['objects']['all']} |" in text
    assert f"{document['groups']['all']['ar']['large']['100']['value']:.2f}" in text
    assert ("## Edges" in text) == ("edges" in document)
    assert "Worst" not in text and "given boxes" not in text


def test_optional_figures_are_shown() -> None:
    ap = {name: {"value": 0.4321} for name in ("AP", "AP50", "AP75", "small", "medium")} | {"large": None}
    groups = {name: group | {"ap": ap} for name, group in EVALUATION["groups"].items()}
    document = EVALUATION | {"groups": groups, "boxes": "vitdet.json", "asked": 4}
    document["edges"] = {"ods": FIGURE, "ois": None, "r50": FIGURE, "ap": FIGURE}
    text = run_report(document, RUN, [])
    assert "Boxes of `vitdet.json`" in text
    assert "| coco | 0.432 | 0.432 | 0.432 | 0.432 | 0.432 | - |" in text
    assert "|  | ODS | OIS | AP | R50 |" in text
    assert "| edges | 0.12 (0.04 to 0.68) | - | 0.12 (0.04 to 0.68) | 0.12 (0.04 to 0.68) |" in text
    assert "at most 4 objects a photo" in text


class Page(HTMLParser):
    """The tags of a page that hold something, and what is fetched."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.sources: list[str] = []
        self.cells = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)
        self.cells += tag == "td"
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_fetches_only_its_pictures(photo: LabelledPhoto, tmp_path: Path) -> None:
    cases = [case("box", photo, 0.1), case("box", photo, 0.2), case("click", photo, 0.3), case("missed", photo, 0.4)]
    write(tmp_path / "r", "report", run_report(EVALUATION, RUN, cases), cases)
    text = (tmp_path / "r" / "report.html").read_text("utf-8")
    read = Page(text)
    assert read.open == []
    assert read.sources == [f"worst/{name}.png" for name in ("box-1", "box-2", "click-1", "missed-1")]
    assert all((tmp_path / "r" / source).is_file() for source in read.sources)
    assert read.cells > 9 * len(EVALUATION["groups"])
    assert "IoU 0.20, 30 pixels, made/a|b&lt;c&gt;.png" in text and "<c>" not in text
    assert not re.search(r"https?:|<script", text)


def test_markup_in_names_is_text() -> None:
    assert "<b>" not in page("# <b>title</b>\n\n| <b>x</b> |\n|---|\n| <b>y</b> |\n")


def test_only_own_files_are_replaced(photo: LabelledPhoto, tmp_path: Path) -> None:
    folder = tmp_path / "r"
    first = [case("box", photo, 0.1), case("box", photo, 0.2)]
    write(folder, "report", "# one\n", first)
    for name in ("notes.txt", "worst/mine.png"):
        (folder / name).write_text("mine")
    write(folder, "report", "# two\n", first[:1])
    assert (folder / "report.md").read_text() == "# two\n"
    assert {path.name for path in (folder / "worst").iterdir()} == {".gitignore", "box-1.png", "mine.png"}
    assert (folder / "notes.txt").read_text() == (folder / "worst" / "mine.png").read_text() == "mine"
    assert (folder / "worst" / ".gitignore").read_text() == "*\n"
