"""``anymask evaluate``: figures on the kept-out photographs."""

import json
import math
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.table import Table

from anymask.cli.console import progress_bar
from anymask.cli.places import PHOTOS, SPLIT, ImagesOption, PhotosOption, RefineOption, SplitOption, SubsetOption
from anymask.errors import DatasetError
from anymask.evaluate.recall import AREAS
from anymask.models import DEFAULT, refiner_weights, weights_hash
from anymask.segment import IMAGE_SIZE, Segmenter

HEADINGS = ("photos", "objects", "AR@10", "AR@100", "AR@1000", "small", "medium", "large", "click", "box")
NARROWEST = 80  # columns of a terminal that show the table whole


def evaluate(
    photos: PhotosOption = PHOTOS,
    split: SplitOption = SPLIT,
    images: ImagesOption = None,
    subset: SubsetOption = 1.0,
    seed: Annotated[int, typer.Option(metavar="N", help="Another seed makes another --subset.")] = 0,
    collections: Annotated[str, typer.Option(metavar="NAME,...", help="Comma-separated; all when empty.")] = "",
    limit: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Only the first N photos of each collection.")
    ] = None,
    weights: Annotated[str, typer.Option(metavar="W", help=f"{DEFAULT!r}, or the path of an ONNX file.")] = DEFAULT,
    image_size: Annotated[
        int, typer.Option(metavar="N", help="Network pixels along the longest side; a multiple of 32.")
    ] = IMAGE_SIZE,
    prompts: Annotated[
        bool, typer.Option("--prompts", help="Also corrective clicks, borders, and the detector without the refiner.")
    ] = False,
    asked: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Click and box at most N objects of a photo. [default: all]"),
    ] = None,
    refine: RefineOption = "auto",
    to: Annotated[Path | None, typer.Option(metavar="FILE", help="Write all figures as JSON.")] = None,
) -> None:
    """Measure masks on the kept-out photos: recall, click and box IoU, per collection and by size.

    All photos are measured of data that tells no sides apart, such as a COCO file.
    """
    from anymask.datasets import first_of_each, has_sides, read
    from anymask.evaluate.run import measure, summarise
    from anymask.evaluate.scores import score_photos
    from anymask.postprocess import ScoreRule

    wanted = frozenset(name.strip() for name in collections.split(",") if name.strip())
    side: Literal["kept_out"] | None = "kept_out" if has_sides(photos) else None
    chosen = read(photos, side=side, split=split, images=images, subset=subset, seed=seed, collections=wanted or None)
    measured = first_of_each(chosen, limit)
    if missing := wanted - {photo.collection for photo in measured}:
        named = "kept-out photos" if side else "photos"
        raise DatasetError(f"{photos}: no {named} of {', '.join(sorted(missing))}; check --collections")
    segmenter = Segmenter(weights)
    with progress_bar() as bar:
        groups = summarise(
            [
                measure(segmenter, photo.load(), image_size, refine=refine, prompts=prompts, asked=asked)
                for photo in bar.track(measured, description="measuring")
            ]
        )
        scored = score_photos(segmenter.runtime, bar.track(measured, description="scores"), image_size)
    correlation = {
        "class_score": rounded(scored.correlation(ScoreRule(1.0, 0.0))),
        "score": rounded(scored.correlation(segmenter.score_rule)),
        "candidates": len(scored.true_iou),
    }
    output = Console()
    output.print(table(groups), width=max(output.width, NARROWEST), crop=False)
    if prompts:
        output.print(prompts_table(groups), width=max(output.width, NARROWEST), crop=False)
    typer.echo(
        f"rank correlation with the true IoU over {correlation['candidates']} candidates: "
        f"class score {said(correlation['class_score'])}, score {said(correlation['score'])}"
    )
    if to is not None:
        document = {
            "weights_sha256": segmenter.weights_hash(),
            "refiner_sha256": weights_hash(refiner_weights()),
            "refine": refine,
            "image_size": image_size,
            "asked": asked,
            "side": side or "all photos",
            "groups": groups,
            "rank_correlation_with_iou": correlation,
        }
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def rounded(value: float) -> float | None:
    """To four digits; None, which JSON knows, for NaN, which it does not."""
    return round(value, 4) if math.isfinite(value) else None


def said(value: float | None) -> str:
    """A figure for people."""
    return "unknown" if value is None else f"{value:.3f}"


def table(groups: dict[str, Any]) -> Table:
    """The main figures, one row per group of photos; sizes are AR@1000."""
    title = "mask AR (small to large: AR@1000), best-of-three click IoU, box IoU"
    shown = Table(title=title, box=None, padding=(0, 1, 0, 0), pad_edge=False)
    shown.add_column("", no_wrap=True)
    for heading in HEADINGS:
        shown.add_column(heading, justify="right", no_wrap=True)
    for name, group in groups.items():
        ar = group["ar"]
        figures = [ar["all"][top] for top in ("10", "100", "1000")]
        figures += [ar[size]["1000"] for size in ("small", "medium", "large")]
        figures += [group["click"]["all"], group["box"]["all"]]
        cells = ["-" if figure is None else f"{figure['value']:.3f}" for figure in figures]
        shown.add_row(name, str(group["photos"]), str(group["objects"]["all"]), *cells)
    return shown


def prompts_table(groups: dict[str, Any]) -> Table:
    """What prompts get over all photos, one row per figure, one column per size of the object."""
    shown = Table(title="mean IoU by prompt, of objects of all groups", box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for heading in ("", *AREAS):
        shown.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    for name, row in groups["all"].items():
        if name not in ("photos", "objects", "asked", "ar", "box ar"):
            shown.add_row(name, *(said(figure and figure["value"]) for figure in (row[size] for size in AREAS)))
    return shown
