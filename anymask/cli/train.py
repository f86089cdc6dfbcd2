"""``anymask train``: learn from labelled photographs."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from anymask.cli.places import PHOTOS, SPLIT

if TYPE_CHECKING:
    from anymask.train.loop import Progress as TrainingProgress


def train(
    photos: Annotated[Path, typer.Option(help="The folder of collections; see docs/training.md.")] = PHOTOS,
    split: Annotated[Path, typer.Option(help="Which photos are for training and which are kept out.")] = SPLIT,
    checkpoints: Annotated[
        Path, typer.Option(help="Where the run is saved; one that lies there already is taken up.")
    ] = Path("checkpoints"),
    minutes: Annotated[float | None, typer.Option(help="How long, by the clock. [default: 60]")] = None,
    steps: Annotated[int | None, typer.Option(help="How long, in steps; instead of --minutes.")] = None,
    seed: Annotated[int, typer.Option(help="Another seed draws other pictures.")] = 0,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
) -> None:
    """Train a network, going on from a checkpoint where there is one. Needs: pip install 'anymask[train]'."""
    from anymask.dataset import read_photos
    from anymask.train import loop, settings

    logging.getLogger("anymask").setLevel(logging.INFO)
    if minutes is None and steps is None:
        minutes = 60.0
    labelled = read_photos(photos, split, "train")
    console = Console(stderr=True)
    console.print(f"{len(labelled)} photos of {len({photo.collection for photo in labelled})} collections")
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"), TextColumn("{task.fields[told]}")
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("training", total=1.0, told="")

        def report(progress: "TrainingProgress") -> None:
            losses = " ".join(f"{name} {value:.2f}" for name, value in progress.losses.items())
            told = f"step {progress.step}, {progress.images_per_s:.1f} images/s, {progress.eta_s / 60:.0f} min left, {losses}"
            bar.update(task, completed=progress.done, told=told)
            if not console.is_terminal:
                console.print(f"{100 * progress.done:.0f} %, {told}", soft_wrap=True)

        loop.train(
            labelled, checkpoints, settings.Settings(seed=seed), minutes=minutes, steps=steps, device=device, report=report
        )
    console.print(f"saved {checkpoints / loop.CHECKPOINT}; write a model from it with: anymask export {checkpoints / loop.CHECKPOINT}")
