"""``anymask data``: are labelled photos what their annotations say?"""

from collections import Counter
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from anymask.cli.console import progress_bar, say, show
from anymask.cli.places import ImagesOption, SubsetOption
from anymask.evaluate.recall import AREAS, of_size
from anymask.evaluate.tables import Table

SAMPLES = 25  # photos on a sheet
MOST_LINES = 50  # about problems; the rest are counted


class Tally:
    """Figures of one collection, added up photo by photo."""

    def __init__(self) -> None:
        self.photos = self.holes = 0
        self.objects: Counter[str] = Counter()  # by size
        self.coverage = 0.0  # summed over photos

    def row(self) -> list[str]:
        """The cells of a table, see ``HEADINGS``."""
        objects = [str(self.objects[size]) for size in AREAS]
        return [str(self.photos), *objects, str(self.holes), f"{self.coverage / max(self.photos, 1):.0%}"]


HEADINGS = ("photos", "objects", "small", "medium", "large", "with holes", "coverage")


def data(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="Collections, COCO or LVIS JSON, YOLO-seg or SA-1B.")],
    images: ImagesOption = None,
    subset: SubsetOption = 1.0,
    seed: Annotated[int, typer.Option(metavar="N", help="Another seed makes another --subset and --sheet.")] = 0,
    split: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Of collections, only the photos that this CSV names.")
    ] = None,
    sheet: Annotated[
        Path | None, typer.Option(metavar="FILE", help=f"Draw {SAMPLES} photos with their masks on one PNG.")
    ] = None,
    listing: Annotated[
        Path | None, typer.Option("--list", metavar="FILE", help="Write the names of the photos, one a line.")
    ] = None,
) -> None:
    """Check every annotation and picture of labelled photos: tell what is wrong, and count what is there.

    The exit code is 1 where something cannot be used.
    """
    from anymask.datasets import Problem, in_split, in_subset, read
    from anymask.evaluate.labels import inspect
    from anymask.outputs.sheet import contact_sheet, tile

    problems: list[Problem] = []
    if split is None:
        photos = read(path, images=images, subset=subset, seed=seed, problems=problems)
    else:  # every photo of a split is to be there, whichever are then checked
        photos = in_split(read(path, images=images, problems=problems), split, problems)
        photos = [photo for photo in photos if in_subset(photo.path.name, subset, seed)]
    shown = set(np.random.default_rng(seed).permutation(len(photos))[:SAMPLES].tolist()) if sheet is not None else set()
    tiles = []
    tallies: dict[str, Tally] = {}
    seen: set[int] = set()  # hashes of paths
    told: Counter[bool] = Counter()

    def tell(found: list[Problem]) -> None:
        for problem in found:
            if told.total() < MOST_LINES:
                say(f"{'error' if problem.is_error else 'warning'}: {problem.text}")
            told[problem.is_error] += 1

    tell(problems)
    with progress_bar() as bar:
        for index, entry in enumerate(bar.track(photos, description="checking")):
            inspected = inspect(entry)
            if hash(entry.path) in seen:
                inspected.problems.append(Problem(f"{entry.path}: is listed twice"))
            seen.add(hash(entry.path))
            tell(inspected.problems)
            tally = tallies.setdefault(entry.collection, Tally())
            tally.photos += 1
            tally.objects.update({size: int(of_size(inspected.areas, size).sum()) for size in AREAS})
            tally.holes += int(inspected.holes.sum())
            tally.coverage += inspected.coverage
            if index in shown and inspected.pixels is not None and inspected.photo is not None:
                tiles.append(tile(inspected.pixels, inspected.photo.layers[0]))
    if told.total() > MOST_LINES:
        say(f"and {told.total() - MOST_LINES} more")
    show(table(tallies))
    typer.echo(f"{told[True]} errors, {told[False]} warnings")
    if sheet is not None:
        sheet.parent.mkdir(parents=True, exist_ok=True)
        contact_sheet(tiles).save(sheet, "png")
    if listing is not None:
        listing.parent.mkdir(parents=True, exist_ok=True)
        listing.write_text("".join(f"{name}\n" for name in sorted(entry.path.name for entry in photos)), "utf-8")
    if told[True]:
        raise typer.Exit(1)


def table(tallies: dict[str, Tally]) -> Table:
    """One row per collection; sizes are COCO's, coverage is the mean share of a photo's pixels that is labelled."""
    return Table(("", *HEADINGS), [[name, *tally.row()] for name, tally in tallies.items()])
