"""Work off the event loop, in lanes of bounded length: what finds masks never makes a click wait for its turn."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event, Lock
from typing import Any, Generic, Literal, TypeVar

from anymask.serve.refusals import BusyError

Result = TypeVar("Result")
Doing = Literal["masks", "recipe", "look"]  # what changes an image


class CancelledError(Exception):
    """Nobody waits for this work any more."""


class Job(Generic[Result]):
    """Work that waits, runs or is over.

    about: the image that it changes, "" for none. doing: what it does to it.
    future: its outcome. done, total: how far it is, in whatever it counts; 0 of 0 where it does not tell.
    """

    def __init__(self, work: "Callable[[Job[Result]], Result]", about: str = "", doing: Doing | None = None) -> None:
        self._work = work
        self.about, self.doing = about, doing
        self._cancelled = Event()
        self.future: Future[Result]
        self.running = False
        self.done = self.total = 0

    def cancel(self) -> None:
        """It does not begin, or stops at its next ``check``."""
        self._cancelled.set()
        self.future.cancel()

    def check(self) -> None:
        """Called within the work where it can stop. Raises CancelledError where it shall."""
        if self._cancelled.is_set():
            raise CancelledError

    def report(self, done: int, total: int) -> None:
        """Called within the work to tell how far it is. Raises CancelledError where it shall stop."""
        self.check()
        self.done, self.total = done, total

    def run(self) -> Result:
        """Do the work, unless nobody waits for it."""
        self.check()
        self.running = True
        return self._work(self)


class Lane:
    """A few threads, and a bounded number of jobs that wait for one.

    name: what the jobs do, for messages. workers: threads. waiting: jobs that may wait while all threads run one.
    """

    def __init__(self, name: str, workers: int, waiting: int) -> None:
        self.name, self.workers, self.most = name, workers, workers + waiting
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix=f"anymask-{name}")
        self._jobs: dict[int, Job[Any]] = {}  # by their order
        self._number = 0
        self._lock = Lock()

    def submit(self, work: Callable[[Job[Result]], Result], about: str = "", doing: Doing | None = None) -> Job[Result]:
        """Have ``work`` done when its turn comes; about, doing: see `Job`. Raises BusyError where too many wait."""
        job = Job(work, about, doing)
        with self._lock:
            if len(self._jobs) >= self.most:
                raise BusyError(f"{len(self._jobs)} requests are waiting to be {self.name}, and no more may; come back")
            self._number += 1
            number = self._number
            self._jobs[number] = job
            try:
                job.future = self._threads.submit(job.run)
            except RuntimeError as error:  # the server is about to end
                del self._jobs[number]
                raise BusyError("the server is about to end; come back when it is up again") from error
        job.future.add_done_callback(lambda _: self._forget(number))
        return job

    def of(self, about: str) -> list[Job[Any]]:
        """The jobs that change an image, in their order."""
        with self._lock:
            return [job for job in self._jobs.values() if job.about == about]

    def ahead(self, job: Job[Result]) -> int:
        """How many jobs are before it, those that run among them; 0 once it runs or is over."""
        if job.running or job.future.done():
            return 0
        with self._lock:
            return next((number for number, each in enumerate(self._jobs.values()) if each is job), 0)

    def counts(self) -> tuple[int, int]:
        """How many jobs wait and how many run."""
        with self._lock:
            running = sum(each.running for each in self._jobs.values())
            return len(self._jobs) - running, running

    def close(self) -> None:
        """Cancel what is there, and wait for what runs."""
        with self._lock:
            jobs = list(self._jobs.values())
        for job in jobs:
            job.cancel()
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _forget(self, number: int) -> None:
        with self._lock:
            self._jobs.pop(number, None)
