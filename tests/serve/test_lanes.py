"""Lanes: bounded, in order, and without work that nobody waits for."""

import threading
from collections.abc import Iterator

import pytest

from anymask.serve.lanes import CancelledError, Job, Lane
from anymask.serve.refusals import BusyError
from tests.serve.conftest import wait_until


class Gate:
    """Work that begins, and ends when it is let."""

    def __init__(self) -> None:
        self.begun, self.open = threading.Event(), threading.Event()

    def __call__(self, job: Job[str]) -> str:
        self.begun.set()
        self.open.wait()
        job.check()
        return "done"


@pytest.fixture
def lane() -> Iterator[Lane]:
    lane = Lane("tested", workers=1, waiting=2)
    yield lane
    lane.close()


@pytest.fixture
def gate(lane: Lane) -> Iterator[Gate]:
    """What the lane's one worker is busy with."""
    gate = Gate()
    lane.submit(gate)
    gate.begun.wait()
    yield gate
    gate.open.set()


def test_work_is_done_in_order(lane: Lane, gate: Gate) -> None:
    done: list[int] = []
    jobs = [lane.submit(lambda _, number=number: done.append(number)) for number in range(2)]  # type: ignore[misc]
    assert [lane.ahead(job) for job in jobs] == [1, 2]
    assert lane.counts() == (2, 1)
    gate.open.set()
    for job in jobs:
        job.future.result()
    assert done == [0, 1]
    wait_until(lambda: lane.counts() == (0, 0))
    assert [lane.ahead(job) for job in jobs] == [0, 0]


def test_more_than_fits_is_refused_and_then_taken(lane: Lane, gate: Gate) -> None:
    waiting = [lane.submit(lambda _: "done") for _ in range(2)]
    with pytest.raises(BusyError, match="3 requests are waiting to be tested, and no more may; come back") as refused:
        lane.submit(lambda _: "done")
    assert refused.value.retry_after >= 1
    waiting[0].cancel()  # which makes room at once
    lane.submit(lambda _: "done")
    gate.open.set()


def test_what_is_cancelled_while_it_waits_never_begins(lane: Lane, gate: Gate) -> None:
    begun: list[bool] = []
    job = lane.submit(lambda _: begun.append(True))
    job.cancel()
    gate.open.set()
    lane.submit(lambda _: "done").future.result()
    assert job.future.cancelled() and begun == []


def test_what_is_cancelled_while_it_runs_stops_at_its_next_check(lane: Lane) -> None:
    gate = Gate()
    job = lane.submit(gate)
    gate.begun.wait()
    job.cancel()
    gate.open.set()
    with pytest.raises(CancelledError):
        job.future.result()


def test_an_error_is_the_outcome_and_the_lane_goes_on(lane: Lane) -> None:
    job = lane.submit(lambda _: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        job.future.result()
    assert lane.submit(lambda _: "done").future.result() == "done"


def test_a_job_tells_how_far_it_is(lane: Lane) -> None:
    job = lane.submit(lambda job: job.report(3, 7))
    job.future.result()
    assert (job.done, job.total) == (3, 7)


def test_a_closed_lane_ends_what_waits_and_takes_nothing() -> None:
    lane, gate = Lane("tested", workers=1, waiting=2), Gate()
    running = lane.submit(gate)
    gate.begun.wait()
    waiting = lane.submit(lambda _: "done")
    closing = threading.Thread(target=lane.close)
    closing.start()
    wait_until(waiting.future.cancelled)
    gate.open.set()
    closing.join()
    with pytest.raises(CancelledError):
        running.future.result()
    with pytest.raises(BusyError, match="about to end"):
        lane.submit(lambda _: "done")
