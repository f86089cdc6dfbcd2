"""Colours to tell many masks apart by."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

GOLDEN = (5**0.5 - 1) / 2  # hues this share of a turn apart never come close together, however many there are
FIRST_HUE = 0.08  # of a turn
LIGHTNESS = (0.74, 0.62, 0.85)  # taken in turn, so that masks of similar hues still differ
CHROMA = 0.17

# Oklab -> cube roots of cone responses, cone responses -> linear sRGB (Ottosson 2020, bottosson.github.io/posts/oklab)
LAB_TO_CONES = np.array(
    [[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728], [1, -0.0894841775, -1.2914855480]]
)
CONES_TO_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def colours(count: int) -> NDArray[np.float64]:
    """(count, 3) RGB in 0..255: distinct, equally strong colours, of which the first are the same for any count.

    Points of the colour space OKLCH, clipped to sRGB.
    """
    number = np.arange(count)
    turn = 2 * np.pi * (FIRST_HUE + GOLDEN * number)
    lab = np.stack([np.take(LIGHTNESS, number % len(LIGHTNESS)), CHROMA * np.cos(turn), CHROMA * np.sin(turn)], axis=1)
    linear = np.clip((lab @ LAB_TO_CONES.T) ** 3 @ CONES_TO_RGB.T, 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray(255 * encoded, np.float64)


def rgb_colours(count: int, chosen: Sequence[str | None] | None) -> NDArray[np.float64]:
    """(count, 3) RGB in 0..255: the colours that were chosen, as "#rrggbb", and those of `colours` where none was."""
    made = colours(count)
    for index, each in enumerate(chosen or ()):
        if each is not None:
            made[index] = list(bytes.fromhex(each.removeprefix("#")))
    return made


def hex_colours(count: int, chosen: Sequence[str | None] | None) -> list[str]:
    """The same as "#rrggbb"."""
    return [f"#{bytes(each).hex()}" for each in np.rint(rgb_colours(count, chosen)).astype(np.uint8)]
