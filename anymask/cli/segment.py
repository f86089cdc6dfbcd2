"""``anymask segment``: pictures in, masks out."""

import json
import logging
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track

from anymask.errors import AnymaskError, ImageError, PromptError, SettingsError
from anymask.image import MAX_PIXELS, find_images
from anymask.maskset import MaskSet
from anymask.models import DEFAULT
from anymask.outputs import OUTPUTS
from anymask.prompts import Box, Point, Prompt, parse_json
from anymask.segment import IMAGE_SIZE, Segmenter

logger = logging.getLogger(__name__)

STDIN = "-"
OUT = Path("masks")
SCORE = 0.1  # of `segment` without prompts: what a person wants to look at. Prompts choose among all masks.


@dataclass(frozen=True)
class Job:
    """What to do with every picture."""

    segmenter: Segmenter
    prompts: list[Prompt]
    candidates: int
    formats: list[str]
    out: Path
    settings: dict[str, Any]  # keywords of Segmenter.__call__


def segment(
    photos: Annotated[
        list[str], typer.Argument(metavar="PHOTO...", help="Files, folders, glob patterns, or - for standard input.")
    ],
    point: Annotated[
        list[str] | None,
        typer.Option(metavar="X,Y[,0|1]", help="A point inside (1) or outside (0) one object; repeat for more points."),
    ] = None,
    box: Annotated[
        list[str] | None, typer.Option(metavar="X1,Y1,X2,Y2", help="A box around an object; repeat for more objects.")
    ] = None,
    prompt: Annotated[
        list[str] | None, typer.Option(metavar="FILE", help="A JSON file with one prompt or a list of them.")
    ] = None,
    candidates: Annotated[int, typer.Option(min=1, help="Masks per prompt, the best first.")] = 1,
    weights: Annotated[str, typer.Option(help=f"{DEFAULT!r}, or the path of an ONNX file.")] = DEFAULT,
    formats: Annotated[
        str, typer.Option("--format", help=f"Comma-separated: {', '.join(OUTPUTS)}.")
    ] = "coco,overlay",
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help=f"Where the files go; made if absent. [default: {OUT}]", show_default=False),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one line of JSON per picture; write files only when --out is given.")
    ] = False,
    image_size: Annotated[
        int, typer.Option(help="Network pixels along the longest side; a multiple of 32. More finds smaller things.")
    ] = IMAGE_SIZE,
    score: Annotated[
        float | None,
        typer.Option(help=f"Leave out masks that score lower. [default: {SCORE}, with prompts 0]", show_default=False),
    ] = None,
    iou: Annotated[float, typer.Option(help="Of two boxes that overlap more, only the better stays.")] = 0.7,
    max_masks: Annotated[int, typer.Option(help="At most so many masks.")] = 1000,
    max_pixels: Annotated[int, typer.Option(help="Refuse larger pictures.")] = MAX_PIXELS,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of the network. [default: cores]")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only errors.")] = False,
) -> None:
    """Find every mask of each picture, or the objects that prompts point at."""
    logging.getLogger("anymask").setLevel(logging.ERROR if quiet else logging.DEBUG if verbose else logging.INFO)
    prompts = read_prompts(point or [], box or [], prompt or [])
    chosen = read_formats(formats)
    least = score if score is not None else 0.0 if prompts else SCORE
    settings = {
        "image_size": image_size,
        "score": least,
        "iou": iou,
        "max_masks": max_masks,
        "max_pixels": max_pixels,
    }
    names, failed = expand(photos)
    folder = out if out is not None or as_json else OUT
    job = Job(Segmenter(weights, threads=threads), prompts, candidates, chosen, folder, settings)
    console = Console(stderr=True)
    taken: set[str] = set()
    for name in track(names, "segmenting", console=console, transient=True, disable=quiet or len(names) < 2):
        try:
            line, document = run(job, name, taken)
        except SettingsError:
            raise  # wrong for every picture: say so once
        except (AnymaskError, OSError) as error:
            failed = True
            complain(name, error)
            continue
        if as_json:
            typer.echo(json.dumps(document))
        elif not quiet:
            console.print(line, highlight=False, soft_wrap=True, markup=False)
    if failed:
        raise typer.Exit(1)


def run(job: Job, name: str, taken: set[str]) -> tuple[str, dict[str, Any]]:
    """Segment one picture and write its files; the line and the JSON object that tell of it."""
    source = sys.stdin.buffer.read() if name == STDIN else Path(name)
    began = time.perf_counter()
    found = job.segmenter(source, **job.settings)
    took = time.perf_counter() - began
    logger.debug("%s: %d x %d pixels, %d masks before any prompt", name, *found.size[::-1], len(found))
    shown = found
    if job.prompts:
        picked = job.segmenter.select(found, job.prompts)
        assert picked.rank is not None
        shown = picked[picked.rank < job.candidates]
        unanswered = sorted(set(range(len(job.prompts))) - set((picked.prompt if picked.prompt is not None else [])))
        for index in unanswered:
            logger.warning("%s: nothing found for prompt %s", name, json.dumps(job.prompts[index].to_json()))
    files = list(write(job, name, shown, taken)) if job.out is not None else []
    where = f" -> {', '.join(map(str, files))}" if files else ""
    count = f"{len(shown)} mask{'s' * (len(shown) != 1)}"
    return f"{name}: {count} in {took:.2f} s{where}", describe(name, shown)


def write(job: Job, name: str, found: MaskSet, taken: set[str]) -> Iterator[Path]:
    """Write every chosen format; yields the files. Two pictures of one name do not overwrite each other."""
    assert found.image is not None and job.out is not None
    stem = base = "stdin" if name == STDIN else Path(name).stem
    number = 1
    while stem in taken:
        number += 1
        stem = f"{base}-{number}"
    taken.add(stem)
    job.out.mkdir(parents=True, exist_ok=True)
    for chosen in job.formats:
        output = OUTPUTS[chosen]
        path = job.out / f"{stem}.{chosen}{output.suffix}"
        path.write_bytes(output.encode(found, found.image))
        yield path


def describe(name: str, found: MaskSet) -> dict[str, Any]:
    """The masks of a picture as plain data, the shape the HTTP API will have."""
    height, width = found.size
    answers = found.prompt is not None and found.rank is not None
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
                **({"prompt": int(found.prompt[index]), "rank": int(found.rank[index])} if answers else {}),  # type: ignore[index]
                "rle": {"size": [height, width], "counts": found.rles[index].decode("ascii")},
            }
            for index in range(len(found))
        ],
    }


def expand(photos: list[str]) -> tuple[list[str], bool]:
    """The pictures that the arguments name, and whether one of them named nothing."""
    names: list[str] = []
    failed = False
    for argument in photos:
        try:
            names += [STDIN] if argument == STDIN else [str(path) for path in find_images([argument])]
        except ImageError as error:
            failed = True
            complain(argument, error)
    return list(dict.fromkeys(names)), failed


def complain(name: str, error: Exception) -> None:
    """One line on stderr about one picture; the others go on."""
    message = str(error) if isinstance(error, AnymaskError) else f"{name}: {getattr(error, 'strerror', None) or error}"
    typer.echo(f"anymask: {' '.join(message.split())}", err=True)


def read_prompts(points: list[str], boxes: list[str], files: list[str]) -> list[Prompt]:
    """The prompts of the command line: all points are one object, each box is one, a file holds any number."""
    prompts: list[Prompt] = []
    if points:
        numbers = [split_numbers(text, "--point", (2, 3)) for text in points]
        prompts.append(Point([row[:2] for row in numbers], [int(row[2]) if len(row) == 3 else 1 for row in numbers]))
    prompts += [Box(split_numbers(text, "--box", (4,))) for text in boxes]
    for file in files:
        try:
            prompts += parse_json(Path(file).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise PromptError(f"{file}: expected a JSON file with prompts, got {error}") from error
        except PromptError as error:
            raise PromptError(f"{file}: {error}") from error
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
