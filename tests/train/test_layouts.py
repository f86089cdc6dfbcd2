"""Detector and refiner learn from photos of other layouts than collections."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from anymask.datasets import read
from anymask.network.checkpoint import load_checkpoint
from anymask.network.refiner import RefinerConfig
from anymask.train.detector import DetectorLesson
from anymask.train.loop import learn
from anymask.train.refiner_batches import RefinerBatches
from anymask.train.refiner_settings import RefinerSettings
from anymask.train.settings import Settings


@pytest.mark.parametrize("layout", ["coco_file", "sa1b_tar", "yolo_folder"])
def test_both_learn(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path, layout: str) -> None:
    photos = read(request.getfixturevalue(layout))
    by_workers = replace(settings, workers=1)  # the photos are sent to another process
    learn(DetectorLesson(photos, by_workers), tmp_path / "run", steps=2)
    assert load_checkpoint(tmp_path / "run" / DetectorLesson.checkpoint)["step"] == 2
    small = RefinerConfig(widths=(8, 8, 8, 8, 8), heads=2)
    batch = RefinerBatches(photos, RefinerSettings(network=small, windows=4, workers=0))[0]
    assert torch.isfinite(batch.truth).all() and (batch.truth.amax(dim=(1, 2)) > 0).all()


def test_shards_and_folders_give_the_same_batches(sa1b_tar: Path, sa1b_folder: Path, settings: Settings) -> None:
    one, other = (DetectorLesson(read(path), settings).batches[3] for path in (sa1b_tar, sa1b_folder))
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
