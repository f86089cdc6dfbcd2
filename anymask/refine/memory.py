"""`Memory`: what was drawn for the points so far, so that one more click costs one more drawing."""

from collections.abc import Callable, Hashable
from threading import Lock
from typing import TypeVar, cast

from anymask.maskset import MaskSet

NAME = "drawn for points"  # among the features of a picture's masks
MOST = 64  # answers kept for a picture, the latest

Answer = TypeVar("Answer")


class Memory:
    """The latest answers to questions about one picture. Safe to share between threads.

    It holds neither masks nor the picture they came from, or the two would keep each other alive.
    """

    def __init__(self) -> None:
        self._answers: dict[Hashable, object] = {}
        self._changing = Lock()

    @classmethod
    def of(cls, found: MaskSet) -> "Memory":
        """The memory that all masks of a picture share."""
        if isinstance(found.features, dict):
            return cast(Memory, found.features.setdefault(NAME, cls()))
        return cls()  # nothing can be added to a mapping that somebody gave: it is asked anew each time

    def __reduce__(self) -> tuple[type["Memory"], tuple[()]]:
        """A copy, or what is read from a file, remembers nothing yet."""
        return Memory, ()

    def recall(self, question: Hashable, answer: Callable[[], Answer]) -> Answer:
        """What is remembered, or else is answered now and remembered. The same question has one kind of answer."""
        with self._changing:
            if question in self._answers:
                return cast(Answer, self._answers[question])
        made = answer()
        with self._changing:
            while len(self._answers) >= MOST:
                del self._answers[next(iter(self._answers))]
            self._answers[question] = made
        return made
