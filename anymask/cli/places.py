"""Where the labelled photographs lie unless an option says otherwise."""

from pathlib import Path

PHOTOS = Path("../shared/photos")
SPLIT = Path("data/photos_split.csv")
