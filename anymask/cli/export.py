"""``anymask export``: a checkpoint becomes a model file."""

from pathlib import Path
from typing import Annotated

import typer

from anymask.cli.console import progress_bar
from anymask.cli.extras import needs_extra
from anymask.cli.places import SPLIT, SplitOption
from anymask.cli.weights import find
from anymask.datasets import PhotoEntry, read, spread
from anymask.errors import SettingsError
from anymask.fastsam.checkpoint import PT, is_published
from anymask.fastsam.published import PUBLISHED
from anymask.fastsam.weights import onnx_file
from anymask.files import replace_file
from anymask.mask_head import MaskHead
from anymask.models import default_weights
from anymask.runtimes import OnnxMaskHead, open_runtime
from anymask.segment import IMAGE_SIZE


def export(
    checkpoint: Annotated[
        Path,
        typer.Argument(
            metavar="CHECKPOINT", help="What a run saved, such as last.pt, a FastSAM checkpoint, or its name."
        ),
    ],
    to: Annotated[
        Path,
        typer.Option(metavar="FILE", help="The ONNX file to write; with .pt, a checkpoint in FastSAM's structure."),
    ] = Path("anymask.onnx"),
    photos: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Labelled photos: fits on their training side how scores follow from masks."),
    ] = None,
    split: SplitOption = SPLIT,
    fit_on: Annotated[
        int, typer.Option(metavar="N", min=1, help="At most so many photos to fit on, evenly spread.")
    ] = 300,
) -> None:
    """Write a trained network as ONNX and check it against torch. Needs: pip install 'anymask[train]'.

    A FastSAM checkpoint becomes ONNX without that extra. A network with YOLOv8's own trunk, such as a fine-tuned
    FastSAM, is also written as a FastSAM checkpoint (.pt).
    """
    as_checkpoint = to.suffix.lower() == PT
    if to.exists() and checkpoint.exists() and to.samefile(checkpoint):
        raise SettingsError(f"--to {to} is the checkpoint itself, which would be lost; name another file")
    if as_checkpoint and photos is not None:
        raise SettingsError("--photos fits scores that an ONNX file keeps; leave it out where --to ends in .pt")
    if str(checkpoint) in PUBLISHED:
        checkpoint = find(str(checkpoint))
    published = is_published(checkpoint)
    if published and not as_checkpoint and photos is None:
        copy_converted(checkpoint, to)  # needs no torch
        return
    with needs_extra("train"):
        from anymask.export import export_mask_head, export_onnx, export_refiner, write_metadata
        from anymask.network import checkpoint as saved
        from anymask.network.published import load_published, save_published

    labelled = spread(fully_labelled(photos, split), fit_on) if photos is not None else []
    model = saved.DETECTOR if published else saved.model_of(saved.load_checkpoint(checkpoint))
    if as_checkpoint:
        network = load_published(checkpoint) if published else saved.load_network(checkpoint)
        save_published(network, to)
        typer.echo(f"{to}: {to.stat().st_size / 1e6:.1f} MB, {network.config}")
        return
    if published:
        copy_converted(checkpoint, to)
    elif model == saved.REFINER:
        typer.echo(written(to, export_refiner(saved.load_refiner(checkpoint), to)))
        return
    elif model == saved.MASK_HEAD:
        typer.echo(written(to, export_mask_head(saved.load_mask_head(checkpoint), to)))
    else:
        typer.echo(written(to, export_onnx(saved.load_network(checkpoint), to)))
    if photos is None:
        return
    from anymask.evaluate.scores import fit_score_rule, score_photos

    mask_head = MaskHead(OnnxMaskHead(to)) if model == saved.MASK_HEAD else None
    runtime = open_runtime(default_weights() if mask_head is not None else to)
    with progress_bar() as bar:
        photos_read = bar.track(labelled, description="fitting scores")
        size = int(runtime.metadata.get("image_size", IMAGE_SIZE))
        scored = score_photos(runtime, photos_read, size, mask_head)
    rule = fit_score_rule(scored)
    write_metadata(to, rule.to_metadata())
    typer.echo(f"{to}: {rule}, rank correlation with the true IoU {scored.correlation(rule):.3f} on training photos")


def copy_converted(checkpoint: Path, to: Path) -> None:
    """Write a FastSAM checkpoint as ONNX, as `Segmenter` would run it, and say so."""
    content = onnx_file(checkpoint).read_bytes()
    replace_file(to, lambda stream: stream.write(content))
    typer.echo(f"{to}: {len(content) / 1e6:.1f} MB")


def written(path: Path, difference: float) -> str:
    """The line about a file that was written."""
    return f"{path}: {path.stat().st_size / 1e6:.1f} MB, largest difference to torch {difference:.1e} of the output"


def fully_labelled(photos: Path, split: Path) -> list[PhotoEntry]:
    """The training photos on which everything, or nearly, is labelled. Raises DatasetError."""
    return [photo for photo in read(photos, side="train", split=split) if photo.labelled != "some"]
