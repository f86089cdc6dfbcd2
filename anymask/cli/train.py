"""``anymask train``: learn from labelled photographs."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn

from anymask.cli.console import console, say
from anymask.cli.extras import needs_extra
from anymask.cli.places import PHOTOS, SPLIT, PhotosOption, SplitOption, training_folder

if TYPE_CHECKING:
    from anymask.train.loop import Progress as TrainingProgress


def train(
    photos: PhotosOption = PHOTOS,
    split: SplitOption = SPLIT,
    checkpoints: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Where the run is saved; a run that lies there is taken up. [default: in the user's data folder]",
            show_default=False,
        ),
    ] = None,
    minutes: Annotated[float | None, typer.Option(metavar="M", help="How long, by the clock. [default: 60]")] = None,
    steps: Annotated[
        int | None, typer.Option(metavar="N", help="How long, in steps; with --minutes too, what comes first.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Another seed draws other pictures.")] = 0,
    device: Annotated[str, typer.Option(metavar="NAME", help="cpu or cuda.")] = "cpu",
) -> None:
    """Train a network, going on from a checkpoint where there is one. Needs: pip install 'anymask[train]'."""
    from anymask.dataset import read_photos

    with needs_extra("train"):
        from anymask.train import loop, settings

    logging.getLogger("anymask").setLevel(logging.INFO)
    folder = checkpoints or training_folder()
    loop.check_device(device)
    if minutes is None and steps is None:
        minutes = 60.0
    labelled = read_photos(photos, split, "train")
    say(f"{len(labelled)} photos of {len({photo.collection for photo in labelled})} collections")
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
        TextColumn("{task.fields[told]}"),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("training", total=1.0, told="")

        def report(progress: "TrainingProgress") -> None:
            losses = " ".join(f"{name} {value:.2f}" for name, value in progress.losses.items())
            speed = f"{progress.images_per_s:.1f} images/s, {progress.eta_s / 60:.0f} min left"
            told = f"step {progress.step}, {speed}, {losses}"
            bar.update(task, completed=progress.done, told=told)
            if not console.is_terminal:
                say(f"{100 * progress.done:.0f} %, {told}")

        loop.train(
            labelled,
            folder,
            settings.Settings(seed=seed),
            minutes=minutes,
            steps=steps,
            device=device,
            report=report,
        )
    saved = folder / loop.CHECKPOINT
    say(f"saved {saved}; write a model from it with: anymask export {saved}")
