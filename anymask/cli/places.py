"""Where things lie unless an option says otherwise, and the options that several commands have for that."""

import os
from pathlib import Path
from typing import Annotated

import typer
from platformdirs import user_data_path

from anymask.runtimes import RUNTIMES
from anymask.segment import Refine

PHOTOS = Path(os.environ.get("ANYMASK_PHOTOS", "../shared/photos"))
SPLIT = Path("data/photos_split.csv")

PhotosOption = Annotated[
    Path,
    typer.Option(metavar="PATH", help="Collections, COCO or LVIS JSON, YOLO-seg or SA-1B; see docs/training.md."),
]
SplitOption = Annotated[
    Path, typer.Option(metavar="FILE", help="Which photos of collections are for training and which are kept out.")
]

ImagesOption = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="The pictures of a COCO or LVIS file. [default: looked for near it]",
        show_default=False,
    ),
]
SubsetOption = Annotated[
    float, typer.Option(metavar="SHARE", help="Only this share of the photos, chosen by their names and --seed.")
]

RefineOption = Annotated[
    Refine,
    typer.Option(
        metavar="auto|all|off",
        help="Let the refiner draw at native pixels: the answers to points and boxes, all masks, or none.",
    ),
]

DrawnOption = Annotated[
    int, typer.Option(metavar="N", min=0, help="So many of the likeliest masks are drawn by the mask head.")
]
MaskHeadOption = Annotated[
    str, typer.Option(metavar="FILE", help="The mask head, as `anymask export` wrote it. [default: the packaged one]")
]

RuntimeOption = Annotated[
    str | None,
    typer.Option(
        metavar="|".join(RUNTIMES),
        help="What runs the network. [default: onnx, or as the suffix of the weights asks for]",
        show_default=False,
    ),
]


def data_folder() -> Path:
    """The user's own files: ANYMASK_DATA, or the place the operating system has for them."""
    given = os.environ.get("ANYMASK_DATA")
    return Path(given) if given else user_data_path("anymask", appauthor=False)


def training_folder() -> Path:
    """Where a run is saved, and taken up again: outside of any work tree, so that no clean-up loses it."""
    return data_folder() / "training"
