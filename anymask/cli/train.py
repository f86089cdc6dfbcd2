"""``anymask train``: learn from labelled photographs."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.progress import BarColumn, Progress, TextColumn

from anymask.cli.console import console, progress_bar, say
from anymask.cli.extras import needs_extra
from anymask.cli.places import PHOTOS, SPLIT, ImagesOption, PhotosOption, SplitOption, SubsetOption, training_folder
from anymask.fastsam.checkpoint import SUFFIXES
from anymask.models import DEFAULT, default_weights, refiner_weights, resolve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anymask.datasets import PhotoEntry
    from anymask.train.loop import Lesson
    from anymask.train.loop import Progress as TrainingProgress

Model = Literal["detector", "refiner"]


def train(
    model: Annotated[
        Model, typer.Option(metavar="detector|refiner", help="What finds all masks, or what draws some.")
    ] = "detector",
    photos: PhotosOption = PHOTOS,
    split: SplitOption = SPLIT,
    images: ImagesOption = None,
    subset: SubsetOption = 1.0,
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
    weights: Annotated[
        str | None,
        typer.Option(
            metavar="default|FILE",
            help="Begin with those of an exported ONNX file, of the packaged one, or of a FastSAM checkpoint (.pt, "
            ".safetensors), where no run lies in the folder. [default: anew]",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Another seed draws other pictures, also for --subset.")] = 0,
    device: Annotated[str, typer.Option(metavar="NAME", help="cpu or cuda.")] = "cpu",
) -> None:
    """Train a network, going on from a checkpoint where there is one. Needs: pip install 'anymask[train]'."""
    from anymask.datasets import read

    with needs_extra("train"):
        from anymask.train import loop

    logging.getLogger("anymask").setLevel(logging.INFO)
    folder = checkpoints or training_folder()
    loop.check_device(device)
    if minutes is None and steps is None:
        minutes = 60.0
    loop.check_run(folder, minutes, steps)
    more = SUFFIXES if model == "detector" else ()
    begin_with = packaged(model) if weights == DEFAULT else resolve(weights, more) if weights is not None else None
    labelled = read(photos, side="train", split=split, images=images, subset=subset, seed=seed)
    say(f"{len(labelled)} photos of {len({photo.collection for photo in labelled})} collections")
    lesson = make_lesson(model, labelled, seed, folder, begin_with)
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

        loop.learn(lesson, folder, minutes=minutes, steps=steps, device=device, weights=begin_with, report=report)
    saved = folder / lesson.checkpoint
    say(f"saved {saved}; write a model from it with: anymask export {saved}")


def packaged(model: Model) -> Path:
    """The weights inside the package."""
    return refiner_weights() if model == "refiner" else default_weights()


def make_lesson(
    model: Model, photos: "Sequence[PhotoEntry]", seed: int, folder: Path, weights: Path | None
) -> "Lesson[Any]":
    """What is to be trained. For the refiner, the detector's masks on all photos are made first, and kept."""
    if model == "detector":
        from anymask.train.detector import DetectorLesson, settings_from

        return DetectorLesson(photos, settings_from(weights, seed))
    from anymask.segment import Segmenter
    from anymask.train.detected import detect, read_drawn, write_drawn
    from anymask.train.refiner import RefinerLesson
    from anymask.train.refiner_settings import RefinerSettings

    segmenter = Segmenter()
    kept = folder / "detected.json.gz"
    drawn = read_drawn(kept, segmenter.weights_hash())
    if drawn is None or not all(photo.path in drawn for photo in photos):
        with progress_bar() as bar:
            drawn = detect(segmenter, bar.track(photos, description="what the detector draws"))
        write_drawn(drawn, segmenter.weights_hash(), kept)
    return RefinerLesson(photos, RefinerSettings(seed=seed), drawn)
