"""Which colours a mask has: every pixel gets the name of one colour and one tone, and a mask has shares of them.

Pixels are named in Oklab (Björn Ottosson, "A perceptual color space for image processing", 2020), in which L is
lightness from 0 to 1, C is chroma from 0 (grey) to about 0.32, and h is the hue in degrees: red 29, orange 70, yellow
110, green 142, cyan 195, blue 264, purple 328. Where one colour ends and the next begins was set by hand.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from anymask.overlap import Runs
from anymask.words.vocabulary import COLOURS, TONES

Floats = NDArray[np.float32]

GRID = 128  # pixels along the longest side of the picture in which colours are looked at

FINER = 2  # the picture is shrunk to so many times the grid, of which every other pixel is looked at

# What a pixel counts to a colour that is not its own but is often called so, where a tenth is of the colour itself.
# Of black, white and grey the tone tells: a lamp makes white things a light beige, shade makes them grey, and light
# makes black ones a dark grey
OWN = 0.1
NEIGHBOURS: Mapping[str, Mapping[str, float]] = {
    "black": {"dark grey": 0.5},
    "white": {"light grey": 0.6, "middle grey": 0.2, "light beige": 0.55},
    "grey": {"light white": 0.3, "dark grey": -0.5},  # dark grey is half black
    "brown": {"orange": 0.5, "beige": 0.4, "red": 0.3},
    "beige": {"white": 0.3, "brown": 0.4, "yellow": 0.3},
    "red": {"orange": 0.4, "pink": 0.3, "brown": 0.3},
    "orange": {"red": 0.3, "yellow": 0.3, "brown": 0.4},
    "yellow": {"orange": 0.3, "beige": 0.4, "green": 0.2},
    "green": {"turquoise": 0.4, "yellow": 0.2},
    "turquoise": {"green": 0.5, "blue": 0.5},
    "blue": {"turquoise": 0.5, "purple": 0.3},
    "purple": {"pink": 0.5, "blue": 0.3},
    "pink": {"purple": 0.5, "red": 0.4},
}
OWN_TOO = {"white": ("light grey", "light beige")}  # which are of the colour itself by a quarter
QUARTER = 0.25
PLAIN = ("black", "white", "grey")  # shade and glare are those, so that more of them is asked for
ENOUGH, ENOUGH_PLAIN = 0.3, 0.6  # the share of a mask from which it surely has the colour; half of it will do
ENOUGH_TONE = 0.8  # likewise for "dark", "light" and "bright" alone

DARK, LIGHT = 0.42, 0.74  # lightness below and above which a pixel is so
VIVID = 0.14  # chroma from which a pixel is bright whatever its lightness

TONES_OF_PIXELS = ("dark", "middle", "light", "dark and vivid", "middle and vivid", "light and vivid")
EVERY = range(len(TONES_OF_PIXELS))


def oklab(image: NDArray[np.uint8]) -> tuple[Floats, Floats, Floats]:
    """Lightness, chroma and hue in degrees of (..., 3) sRGB pixels, each (...) float32."""
    encoded = image.astype(np.float32) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    cones = linear @ np.array(
        [[0.4122214708, 0.2119034982, 0.0883024619], [0.5363325363, 0.6806995451, 0.2817188376],
         [0.0514459929, 0.1073969566, 0.6299787005]], np.float32
    )  # fmt: skip
    lab = np.cbrt(cones) @ np.array(
        [[0.2104542553, 1.9779984951, 0.0259040371], [0.7936177850, -2.4285922050, 0.7827717662],
         [-0.0040720468, 0.4505937099, -0.8086757660]], np.float32
    )  # fmt: skip
    light, a, b = np.moveaxis(lab.astype(np.float32), -1, 0)
    return light, np.hypot(a, b), np.degrees(np.arctan2(b, a)) % 360


def named(image: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The colour and the tone of (..., 3) sRGB pixels, as numbers in `COLOURS` and `TONES_OF_PIXELS`, each (...)."""
    light, chroma, hue = oklab(image)
    # The first that holds
    rules = (
        ("black", (light < 0.2) | ((light < 0.33) & (chroma < 0.04))),
        ("white", (light > 0.8) & (chroma < 0.025)),
        ("grey", chroma < 0.025),
        ("grey", (chroma < 0.035) & (light < 0.6)),
        ("beige", (hue > 45) & (hue < 112) & (chroma < 0.09) & (light > 0.7)),
        ("brown", (hue > 30) & (hue < 85) & (chroma < 0.1) & (light < 0.72)),
        ("brown", (hue > 42) & (hue < 85) & (chroma < 0.13) & (light < 0.6)),
        ("pink", ((hue > 340) | (hue < 28)) & (light > 0.69)),
        ("pink", ((hue > 335) | (hue < 5)) & (light > 0.5)),
        ("pink", (hue > 318) & (hue <= 340) & (light > 0.65)),
        ("orange", (hue > 33) & (hue < 78) & (light > 0.58)),
        ("red", (hue > 345) | (hue < 41)),
        ("orange", hue < 78),
        ("green", (hue > 104) & (hue < 118) & (chroma < 0.12)),
        ("green", (hue > 95) & (hue < 118) & (light < 0.65)),
        ("beige", (hue < 118) & (chroma < 0.1) & (light > 0.62)),
        ("brown", (hue < 118) & (chroma < 0.1)),
        ("yellow", hue < 118),
        ("green", hue < 170),
        ("turquoise", hue < 218),
        ("blue", hue < 293),
    )
    colour = np.select([rule for _, rule in rules], [COLOURS.index(name) for name, _ in rules], COLOURS.index("purple"))
    tone = (light > DARK).astype(np.int64) + (light > LIGHT) + 3 * (chroma > VIVID)
    return colour.astype(np.int64), tone


class Colours:
    """The colours of N masks of one picture.

    shares: (N, colours, tones) float32, which share of each mask's pixels has which colour and tone; they add up to 1.
    lightness: (N,) float32, the mean of each mask in [0, 1].
    """

    def __init__(self, image: NDArray[np.uint8], runs: Runs, middles: NDArray[np.float64]) -> None:
        """runs: of all masks. middles: (N, 2) their centroids; a mask too small to see has the colour found there."""
        height, width, _ = image.shape
        scale = min(1, GRID / max(height, width))
        h, w = max(1, round(height * scale)), max(1, round(width * scale))
        # A mean of few pixels, for that of many is grey along every border
        finer = Image.fromarray(image).resize((min(width, FINER * w), min(height, FINER * h)), Image.Resampling.BOX)
        small = np.asarray(finer.resize((w, h), Image.Resampling.NEAREST))
        rows = ((np.arange(h) + 0.5) * height / h).astype(np.int64)
        columns = ((np.arange(w) + 0.5) * width / w).astype(np.int64)
        counts = np.zeros((len(middles), len(COLOURS) * len(TONES_OF_PIXELS) + 1), np.float32)
        colour, tone = named(small)
        hot = np.zeros((w, h + 1, counts.shape[1]), np.float32)  # pixels above each place of a column
        kind = (colour * len(TONES_OF_PIXELS) + tone).T
        hot[np.arange(w)[:, None], np.arange(1, h + 1), kind] = 1
        hot[:, 1:, -1] = oklab(small)[0].T
        np.cumsum(hot, axis=1, out=hot)
        mask, column, begin, end = _in_columns(runs, columns, rows, height)
        if len(mask):
            first = np.flatnonzero(np.diff(mask, prepend=-1))
            counts[mask[first]] = np.add.reduceat(hot[column, end] - hot[column, begin], first)
        pixels = counts[:, :-1].sum(axis=1)
        unseen = np.flatnonzero(pixels < 1)
        x = np.clip((middles[unseen, 0] * w / width).astype(np.int64), 0, w - 1)
        y = np.clip((middles[unseen, 1] * h / height).astype(np.int64), 0, h - 1)
        counts[unseen] = hot[x, y + 1] - hot[x, y]
        pixels[unseen] = 1
        counts /= pixels[:, None]
        self.shares = counts[:, :-1].reshape(-1, len(COLOURS), len(TONES_OF_PIXELS))
        self.lightness = counts[:, -1]

    def degree(self, colour: str) -> Floats:
        """(N,) in [0, 1]: how well each mask fits a colour of a query; from 0.5 on it is said to have it."""
        tone, _, name = colour.rpartition(" ")
        if name in TONES:
            share, enough = self.shares[..., _tones(name)].sum(axis=(1, 2)), ENOUGH_TONE
        else:
            toned = self.shares[..., _tones(tone)].sum(axis=2) if tone else self.shares.sum(axis=2)
            own = toned[:, COLOURS.index(name)]
            share = own.copy()
            for other, weight in NEIGHBOURS[name].items():
                if not (tone and weight < 0):  # "dark grey" is asked for
                    share += weight * self._share(other, tone)
            own = own + QUARTER * sum(self._share(other, tone) for other in OWN_TOO.get(name, ()))
            share *= np.minimum(own / OWN, 1)
            enough = ENOUGH_PLAIN if name in PLAIN else ENOUGH
        fits: Floats = np.minimum(share / enough, 1).astype(np.float32)
        return fits

    def _share(self, colour: str, within: str) -> Floats:
        """(N,) which share has a colour, of the tone before it if it has one, and of a second tone if that is given."""
        tone, _, name = colour.rpartition(" ")
        tones = [index for index in (_tones(tone) if tone else EVERY) if not within or index in _tones(within)]
        share: Floats = self.shares[:, COLOURS.index(name), tones].sum(axis=1)
        return share


def _tones(tone: str) -> list[int]:
    """Numbers of the tones of pixels that a word is true of."""
    if tone == "bright":
        return [index for index, each in enumerate(TONES_OF_PIXELS) if "vivid" in each or "light" in each]
    return [index for index, each in enumerate(TONES_OF_PIXELS) if tone in each.split()]


def _in_columns(
    runs: Runs, columns: NDArray[np.int64], rows: NDArray[np.int64], height: int
) -> tuple[NDArray[np.int64], ...]:
    """What runs cover of some columns and rows: whose each piece is, the number of its column, its rows from and to."""
    left, right = runs.starts // height, (runs.ends - 1) // height
    first, last = np.searchsorted(columns, left), np.searchsorted(columns, right, side="right")
    count = last - first
    run = np.repeat(np.arange(len(count)), count)
    column = np.arange(len(run)) - np.repeat(np.cumsum(count) - count - first, count)
    top = columns[column] * height
    begin = np.searchsorted(rows, np.maximum(runs.starts[run] - top, 0))
    end = np.searchsorted(rows, np.minimum(runs.ends[run] - top, height))
    return runs.mask[run], column, begin, end
