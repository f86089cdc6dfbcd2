"""A labelled photo: where its picture lies, and the masks that were drawn on it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from anymask import rle
from anymask.datasets.segmentation import Annotation, compressed, reaches_outside
from anymask.errors import DatasetError, ImageError
from anymask.image import load_image

Labelled = Literal["all", "most", "some"]
Side = Literal["train", "kept_out"]
Item = TypeVar("Item")
Entry = TypeVar("Entry", bound="PhotoEntry")


class Problem(NamedTuple):
    """What is wrong with a photo or its annotations, as one line. An error keeps it from being used."""

    text: str
    is_error: bool = True


@dataclass(frozen=True, slots=True)
class Member:
    """A file inside an uncompressed tar shard, which is read where it lies and never extracted."""

    shard: Path
    offset: int  # bytes
    size: int

    def read_bytes(self) -> bytes:
        """Its content. Raises OSError."""
        with self.shard.open("rb") as stream:
            stream.seek(self.offset)
            return stream.read(self.size)


class PhotoEntry(Protocol):
    """A photo in a list: light, so that lists can be long. Its annotations are read when it is loaded."""

    @property
    def collection(self) -> str:
        """The set of photos it belongs to."""

    @property
    def path(self) -> Path:
        """Its picture; for one inside a tar shard, the shard's path and the picture's name."""

    @property
    def labelled(self) -> Labelled:
        """What an unlabelled pixel means, see `LabelledPhoto`."""

    def load(self, problems: list[Problem] | None = None) -> "LabelledPhoto":
        """The photo with what was drawn on it.

        problems: where given, annotations that cannot be read are left out and told there.

        Raises DatasetError if the annotations, or without ``problems`` one of them, cannot be read.
        """


@dataclass(frozen=True)
class LabelledPhoto:
    """One photo and what was drawn on it. ``layers`` holds one entry per annotator, each a full labelling.

    ``labelled`` says what an unlabelled pixel means: "all" background, "most" a few objects are missing, "some" only
    some objects are labelled.
    """

    collection: str
    path: Path
    height: int  # pixels
    width: int
    labelled: Labelled
    layers: tuple[tuple[bytes, ...], ...]  # compressed COCO RLE counts of every mask
    labels: tuple[tuple[str | None, ...], ...]  # class names beside them, where the collection has any
    ignored: tuple[bytes, ...] = ()  # RLEs of regions that are neither asked for nor punished, such as crowds
    ignored_labels: tuple[str | None, ...] = ()  # class names beside them
    member: Member | None = None  # where the picture lies, if that is inside a tar shard

    def load(self, problems: list[Problem] | None = None) -> "LabelledPhoto":
        """Itself, as a `PhotoEntry`: it is read already."""
        return self

    def pixels(self) -> NDArray[np.uint8]:
        """(height, width, 3) RGB, upright as its EXIF says.

        Raises:
            DatasetError: the picture cannot be read, or is of another size than its annotations.
        """
        expected = f"{self.path}: expected a picture of {self.width} x {self.height} pixels as its annotations say"
        cure = "mend it, fetch it again, or take the photo out"
        try:
            source = self.path if self.member is None else self.member.read_bytes()
            pixels = load_image(source, name=str(self.path))
        except (ImageError, OSError) as error:
            raise DatasetError(f"{expected}, but {str(error).removeprefix(f'{self.path}: ')}; {cure}") from error
        height, width, _ = pixels.shape
        if (height, width) != (self.height, self.width):
            raise DatasetError(f"{expected}, got one of {width} x {height}; {cure}")
        return pixels

    def masks(self, layer: int = 0) -> NDArray[np.bool_]:
        """(N, height, width) masks of one annotator.

        Raises:
            DatasetError: the run lengths of a mask do not fill the picture.
        """
        masks = np.empty((len(self.layers[layer]), self.height, self.width), bool)
        for index, counts in enumerate(self.layers[layer]):
            try:
                masks[index] = rle.decode(counts, self.height, self.width)
            except (ValueError, IndexError) as error:
                raise DatasetError(
                    f"{self.path}: mask {index} is no compressed COCO RLE of {self.height} x {self.width} pixels "
                    f"({error}); mend its annotation or take the photo out"
                ) from error
        return masks


class Frame(NamedTuple):
    """A photo without its annotations; see `LabelledPhoto`."""

    collection: str
    path: Path
    height: int
    width: int
    labelled: Labelled
    member: Member | None = None


def draw(frame: Frame, annotations: Iterable[Annotation], problems: list[Problem] | None) -> LabelledPhoto:
    """The photo with these annotations, one layer per annotator in the order of their names; see `PhotoEntry.load`.

    Crowds are ignored regions of every layer. A photo without annotations has one empty layer.
    """
    height, width = frame.height, frame.width
    read: list[tuple[Annotation, bytes]] = []
    for annotation in annotations:
        try:
            read.append((annotation, compressed(annotation.segmentation, height, width)))
        except ValueError as error:
            refuse(f"{frame.path}: {annotation.name}: {error}", problems, error)
        else:
            if problems is not None and reaches_outside(annotation.segmentation, height, width, by=1.0):
                problems.append(Problem(f"{frame.path}: {annotation.name}: reaches outside the picture", False))
    ignored: list[tuple[bytes, str | None]] = []
    layers: dict[str, list[tuple[bytes, str | None]]] = {}
    full = rle.fills([counts for _, counts in read], height, width)
    for (annotation, counts), fills in zip(read, full.tolist(), strict=True):
        if not fills:
            refuse(f"{frame.path}: {annotation.name}: is no RLE of {height} x {width} pixels", problems)
        elif annotation.is_crowd:
            ignored.append((counts, annotation.label))
        else:
            layers.setdefault(annotation.annotator, []).append((counts, annotation.label))
    ordered = [layers[name] for name in sorted(layers)] or [[]]
    return LabelledPhoto(
        frame.collection,
        frame.path,
        height,
        width,
        frame.labelled,
        tuple(tuple(counts for counts, _ in layer) for layer in ordered),
        tuple(tuple(label for _, label in layer) for layer in ordered),
        tuple(counts for counts, _ in ignored),
        tuple(label for _, label in ignored),
        frame.member,
    )


def refuse(text: str, problems: list[Problem] | None, error: Exception | None = None) -> None:
    """Tell an error in ``problems``; where there is no such list, raise it as DatasetError."""
    if problems is None:
        raise DatasetError(f"{text}; mend it or take it out: `anymask data` tells all that is wrong") from error
    problems.append(Problem(text))


def checked_labelled(word: object) -> Labelled:
    """The word, if it is one. Raises ValueError."""
    if word not in ("all", "most", "some"):
        raise ValueError(f"labelled {word!r} is neither 'all' nor 'most' nor 'some'")
    return word


def first_of_each(photos: Sequence[Entry], limit: int | None) -> list[Entry]:
    """The first so many photos of each collection, which lie side by side; all when None."""
    return [photo for _, members in groupby(photos, lambda photo: photo.collection) for photo in islice(members, limit)]


def spread(items: Sequence[Item], most: int) -> Sequence[Item]:
    """At most so many of the items, evenly spread; in their order."""
    return [items[index * len(items) // most] for index in range(most)] if len(items) > most else items
