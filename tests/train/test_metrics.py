import time
from pathlib import Path

import numpy as np
import pytest

from anymask.train.curves import COLOURS, HEIGHT, WIDTH, draw_curves
from anymask.train.metrics import Metrics, read_metrics


def row(step: int, loss: float = 1.0) -> dict[str, float]:
    return {"step": step, "learning_rate": 0.1, "images_per_s": 2.0, "score": loss}


def test_steps_that_were_lost_are_there_once(tmp_path: Path) -> None:
    first = Metrics(tmp_path, "detector", 0)
    for step in (20, 40, 60):
        first.add(row(step, loss=9.0))
    first.close()
    with (tmp_path / "detector_metrics.jsonl").open("a") as stream:
        stream.write('{"step": 80, "lear')  # killed here
    again = Metrics(tmp_path, "detector", 40)  # the last checkpoint was of step 40
    again.add(row(60, loss=3.0))
    again.close()
    assert read_metrics(tmp_path / "detector_metrics.jsonl") == [row(20, 9.0), row(40, 9.0), row(60, 3.0)]
    assert (tmp_path / "detector_curves.png").stat().st_size > 0


def test_tensorboard_shows_no_step_twice(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for start, steps, loss in ((0, (20, 40, 60), 9.0), (40, (60,), 3.0)):
        metrics = Metrics(tmp_path, "detector", start)
        for step in steps:
            metrics.add(row(step, loss))
        metrics.close()
        time.sleep(1)  # TensorBoard reads files in the order of their names, and these know whole seconds only
    events = EventAccumulator(str(tmp_path / "detector_tensorboard"))
    events.Reload()
    assert [(event.step, event.value) for event in events.Scalars("score")] == [(20, 9.0), (40, 9.0), (60, 3.0)]


def test_a_curve_is_where_its_values_are() -> None:
    picture = draw_curves([row(20, 4.0), row(40, 4.0), row(60, 0.0)])
    assert picture.size == (WIDTH, 2 * HEIGHT)
    colour = [int(COLOURS[0][i : i + 2], 16) for i in (1, 3, 5)]
    pixels = np.asarray(picture).astype(int)[40:HEIGHT]  # the losses, below their names
    drawn = (np.abs(pixels - colour).sum(axis=2) < 60).nonzero()
    left, right = drawn[0][drawn[1] < WIDTH // 3], drawn[0][drawn[1] > WIDTH - 60]
    assert left.max() - left.min() < 5  # level at first
    assert right.min() > left.max() + 100  # and at the bottom in the end
