"""Write the measured figures of docs/evaluation.json and docs/prompts.json as tables into README.md and the model card.

    anymask evaluate --asked 4 --edges --to docs/evaluation.json
    anymask evaluate --collections coco,voc --prompts --to docs/prompts.json
    python scripts/write_figures.py

A table replaces what stands between the two marks <!-- figures --> and <!-- /figures --> of a file.
"""

import json
import re
from pathlib import Path
from typing import Any

from anymask.evaluate.tables import EDGES, by_collection, by_prompt, by_size, cell

ROOT = Path(__file__).resolve().parent.parent
EVALUATION = ROOT / "docs" / "evaluation.json"
PROMPTS = ROOT / "docs" / "prompts.json"
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


def figures(evaluation: dict[str, Any], prompts: dict[str, Any]) -> str:
    """The whole text between the marks."""
    tables = (
        by_prompt(prompts["groups"]["all"], "coco and voc"),
        by_collection(evaluation["groups"]),
        by_size(evaluation["groups"]["all"]),
    )
    return "\n".join([explanation(evaluation), *(line for table in tables for line in ("", *table.markdown())), ""])


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
