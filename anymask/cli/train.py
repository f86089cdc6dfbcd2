"""``anymask train``: learn from labelled photographs."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.progress import BarColumn, Progress, TextColumn

from anymask.cli.console import console, progress_bar, say
from anymask.cli.extras import needs_extra
from anymask.cli.places import PHOTOS, SPLIT, ImagesOption, PhotosOption, SplitOption, SubsetOption, training_folder
from anymask.cli.weights import find
from anymask.errors import SettingsError
from anymask.models import (
    DEFAULT,
    classifier_weights,
    default_weights,
    made_with,
    mask_head_weights,
    refiner_weights,
    resolve,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anymask.datasets import PhotoEntry
    from anymask.train.classifier_settings import ClassifierSettings
    from anymask.train.described import Described
    from anymask.train.loop import Lesson
    from anymask.train.loop import Progress as TrainingProgress
    from anymask.train.settings import RunSettings

Model = Literal["detector", "refiner", "mask_head", "classifier"]


def train(
    model: Annotated[
        Model,
        typer.Option(
            metavar="detector|mask_head|refiner|classifier",
            help="What finds all things, what draws them, what draws one anew, or what knows how they are called.",
        ),
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
    minutes: Annotated[
        float | None,
        typer.Option(metavar="M", help="How long, by the clock. [default: 60, or the recipe's steps or epochs]"),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(metavar="N", help="How long, in steps; with --minutes too, what comes first.")
    ] = None,
    epochs: Annotated[
        float | None, typer.Option(metavar="E", help="How long, in passes over the photos; instead of --steps.")
    ] = None,
    preset: Annotated[
        str,
        typer.Option(
            metavar="default|gpu|paper", help="The recipe: ours, ours for a GPU, or that of the FastSAM paper."
        ),
    ] = "default",
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Another value for a setting of the recipe; may be repeated."),
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
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="Another seed draws other pictures, also for --subset. [default: 0]")
    ] = None,
    device: Annotated[str, typer.Option(metavar="NAME", help="cpu or cuda.")] = "cpu",
) -> None:
    """Train a network, going on from a checkpoint where there is one. Needs: pip install 'anymask[train]'."""
    from anymask.datasets import read

    with needs_extra("train"):
        from anymask.train import loop
        from anymask.train.processes import Processes

    begin_with = None if weights is None else beginning(model, weights)
    changed = [*(changes or []), *([f"seed={seed}"] if seed is not None else [])]
    settings = settings_of(model, preset, changed, begin_with)
    folder = checkpoints or training_folder()
    loop.check_device(device)
    if minutes is None and steps is None and epochs is None:
        steps, epochs = settings.steps or None, settings.epochs or None
        minutes = None if steps or epochs else 60.0
    loop.check_run(folder, minutes, steps, epochs)
    processes = Processes(device)
    logging.getLogger("anymask").setLevel(logging.INFO if processes.is_main else logging.WARNING)
    console.quiet = not processes.is_main
    labelled = read(photos, side="train", split=split, images=images, subset=subset, seed=settings.seed)
    say(f"{len(labelled)} photos of {len({photo.collection for photo in labelled})} collections")
    with processes.main_first():
        lesson = make_lesson(labelled, settings, folder)
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

        loop.learn(
            lesson,
            folder,
            minutes=minutes,
            steps=steps,
            epochs=epochs,
            device=device,
            weights=begin_with,
            report=report,
        )
    processes.leave()
    saved = folder / lesson.checkpoint
    fitted = "" if model in ("refiner", "classifier") else f" --photos {photos}"
    say(f"saved {saved}; write a model from it with: anymask export {saved}{fitted}")


def beginning(model: Model, weights: str) -> Path:
    """The file that training begins with. Raises WeightsError."""
    if weights == DEFAULT:
        return packaged(model)
    return find(weights) if model == "detector" else resolve(weights)


def packaged(model: Model) -> Path:
    """The weights inside the package."""
    if model == "detector":
        return default_weights()
    return {"mask_head": mask_head_weights, "refiner": refiner_weights, "classifier": classifier_weights}[model]()


def settings_of(model: Model, preset: str, changes: list[str], weights: Path | None) -> "RunSettings":
    """The recipe by name, of the network that ``weights`` hold, with changes. Raises SettingsError, WeightsError.

    All but the detector have only the default recipe.
    """
    from anymask.train import settings
    from anymask.train.classifier_settings import ClassifierSettings
    from anymask.train.detector import fitted_to
    from anymask.train.mask_head_settings import MaskHeadSettings
    from anymask.train.overrides import override
    from anymask.train.refiner_settings import RefinerSettings

    if model == "detector":
        return override(fitted_to(settings.preset(preset), weights), changes)
    if preset != "default":
        raise SettingsError(f"preset must be default for the {model}, got {preset!r}")
    recipes: dict[str, RunSettings] = {
        "mask_head": MaskHeadSettings(),
        "refiner": RefinerSettings(),
        "classifier": ClassifierSettings(),
    }
    return override(recipes[model], changes)


def make_lesson(photos: "Sequence[PhotoEntry]", settings: "RunSettings", folder: Path) -> "Lesson[Any]":
    """What is to be trained.

    For the refiner the detector's masks on all photos, and for the classifier what the trunk saw of them, are made
    first, and kept in the folder.
    """
    from anymask.train.classifier_settings import ClassifierSettings
    from anymask.train.mask_head_settings import MaskHeadSettings
    from anymask.train.settings import Settings

    if isinstance(settings, Settings):
        from anymask.train.detector import DetectorLesson

        return DetectorLesson(photos, settings)
    if isinstance(settings, MaskHeadSettings):
        from anymask.train.mask_head import MaskHeadLesson

        return MaskHeadLesson(photos, settings)
    if isinstance(settings, ClassifierSettings):
        from anymask.train.classifier import ClassifierLesson

        return ClassifierLesson(described_masks(photos, settings, folder), settings)
    from anymask.segment import Segmenter
    from anymask.train.detected import detect, read_drawn, write_drawn
    from anymask.train.refiner import RefinerLesson
    from anymask.train.refiner_settings import RefinerSettings

    if not isinstance(settings, RefinerSettings):
        raise TypeError(f"no lesson has settings of the type {type(settings).__name__}")
    segmenter = Segmenter()
    kept = folder / "detected.json.gz"
    drawn = read_drawn(kept, segmenter.weights_hash())
    if drawn is None or not all(photo.path in drawn for photo in photos):
        with progress_bar() as bar:
            drawn = detect(segmenter, bar.track(photos, description="what the detector draws"))
        write_drawn(drawn, segmenter.weights_hash(), kept)
    return RefinerLesson(photos, settings, drawn)


def described_masks(photos: "Sequence[PhotoEntry]", settings: "ClassifierSettings", folder: Path) -> "Described":
    """What the classifier reads of the photos with names, from the folder where it is there."""
    from anymask.network.classifier import Classifier
    from anymask.network.trunk import imagenet_state
    from anymask.segment import Segmenter
    from anymask.train.described import DESCRIBED, Kept, describe, key_of, named, read_described, write_described

    segmenter = Segmenter()
    chosen = named(photos)
    made = made_with(segmenter.weights, segmenter.mask_head_file)
    key, held = key_of(made, chosen), read_described(folder / DESCRIBED)
    if held is None or held.key != key:
        network = Classifier(settings.network)
        network.load_imagenet(imagenet_state(settings.network.trunk))
        with progress_bar() as bar:
            described = describe(segmenter, network.eval(), bar.track(chosen, description="what the trunk sees"))
        held = Kept(described, key, made)
        write_described(held, folder / DESCRIBED)
    return held.described
