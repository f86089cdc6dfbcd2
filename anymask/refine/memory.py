"""`Memory`: what was drawn for the points so far, so that one more click costs one more drawing."""

from collections.abc import Callable, Hashable
from threading import Lock
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from anymask.maskset import MaskSet

NAME = "drawn for points"  # among the features of a picture's masks
MOST = 512  # answers kept for a picture, those that were asked for last

Answer = TypeVar("Answer")


class Memory:
    """The latest answers to questions about one picture. Safe to share between threads.

    image: the picture. It holds no `MaskSet`, which would hold it in turn.
    """

    def __init__(self, image: NDArray[np.uint8] | None = None) -> None:
        self.image = image
        self._answers: dict[Hashable, object] = {}
        self._changing = Lock()

    @classmethod
    def of(cls, found: MaskSet) -> "Memory":
        """The memory that all masks of a picture share, among their features; a new one where there can be none."""
        if not isinstance(found.features, dict):
            return cls(found.image)
        memory = cast(Memory, found.features.setdefault(NAME, cls(found.image)))
        if memory.image is not found.image and not _same(memory.image, found.image):
            memory = found.features[NAME] = cls(found.image)  # somebody gave the masks another picture
        return memory

    def __reduce__(self) -> tuple[type["Memory"], tuple[()]]:
        """A copy, or what is read from a file, remembers nothing yet."""
        return Memory, ()

    def recall(self, question: Hashable, answer: Callable[[], Answer]) -> Answer:
        """What is remembered, or else is answered now and remembered. The same question has one kind of answer."""
        with self._changing:
            if question in self._answers:
                self._answers[question] = self._answers.pop(question)  # it is the latest again
                return cast(Answer, self._answers[question])
        made = answer()
        with self._changing:
            while len(self._answers) >= MOST:
                del self._answers[next(iter(self._answers))]
            self._answers[question] = made
        return made


def _same(image: NDArray[np.uint8] | None, other: NDArray[np.uint8] | None) -> bool:
    """Whether two arrays are views of the same pixels."""
    if image is None or other is None:
        return False
    return image.__array_interface__["data"] == other.__array_interface__["data"] and (
        (image.shape, image.strides) == (other.shape, other.strides)
    )
