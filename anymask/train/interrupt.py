"""Ctrl-C between two steps, never in the middle of one: what is saved then can be taken up exactly."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Self


class Interrupt:
    """Inside ``with``, the first Ctrl-C only sets ``asked``; a second one is the usual KeyboardInterrupt."""

    asked = False

    def __enter__(self) -> Self:
        self._usual = signal.getsignal(signal.SIGINT)
        if threading.current_thread() is threading.main_thread():  # elsewhere Python allows no handler
            signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, self._usual)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        signal.signal(signal.SIGINT, self._usual)


def ignore_interrupts(worker: int) -> None:
    """In a worker of a DataLoader: the terminal sends Ctrl-C to it too, and the step still needs its batch."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
