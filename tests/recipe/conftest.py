"""A recipe whose masks nobody found: what it is read from and written to needs no network."""

import numpy as np
import pytest

from anymask import Box, Point, Text, rle
from anymask.recipe import Conditions, Look, Parameters, Picture, Recipe, Selected


def square(side: int) -> bytes:
    """The RLE of a square of so many pixels in the top left corner of a 6 x 8 picture."""
    return rle.encode_crop(np.ones((side, side), np.bool_), 0, 0, 6, 8)


CONDITIONS = Conditions(
    anymask="0.1.0",
    versions={"numpy": "2.4.6", "onnxruntime": "1.32.0"},
    runtime="onnx",
    threads=None,
    cores=2,
    precision="float32",
    weights={"detector": "0" * 64, "mask_head": None, "refiner": "1" * 64, "classifier": "2" * 64},
    machine="Linux x86_64",
    processor=("AVX2", "FMA3"),
)


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    """One object of every kind, in a picture of 8 x 6 pixels."""
    return Recipe(
        CONDITIONS,
        Picture("3" * 64, 8, 6, "Bild é.png"),
        Parameters(image_size=96, score=0.05, refine="off", snap=True),
        (Look((0, 0, 4, 4), 320), Look((1.5, 1, 4, 4))),
        (
            Selected(square(1), "cup", "#0a0B0c", mask=3),
            Selected(square(2), mask=0, looks=1, prompts=(Box((0, 0, 2, 2)),)),
            Selected(square(3), "cars", prompts=(Text("two cars"), Point([(1, 2), (3, 4)], [1, 0])), prompt=1, rank=2),
            Selected(square(4), prompts=(Text("cars", {"find": ["car"]}),), refine="all", zoom=False),
            Selected(square(5), "by hand", edited=True, score=0.5),
        ),
    )
