import pytest

from anymask.train.schedule import Plan, schedule, share_done, steps_of
from anymask.train.settings import RunSettings


@pytest.mark.parametrize(
    ("step", "done", "share"),
    [
        (0, 0.0, 0.2),  # warming up over five steps
        (3, 0.1, 0.8),
        (4, 0.2, 1.0),
        (99, 0.5, 1.0),
        (99, 0.75, 0.02 + 0.98 / 2),  # half way down the cosine
        (99, 1.0, 0.02),
        (0, 1.0, 0.2 * 0.02),  # a very short run
    ],
)
def test_the_schedule(step: int, done: float, share: float) -> None:
    assert schedule(step, done, RunSettings(), warmup_steps=5) == pytest.approx(share)


@pytest.mark.parametrize(
    ("elapsed_s", "step", "minutes", "steps", "share"),
    [
        (30.0, 7, 1.0, None, 0.5),
        (30.0, 7, None, 10, 0.7),
        (30.0, 7, 1.0, 10, 0.7),
        (54.0, 7, 1.0, 10, 0.9),
    ],
)
def test_share_done(elapsed_s: float, step: int, minutes: float | None, steps: int | None, share: float) -> None:
    assert share_done(elapsed_s, step, minutes, steps) == pytest.approx(share)


@pytest.mark.parametrize(
    ("step", "done", "share"),
    [
        (0, 0.0, 0.25),  # the first of four steps that warm up
        (9, 0.25, 0.01 + 0.99 * 0.75),
        (9, 0.5, 0.505),
        (9, 1.0, 0.01),
        (1, 0.5, 0.5 * 0.505),  # both at once
    ],
)
def test_the_rate_may_fall_on_a_line(step: int, done: float, share: float) -> None:
    line = RunSettings(decay="linear", decay_from=0.0, final_rate=0.01)
    assert schedule(step, done, line, warmup_steps=4) == pytest.approx(share)


@pytest.mark.parametrize(
    ("epochs", "batches", "per_step", "steps"),
    [(2.0, 50.0, 1, 100), (2.0, 50.0, 4, 25), (0.5, 12.4, 1, 6), (0.001, 10.0, 1, 1)],
)
def test_steps_of_epochs(epochs: float, batches: float, per_step: int, steps: int) -> None:
    assert steps_of(epochs, batches, per_step) == steps


@pytest.mark.parametrize(
    ("steps", "processes", "finished", "goes_on"),
    [
        (10, 2, 15, True),
        (10, 2, 19, True),  # one is left
        (10, 2, 20, False),  # it is at its end
        (11, 2, 15, False),  # another length
        (10, 1, 15, False),  # other batches
        (None, 2, 15, False),  # by the clock
    ],
)
def test_a_plan_is_continued_by_its_equal(steps: int | None, processes: int, finished: int, goes_on: bool) -> None:
    assert Plan(start=10, steps=10, processes=2).is_continued_by(steps, processes, finished) == goes_on
