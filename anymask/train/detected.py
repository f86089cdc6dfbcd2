"""What the detector draws for the true masks of labelled photos: the refiner learns to mend exactly such masks."""

import gzip
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from anymask import rle
from anymask.datasets import PhotoEntry
from anymask.errors import DatasetError
from anymask.files import replace_file
from anymask.segment import Segmenter
from anymask.train.refiner_batches import Drawn

LEAST_IOU = 0.2  # with the true mask that a drawn mask is about, which is the one it overlaps most
MOST = 5  # drawn masks for a true one, the best first
MASKS = 200  # of a photo, the best first


def detect(segmenter: Segmenter, photos: Iterable[PhotoEntry]) -> Drawn:
    """For each photo, for each annotator, for each true mask: the masks that the detector drew about it."""
    drawn = {}
    for entry in photos:
        photo = entry.load()
        found = segmenter(photo.pixels(), max_masks=MASKS, drawn=0)
        layers = []
        for truth in photo.layers:
            overlap = rle.iou(found.rles, truth, photo.height, photo.width)  # (D, G)
            about = overlap.argmax(axis=1) if truth else np.zeros(0, np.int64)
            masks = []
            for index in range(len(truth)):
                fits = np.flatnonzero((about == index) & (overlap[:, index] >= LEAST_IOU))
                best = fits[np.argsort(-overlap[fits, index], kind="stable")][:MOST]
                masks.append([found.rles[each] for each in best])
            layers.append(masks)
        drawn[photo.path] = layers
    return drawn


def write_drawn(drawn: Drawn, weights_hash: str, path: Path) -> None:
    """Keep them for the next run. Raises WeightsError if ``path`` cannot be written."""
    photos = {
        str(photo): [[[counts.decode() for counts in masks] for masks in layer] for layer in layers]
        for photo, layers in drawn.items()
    }
    content = gzip.compress(json.dumps({"weights_sha256": weights_hash, "photos": photos}).encode())
    replace_file(path, lambda stream: stream.write(content))


def read_drawn(path: Path, weights_hash: str) -> Drawn | None:
    """What ``write_drawn`` wrote; None where it is not there, or of other weights.

    Raises:
        DatasetError: the file is damaged.
    """
    if not path.is_file():
        return None
    try:
        document = json.loads(gzip.decompress(path.read_bytes()))
        if document["weights_sha256"] != weights_hash:
            return None
        return {
            Path(photo): [[[counts.encode() for counts in masks] for masks in layer] for layer in layers]
            for photo, layers in document["photos"].items()
        }
    except (OSError, EOFError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise DatasetError(f"{path}: expected what a training run kept there, got {error!r}; delete it") from error
