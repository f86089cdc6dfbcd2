"""A run, or two runs compared, for people: Markdown, the same as a web page, and the worst cases as pictures."""

import html
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

from anymask import rle
from anymask.evaluate.tables import by_collection, by_detections, by_prompt, by_size, edges, or_unknown, precision
from anymask.evaluate.words.figures import has_words, names_table, queries_table
from anymask.evaluate.worst import KINDS, Case, Kind, draw

PICTURES = "worst"  # the folder of pictures beside the report
OWN = re.compile(r"(box|click|missed)-\d+\.png")

ABOUT: Mapping[Kind, tuple[str, str]] = {
    "box": ("Worst answers to boxes", "The first answer to the object's tight box."),
    "click": (
        "Worst answers to clicks",
        "The best of the first three answers to a click at the object's deepest point.",
    ),
    "missed": ("Objects that no mask fits", "The mask that overlaps the object most: none reaches an IoU of .5."),
}

WORDS = (
    "Every name that a photo's objects have is asked for, and in coco every one that they have not. First right: the "
    "first mask answered is such an object, at an IoU of .5. Recall, precision and F1 are over all objects and masks "
    "answered. False alarms: any mask is answered to a name that is not there. True names are the true masks with "
    "their true names, true masks are the same with the classifier's scores."
)
DESCRIPTIONS = (
    "Set right: just the masks that are meant are answered, at an IoU of .5. First right: the first one is meant. "
    "Where nothing is meant, nothing must be answered."
)

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1c2024; background: #fff; max-width: 76rem; margin: 2rem auto;
  padding: 0 1.5rem; }
h1, h2, h3 { line-height: 1.2; margin: 2rem 0 .6rem; }
table { border-collapse: collapse; margin: .8rem 0 1.4rem; font-size: 14px; font-variant-numeric: tabular-nums;
  display: block; overflow-x: auto; }
th, td { padding: .25rem .6rem; text-align: right; white-space: nowrap; border-bottom: 1px solid #dde1e6; }
th:first-child, td:first-child { text-align: left; }
th { border-bottom: 2px solid #8b949e; }
tbody tr:hover { background: #f3f5f7; }
code { background: #f3f5f7; padding: .1rem .3rem; border-radius: 3px; overflow-wrap: anywhere; }
ul.cases { display: flex; flex-wrap: wrap; gap: 1.2rem; padding: 0; list-style: none; }
ul.cases li { width: 15rem; font-size: 13px; overflow-wrap: anywhere; }
ul.cases img { width: 15rem; height: 13rem; object-fit: contain; background: #eceff2; display: block; }
"""


@dataclass(frozen=True)
class Run:
    """How a document came about, which the document itself does not say."""

    command: str
    date: str
    cores: int


def run_report(document: Mapping[str, Any], run: Run, cases: Sequence[Case]) -> str:
    """The Markdown of one run.

    document: what ``anymask evaluate --to`` writes.
    cases: the worst ones; their pictures are where ``pictures`` puts them.
    """
    groups = document["groups"]
    everything = groups["all"]
    asked = document.get("asked")
    parts = [
        "# How good the masks are",
        f"`{run.command}`\n\n{run.date}, on {run.cores} cores.",
        *settings(document),
        "In brackets: 95 % bootstrap intervals over photos. Small is below 32 x 32 pixels, large is from 96 x 96. AR "
        "is average recall at IoU .50 to .95 without regard to classes, box AR that of the masks' boxes; the others "
        "are mean IoU. A click is answered by the best of three answers, a box by the first one.",
        f"Clicks and boxes were asked of at most {asked} objects a photo." if asked else "",
        *section("By collection", by_collection(groups).markdown()),
        *section("By size", by_size(everything).markdown()),
        *section("Mask recall by detections, all photos", by_detections(everything, "ar").markdown()),
    ]
    if "box ar" in everything:
        parts += section("Box recall by detections, all photos", by_detections(everything, "box ar").markdown())
    parts += section("Prompts", by_prompt(everything, "all photos").markdown())
    if "ap" in everything:
        about = "True tight boxes" if document.get("boxes") == "truth" else f"Boxes of `{document.get('boxes')}`"
        parts += section(
            "Masks from given boxes", [f"{about}, mask AP by pycocotools.", "", *precision(groups).markdown()]
        )
    if "edges" in document:
        parts += section("Edges", edges(document["edges"]).markdown())
    if has_words(everything):
        parts += section("Words", [WORDS, "", *names_table(groups).markdown()])
        if everything["queries"]:
            parts += section("Descriptions", [DESCRIPTIONS, "", *queries_table(everything).markdown()])
    correlation = document["rank_correlation_with_iou"]
    parts += section(
        "Scores",
        [
            f"Rank correlation with the true IoU over {correlation['candidates']} candidates: class score "
            f"{or_unknown(correlation['class_score'])}, score {or_unknown(correlation['score'])}."
        ],
    )
    parts += worst_cases(cases)
    return "\n\n".join(part for part in parts if part) + "\n"


def section(title: str, lines: Sequence[str]) -> list[str]:
    """A heading and what stands under it."""
    return [f"## {title}", "\n".join(lines)]


def settings(document: Mapping[str, Any]) -> Iterator[str]:
    """What was measured, and how, as one list."""
    names = {
        "weights_sha256": "weights",
        "mask_head_sha256": "mask head",
        "refiner_sha256": "refiner",
        "classifier_sha256": "classifier",
        "side": "side of the split",
        "image_size": "network pixels",
        "drawn": "masks drawn a photo",
        "refine": "refine",
        "asked": "objects asked about a photo",
        "boxes": "boxes",
        "cut": "cut of words",
    }
    missing = {"mask_head_sha256": "none", "drawn": "none"}
    values = {key: document[key] or missing.get(key, "all") for key in names if key in document}
    yield "\n".join(f"- {names[key]}: `{value}`" for key, value in values.items())


def worst_cases(cases: Sequence[Case]) -> Iterator[str]:
    """A section for each kind of case, with pictures."""
    if cases:
        yield "## Worst cases"
        yield (
            "Blue: what was meant. Orange: what was answered. Pink: the prompt. The pictures show photos that others "
            "took: keep them out of version control unless a photo is in the public domain."
        )
    for kind, (title, about) in ABOUT.items():
        chosen = [(name, case) for name, case in zip(names(cases), cases, strict=True) if case.kind == kind]
        if chosen:
            yield f"### {title}"
            yield about
            yield "\n".join(f"- ![{caption(case)}]({PICTURES}/{name}) {caption(case)}" for name, case in chosen)


def caption(case: Case) -> str:
    """The IoU, the size of the object in pixels, and the photo."""
    area = int(rle.areas([case.truth])[0])
    return f"IoU {case.iou:.2f}, {area} pixels, {case.photo.collection}/{case.photo.path.name}"


def names(cases: Sequence[Case]) -> list[str]:
    """A file name for the picture of each case."""
    counts = {kind: itertools.count(1) for kind in KINDS}
    return [f"{case.kind}-{next(counts[case.kind])}.png" for case in cases]


def page(markdown: str) -> str:
    """A web page of Markdown that needs nothing beside it but its pictures."""
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    body = body.replace("<ul>\n<li><img", '<ul class="cases">\n<li><img')
    title = html.escape(markdown.partition("\n")[0].lstrip("# "))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )


def write(folder: Path, name: str, markdown: str, cases: Sequence[Case] = ()) -> None:
    """Write NAME.md, NAME.html and the pictures of cases. Only files that an earlier report wrote are replaced.

    The pictures' folder tells git to ignore it.

    Raises ImageError if a photo can no longer be read, OSError if the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.md").write_text(markdown, encoding="utf-8")
    (folder / f"{name}.html").write_text(page(markdown), encoding="utf-8")
    pictures = folder / PICTURES
    if cases:
        pictures.mkdir(exist_ok=True)
        (pictures / ".gitignore").write_text("*\n", encoding="utf-8")
        for old in pictures.iterdir():
            if OWN.fullmatch(old.name):
                old.unlink()
    for picture, case in zip(names(cases), cases, strict=True):
        draw(case).save(pictures / picture)
