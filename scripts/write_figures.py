"""Write the measured figures of docs/evaluation.json and docs/prompts.json as tables into README.md and the model card.

    anymask evaluate --to docs/evaluation.json
    anymask evaluate --collections coco,voc --prompts --to docs/prompts.json
    python scripts/write_figures.py

A table replaces what stands between the two marks <!-- figures --> and <!-- /figures --> of a file.
"""

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
EVALUATION = ROOT / "docs" / "evaluation.json"
PROMPTS = ROOT / "docs" / "prompts.json"
MARKS = re.compile(r"(<!-- figures -->\n).*?(<!-- /figures -->)", re.DOTALL)


def cell(figure: dict[str, float] | None) -> str:
    """A value with its interval, or a dash."""
    return "-" if figure is None else f"{figure['value']:.2f} ({figure['low']:.2f} to {figure['high']:.2f})"


def row(name: str, group: dict[str, Any]) -> str:
    """One group of photos as a row of Markdown."""
    ar = group["ar"]["all"]
    figures = [ar["10"], ar["100"], ar["1000"], group["click"]["all"], group["box"]["all"]]
    return " | ".join([f"| {name}", str(group["photos"]), str(group["objects"]["all"]), *map(cell, figures)]) + " |"


def by_collection(evaluation: dict[str, Any]) -> list[str]:
    """All figures by collection."""
    head = "| photos of | photos | objects | AR@10 | AR@100 | AR@1000 | click | box |"
    groups = evaluation["groups"]
    return [head, "|---|---|---|---|---|---|---|---|", *(row(name, group) for name, group in groups.items())]


def by_size(evaluation: dict[str, Any]) -> list[str]:
    """AR@1000, clicks and boxes by the size of the object, over all photos."""
    group = evaluation["groups"]["all"]
    lines = ["| objects | number | AR@1000 | click | box |", "|---|---|---|---|---|"]
    for size in ("small", "medium", "large"):
        figures = [group["ar"][size]["1000"], group["click"][size], group["box"][size]]
        lines.append(" | ".join([f"| {size}", str(group["objects"][size]), *map(cell, figures)]) + " |")
    return lines


# What a row of docs/prompts.json is called for people.
PROMPT_ROWS = {
    "click": "a click, the best of three answers",
    "first click": "a click, the first answer",
    "one correction": "and one corrective click",
    "two corrections": "and two",
    "box": "a tight box",
    "border": "a tight box: border alone",
    "detector's click": "without the refiner: a click, the best of three",
    "detector's click, zoomed": "without the refiner: a click, the best of three, looking closer where nothing fits",
    "detector's box": "without the refiner: a tight box",
    "detector's box, zoomed": "without the refiner: a tight box, looking closer where nothing fits",
    "detector's border": "without the refiner: a tight box, border alone",
}


def by_prompt(prompts: dict[str, Any]) -> list[str]:
    """What each prompt gets over the photos of coco and voc, by the size of the object."""
    group = prompts["groups"]["all"]
    count = group.get("asked", group["objects"])["all"]
    lines = [f"| mean IoU, {count} objects of coco and voc | all | small | medium | large |", "|---|---|---|---|---|"]
    for name, said in PROMPT_ROWS.items():
        if (row := group.get(name)) is None:
            continue  # not measured
        small = [f"{row[size]['value']:.2f}" if row[size] else "-" for size in ("small", "medium", "large")]
        lines.append(" | ".join([f"| {said}", cell(row["all"]), *small]) + " |")
    return lines


def explanation(evaluation: dict[str, Any]) -> str:
    """What the tables show, for which weights."""
    correlation = evaluation["rank_correlation_with_iou"]
    return (
        f"On the photos kept out of training, at {evaluation['image_size']} pixels, with 95 % bootstrap intervals over "
        "photos. AR: mask average recall at IoU .50 to .95 without regard to classes. Click: IoU of the best of the "
        "first three answers to a click at the deepest point of an object. Box: IoU of the first answer to the "
        f"object's tight box{of_a_sample(evaluation)}. Small is below 32 x 32 pixels, large is from 96 x 96. Rank "
        "correlation of the score with "
        f"the true IoU: {correlation['score']:.3f} (the class score alone: {correlation['class_score']:.3f}). "
        "Answers to clicks and boxes are drawn by the refiner; recall is that of the detector's own masks. The border "
        "of a mask is its pixels within two of its edge. "
        f"Weights: sha256 `{evaluation['weights_sha256'][:16]}` and, of the refiner, "
        f"`{evaluation['refiner_sha256'][:16]}`."
    )


def of_a_sample(evaluation: dict[str, Any]) -> str:
    """A warning where clicks and boxes were not asked of every object."""
    asked = evaluation.get("asked")
    return f"; in the tables by collection and by size, of at most {asked} objects a photo" if asked else ""


def figures(evaluation: dict[str, Any], prompts: dict[str, Any]) -> str:
    """The whole text between the marks."""
    tables = (by_prompt(prompts), by_collection(evaluation), by_size(evaluation))
    return "\n".join([explanation(evaluation), *(line for table in tables for line in ("", *table)), ""])


def main() -> None:
    evaluation = json.loads(EVALUATION.read_text(encoding="utf-8"))
    text = figures(evaluation, json.loads(PROMPTS.read_text(encoding="utf-8")))
    for file in (ROOT / "README.md", ROOT / "anymask" / "weights" / "MODEL_CARD.md"):
        before = file.read_text(encoding="utf-8")
        after, count = MARKS.subn(lambda match: match[1] + text + match[2], before)
        if count != 1:
            raise SystemExit(f"{file}: expected one pair of marks <!-- figures --> <!-- /figures -->, got {count}")
        file.write_text(after, encoding="utf-8")


if __name__ == "__main__":
    main()
