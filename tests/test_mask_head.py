"""Masks drawn on windows land where they belong, and the likeliest masks of a picture are drawn."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import anymask
from anymask import rle
from anymask.mask_head import to_rle

PHOTO = Path(__file__).parent.parent / "examples" / "astronaut.jpg"


def plane(window: NDArray[np.float64], edge: float, cells: int = 56) -> NDArray[np.float32]:
    """Logits on the cells of a window that are above 0 right of x = edge, in source pixels."""
    centres = window[0] + (np.arange(cells) + 0.5) * (window[2] - window[0]) / cells
    return np.tile((centres - edge).astype(np.float32), (cells, 1))


@pytest.mark.parametrize(
    ("window", "edge"),
    [
        ((0, 0, 56, 56), 20),  # a cell is a pixel
        ((10, 5, 122, 61), 60),  # two
        ((10.5, 5.25, 38.5, 33.25), 20),  # half a pixel, between pixels
        ((-30.3, -20.7, 90.2, 70.1), 33),  # beyond the picture
    ],
)
def test_an_edge_stays_where_it_is(window: tuple[float, ...], edge: float) -> None:
    where = np.array(window)
    mask = rle.decode(to_rle(plane(where, edge), where, 80, 130), 80, 130)
    columns = np.flatnonzero(mask.any(axis=0))
    assert columns[0] == edge
    assert abs(columns[-1] + 1 - min(where[2], 130)) <= 1
    rows = np.flatnonzero(mask.any(axis=1))
    assert (abs(rows[0] - max(where[1], 0)) <= 1) and abs(rows[-1] + 1 - min(where[3], 80)) <= 1


@settings(deadline=None)
@given(
    x=st.floats(-50, 90),
    y=st.floats(-50, 90),
    width=st.floats(0.5, 200),
    height=st.floats(0.5, 200),
    seed=st.integers(0, 99),
)
def test_a_mask_stays_in_its_window(x: float, y: float, width: float, height: float, seed: int) -> None:
    window = np.array([x, y, x + width, y + height])
    logits = np.random.default_rng(seed).standard_normal((56, 56)).astype(np.float32)
    mask = rle.decode(to_rle(logits, window, 70, 60), 70, 60)
    rows, columns = np.nonzero(mask)
    assert not len(rows) or (columns.min() >= x - 1e-6 and columns.max() + 1 <= x + width + 1e-6)
    assert not len(rows) or (rows.min() >= y - 1e-6 and rows.max() + 1 <= y + height + 1e-6)


def test_nothing_inside_is_no_pixel() -> None:
    nothing = np.full((56, 56), -1, np.float32)
    assert not rle.decode(to_rle(nothing, np.array([0.0, 0, 50, 50]), 60, 60), 60, 60).any()


def test_the_likeliest_masks_are_drawn() -> None:
    segmenter = anymask.Segmenter(threads=1)
    plain, some = segmenter(PHOTO, image_size=320, drawn=0), segmenter(PHOTO, image_size=320, drawn=5)
    untouched = set(plain.rles) & set(some.rles)
    assert len(plain) - 12 < len(untouched) < len(plain)  # the five, and what they suppress or no longer do
    again = segmenter(PHOTO, image_size=320, drawn=5)
    assert again.rles == some.rles
    assert 0 <= some.scores.min() and some.scores.max() <= 1


def test_weights_of_another_trunk_are_left_alone(tmp_path: Path) -> None:
    from anymask.models import default_weights

    content = default_weights().read_bytes()
    trunk = anymask.Segmenter(threads=1).runtime.metadata["trunk"]
    other = tmp_path / "other.onnx"
    other.write_bytes(content.replace(trunk.encode(), b"0" * len(trunk)))
    segmenter = anymask.Segmenter(other, threads=1)
    assert segmenter.mask_head is None
    assert segmenter(PHOTO, image_size=320).rles == anymask.Segmenter(threads=1)(PHOTO, image_size=320, drawn=0).rles
