"""``anymask export``: a checkpoint becomes a model file."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from anymask.cli.places import SPLIT
from anymask.segment import IMAGE_SIZE


def export(
    checkpoint: Annotated[Path, typer.Argument(help="last.pt of a training run.")],
    to: Annotated[Path, typer.Option(metavar="FILE", help="The ONNX file to write.")] = Path("anymask.onnx"),
    photos: Annotated[
        Path | None, typer.Option(help="Labelled photos: how a score follows from a mask is fitted on their training side.")
    ] = None,
    split: Annotated[Path, typer.Option(help="Which photos are for training and which are kept out.")] = SPLIT,
    fit_on: Annotated[int, typer.Option(min=1, help="How many photos to fit on, evenly spread.")] = 300,
) -> None:
    """Write a trained network as ONNX and check it against torch. Needs: pip install 'anymask[train]'."""
    from anymask.export import export_onnx, write_metadata
    from anymask.network.checkpoint import load_network

    difference = export_onnx(load_network(checkpoint), to)
    typer.echo(f"{to}: {to.stat().st_size / 1e6:.1f} MB, largest difference to torch {difference:.1e} of the output")
    if photos is None:
        return
    from anymask.dataset import read_photos
    from anymask.evaluate.scores import fit_score_rule, score_photos
    from anymask.runtimes import open_runtime

    labelled = [photo for photo in read_photos(photos, split, "train") if photo.labelled != "some"]
    spread = labelled[:: max(1, len(labelled) // fit_on)]
    shown = track(spread, "fitting scores", console=Console(stderr=True), transient=True)
    scored = score_photos(open_runtime(to), shown, IMAGE_SIZE)
    rule = fit_score_rule(scored)
    write_metadata(to, rule.to_metadata())
    typer.echo(f"{to}: {rule}, rank correlation with the true IoU {scored.correlation(rule):.3f} on training photos")
