"""What is told of photos that are wrong, and the figures of those that are right."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anymask import rle
from anymask.datasets import read
from anymask.evaluate.labels import holed, inspect


def test_figures(sa1b_tar: Path) -> None:
    two, one = (inspect(entry) for entry in read(sa1b_tar))
    assert (two.problems, one.problems) == ([], [])
    assert two.areas.tolist() == [12 * 12 - 4 * 4, 4 * 28]
    assert two.holes.tolist() == [True, False]
    assert one.coverage == 4 * 28 / (24 * 32)
    assert two.pixels is not None and two.pixels.shape == (24, 32, 3)


@pytest.mark.parametrize(
    ("rows", "hole"),
    [
        ("000/000/000", False),  # empty
        ("111/111/111", False),  # full
        ("111/101/111", True),
        ("111/101/101", False),  # open at the border of the picture
        ("110/101/111", False),  # open at a corner
        ("010/101/010", False),  # open at all corners
    ],
)
def test_holes(rows: str, hole: bool) -> None:
    mask = np.array([[sign == "1" for sign in row] for row in rows.split("/")])
    assert holed([rle.encode_crop(mask, 0, 0, 3, 3)], 3, 3).tolist() == [hole]


def spoil(stem: str, how: Callable[[Path], object]) -> Callable[[Path], object]:
    return lambda folder: how(folder / stem)


def with_objects(change: Callable[[list[dict[str, object]]], object]) -> Callable[[Path], object]:
    def edit(folder: Path) -> None:
        path = folder / "sa_1.json"
        document = json.loads(path.read_text())
        change(document["annotations"])
        path.write_text(json.dumps(document))

    return edit


@pytest.mark.parametrize(
    ("how", "said", "is_error", "objects"),
    [
        (spoil("sa_1.jpg", lambda path: path.unlink()), "there is no such file", True, 2),
        (spoil("sa_1.jpg", lambda path: path.write_bytes(path.read_bytes()[:300])), "cannot be decoded", True, 2),
        (spoil("sa_1.jpg", lambda path: Image.new("RGB", (24, 32)).save(path)), "got one of 24 x 32", True, 2),
        (spoil("sa_1.json", lambda path: path.write_text("{")), "expected SA-1B's JSON", True, 0),
        (with_objects(lambda all_: all_[0].update(segmentation={"size": [24, 32], "counts": "11"})), "no RLE", True, 1),
        (with_objects(lambda all_: all_[0].update(segmentation={"size": [32, 24], "counts": "1"})), "size", True, 1),
        (with_objects(lambda all_: all_.append(all_[0])), "1 of 3 masks are there twice", False, 3),
        (with_objects(lambda all_: all_.clear()), "there are no objects", False, 0),
        (
            with_objects(lambda all_: all_[0].update(segmentation={"size": [24, 32], "counts": [24 * 32]})),
            "1 of 2 masks have no pixels",
            False,
            2,
        ),
        (
            with_objects(lambda all_: all_[0].update(segmentation=[[4, 4, 36, 4, 36, 10]])),
            "reaches outside the picture",
            False,
            2,
        ),
    ],
)
def test_what_is_wrong_is_told(
    sa1b_folder: Path, how: Callable[[Path], object], said: str, is_error: bool, objects: int
) -> None:
    entry = read(sa1b_folder)[0]
    how(sa1b_folder)
    inspected = inspect(entry)
    (problem,) = inspected.problems
    assert said in problem.text and str(sa1b_folder / "sa_1.j") in problem.text
    assert problem.is_error == is_error
    assert len(inspected.areas) == objects
