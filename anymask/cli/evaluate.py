"""``anymask evaluate``: figures on the kept-out photographs."""

import json
from itertools import groupby, islice
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from anymask.cli.places import PHOTOS, SPLIT
from anymask.models import DEFAULT
from anymask.segment import IMAGE_SIZE, Segmenter

HEADINGS = ("photos", "objects", "AR@10", "AR@100", "AR@1000", "small", "medium", "large", "click", "box")


def evaluate(
    photos: Annotated[Path, typer.Option(help="The folder of collections; see docs/training.md.")] = PHOTOS,
    split: Annotated[Path, typer.Option(help="Which photos are for training and which are kept out.")] = SPLIT,
    collections: Annotated[str, typer.Option(help="Comma-separated names; all when empty.")] = "",
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first N photos of each collection.")] = None,
    weights: Annotated[str, typer.Option(help=f"{DEFAULT!r}, or the path of an ONNX file.")] = DEFAULT,
    image_size: Annotated[int, typer.Option(help="Network pixels along the longest side.")] = IMAGE_SIZE,
    to: Annotated[Path | None, typer.Option(metavar="FILE", help="Write all figures as JSON.")] = None,
) -> None:
    """Measure masks on the kept-out photos: recall, click and box IoU, per collection and by size."""
    from anymask.dataset import read_photos
    from anymask.evaluate.run import measure, summarise
    from anymask.evaluate.scores import Scored, score_photos
    from anymask.postprocess import ScoreRule

    wanted = frozenset(name.strip() for name in collections.split(",") if name.strip())
    kept_out = read_photos(photos, split, "kept_out", wanted or None)
    if limit is not None:
        by_collection = groupby(kept_out, key=lambda photo: photo.collection)
        kept_out = [photo for _, members in by_collection for photo in islice(members, limit)]
    segmenter = Segmenter(weights)
    console = Console(stderr=True)
    shown = track(kept_out, "measuring", console=console, transient=True)
    groups = summarise([measure(segmenter, photo, image_size) for photo in shown])
    shown = track(kept_out, "scores", console=console, transient=True)
    scored: Scored = score_photos(segmenter.runtime, shown, image_size)
    correlation = {
        "class_score": round(scored.correlation(ScoreRule(1.0, 0.0)), 4),
        "score": round(scored.correlation(segmenter.score_rule), 4),
        "candidates": len(scored.true_iou),
    }
    Console().print(table(groups))
    typer.echo(
        f"rank correlation with the true IoU over {correlation['candidates']} candidates: "
        f"class score {correlation['class_score']}, score {correlation['score']}"
    )
    if to is not None:
        document = {
            "weights_sha256": segmenter.weights_hash(),
            "image_size": image_size,
            "side": "kept_out",
            "groups": groups,
            "rank_correlation_with_iou": correlation,
        }
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def table(groups: dict[str, Any]) -> Table:
    """The main figures, one row per group of photos; sizes are AR@1000."""
    shown = Table("", *HEADINGS, title="mask AR (small to large: AR@1000), best-of-three click IoU, box IoU")
    for name, group in groups.items():
        ar = group["ar"]
        figures = [*(ar["all"][k] for k in ("10", "100", "1000")), *(ar[s]["1000"] for s in ("small", "medium", "large"))]
        figures += [group["click"]["all"], group["box"]["all"]]
        cells = ["-" if figure is None else f"{figure['value']:.3f}" for figure in figures]
        shown.add_row(name, str(group["photos"]), str(group["objects"]["all"]), *cells)
    return shown
