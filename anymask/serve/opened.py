"""Pictures and their masks held in memory, and read again from disk where they were let go."""

from collections import OrderedDict
from dataclasses import dataclass, replace
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from anymask.errors import ImageError
from anymask.image import load_image
from anymask.maskset import MaskSet
from anymask.serve.images import ImageRecord, Images
from anymask.serve.packed_masks import unpack
from anymask.serve.pictures import Pictures
from anymask.serve.refusals import NotFoundError, RefusalError

# What is computed of a set and kept with it, beside its picture: features of the trunk, and by mask its label scores,
# run lengths as Python holds them, and its place in the forest. Measured generously: it bounds, it does not account.
PER_IMAGE = 8 * 2**20
PER_MASK = 8 * 2**10

LOCKS = 16  # of images that are read at one time; each guards many


@dataclass(frozen=True)
class OpenImage:
    """An image with its picture and masks, all of one time."""

    record: ImageRecord
    found: MaskSet

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """The picture, (height, width, 3) RGB; whatever is opened has it."""
        if (image := self.found.image) is None:
            raise ImageError(f"image {self.record.id}: opened without its picture")
        return image

    @property
    def bytes(self) -> int:
        """What it takes in memory, about."""
        height, width = self.found.size
        return height * width * 3 + sum(map(len, self.found.rles)) + PER_IMAGE + PER_MASK * len(self.found)


def check_not_failed(record: ImageRecord) -> None:
    """Raise RefusalError, which says why, where the masks of an image cannot be found."""
    if record.state == "failed":
        raise RefusalError(f"image {record.id}: {record.error}; delete it and send another")


class Opened:
    """The images used last, as many as fit. Safe to share between threads.

    memory: bytes. One image is held however large it is, while it is used.
    """

    def __init__(self, images: Images, pictures: Pictures, memory: int, max_pixels: int) -> None:
        self.images, self.pictures, self.memory, self.max_pixels = images, pictures, memory, max_pixels
        self._held: OrderedDict[str, OpenImage] = OrderedDict()
        self._lock = Lock()
        self._reading = [Lock() for _ in range(LOCKS)]

    def get(self, image: str) -> OpenImage:
        """An image as it is now; its masks must have been found.

        Raises NotFoundError where they have not, or the image is gone; RefusalError where they cannot be found.
        """
        if (held := self._latest(image)) is not None:
            return held
        with self._reading[int(image, 16) % LOCKS]:  # one thread reads, and the others find it read
            if (held := self._latest(image)) is not None:
                return held
            record, packed = self.images.masks(image)
            check_not_failed(record)
            if packed is None:
                raise NotFoundError(f"image {image}: its masks have not been found; ask again")
            opened = OpenImage(record, replace(unpack(packed), image=self.picture(record)))
            self.put(opened)
            return opened

    def put(self, opened: OpenImage) -> None:
        """Hold an image, and let go of those used longest ago where there is no room."""
        with self._lock:
            self._held[opened.record.id] = opened
            self._held.move_to_end(opened.record.id)
            while len(self._held) > 1 and sum(each.bytes for each in self._held.values()) > self.memory:
                self._held.popitem(last=False)

    def drop(self, image: str) -> None:
        """Let go of an image."""
        with self._lock:
            self._held.pop(image, None)

    def counts(self) -> tuple[int, int]:
        """How many images are held, and the bytes they take."""
        with self._lock:
            return len(self._held), sum(each.bytes for each in self._held.values())

    def picture(self, record: ImageRecord) -> NDArray[np.uint8]:
        """The picture of an image, (height, width, 3) RGB, also before its masks are found.

        Raises ImageError where it cannot be read, NotFoundError where its file is gone.
        """
        with self._lock:
            held = self._held.get(record.id)
        if held is not None:
            return held.pixels  # only the masks are of another time: another process looked closer
        return load_image(self.pictures.read(record.picture), max_pixels=self.max_pixels, name=record.name)

    def _latest(self, image: str) -> OpenImage | None:
        record = self.images.get(image)
        with self._lock:
            held = self._held.get(image)
            if held is None or held.record.masks_revision != record.masks_revision:
                return None
            self._held.move_to_end(image)
            return replace(held, record=record)
