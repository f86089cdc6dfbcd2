"""``anymask segment``: pictures in, masks out."""

import json
import logging
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from anymask.cli.console import progress_bar, say
from anymask.cli.explain import explained
from anymask.cli.places import DrawnOption, MaskHeadOption, RefineOption, RuntimeOption
from anymask.cli.weights import WEIGHTS_HELP, find
from anymask.errors import AnymaskError, ImageError, PromptError, SettingsError
from anymask.image import MAX_PIXELS, find_images, load_image
from anymask.maskset import MaskSet
from anymask.models import DEFAULT
from anymask.outputs import OUTPUTS
from anymask.prompts import Box, Point, Prompt, Text, parse_json
from anymask.segment import DRAWN, IMAGE_SIZE, SHOWN, Segmenter
from anymask.words.answer import Candidate

logger = logging.getLogger(__name__)

STDIN = "-"
OUT = Path("masks")

Said = dict[str, Any]  # of one text: its prompt and text, the reason why nothing answers it, nearest and notes


@dataclass(frozen=True)
class Job:
    """What to do with every picture."""

    segmenter: Segmenter
    prompts: list[Prompt]
    candidates: int | None  # of each prompt; None for one, and of a text for all
    formats: list[str]
    out: Path | None  # a folder that exists; None to write nothing
    settings: dict[str, Any]  # keywords of Segmenter.__call__
    zoom: bool


def segment(
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
        list[str] | None, typer.Option(metavar="FILE", help="A JSON file with one prompt or a list of them.")
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
        str, typer.Option("--format", metavar="NAME,...", help=f"Comma-separated: {', '.join(OUTPUTS)}.")
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
    prompts = read_prompts(point or [], box or [], text or [], prompt or [])
    chosen = read_formats(formats)
    settings = {
        "image_size": image_size,
        "score": score,
        "iou": iou,
        "max_masks": max_masks,
        "max_pixels": max_pixels,
        "drawn": drawn,
        "refine": refine,
        "snap": snap,
    }
    if explain:
        for each in prompts:
            if isinstance(each, Text):
                typer.echo(json.dumps(explained(each)))
    names, failed = expand(photos)
    if not names:
        raise typer.Exit(1)
    folder = out if out is not None or as_json else OUT
    if folder is not None:
        make_folder(folder)
    segmenter = Segmenter(find(weights, hidden=quiet), runtime=runtime, threads=threads, mask_head=mask_head)
    if score is None:
        settings["score"] = 0.0 if prompts else segmenter.shown
    job = Job(segmenter, prompts, candidates, chosen, folder, settings, zoom)
    taken: set[str] = set()
    with progress_bar(hidden=quiet or len(names) < 2 or (as_json and sys.stdout.isatty())) as bar:
        for name in bar.track(names, description="segmenting"):
            try:
                line, found, said = run(job, name, taken)
            except SettingsError:
                raise  # wrong for every picture: say so once
            except (AnymaskError, OSError, MemoryError) as error:
                failed = True
                complain(name, error)
                continue
            if as_json:
                typer.echo(json.dumps(describe(name, found, said)))
            elif not quiet:
                say(line)
    if failed:
        raise typer.Exit(1)


def run(job: Job, name: str, taken: set[str]) -> tuple[str, MaskSet, list[Said]]:
    """Segment one picture and write its files; the line that tells of it, the masks, and what texts have to say."""
    source = sys.stdin.buffer.read() if name == STDIN else name
    began = time.perf_counter()
    image = load_image(source, max_pixels=job.settings["max_pixels"], name="standard input" if name == STDIN else None)
    found = job.segmenter(image, **job.settings)
    took = time.perf_counter() - began
    height, width = found.size
    logger.debug("%s: %d x %d pixels, %d masks before any prompt", name, width, height, len(found))
    said: list[Said] = []
    if job.prompts:
        found, said = answer(job, name, found)
    elif not len(found) and (least := job.settings["score"]):
        logger.info("%s: nothing scores %s or more; a lower --score may show more", name, least)
    files = list(write(job.out, job.formats, name, found, taken)) if job.out is not None else []
    where = f" -> {', '.join(map(str, files))}" if files else ""
    count = f"{len(found)} mask{'s' * (len(found) != 1)}"
    return f"{name}: {count} in {took:.2f} s{where}", found, said


def answer(job: Job, name: str, found: MaskSet) -> tuple[MaskSet, list[Said]]:
    """The best candidates for every prompt, and what each text has to say; a prompt without any is reported."""
    settings = {name: job.settings[name] for name in ("refine", "drawn")}
    picked = job.segmenter.select(found, job.prompts, zoom=job.zoom, **settings)
    picked = picked[picked.scores >= job.settings["score"]]
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


def write(out: Path, formats: Sequence[str], name: str, found: MaskSet, taken: set[str]) -> Iterator[Path]:
    """Write every chosen format; yields the files. Two pictures of one name do not overwrite each other."""
    if found.image is None:
        raise ImageError(f"{name}: there is no picture to draw on", name=name)
    file_name = "stdin" if name == STDIN else Path(name).name
    stem = base = Path(file_name).stem
    number = 1
    while stem.casefold() in taken:  # many file systems take Photo and photo for one name
        number += 1
        stem = f"{base}-{number}"
    taken.add(stem.casefold())
    for chosen in formats:
        output = OUTPUTS[chosen]
        path = out / (stem + output.suffix)
        path.write_bytes(output.encode(found, found.image, name=file_name))
        yield path


def describe(name: str, found: MaskSet, said: list[Said]) -> dict[str, Any]:
    """The masks of a picture as plain data, the shape the HTTP API will have; and what texts have to say, if any."""
    height, width = found.size
    answers = {"prompt": found.prompt, "rank": found.rank}
    return {
        "photo": name,
        "width": width,
        "height": height,
        "masks": [
            {
                "id": index,
                "box": [float(side) for side in found.boxes[index]],
                "score": round(float(found.scores[index]), 6),
                "parent": int(found.parents[index]),
                **{key: int(values[index]) for key, values in answers.items() if values is not None},
                "rle": {"size": [height, width], "counts": found.rles[index].decode("ascii")},
            }
            for index in range(len(found))
        ],
        **({"texts": said} if said else {}),
    }


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


def read_prompts(points: list[str], boxes: list[str], texts: list[str], files: list[str]) -> list[Prompt]:
    """The prompts of the command line: all points are one object, each box and text is one, a file holds any number."""
    prompts: list[Prompt] = []
    if points:
        numbers = [split_numbers(text, "--point", (2, 3)) for text in points]
        labels = [row[2] if len(row) == 3 else 1 for row in numbers]
        try:
            prompts.append(Point([row[:2] for row in numbers], labels))  # type: ignore[arg-type]  # Point checks them
        except PromptError as error:
            raise typer.BadParameter(str(error), param_hint="--point") from error
    for text in boxes:
        try:
            prompts.append(Box(split_numbers(text, "--box", (4,))))
        except PromptError as error:
            raise typer.BadParameter(str(error), param_hint="--box") from error
    for words in texts:
        try:
            prompts.append(Text(words))
        except PromptError as error:
            raise typer.BadParameter(str(error), param_hint="--text") from error
    for file in files:
        prompts += read_prompt_file(file)
    return prompts


def read_prompt_file(file: str) -> list[Prompt]:
    """The prompts of a JSON file, at least one. Raises PromptError."""
    try:
        prompts = parse_json(Path(file).read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise PromptError(f"{file}: expected a JSON file with prompts in UTF-8, got: {reason}") from error
    except PromptError as error:
        raise PromptError(f"{file}: {error}") from error
    if not prompts:
        raise PromptError(f"{file}: expected at least one prompt, got an empty list; leave it out to find every mask")
    return prompts


def split_numbers(text: str, option: str, counts: tuple[int, ...]) -> list[float]:
    """Comma-separated numbers, as many as one of ``counts``."""
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in counts:
        wanted = " or ".join(map(str, counts))
        raise typer.BadParameter(f"expected {wanted} numbers with commas between them, got {text!r}", param_hint=option)
    return numbers


def read_formats(text: str) -> list[str]:
    """The rows of OUTPUTS that ``text`` names, without repeats."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in OUTPUTS]
    if unknown or not names:
        got = repr(unknown[0]) if unknown else "nothing"
        raise typer.BadParameter(f"expected one or more of {', '.join(OUTPUTS)}, got {got}", param_hint="--format")
    return list(dict.fromkeys(names))
