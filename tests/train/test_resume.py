"""Training in real processes: killed, taken up again, and compared with a run that nothing broke."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from anymask.datasets import LabelledPhoto
from anymask.network.checkpoint import load_checkpoint
from anymask.train.metrics import read_metrics

Paint = Callable[..., list[LabelledPhoto]]

ROOT = Path(__file__).parents[2]
STEPS = 22  # a report is made at step 20
SMALL = (
    *("network.trunk=yolo", "network.reg_max=8", "network.coefficients=8", "freeze_trunk=false"),
    *("pixels_per_step=4096", "sides=64:1", "sampling=painted:1", "zoom=0.9,1.3"),
    *("workers=0", "warmup_steps=5", "save_steps=12"),
)
TORCHRUN = ("-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port")


def command(folder: Path, run: str) -> list[str]:
    given = ["--photos", folder, "--split", folder / "split.csv", "--checkpoints", folder / run, "--steps", STEPS]
    changes = [word for setting in SMALL for word in ("--set", setting)]
    return ["-m", "anymask", "train", *map(str, given), *changes]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore", **more}


def start(*arguments: str, **more: str) -> subprocess.Popen[str]:
    words = [sys.executable, *arguments]
    return subprocess.Popen(
        words, env=environment(**more), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def finish(process: subprocess.Popen[str]) -> str:
    _, said = process.communicate(timeout=240)
    assert process.returncode == 0, said
    return said


def kill_after_a_save(checkpoint: Path, processes: list[subprocess.Popen[str]]) -> None:
    """Pull the plug some steps after the first save."""
    while not checkpoint.exists():
        assert all(process.poll() is None for process in processes), [process.stderr for process in processes]
        time.sleep(0.01)
    time.sleep(0.1)
    for process in processes:
        process.send_signal(signal.SIGKILL)
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
    assert load_checkpoint(checkpoint)["step"] < STEPS


def assert_equal(folder: Path, runs: tuple[str, str]) -> None:
    """Weights, averages, moments, statistics: everything, bit for bit."""
    held: list[dict[str, Any]] = [load_checkpoint(folder / run / "last.pt") for run in runs]
    assert [content["step"] for content in held] == [STEPS, STEPS]
    for part in ("network", "ema"):
        assert held[0][part].keys() == held[1][part].keys()
        assert all(torch.equal(value, held[1][part][name]) for name, value in held[0][part].items())
    moments = [content["optimiser"]["state"] for content in held]
    assert all(torch.equal(moments[0][index]["exp_avg"], moments[1][index]["exp_avg"]) for index in moments[0])
    assert held[0]["run"] == held[1]["run"]  # the plan and the running means
    rows = [read_metrics(folder / run / "detector_metrics.jsonl") for run in runs]
    for row in (*rows[0], *rows[1]):
        del row["images_per_s"]
    assert rows[0] == rows[1]
    assert [row["step"] for row in rows[0]] == [20]


def free_port() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


def test_a_killed_run_goes_on_as_if_nothing_had_been(paint: Paint, tmp_path: Path) -> None:
    paint(3)
    finish(start(*command(tmp_path, "whole")))
    kill_after_a_save(tmp_path / "killed" / "last.pt", [start(*command(tmp_path, "killed"))])
    assert "resumed at step 12" in finish(start(*command(tmp_path, "killed")))
    assert_equal(tmp_path, ("whole", "killed"))


@pytest.mark.soak
@pytest.mark.skipif(sys.platform == "win32", reason="torch has no gloo rendezvous over TCP on every Windows build")
def test_two_killed_processes_go_on_as_if_nothing_had_been(paint: Paint, tmp_path: Path) -> None:
    paint(3)
    said = finish(start(*TORCHRUN, free_port(), *command(tmp_path, "whole")))
    assert said.count("3 photos of 1 collections") == 1  # one of the two talks
    world = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port()}
    both = [start(*command(tmp_path, "killed"), RANK=rank, LOCAL_RANK=rank, **world) for rank in "01"]
    kill_after_a_save(tmp_path / "killed" / "last.pt", both)
    assert "resumed at step 12" in finish(start(*TORCHRUN, free_port(), *command(tmp_path, "killed")))
    assert_equal(tmp_path, ("whole", "killed"))
    assert load_checkpoint(tmp_path / "whole" / "last.pt")["run"]["plan"]["processes"] == 2
