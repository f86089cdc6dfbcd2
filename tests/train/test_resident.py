from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from anymask.datasets import LabelledPhoto
from anymask.errors import DatasetError, SettingsError
from anymask.train.batches import Batches
from anymask.train.detector import DetectorLesson
from anymask.train.loop import learn
from anymask.train.resident import Resident, planes_of
from anymask.train.settings import Settings

Paint = Callable[..., list[LabelledPhoto]]


@pytest.fixture
def mixed(paint: Paint) -> list[LabelledPhoto]:
    """Objects side by side, objects in objects, crowds, two annotators, and nothing."""
    one, two, empty = paint(3)
    red, green, blue = one.layers[0]
    nested = replace(one, layers=((red, green, blue, red),), labels=((None,) * 4,), ignored=(two.layers[0][0],))
    (seen_by_two,) = paint(collection="bsds", annotators=2, labelled="some")
    return [nested, two, seen_by_two, replace(empty, layers=((),), labels=((),))]


@pytest.mark.parametrize(
    "changes",
    [
        {"mosaics": {}, "copy_paste": 0.0},
        {"mosaics": {2: 0.5}, "copy_paste": 0.7},
        {"zoom": (0.2, 4.0), "max_objects": 2},
    ],
)
def test_photos_in_memory_give_the_batches_of_files(
    mixed: list[LabelledPhoto], settings: Settings, changes: dict[str, object]
) -> None:
    settings = replace(settings, sampling={}, pixels_per_step=4 * 96 * 96, sides={96: 1.0}, **changes)  # type: ignore[arg-type]
    files, memory = Batches(mixed, settings), Batches(mixed, settings)
    memory.keep_on("cpu")
    objects = 0
    for step in range(8):
        expected, got = files[step], memory[step]
        for name in ("masks", "boxes", "owner", "background"):
            assert torch.equal(getattr(got, name), getattr(expected, name)), name
            assert getattr(got, name).dtype == getattr(expected, name).dtype
        # Pillow rounds between rows and columns
        assert (got.images.int() - expected.images.int()).abs().max() <= 2
        objects += len(expected.owner)
    assert objects > 20


def test_masks_that_share_no_pixel_share_a_plane(paint: Paint) -> None:
    (photo,) = paint()
    red, green, blue = photo.layers[0]
    maps, plane = planes_of((red, green, red, blue), photo.height, photo.width)
    assert plane.tolist() == [0, 0, 1, 0]
    assert maps.shape == (2, photo.height, photo.width)
    seen = maps[plane] == torch.arange(4)[:, None, None]
    expected = photo.masks()[[0, 1, 0, 2]]
    assert np.array_equal(seen.numpy(), expected)


def test_a_photo_that_is_gone_is_named(paint: Paint) -> None:
    photos = paint(3)
    photos[1].path.unlink()
    with pytest.raises(DatasetError, match="there is no such file") as caught:
        Resident(photos, "cpu")
    assert str(photos[1].path) in str(caught.value)


def test_a_run_of_photos_in_memory(paint: Paint, settings: Settings, tmp_path: Path) -> None:
    photos = paint(2)
    lesson = DetectorLesson(photos, replace(settings, resident=True))
    learn(lesson, tmp_path / "run", steps=1)
    for photo in photos:
        photo.path.unlink()
    assert len(lesson.batches[3].images)  # nothing is read any more


def test_with_them_no_process_prepares_batches(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="with resident, workers must be 0, as the device paints alone, got 1"):
        replace(settings, resident=True, workers=1)
