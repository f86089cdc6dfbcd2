"""Write the measured figures of docs/evaluation.json, prompts.json and words.json as tables into README.md, the model
card and docs/words.md.

    anymask evaluate --asked 4 --edges --to docs/evaluation.json
    anymask evaluate --collections coco,voc --prompts --to docs/prompts.json
    anymask evaluate --collections coco,voc --words --asked 0 --to docs/words.json
    python scripts/write_figures.py

A table replaces what stands between the two marks <!-- figures --> and <!-- /figures --> of a file. The README shows
the main rows, the model card every collection, docs/words.md descriptions too.
"""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from anymask.evaluate.tables import EDGES, Group, Table, by_collection, by_prompt, by_size, cell
from anymask.evaluate.words.figures import names_table, queries_table

ROOT = Path(__file__).resolve().parent.parent
EVALUATION = ROOT / "docs" / "evaluation.json"
PROMPTS = ROOT / "docs" / "prompts.json"
WORDS = ROOT / "docs" / "words.json"
NOT_MEASURED = "-"
WORDS_ON = ("true masks", "our masks")  # in the README
MAIN = ("coco_panoptic", "coco and voc", "all")  # groups of photos in the README
MARKS = re.compile(r"(<!-- figures -->\n).*?(<!-- /figures -->)", re.DOTALL)


def explanation(evaluation: dict[str, Any]) -> str:
    """What the tables show, for which weights."""
    correlation = evaluation["rank_correlation_with_iou"]
    return (
        f"On the photos kept out of training, at {evaluation['image_size']} pixels, with 95 % bootstrap intervals over "
        "photos. AR: mask average recall at IoU .50 to .95 without regard to classes"
        f"{of_boxes(evaluation)}. Click: IoU of the best of the "
        "first three answers to a click at the deepest point of an object. Box: IoU of the first answer to the "
        f"object's tight box{of_a_sample(evaluation)}. Small is below 32 x 32 pixels, large is from 96 x 96. Rank "
        "correlation of the score with "
        f"the true IoU: {correlation['score']:.3f} (the class score alone: {correlation['class_score']:.3f}). "
        "Answers to clicks and boxes are drawn by the refiner; recall is that of all masks as they are found. The "
        f"border of a mask is its pixels within two of its edge. {of_edges(evaluation)}"
        f"Weights: sha256 `{evaluation['weights_sha256'][:16]}`; of the mask head, which drew {evaluation['drawn']} "
        f"masks a photo, `{evaluation['mask_head_sha256'][:16]}`; of the refiner "
        f"`{evaluation['refiner_sha256'][:16]}`."
    )


def of_boxes(evaluation: dict[str, Any]) -> str:
    """What box AR is, where it was measured."""
    return "; box AR: the same of the masks' boxes" if "box ar" in evaluation["groups"]["all"] else ""


def of_a_sample(evaluation: dict[str, Any]) -> str:
    """A warning where clicks and boxes were not asked of every object."""
    asked = evaluation.get("asked")
    return f"; in the tables by collection and by size, of at most {asked} objects a photo" if asked else ""


def of_edges(evaluation: dict[str, Any]) -> str:
    """The figures of edges, where they were measured."""
    if "edges" not in evaluation:
        return ""
    found = evaluation["edges"]
    told = ", ".join(f"{name.upper()} {cell(found[name])}" for name in EDGES)
    return f"Edges on {found['photos']} photos of bsds: {told}. "


def of_words(words: dict[str, Any]) -> str:
    """What the table of words shows, for which classifier."""
    return (
        "Words, on the photos of coco and voc kept out of training: the name of each label that is in a photo is asked "
        "for, and of coco each that is not. First right: the first mask overlaps such a thing by an IoU of .5 or more. "
        "Recall, precision and F1 count things. False alarms: something is answered though there is none. On the true "
        "masks of a photo, on them with their true names, and on ours. Classifier: sha256 "
        f"`{words['classifier_sha256'][:16]}`."
    )


def parts(evaluation: dict[str, Any], prompts: dict[str, Any], words: dict[str, Any], whole: bool) -> list[str]:
    """Paragraphs and tables, whole or only the main rows."""
    groups: dict[str, Group] = evaluation["groups"]
    shown = groups if whole else {name: groups[name] for name in MAIN}
    prompted, named = by_prompt(prompts["groups"]["all"], "coco and voc"), names_table(words["groups"])
    if not whole:
        prompted = replace(prompted, rows=[row for row in prompted.rows if row[1] != NOT_MEASURED])
        named = replace(named, rows=[row for row in named.rows if row[0] in ("coco", "voc") and row[1] in WORDS_ON])
    return [
        explanation(evaluation),
        markdown(prompted),
        markdown(by_collection(shown)),
        markdown(by_size(groups["all"])),
        of_words(words),
        markdown(named),
    ]


def markdown(table: Table) -> str:
    return "\n".join(table.markdown())


def texts() -> dict[Path, str]:
    """What stands between the marks of each file."""
    evaluation, prompts, words = (json.loads(path.read_text("utf-8")) for path in (EVALUATION, PROMPTS, WORDS))
    named, described = names_table(words["groups"]), queries_table(words["groups"]["all"])
    written = {
        ROOT / "README.md": parts(evaluation, prompts, words, whole=False),
        ROOT / "anymask" / "weights" / "MODEL_CARD.md": parts(evaluation, prompts, words, whole=True),
        ROOT / "docs" / "words.md": [of_words(words), markdown(named), markdown(described)],
    }
    return {file: "\n\n".join(paragraphs) + "\n" for file, paragraphs in written.items()}


def main() -> None:
    for file, text in texts().items():
        before = file.read_text(encoding="utf-8")
        if MARKS.search(before) is None or len(MARKS.findall(before)) > 1:
            raise SystemExit(f"{file}: expected one pair of marks <!-- figures --> <!-- /figures -->")
        file.write_text(MARKS.sub(rf"\g<1>{text.replace(chr(92), chr(92) * 2)}\g<2>", before), encoding="utf-8")


if __name__ == "__main__":
    main()
