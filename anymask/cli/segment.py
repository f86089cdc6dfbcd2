"""``anymask segment``: pictures in, masks out."""

import json
import logging
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from anymask.cli.console import progress_bar, say
from anymask.cli.explain import explained
from anymask.cli.places import DrawnOption, MaskHeadOption, RefineOption, RuntimeOption
from anymask.cli.prompts import read_prompts
from anymask.cli.results import FORMATS, STDIN, Result, Said, describe, file_name, write
from anymask.cli.weights import WEIGHTS_HELP, find
from anymask.errors import AnymaskError, ImageError, MissingExtraError, SettingsError, WeightsError
from anymask.image import MAX_PIXELS, find_images, load_image
from anymask.maskset import MaskSet
from anymask.models import DEFAULT
from anymask.prompts import Prompt, Text
from anymask.recipe import Parameters, Recipe, Selected, replay, selected
from anymask.segment import DRAWN, IMAGE_SIZE, SHOWN, Segmenter
from anymask.words.answer import Candidate

logger = logging.getLogger(__name__)

OUT = Path("masks")


@dataclass(frozen=True)
class Job:
    """What to do with every picture."""

    segmenter: Segmenter
    prompts: list[Prompt]
    recipe: Recipe | None  # instead of prompts
    candidates: int | None  # of each prompt; None for one, and of a text for all
    formats: list[str]
    out: Path | None  # a folder that exists; None to write nothing
    parameters: Parameters
    max_pixels: int


def segment(
    context: typer.Context,
    photos: Annotated[
        list[str], typer.Argument(metavar="PHOTO", help="Files, folders, glob patterns, or - for standard input.")
    ],
    point: Annotated[
        list[str] | None,
        typer.Option(metavar="X,Y[,0|1]", help="A point inside (1) or outside (0) one object; repeat for more points."),
    ] = None,
    box: Annotated[
        list[str] | None, typer.Option(metavar="X1,Y1,X2,Y2", help="A box around an object; repeat for more objects.")
    ] = None,
    text: Annotated[
        list[str] | None, typer.Option(metavar="WORDS", help="A description in English of one thing or of several.")
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Print what each text is read as, one line of JSON.")
    ] = False,
    prompt: Annotated[
        list[str] | None, typer.Option(metavar="FILE", help="A JSON file with one prompt, a list of them, or a recipe.")
    ] = None,
    candidates: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Masks per prompt, the best first. [default: 1; of a text all that fit]",
            show_default=False,
        ),
    ] = None,
    weights: Annotated[str, typer.Option(metavar="W", help=WEIGHTS_HELP)] = DEFAULT,
    formats: Annotated[
        str, typer.Option("--format", metavar="NAME,...", help=f"Comma-separated: {', '.join(FORMATS)}.")
    ] = "coco,overlay",
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help=f"Where the files go; made if absent. [default: {OUT}]", show_default=False),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one line of JSON per picture; write files only when --out is given.")
    ] = False,
    image_size: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Network pixels along the longest side; a multiple of 32. More finds smaller things. "
            f"[default: {IMAGE_SIZE}, or what the weights want]",
            show_default=False,
        ),
    ] = None,
    score: Annotated[
        float | None,
        typer.Option(
            metavar="S",
            min=0,
            max=1,
            help=f"Leave out masks that score lower. [default: {SHOWN}, or what the weights want; with prompts 0]",
            show_default=False,
        ),
    ] = None,
    iou: Annotated[
        float, typer.Option(metavar="I", min=0, max=1, help="Of two boxes that overlap more, only the better stays.")
    ] = 0.7,
    max_masks: Annotated[int, typer.Option(metavar="N", min=1, help="At most so many masks.")] = 1000,
    max_pixels: Annotated[int, typer.Option(metavar="N", min=1, help="Refuse larger pictures.")] = MAX_PIXELS,
    drawn: DrawnOption = DRAWN,
    mask_head: MaskHeadOption = DEFAULT,
    refine: RefineOption = "auto",
    snap: Annotated[
        bool, typer.Option("--snap", help="Move the contours of large masks to edges in the picture where that helps.")
    ] = False,
    zoom: Annotated[bool, typer.Option(help="Look closer where no mask fits a point or a box.")] = True,
    runtime: RuntimeOption = None,
    threads: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Threads of the network. [default: cores]")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only errors.")] = False,
) -> None:
    """Find every mask of each picture, or the objects that prompts point at."""
    logging.getLogger("anymask").setLevel(logging.ERROR if quiet else logging.DEBUG if verbose else logging.INFO)
    prompts, recipe = read_prompts(point or [], box or [], text or [], prompt or [])
    if recipe is not None and candidates is not None:
        raise typer.BadParameter("a recipe says which masks there are: leave it out", param_hint="--candidates")
    chosen = read_formats(formats)
    options: dict[str, Any] = {
        "image_size": image_size,
        "score": score,
        "iou": iou,
        "max_masks": max_masks,
        "drawn": drawn,
        "refine": refine,
        "snap": snap,
        "zoom": zoom,
    }
    if explain:
        asked = prompts if recipe is None else dict.fromkeys(one for each in recipe.objects for one in each.prompts)
        for each in asked:
            if isinstance(each, Text):
                typer.echo(json.dumps(explained(each)))
    names, failed = expand(photos)
    if not names:
        raise typer.Exit(1)
    folder = out if out is not None or as_json else OUT
    if folder is not None:
        make_folder(folder)
    file = find(weights, hidden=quiet)
    if recipe is not None:
        segmenter = open_as(recipe, file, runtime, threads, mask_head)
        parameters = replace(recipe.parameters, **{name: options[name] for name in options if is_given(context, name)})
    else:
        segmenter = Segmenter(file, runtime=runtime, threads=threads, mask_head=mask_head)
        if score is None:
            options["score"] = 0.0 if prompts else segmenter.shown
        parameters = Parameters(**options)
    job = Job(segmenter, prompts, recipe, candidates, chosen, folder, parameters, max_pixels)
    taken: set[str] = set()
    with progress_bar(hidden=quiet or len(names) < 2 or (as_json and sys.stdout.isatty())) as bar:
        for name in bar.track(names, description="segmenting"):
            try:
                line, result = run(job, name, taken)
            except SettingsError:
                raise  # wrong for every picture: say so once
            except (AnymaskError, OSError, MemoryError) as error:
                failed = True
                complain(name, error)
                continue
            if as_json:
                typer.echo(json.dumps(describe(result)))
            elif not quiet:
                say(line)
    if failed:
        raise typer.Exit(1)


def is_given(context: typer.Context, option: str) -> bool:
    """Whether an option was written on the command line, and is not as by default."""
    return getattr(context.get_parameter_source(option), "name", "") == "COMMANDLINE"


def open_as(recipe: Recipe, weights: Path | str, runtime: str | None, threads: int | None, mask_head: str) -> Segmenter:
    """A Segmenter with the runtime and the threads of a recipe where none are given and this computer has them."""
    noted = recipe.conditions
    try:
        return Segmenter(
            weights, runtime=runtime or noted.runtime, threads=threads or noted.threads, mask_head=mask_head
        )
    except (MissingExtraError, SettingsError, WeightsError):
        return Segmenter(weights, runtime=runtime, threads=threads, mask_head=mask_head)  # the difference is told


def run(job: Job, name: str, taken: set[str]) -> tuple[str, Result]:
    """Segment one picture and write its files; the line that tells of it, and what was found."""
    source = sys.stdin.buffer.read() if name == STDIN else name
    began = time.perf_counter()
    image = load_image(source, max_pixels=job.max_pixels, name="standard input" if name == STDIN else None)
    result = run_prompts(job, name, image) if job.recipe is None else run_recipe(job, job.recipe, name, image)
    took = time.perf_counter() - began
    files = list(write(job.out, job.formats, result, taken)) if job.out is not None else []
    where = f" -> {', '.join(map(str, files))}" if files else ""
    count = f"{len(result.found)} mask{'s' * (len(result.found) != 1)}"
    return f"{name}: {count} in {took:.2f} s{where}", result


def run_prompts(job: Job, name: str, image: NDArray[np.uint8]) -> Result:
    """All masks of a picture, or the answers to the prompts."""
    found = job.segmenter(image, **job.parameters.of_call(), max_pixels=job.max_pixels)
    height, width = found.size
    logger.debug("%s: %d x %d pixels, %d masks before any prompt", name, width, height, len(found))
    said: list[Said] = []
    if job.prompts:
        found, said = answer(job, name, found)
    elif not len(found) and (least := job.parameters.score):
        logger.info("%s: nothing scores %s or more; a lower --score may show more", name, least)

    def recipe() -> Recipe:
        if job.prompts:
            objects = selected(job.segmenter, found, job.prompts, job.parameters)
        else:
            objects = [Selected(counts, mask=index) for index, counts in enumerate(found.rles)]
        return Recipe.of(job.segmenter, found, job.parameters, objects=objects, name=file_name(name))

    return Result(name, found, recipe, texts=said)


def run_recipe(job: Job, recipe: Recipe, name: str, image: NDArray[np.uint8]) -> Result:
    """The objects of a recipe; what differs is reported."""
    replayed = replay(
        recipe,
        job.segmenter,
        image,
        parameters=job.parameters,
        max_pixels=job.max_pixels,
        name=file_name(name),
    )
    for line in replayed.warnings:
        logger.warning("%s: %s", name, line)
    labels, colours, ious = replayed.labels, replayed.colours, replayed.ious
    return Result(name, replayed.masks, lambda: replayed.recipe, labels, colours, ious)


def answer(job: Job, name: str, found: MaskSet) -> tuple[MaskSet, list[Said]]:
    """The best candidates for every prompt, and what each text has to say; a prompt without any is reported."""
    parameters = job.parameters
    picked = job.segmenter.select(
        found, job.prompts, refine=parameters.refine, zoom=parameters.zoom, drawn=parameters.drawn
    )
    picked = picked[picked.scores >= parameters.score]
    answered = set(np.asarray(picked.prompt).tolist())
    if any(isinstance(prompt, Text) and prompt.has_nouns for prompt in job.prompts):
        found = job.segmenter.label(found)  # as `select` did, which keeps it
    said: list[Said] = []
    for index, prompt in enumerate(job.prompts):
        if isinstance(prompt, Text):
            said.append({"prompt": index, **tell(name, prompt, found, index in answered)})
        elif index not in answered:
            logger.warning("%s: nothing found for prompt %s", name, json.dumps(prompt.to_json()))
    most = [job.candidates or (len(picked) if isinstance(prompt, Text) else 1) for prompt in job.prompts]
    return picked[np.asarray(picked.rank) < np.array(most)[np.asarray(picked.prompt)]], said


def tell(name: str, prompt: Text, found: MaskSet, answered: bool) -> Said:
    """Log what a text's answer has to say, and the same as plain data.

    It says why there is none, what came nearest, and what was not used.
    """
    said = prompt.answer(found)
    reason = "" if answered else said.reason or "what fits scores below --score"
    if not answered:
        near = ", ".join(told_of(each, found) for each in said.nearest)
        logger.warning(
            "%s: nothing found for %r: %s%s", name, prompt.text, reason, f" (nearest: {near})" if near else ""
        )
    for note in said.notes:
        logger.warning("%s: %r: %s", name, prompt.text, note)
    nearest = [
        {"box": found.boxes[each.index].tolist(), "score": round(float(each.score), 6), "name": each.name}
        for each in said.nearest
    ]
    return {"text": prompt.text, "reason": reason, "nearest": nearest, "notes": list(said.notes)}


def told_of(near: Candidate, found: MaskSet) -> str:
    """Where a mask is that came near, so that it can be asked for by --box, how near, and what it looks like most."""
    box = ",".join(f"{side:.0f}" for side in found.boxes[near.index])
    return f"{near.score:.2f} in the box {box}" + (f", which looks most like {near.name}" if near.name else "")


def expand(photos: list[str]) -> tuple[list[str], bool]:
    """The pictures that the arguments name, each once, and whether one of them named nothing."""
    names: dict[Path, str] = {}
    failed = False
    for argument in photos:
        try:
            for path in [Path(STDIN)] if argument == STDIN else find_images([argument]):
                # As the user wrote it: Path would make http:/ of http://
                names.setdefault(path.absolute(), argument if path == Path(argument) else str(path))
        except ImageError as error:
            failed = True
            complain(argument, error)
    return list(names.values()), failed


def make_folder(folder: Path) -> None:
    """Make the folder for the files; an OSError that tells the cure where that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = f"no folder can be made there ({error.strerror}); name another one with --out"
        raise OSError(error.errno, reason, str(folder)) from error


def complain(name: str, error: Exception) -> None:
    """One line on stderr about one picture; the others go on."""
    reason = str(error)
    if isinstance(error, OSError):
        reason = f"{error.filename or 'a file'}: {error.strerror or error}"
    elif isinstance(error, MemoryError):
        reason = "does not fit in memory: make it smaller, or lower --image-size"
    say(f"anymask: {reason}" if isinstance(error, ImageError) else f"anymask: {name}: {reason}")


def read_formats(text: str) -> list[str]:
    """The FORMATS that ``text`` names, without repeats."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in FORMATS]
    if unknown or not names:
        got = repr(unknown[0]) if unknown else "nothing"
        raise typer.BadParameter(f"expected one or more of {', '.join(FORMATS)}, got {got}", param_hint="--format")
    return list(dict.fromkeys(names))
