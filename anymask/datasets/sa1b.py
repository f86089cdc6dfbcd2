"""SA-1B as it is published: tar shards, or folders, of sa_N.jpg and sa_N.json (ai.meta.com/datasets/segment-anything).

Of a shard only the headers are read at first. A photo's annotations are read when it is loaded, and nothing is
extracted, so that a list of photos takes little memory, however much lies in the shards.
"""

import json
import logging
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from anymask.datasets.photo import Frame, Labelled, LabelledPhoto, Member, Problem, draw
from anymask.datasets.segmentation import Annotation
from anymask.errors import DatasetError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sa1bPhoto:
    """A photo of a shard or folder; see `PhotoEntry`."""

    collection: str
    place: Path  # the tar shard, or the folder
    name: str  # of the picture in it
    offsets: tuple[int, int, int, int] | None  # in a shard: offset and size of the picture and of the annotations

    @property
    def path(self) -> Path:
        """See `PhotoEntry`."""
        return self.place / self.name

    @property
    def labelled(self) -> Labelled:
        """Nearly everything is labelled, by a model in the loop."""
        return "most"

    def load(self, problems: list[Problem] | None = None) -> LabelledPhoto:
        """See `PhotoEntry`."""
        member: Member | None = None
        annotations: Member | Path = self.path.with_suffix(".json")
        if self.offsets is not None:
            member = Member(self.place, *self.offsets[:2])
            annotations = Member(self.place, *self.offsets[2:])
        try:
            document: dict[str, Any] = json.loads(annotations.read_bytes())
            height, width = int(document["image"]["height"]), int(document["image"]["width"])
            objects = [
                Annotation(f"annotation {number}", each["segmentation"])
                for number, each in enumerate(document["annotations"])
            ]
        except (OSError, KeyError, ValueError, TypeError) as error:
            raise DatasetError(
                f"{self.path.with_suffix('.json')}: expected SA-1B's JSON with image and annotations, got {error!r}; "
                "fetch it again"
            ) from error
        return draw(Frame(self.collection, self.path, height, width, "most", member), objects, problems)


def list_sa1b(
    path: Path, wanted: Callable[[str], bool] = lambda name: True, problems: list[Problem] | None = None
) -> list[Sa1bPhoto]:
    """The photos of a shard, or of a folder of shards, of photos, or of folders of photos; in the order of names.

    Args:
        path: a tar file or a folder.
        wanted: is asked with the name of each picture; others are not kept in memory.
        problems: where given, pictures and annotations without the other are told there.

    Raises:
        DatasetError: a shard cannot be read or is compressed, or nothing is found.
    """
    collection = path.resolve().stem
    photos: list[Sa1bPhoto] = []
    for place in _places(path):
        files = _in_shard(place) if place.is_file() else _in_folder(place)
        pictures: dict[str, tuple[int, int]] = {}
        annotations: dict[str, tuple[int, int]] = {}
        for name, offset, size in files:
            stem, _, suffix = name.rpartition(".")
            if suffix in ("jpg", "json") and wanted(f"{stem}.jpg"):
                (pictures if suffix == "jpg" else annotations)[stem] = offset, size
        photos += [
            Sa1bPhoto(
                collection, place, f"{stem}.jpg", (*pictures[stem], *annotations[stem]) if place.is_file() else None
            )
            for stem in sorted(pictures.keys() & annotations.keys())
        ]
        _tell_single(place, pictures.keys() - annotations.keys(), "jpg", problems)
        _tell_single(place, annotations.keys() - pictures.keys(), "json", problems)
    return photos


def _places(path: Path) -> list[Path]:
    """The shards, or the folders that hold photos."""
    if path.is_file():
        return [path]
    return sorted(path.glob("*.tar")) or [path, *sorted(child for child in path.iterdir() if child.is_dir())]


def _in_folder(folder: Path) -> Iterator[tuple[str, int, int]]:
    return ((file.name, 0, 0) for file in folder.iterdir())


def _in_shard(shard: Path) -> Iterator[tuple[str, int, int]]:
    """Name, offset and size of every file of an uncompressed tar."""
    try:
        with tarfile.open(shard, "r:") as tar:
            for member in tar:
                if member.isfile():
                    yield str(PurePosixPath(member.name)), member.offset_data, member.size
    except (tarfile.TarError, OSError) as error:
        raise DatasetError(
            f"{shard}: expected an uncompressed tar of sa_N.jpg and sa_N.json, got {error}; fetch it again or unpack it"
        ) from error


def _tell_single(place: Path, stems: set[str], suffix: str, problems: list[Problem] | None) -> None:
    missing = "are no annotations" if suffix == "jpg" else "is no picture"
    if problems is not None:
        problems += [Problem(f"{place / f'{stem}.{suffix}'}: there {missing} beside it") for stem in sorted(stems)]
    elif stems:
        logger.warning("%s: %d .%s files are left out, there %s beside them", place, len(stems), suffix, missing)
