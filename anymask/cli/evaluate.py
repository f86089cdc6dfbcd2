"""``anymask evaluate``: figures on the kept-out photographs."""

import json
import math
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from anymask.cli.console import progress_bar
from anymask.cli.extras import needs_extra
from anymask.cli.places import PHOTOS, SPLIT, PhotosOption, RefineOption, SplitOption
from anymask.errors import DatasetError
from anymask.evaluate.recall import AREAS
from anymask.models import DEFAULT, refiner_weights, weights_hash
from anymask.segment import IMAGE_SIZE, Segmenter

HEADINGS = ("photos", "objects", "AR@10", "AR@100", "AR@1000", "small", "medium", "large", "click", "box")
BOUNDARIES = "bsds"  # the collection whose annotators drew all boundaries of a photo
NARROWEST = 80  # columns of a terminal that show the table whole


def evaluate(
    photos: PhotosOption = PHOTOS,
    split: SplitOption = SPLIT,
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
    edges: Annotated[
        bool, typer.Option("--edges", help='Also edges on the photos of bsds; needs the extra "evaluate".')
    ] = False,
    to: Annotated[Path | None, typer.Option(metavar="FILE", help="Write all figures as JSON.")] = None,
) -> None:
    """Measure masks on the kept-out photos: recall, click and box IoU, per collection and by size."""
    from anymask.dataset import first_of_each, read_photos
    from anymask.evaluate.run import measure, summarise
    from anymask.evaluate.scores import score_photos
    from anymask.postprocess import ScoreRule

    if edges:
        with needs_extra("evaluate"):
            from anymask.evaluate.edges.mask_edges import measure_edges
    wanted = frozenset(name.strip() for name in collections.split(",") if name.strip())
    kept_out = first_of_each(read_photos(photos, split, "kept_out", wanted or None), limit)
    if missing := wanted - {photo.collection for photo in kept_out}:
        raise DatasetError(f"{photos}: no kept-out photos of {', '.join(sorted(missing))}; check --collections")
    drawn = [photo for photo in kept_out if photo.collection == BOUNDARIES]
    if edges and not drawn:
        raise DatasetError(f"{photos}: --edges needs kept-out photos of {BOUNDARIES}, got none; check --collections")
    segmenter = Segmenter(weights)
    with progress_bar() as bar:
        lined = measure_edges(segmenter, bar.track(drawn, description="edges"), image_size) if edges else None
        groups = summarise(
            [
                measure(segmenter, photo, image_size, refine=refine, prompts=prompts, asked=asked)
                for photo in bar.track(kept_out, description="measuring")
            ]
        )
        scored = score_photos(segmenter.runtime, bar.track(kept_out, description="scores"), image_size)
    correlation = {
        "class_score": rounded(scored.correlation(ScoreRule(1.0, 0.0))),
        "score": rounded(scored.correlation(segmenter.score_rule)),
        "candidates": len(scored.true_iou),
    }
    output = Console()
    output.print(table(groups), width=max(output.width, NARROWEST), crop=False)
    if prompts:
        output.print(prompts_table(groups), width=max(output.width, NARROWEST), crop=False)
    if lined is not None:
        output.print(edges_table(lined), width=max(output.width, NARROWEST), crop=False)
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
            "side": "kept_out",
            "groups": groups,
            "rank_correlation_with_iou": correlation,
        }
        if lined is not None:
            document["edges"] = lined
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


def edges_table(lined: dict[str, Any]) -> Table:
    """The figures of edges, one column each, with their intervals below."""
    names = [name for name in lined if name not in ("photos", "thresholds")]
    title = f"edges of {lined['photos']} photos of {BOUNDARIES}, 95 % intervals"
    shown = Table(title=title, box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for name in names:
        shown.add_column(name.upper(), justify="right", no_wrap=True)
    shown.add_row(*(f"{lined[name]['value']:.3f}" for name in names))
    shown.add_row(*(f"{lined[name]['low']:.3f} to {lined[name]['high']:.3f}" for name in names))
    return shown
