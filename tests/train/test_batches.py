import hashlib
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from anymask.datasets import LabelledPhoto
from anymask.errors import SettingsError
from anymask.train.batches import Batch, Batches, boxes_of
from anymask.train.settings import Settings

Paint = Callable[..., list[LabelledPhoto]]
ROOT = Path(__file__).parents[2]


def digest(batch: Batch) -> str:
    return hashlib.sha256(b"".join(tensor.numpy().tobytes() for tensor in batch)).hexdigest()


def test_a_batch_is_a_function_of_seed_and_step(paint: Paint, settings: Settings) -> None:
    photos = paint(3)
    batches, again = Batches(photos, settings), Batches(photos, settings)
    digests = [digest(batches[step]) for step in range(5)]
    assert [digest(again[step]) for step in reversed(range(5))] == digests[::-1]  # in any order
    assert len(set(digests)) == 5
    assert digest(Batches(photos, replace(settings, seed=1))[0]) not in digests


PROGRAM = """
import sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from anymask.datasets import read_photos
from anymask.network.yolo import NetworkConfig
from anymask.train.batches import Batches
from anymask.train.settings import Settings
import hashlib
settings = Settings(
    network=NetworkConfig("n", "yolo", reg_max=8, coefficients=8),
    freeze_trunk=False, pixels_per_step=2 * 64 * 64, sides={64: 1.0}, sampling={"painted": 1.0}, zoom=(0.9, 1.3),
)
folder = Path(sys.argv[1])
batch = Batches(read_photos(folder, folder / "split.csv", "train"), settings)[4]
print(hashlib.sha256(b"".join(tensor.numpy().tobytes() for tensor in batch)).hexdigest())
"""


def test_another_process_makes_the_same_batch(paint: Paint, settings: Settings, tmp_path: Path) -> None:
    mine = digest(Batches(paint(3), settings)[4])
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.stdout.strip() == mine, finished.stderr


def test_shapes_and_boxes(paint: Paint, settings: Settings) -> None:
    batches = Batches(paint(3), replace(settings, sides={64: 0.5, 96: 0.5}, pixels_per_step=4 * 64 * 64))
    sides = set()
    for step in range(8):
        batch = batches[step]
        count, side = len(batch.images), batch.images.shape[-1]
        sides.add((side, count))
        assert batch.images.shape == (count, 3, side, side)
        assert batch.images.dtype == torch.uint8
        assert batch.masks.shape == (len(batch.owner), side, side)
        assert batch.background.shape == (count, side // 8, side // 8)
        assert batch.owner.tolist() == sorted(batch.owner.tolist())
        for mask, box in zip(batch.masks, batch.boxes, strict=True):
            rows, columns = mask.any(1).nonzero(), mask.any(0).nonzero()
            expected = [float(columns[0]), float(rows[0]), float(columns[-1]) + 1, float(rows[-1]) + 1]
            assert box.tolist() == expected
    assert sides == {(64, 4), (96, 2)}  # as many pixels a step, whatever the side


def test_sides_of_the_recipe_are_multiples_of_32() -> None:
    assert all(side % 32 == 0 for side in Settings().sides)


@pytest.mark.parametrize(("labelled", "weight"), [("all", 1.0), ("most", 0.6), ("some", 0.0)])
def test_background_says_what_a_detection_costs(paint: Paint, settings: Settings, labelled: str, weight: float) -> None:
    batch = Batches(paint(2, labelled=labelled), replace(settings, zoom=(2.0, 2.0), mosaics={}, copy_paste=0.0))[0]
    cells = batch.masks[:, 4::8, 4::8]
    for canvas, background in enumerate(batch.background):
        objects = cells[batch.owner == canvas].any(0)
        assert (background[objects] == 1).all()  # a labelled pixel is always asked for
        # elsewhere the collection's own word counts, or nothing does where a scrap of an object lies
        assert set(background[~objects].tolist()) <= {float(np.float32(weight)), 0.0}


def test_collections_are_drawn_as_often_as_said(paint: Paint, settings: Settings) -> None:
    photos = [*paint(1, collection="a"), *paint(1, collection="b"), *paint(1, collection="c", labelled="some")]
    sampling = {"a": 3.0, "b": 1.0, "absent": 5.0}  # and "c" not at all
    batches = Batches(photos, replace(settings, sampling=sampling))
    rng = np.random.default_rng(0)
    drawn = [batches._draw(rng).collection for _ in range(400)]
    assert drawn.count("c") == 0
    assert drawn.count("a") == pytest.approx(300, abs=40)


def test_without_photos_there_is_an_error(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="expected photos to draw from, got none at all"):
        Batches([], settings)


def test_where_sampling_names_none_all_collections_are_drawn_equally(paint: Paint, settings: Settings) -> None:
    batches = Batches([*paint(3, collection="a"), *paint(1, collection="b")], settings)
    rng = np.random.default_rng(0)
    drawn = [batches._draw(rng).collection for _ in range(400)]
    assert drawn.count("a") == pytest.approx(200, abs=40)
    assert drawn.count("a") + drawn.count("b") == 400


def test_a_batch_without_objects(paint: Paint, settings: Settings) -> None:
    (photo,) = paint()
    batch = Batches([replace(photo, layers=((),), labels=((),))], settings)[0]
    assert batch.masks.shape == (0, 64, 64)
    assert batch.boxes.shape == (0, 4)
    assert batch.owner.shape == (0,)
    assert batch.owner.dtype == torch.int64


@pytest.mark.parametrize(
    ("pixels", "box"),
    [
        ([(0, 0)], [0, 0, 1, 1]),  # (row, column)
        ([(3, 5)], [5, 3, 6, 4]),  # the last pixel
        ([(1, 1), (2, 4)], [1, 1, 5, 3]),
        ([(0, 2), (3, 2)], [2, 0, 3, 4]),  # with a gap
    ],
)
def test_boxes_of(pixels: list[tuple[int, int]], box: list[float]) -> None:
    mask = torch.zeros((1, 4, 6), dtype=torch.bool)
    for row, column in pixels:
        mask[0, row, column] = True
    assert boxes_of(mask).tolist() == [box]
    assert boxes_of(mask).dtype == torch.float32
    assert boxes_of(mask[:0]).shape == (0, 4)
