"""Places, sizes and orders of masks, from boxes, centroids and areas. What each word is taken to mean is said here."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anymask.words.scene import Scene

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

USUAL = 0.04  # of the picture: a single thing that covers more is big, one that covers less is small
UPRIGHT = 1.2  # height over width from which a single thing is tall
EXTREME = 3.0  # so many times as big as usual is huge, so many times smaller is tiny
IN_CORNER, AT_EDGE = 1 / 3, 0.05  # of the sides: how far a middle is from a corner, a box from an edge
APART = 0.05  # of the side: things that differ less in a place are at one place


def positions(scene: Scene, indices: Indices, words: tuple[str, ...]) -> Floats:
    """(K,) in [0, 1]: how well masks lie where a query's places say, from 0.5 on they do.

    left, right, top, bottom: the centroid is in that half, the better the further. Where none of several masks is, the
    one that is furthest there counts: "the left cup" of two cups on the right.
    middle: the centroid is in the middle half across and down; beside another place in that of the other axis.
    corner: it is within a third of the sides from a corner. edge: the box ends within a twentieth of a border.
    foreground: the box reaches into the lowest quarter. background: it does not.
    """
    degree = np.ones(len(indices))
    height, width = scene.size
    x, y = scene.middles[indices].T / np.array([[width], [height]])
    x1, y1, x2, y2 = scene.boxes[indices].T
    bottom = y2 / height
    corners = np.maximum(np.minimum(x, 1 - x), np.minimum(y, 1 - y))
    gap = np.minimum(np.minimum(x1, width - x2) / width, np.minimum(y1, height - y2) / height)
    across, down = 1 - 2 * np.abs(x - 0.5), 1 - 2 * np.abs(y - 0.5)
    horizontal, vertical = {"left", "right"} & set(words), {"top", "bottom"} & set(words)
    central = (
        down if horizontal and not vertical else across if vertical and not horizontal else np.minimum(across, down)
    )
    table: Mapping[str, Floats] = {
        "left": 1 - x,
        "right": x,
        "top": 1 - y,
        "bottom": y,
        "middle": central,
        "corner": np.clip(1 - corners / (2 * IN_CORNER), 0, 1),
        "edge": np.clip(1 - gap / (2 * AT_EDGE), 0, 1),
        "foreground": np.clip((bottom - 0.5) * 2, 0, 1),
        "background": np.clip((1 - bottom) * 2, 0, 1),
    }
    for word in words:
        each = table[word].copy()
        if word in ("left", "right", "top", "bottom") and len(each) > 1 and each.max() < 0.5 and np.ptp(each) > APART:
            each[np.argmax(each)] = 0.5
        degree = np.minimum(degree, each)
    return degree


def sizes(scene: Scene, indices: Indices, words: tuple[str, ...], of_kind: bool) -> Floats:
    """(K,) in [0, 1]: how well masks have the sizes of a query, from 0.5 on they do.

    of_kind: the masks are of one kind. Then several of them are compared with each other, by their geometric mean, and
    otherwise each with what is usual: a share of the picture for big and small, its own width for tall and short.
    """
    degree = np.ones(len(indices))
    boxes = scene.boxes[indices]
    across, down = np.maximum(boxes[:, 2:] - boxes[:, :2], 1).T
    area = np.maximum(scene.areas[indices], 1)
    compared = of_kind and len(indices) > 1

    def ratio(values: Floats, usual: Floats | float) -> Floats:
        return values / (np.exp(np.log(values).mean()) if compared else usual)

    big, tall, wide = (
        ratio(area, USUAL * scene.size[0] * scene.size[1]),
        ratio(down, across * UPRIGHT),
        ratio(across, down),
    )
    table: Mapping[str, Callable[[], Any]] = {
        "big": lambda: big / (1 + big),
        "small": lambda: 1 / (1 + big),
        "huge": lambda: big / (EXTREME + big),
        "tiny": lambda: 1 / (1 + EXTREME * big),
        "tall": lambda: tall / (1 + tall),
        "short": lambda: 1 / (1 + tall),
        "wide": lambda: wide / (1 + wide),
        "narrow": lambda: 1 / (1 + wide),
    }
    for word in words:
        degree = np.minimum(degree, table[word]() + 1e-9)  # of two that are equal both are
    return degree


def ordered(scene: Scene, indices: Indices, by: str) -> Indices:
    """The masks in an order of `ORDERS`, of equal ones the better first.

    left, right, top, bottom: by centroids; "top left" and the like by how far in both. middle: from the mean of their
    centroids outwards. near: whose box ends lowest in the picture is nearest to the camera.
    """
    x, y = scene.middles[indices].T
    height, width = scene.size
    boxes = scene.boxes[indices]
    across, down = (boxes[:, 2:] - boxes[:, :2]).T
    keys: Mapping[str, Callable[[], Any]] = {
        "left": lambda: x,
        "right": lambda: -x,
        "top": lambda: y,
        "bottom": lambda: -y,
        "top left": lambda: y / height + x / width,
        "top right": lambda: y / height - x / width,
        "bottom left": lambda: x / width - y / height,
        "bottom right": lambda: -y / height - x / width,
        "middle": lambda: np.hypot(x - x.mean(), y - y.mean()),
        "big": lambda: -scene.areas[indices],
        "small": lambda: scene.areas[indices],
        "tall": lambda: -down,
        "short": lambda: down,
        "wide": lambda: -across,
        "narrow": lambda: across,
        "light": lambda: -scene.colours.lightness[indices],
        "dark": lambda: scene.colours.lightness[indices],
        "near": lambda: -boxes[:, 3],
        "far": lambda: boxes[:, 3],
    }
    return indices[np.argsort(keys[by](), kind="stable")]
