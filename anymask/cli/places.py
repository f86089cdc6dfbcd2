"""Where things lie unless an option says otherwise."""

import os
from pathlib import Path

from platformdirs import user_data_path

PHOTOS = Path(os.environ.get("ANYMASK_PHOTOS", "../shared/photos"))
SPLIT = Path("data/photos_split.csv")


def data_folder() -> Path:
    """The user's own files: ANYMASK_DATA, or the place the operating system has for them."""
    given = os.environ.get("ANYMASK_DATA")
    return Path(given) if given else user_data_path("anymask", appauthor=False)


def training_folder() -> Path:
    """Where a run is saved, and taken up again: outside of any work tree, so that no clean-up loses it."""
    return data_folder() / "training"
