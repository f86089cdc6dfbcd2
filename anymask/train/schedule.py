"""How long a run is, how much of it has passed, and how large its steps are then."""

import math
from dataclasses import dataclass

from anymask.errors import SettingsError
from anymask.train.settings import RunSettings


@dataclass(frozen=True)
class Plan:
    """A run whose length is known in steps; saved in its checkpoint, so that it can be taken up after a crash."""

    start: int  # the step before its first
    steps: int  # all in all
    processes: int  # that train; each draws batches of its own

    def is_continued_by(self, steps: int | None, processes: int, finished: int) -> bool:
        """Whether a run of ``steps`` is the rest of this one, of which the step ``finished`` is done."""
        return (self.steps, self.processes) == (steps, processes) and finished < self.start + self.steps


def check_length(minutes: float | None, steps: int | None, epochs: float | None) -> None:
    """Raise SettingsError where a run has no length, or one that is not above 0."""
    if minutes is None and steps is None and epochs is None:
        raise SettingsError("the length of the run is missing; give one of minutes and steps, or epochs")
    if steps is not None and epochs is not None:
        raise SettingsError(f"the length of the run is given twice, {steps} steps and {epochs} epochs; give one")
    for name, value in (("minutes", minutes), ("epochs", epochs)):
        if value is not None and not 0 < value < math.inf:
            raise SettingsError(f"{name} must be above 0, got {value}; leave it out to count steps")
    if steps is not None and steps < 1:
        raise SettingsError(f"steps must be at least 1, got {steps}; leave it out to go by minutes")


def steps_of(epochs: float, batches: float, batches_per_step: int) -> int:
    """Steps of ``epochs`` that have ``batches`` each, at least one."""
    return max(1, round(epochs * batches / batches_per_step))


def share_done(elapsed_s: float, step: int, minutes: float | None, steps: int | None) -> float:
    """Share of a run that has passed after ``step`` of its steps: by the clock, by steps, or by what comes first."""
    by_clock = elapsed_s / (60 * minutes) if minutes is not None else 0.0
    return max(by_clock, step / steps if steps is not None else 0.0)


def schedule(step: int, done: float, settings: RunSettings, warmup_steps: int) -> float:
    """Share of the learning rate at ``step`` of this run when a share ``done`` of it has passed."""
    warm = min(1.0, (step + 1) / max(1, warmup_steps))
    if done <= settings.decay_from:
        return warm
    phase = (done - settings.decay_from) / (1 - settings.decay_from)
    left = 1 - phase if settings.decay == "linear" else (1 + math.cos(math.pi * phase)) / 2
    return warm * (settings.final_rate + (1 - settings.final_rate) * left)
