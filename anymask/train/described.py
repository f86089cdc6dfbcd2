"""What the classifier reads of labelled photos, computed once: descriptions of true masks and of those that we find."""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray

from anymask import rle
from anymask.classifier import coverage, labels_hash
from anymask.datasets import LabelledPhoto, PhotoEntry
from anymask.errors import DatasetError
from anymask.files import replace_file
from anymask.letterbox import Letterbox
from anymask.network.classifier import Classifier
from anymask.segment import IMAGE_SIZE, Segmenter
from anymask.words.nouns import CLASSES, nouns

DESCRIBED = "described.npz"  # the file of a run in which they are kept
NAMED = ("coco", "voc", "camvid")  # collections whose labels are names of things
NONE = -1  # what a mask is that is no labelled object
UNTOLD = -2  # what a mask is of which nothing is learnt but its IoU

# Each mask is described as the trunk sees it in several views of its photo: network pixels of the longest side, and
# whether it is mirrored. The first is that of use; a few hundred photos teach more when they are seen otherwise too.
VIEWS = ((IMAGE_SIZE, False), (480, True), (832, True))

TRUE = 15  # masks of a photo at most, drawn by chance: a street scene has a hundred
FOUND = 100  # of ours, the best
STRANGE = 60  # of those, the best, which may be none of the objects
SAME, OTHER = 0.5, 0.3  # a found mask is an object from this IoU on, and none below that one; between is untold
WITHIN = 0.6  # where not all is labelled, one of which so much lies in an object is a part of it, and untold too


class Described(NamedTuple):
    """M masks of many photos."""

    descriptions: NDArray[np.float16]  # (M, views, described), see `anymask.network.classifier`
    labels: NDArray[np.int64]  # (M,) number of a learnt label, from 0; `NONE` for none of them, or `UNTOLD`
    photos: NDArray[np.int64]  # (M,) number of the photo, from 0
    found: NDArray[np.bool_]  # (M,) drawn by us and not by a person
    ious: NDArray[np.float32]  # (M,) with the object that fits best; 1 of one drawn by a person; NaN: not to be learnt


class Kept(NamedTuple):
    """What is kept of a run."""

    described: Described
    key: str  # of what it depends on
    made_with: str  # the weights that found the masks, see `anymask.models.made_with`


def named(photos: Iterable[PhotoEntry]) -> list[PhotoEntry]:
    """The photos whose labels are names. Raises DatasetError where there is none."""
    chosen = [photo for photo in photos if photo.collection in NAMED]
    if not chosen:
        raise DatasetError(f"the classifier learns from {', '.join(NAMED)}; expected photos of them, got none")
    return chosen


def key_of(made: str, photos: Sequence[PhotoEntry]) -> str:
    """What descriptions depend on: the weights, as `anymask.models.made_with` names them, the labels and the photos."""
    told = [made, labels_hash(), repr(VIEWS)]
    told += [f"{photo.collection}/{photo.path.name}" for photo in photos]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def describe(segmenter: Segmenter, network: Classifier, photos: Iterable[PhotoEntry]) -> Described:
    """The masks of photos whose labels are names.

    Found masks that fit no object are `NONE` where all or most objects are labelled. Elsewhere they are left out, but
    for parts of objects.
    """
    parts = [_described(segmenter, network, number, entry) for number, entry in enumerate(photos)]
    return Described(*(np.concatenate(each) for each in zip(*parts, strict=True)))


@torch.no_grad()
def _described(segmenter: Segmenter, network: Classifier, number: int, entry: PhotoEntry) -> Described:
    photo = entry.load()
    size, pixels = (photo.height, photo.width), photo.pixels()
    truth, names = _some(photo, number)
    found = segmenter(pixels, max_masks=FOUND)
    overlap = rle.iou(found.rles, photo.layers[0], *size)
    best = overlap.max(axis=1, initial=0)
    within = rle.coverage(found.rles, photo.layers[0], *size).max(axis=1, initial=0) >= WITHIN
    rles, labels = list(truth), [label_number(photo.collection, name) for name in names]
    ious = [1.0] * len(truth)
    for index, counts in enumerate(found.rles):
        label: int | None = UNTOLD
        if best[index] >= SAME:
            label = label_number(photo.collection, photo.labels[0][int(overlap[index].argmax())])
        elif best[index] < OTHER and photo.labelled != "some":
            label = NONE if index < STRANGE else UNTOLD
        elif best[index] < OTHER and not within[index]:
            label = None
        rles.append(counts)
        labels.append(label)
        ious.append(float(best[index]))
    drawn = np.arange(len(rles)) >= len(truth)
    kept = [index for index, label in enumerate(labels) if label is not None]
    numbers = np.array([label for label in labels if label is not None], np.int64)
    described = [_viewed(segmenter, network, pixels, [rles[index] for index in kept], *view) for view in VIEWS]
    return Described(
        np.stack(described, axis=1), numbers, np.full(len(kept), number), drawn[kept], np.array(ious, np.float32)[kept]
    )


def _viewed(
    segmenter: Segmenter,
    network: Classifier,
    pixels: NDArray[np.uint8],
    rles: Sequence[bytes],
    image_size: int,
    mirrored: bool,
) -> NDArray[np.float16]:
    """(M, described) masks of a photo, (H, W, 3), as the trunk sees them in one view."""
    height, width, _ = pixels.shape
    letterbox = Letterbox.fit(height, width, image_size)
    turn = -1 if mirrored else 1  # there and back, so that masks lie where they did
    seen = segmenter.runtime.features(np.ascontiguousarray(letterbox(pixels)[..., ::turn]))
    features = [torch.from_numpy(np.ascontiguousarray(each[..., ::turn])) for each in seen]
    return network.describe(features, torch.from_numpy(coverage(rles, letterbox))).half().numpy()


def _some(photo: LabelledPhoto, number: int) -> tuple[list[bytes], list[str | None]]:
    """At most `TRUE` of a photo's masks and their names."""
    chosen = np.random.default_rng(number).permutation(len(photo.layers[0]))[:TRUE]
    return [photo.layers[0][index] for index in chosen], [photo.labels[0][index] for index in chosen]


def label_number(collection: str, name: str | None) -> int | None:
    """The number of a learnt label, from 0; None for a name that is none."""
    number = nouns().number(collection, name)
    return None if number is None else number - CLASSES


def write_described(kept: Kept, path: Path) -> None:
    """Keep them for the next run. Raises WeightsError if that fails."""
    arrays = {"key": np.array(kept.key), "made_with": np.array(kept.made_with), **kept.described._asdict()}
    replace_file(path, lambda stream: np.savez(stream, allow_pickle=False, **arrays))


def read_described(path: Path) -> Kept | None:
    """What ``write_described`` wrote; None where nothing is there.

    Raises:
        DatasetError: the file is damaged.
    """
    if not path.is_file():
        return None
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as held:
            described = Described(*(held[name] for name in Described._fields))
            return Kept(described, str(held["key"]), str(held["made_with"]))
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise DatasetError(f"{path}: expected what a training run kept there, got {error!r}; delete it") from error
