"""Masks drawn on windows land where they belong, and the likeliest masks of a picture are drawn."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import anymask
from anymask import rle
from anymask.mask_head import to_rles

PHOTO = Path(__file__).parent.parent / "examples" / "astronaut.jpg"


def disc(window: NDArray[np.float64], middle: tuple[float, float], radius: float) -> NDArray[np.float32]:
    """Logits on the 56 x 56 cells of a window: how far inside of a circle their centres are, in source pixels."""
    x, y = (window[axis] + (np.arange(56) + 0.5) * (window[axis + 2] - window[axis]) / 56 for axis in (0, 1))
    inside: NDArray[np.float32] = (radius - np.hypot(x - middle[0], y[:, None] - middle[1])).astype(np.float32)
    return inside


@pytest.mark.parametrize(
    ("window", "middle", "radius"),
    [
        ((0, 0, 56, 56), (25, 30), 17),  # a cell is a pixel
        ((10, 5, 122, 61), (60, 33), 20),  # twice as wide as high
        ((10.5, 5.25, 38.5, 33.25), (24.2, 19.1), 11),  # half a pixel, between pixels
        ((-30.3, -20.7, 90.2, 70.1), (20, 10), 37),  # beyond the picture
        ((60, 10, 200, 120), (128, 70), 38),
    ],
)
def test_a_disc_stays_where_it_is(window: tuple[float, ...], middle: tuple[float, float], radius: float) -> None:
    where = np.array(window)
    (drawn,) = to_rles(disc(where, middle, radius)[None], where[None], 80, 130)
    mask = rle.decode(drawn, 80, 130)
    x, y = np.arange(130) + 0.5, np.arange(80)[:, None] + 0.5
    expected = np.hypot(x - middle[0], y - middle[1]) < radius  # where the pixels' centres are
    assert (mask != expected).sum() <= 0.003 * expected.sum()


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ((10.4, 10.4, 12.3, 12.3), (10, 10, 12, 12)),  # pixels whose centre is inside
        ((10.6, 10.4, 11.4, 12.9), None),  # no centre
        ((-5, -5, 3.2, 2.6), (0, 0, 3, 3)),
        ((58.5, 68.49, 99, 99), (58, 68, 60, 70)),
        ((70, 80, 90, 90), None),  # beside the picture
    ],
)
def test_a_full_window_is_the_pixels_whose_centres_it_holds(
    window: tuple[float, ...], expected: tuple[int, int, int, int] | None
) -> None:
    (drawn,) = to_rles(np.full((1, 56, 56), 5, np.float32), np.array([window]), 70, 60)
    mask = rle.decode(drawn, 70, 60)
    wanted = np.zeros((70, 60), bool)
    if expected is not None:
        x1, y1, x2, y2 = expected
        wanted[y1:y2, x1:x2] = True
    assert np.array_equal(mask, wanted)


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
    mask = rle.decode(to_rles(logits[None], window[None], 70, 60)[0], 70, 60)
    rows, columns = np.nonzero(mask)
    assert not len(rows) or (columns.min() + 0.5 >= x and columns.max() + 0.5 <= x + width)
    assert not len(rows) or (rows.min() + 0.5 >= y and rows.max() + 0.5 <= y + height)


def test_nothing_inside_is_no_pixel() -> None:
    nothing = np.full((56, 56), -1, np.float32)
    (drawn,) = to_rles(nothing[None], np.array([[0.0, 0, 50, 50]]), 60, 60)
    assert not rle.decode(drawn, 60, 60).any()


def test_masks_drawn_together_are_those_drawn_alone() -> None:
    rng = np.random.default_rng(0)
    corners = rng.uniform(-30, 60, (40, 2))
    windows = np.concatenate([corners, corners + rng.uniform(0.5, 150, (40, 2))], axis=1)
    logits = rng.standard_normal((40, 56, 56)).astype(np.float32)
    logits[::7] = -1  # nothing to be drawn
    alone = [to_rles(logits[[index]], windows[[index]], 70, 60)[0] for index in range(40)]
    assert to_rles(logits, windows, 70, 60) == alone


def test_the_likeliest_masks_are_drawn() -> None:
    segmenter = anymask.Segmenter(threads=1)
    plain, some = segmenter(PHOTO, image_size=320, drawn=0), segmenter(PHOTO, image_size=320, drawn=5)
    untouched = set(plain.rles) & set(some.rles)
    assert len(plain) - 12 < len(untouched) < len(plain)  # the five, and what they suppress or no longer do
    likeliest = set(plain[:3].rles)
    assert not likeliest & untouched
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
