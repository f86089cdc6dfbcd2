"""``anymask evaluate``: figures on the kept-out photographs."""

import datetime
import json
import os
import shlex
import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from anymask.cli.console import progress_bar, show
from anymask.cli.extras import needs_extra
from anymask.cli.places import (
    PHOTOS,
    SPLIT,
    DrawnOption,
    ImagesOption,
    MaskHeadOption,
    PhotosOption,
    RefineOption,
    SplitOption,
    SubsetOption,
)
from anymask.cli.weights import WEIGHTS_HELP, find
from anymask.errors import DatasetError
from anymask.models import DEFAULT, classifier_weights, refiner_weights, weights_hash
from anymask.segment import DRAWN, IMAGE_SIZE, Segmenter

WORST = 12  # worst cases of each kind that a report shows
BOUNDARIES = "bsds"  # the collection whose annotators drew all boundaries of a photo


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
    weights: Annotated[str, typer.Option(metavar="W", help=WEIGHTS_HELP)] = DEFAULT,
    image_size: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Network pixels along the longest side; a multiple of 32. "
            f"[default: {IMAGE_SIZE}, or what the weights want]",
            show_default=False,
        ),
    ] = None,
    drawn: DrawnOption = DRAWN,
    mask_head: MaskHeadOption = DEFAULT,
    prompts: Annotated[
        bool, typer.Option("--prompts", help="Also corrective clicks, borders, and answers without the refiner.")
    ] = False,
    asked: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, help="Click and box at most N objects of a photo. [default: all]"),
    ] = None,
    refine: RefineOption = "auto",
    boxes: Annotated[
        str,
        typer.Option(metavar="truth|FILE", help="Also mask AP from true boxes, or those of a COCO results file."),
    ] = "",
    edges: Annotated[
        bool, typer.Option("--edges", help='Also edges on the photos of bsds; needs the extra "evaluate".')
    ] = False,
    words: Annotated[
        bool, typer.Option("--words", help="Also names and descriptions; --asked 0 leaves clicks and boxes out.")
    ] = False,
    queries: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Descriptions for --words, see data/README.md; may be given several times. [default: those in data/]",
            show_default=False,
        ),
    ] = None,
    side: Annotated[
        Literal["kept_out", "train"],
        typer.Option(metavar="kept_out|train", help="Of data with sides; to choose a setting, measure on train."),
    ] = "kept_out",
    to: Annotated[Path | None, typer.Option(metavar="FILE", help="Write all figures as JSON.")] = None,
    details: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The same with sums of every photo, for `anymask compare`.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write tables and the worst cases as Markdown and HTML.")
    ] = None,
) -> None:
    """Measure masks on the kept-out photos: recall, click and box IoU, per collection and by size.

    All photos are measured of data that tells no sides apart, such as a COCO file.
    """
    from anymask.datasets import first_of_each, has_sides, read
    from anymask.evaluate import tables
    from anymask.evaluate.precision import read_boxes
    from anymask.evaluate.report import Run, run_report, write
    from anymask.evaluate.run import measure, per_photo, rounded, summarise
    from anymask.evaluate.scores import score_photos
    from anymask.evaluate.words.asking import measure_words
    from anymask.evaluate.words.figures import names_table, queries_table, wrong_answers
    from anymask.evaluate.words.queries import QUERIES, read_queries
    from anymask.evaluate.worst import Worst
    from anymask.rules import ScoreRule
    from anymask.words.kinds import CUT

    if edges:
        with needs_extra("evaluate"):
            from anymask.evaluate.edges.mask_edges import measure_edges
    wanted = frozenset(name.strip() for name in collections.split(",") if name.strip())
    of_side = side if has_sides(photos) else None
    found = read(photos, side=of_side, split=split, images=images, subset=subset, seed=seed, collections=wanted or None)
    chosen = first_of_each(found, limit)
    if missing := wanted - {photo.collection for photo in chosen}:
        named = {"kept_out": "kept-out photos", "train": "training photos", None: "photos"}[of_side]
        raise DatasetError(f"{photos}: no {named} of {', '.join(sorted(missing))}; check --collections")
    outlined = [photo for photo in chosen if photo.collection == BOUNDARIES]
    if edges and not outlined:
        raise DatasetError(f"{photos}: --edges needs photos of {BOUNDARIES}, got none; check --collections")
    given = read_boxes(boxes, chosen) if boxes else None
    described = read_queries(queries or [file for file in QUERIES if file.is_file()]) if words else {}
    worst = Worst(WORST) if report is not None else None
    segmenter = Segmenter(find(weights), mask_head=mask_head)
    ask = partial(measure_words, label=segmenter.label, queries=described) if words else None
    drawing = segmenter.mask_head if drawn else None
    image_size = segmenter.image_size if image_size is None else image_size
    asking = partial(
        measure, segmenter, image_size=image_size, drawn=drawn, refine=refine, prompts=prompts, asked=asked, words=ask
    )
    with progress_bar() as bar:
        lined = measure_edges(segmenter, bar.track(outlined, description="edges"), image_size) if edges else None
        measured = [
            asking(photo.load(), given=given, worst=worst) for photo in bar.track(chosen, description="measuring")
        ]
        looked_at = bar.track(chosen, description="scores")
        scored = score_photos(segmenter.runtime, looked_at, image_size, drawing)
    groups = summarise(measured)
    correlation = {
        "class_score": rounded(scored.correlation(ScoreRule(1.0, 0.0))),
        "score": rounded(scored.correlation((drawing or segmenter).score_rule)),
        "candidates": len(scored.true_iou),
    }
    document = {
        "weights_sha256": segmenter.weights_hash(),
        "mask_head_sha256": weights_hash(segmenter.mask_head_file) if drawing is not None else None,
        "refiner_sha256": weights_hash(refiner_weights()),
        "refine": refine,
        "image_size": image_size,
        "drawn": drawn if drawing is not None else 0,
        "asked": asked,
        "side": of_side or "all photos",
        **({"collections": sorted(wanted)} if wanted else {}),
        **({"limit": limit} if limit is not None else {}),
        **({"subset": subset, "seed": seed} if subset < 1 else {}),
        **({"boxes": Path(boxes).name} if boxes else {}),
        "groups": groups,
        "rank_correlation_with_iou": correlation,
        **({"edges": lined} if lined is not None else {}),
        **({"classifier_sha256": weights_hash(classifier_weights()), "cut": CUT} if words else {}),
        **({"wrong queries": wrong_answers([each.words for each in measured])} if words else {}),
    }
    show(tables.overview(groups), "mask AR (small to large: AR@1000), best-of-three click IoU, box IoU")
    if prompts:
        show(tables.prompts_overview(groups["all"]), "mean IoU by prompt, of objects of all groups")
    if boxes:
        show(tables.precision(groups), "mask AP of the answers to boxes")
    if lined is not None:
        show(tables.edges(lined), f"edges on {lined['photos']} photos of {BOUNDARIES}")
    if words:
        show(names_table(groups, intervals=False), "masks answered to names, right from an IoU of .5 on")
        if groups["all"].get("queries"):
            show(queries_table(groups["all"], intervals=False), "descriptions answered rightly")
    typer.echo(
        f"rank correlation with the true IoU over {correlation['candidates']} candidates: "
        f"class score {tables.or_unknown(correlation['class_score'])}, score {tables.or_unknown(correlation['score'])}"
    )
    if to is not None:
        write_json(to, document, indent=1)
    if details is not None:
        write_json(details, document | {"per photo": per_photo(measured)})
    if report is not None and worst is not None:
        cases = worst.cases()
        run = Run(shlex.join(["anymask", *sys.argv[1:]]), f"{datetime.date.today()}", os.cpu_count() or 1)
        write(report, "report", run_report(document, run, cases), cases)


def write_json(file: Path, document: dict[str, Any], indent: int | None = None) -> None:
    """Write a document, in folders that are made for it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(document, indent=indent, allow_nan=False) + "\n", encoding="utf-8")
