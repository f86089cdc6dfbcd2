"""What the refiner is told about the object that is meant, and how that is drawn as maps for it to read."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anymask.refine.window import SIDE, Window

INNER, OUTER = 3.0, 6.0  # cells: a point is a disc that is full up to the one radius and fades to nothing at the other

BOX, POSITIVE, NEGATIVE, MASK = range(4)  # the maps


@dataclass(frozen=True, eq=False)
class Hint:
    """One object, as a prompt and the masks drawn so far describe it; all in source pixels.

    window: what the refiner looks at.
    box: (4,) xyxy around the object, or None.
    points: (P, 2) x, y; may be empty.
    inside: (P,) bool, which points are inside the object.
    mask: (SIDE, SIDE) float32 in [-1, 1], a mask drawn before on the window's cells (1 is inside), or None.
    """

    window: Window
    box: NDArray[np.floating[Any]] | None
    points: NDArray[np.floating[Any]]
    inside: NDArray[np.bool_]
    mask: NDArray[np.float32] | None

    @property
    def doubtful(self) -> bool:
        """Whether there is a single click and nothing else, which may mean a part, an object or a group."""
        return self.box is None and self.mask is None and len(self.points) == 1

    def maps(self) -> NDArray[np.float32]:
        """(4, SIDE, SIDE): inside the box, points inside and points outside in [0, 1], the mask in [-1, 1]."""
        drawn = np.zeros((4, SIDE, SIDE), np.float32)
        if self.box is not None:
            drawn[BOX] = draw_box(self.window.to_cells(self.box.reshape(2, 2)).ravel())
        cells = self.window.to_cells(self.points)
        drawn[POSITIVE], drawn[NEGATIVE] = draw_points(cells[self.inside]), draw_points(cells[~self.inside])
        if self.mask is not None:
            drawn[MASK] = self.mask
        return drawn


def draw_box(box: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """(SIDE, SIDE) in [0, 1]: how far each cell is inside a box (4,) xyxy, in cells."""
    x1, y1, x2, y2 = (float(edge) for edge in box)
    cells = np.arange(SIDE, dtype=np.float64)
    across = np.clip(np.minimum(cells + 1, x2) - np.maximum(cells, x1), 0, 1)
    down = np.clip(np.minimum(cells + 1, y2) - np.maximum(cells, y1), 0, 1)
    drawn: NDArray[np.float32] = (down[:, None] * across).astype(np.float32)
    return drawn


def draw_points(points: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """(SIDE, SIDE) in [0, 1]: a disc around each of (N, 2) points x, y, in cells."""
    drawn = np.zeros((SIDE, SIDE), np.float32)
    centres = np.arange(SIDE) + 0.5
    for x, y in points:
        distance = np.hypot(centres[None, :] - x, centres[:, None] - y)
        np.maximum(drawn, np.clip((OUTER - distance) / (OUTER - INNER), 0, 1), out=drawn, casting="same_kind")
    return drawn
