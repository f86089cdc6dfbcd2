"""Where things lie unless an option says otherwise, and the options that several commands have for that."""

import os
from pathlib import Path
from typing import Annotated

import typer
from platformdirs import user_data_path

from anymask.segment import Refine

PHOTOS = Path(os.environ.get("ANYMASK_PHOTOS", "../shared/photos"))
SPLIT = Path("data/photos_split.csv")

PhotosOption = Annotated[Path, typer.Option(metavar="DIR", help="The folder of collections; see docs/training.md.")]
SplitOption = Annotated[
    Path, typer.Option(metavar="FILE", help="Which photos are for training and which are kept out.")
]

RefineOption = Annotated[
    Refine,
    typer.Option(
        metavar="auto|all|off", help="Draw masks anew at native pixels: the answers to points and boxes, all, or none."
    ),
]


def data_folder() -> Path:
    """The user's own files: ANYMASK_DATA, or the place the operating system has for them."""
    given = os.environ.get("ANYMASK_DATA")
    return Path(given) if given else user_data_path("anymask", appauthor=False)


def training_folder() -> Path:
    """Where a run is saved, and taken up again: outside of any work tree, so that no clean-up loses it."""
    return data_folder() / "training"
