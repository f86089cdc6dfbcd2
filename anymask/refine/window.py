"""The geometry of the refiner: a square window on the picture, shown as SIDE x SIDE cells, and back.

A window is whole source pixels and may reach beyond the picture, where it shows grey and holds no mask. Cells count as
pixels do: cell i covers [i, i + 1) of an axis.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from anymask.letterbox import GREY

SIDE = 256  # cells along a side
CONTEXT = 1.4  # a window is so many times longer than what it is about,
LEAST_CONTEXT = 48  # and by at least so many pixels: a small thing is known by what is around it


@dataclass(frozen=True, slots=True)
class Window:
    """A square of source pixels.

    x, y: its left and top edge, in source pixels; below 0 where it reaches beyond the picture.
    side: its length, from 1 up.
    """

    x: int
    y: int
    side: int

    @classmethod
    def around(
        cls,
        box: NDArray[np.floating[Any]],
        height: int,
        width: int,
        context: float = CONTEXT,
        least: float = LEAST_CONTEXT,
    ) -> Self:
        """The window for what is inside a box (4,) xyxy on a height x width picture.

        It is no longer than the picture's longest side, and lies on the picture as far as it can.
        """
        x1, y1, x2, y2 = (float(edge) for edge in box)
        longest = max(x2 - x1, y2 - y1)
        side = max(8, round(min(max(context * longest, longest + least), max(height, width))))
        return cls(_placed((x1 + x2) / 2, side, width), _placed((y1 + y2) / 2, side, height), side)

    def pixels(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(SIDE, SIDE, 3) uint8: what the window shows of an (H, W, 3) picture."""
        height, width, _ = image.shape
        return self._shown(image[self.inside(height, width)], height, width, GREY)

    def share(self, mask: NDArray[np.bool_], height: int, width: int) -> NDArray[np.float32]:
        """(SIDE, SIDE) in [0, 1]: how far each cell is inside a mask, given on the pixels of ``inside``, (h, w)."""
        shown = self._shown(mask.astype(np.uint8) * np.uint8(255), height, width, 0)
        share: NDArray[np.float32] = shown.astype(np.float32) / np.float32(255)
        return share

    def to_cells(self, points: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """(N, 2) points x, y in source pixels to cells."""
        cells: NDArray[np.float64] = (points.astype(np.float64) - np.array([self.x, self.y])) * (SIDE / self.side)
        return cells

    def inside(self, height: int, width: int) -> tuple[slice, slice]:
        """The rows and columns of a height x width picture that the window shows."""
        return (
            slice(max(self.y, 0), max(0, min(self.y + self.side, height))),
            slice(max(self.x, 0), max(0, min(self.x + self.side, width))),
        )

    def to_pixels(self, cells: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
        """(SIDE, SIDE) values resampled to the pixels of ``inside(height, width)``, (h, w)."""
        rows, columns = self.inside(height, width)
        scale = SIDE / self.side
        box = (
            (columns.start - self.x) * scale,
            (rows.start - self.y) * scale,
            (columns.stop - self.x) * scale,
            (rows.stop - self.y) * scale,
        )
        size = (columns.stop - columns.start, rows.stop - rows.start)
        picture = Image.fromarray(np.ascontiguousarray(cells, np.float32))
        return np.asarray(picture.resize(size, Image.Resampling.BICUBIC, box=box))

    def _shown(self, part: NDArray[np.uint8], height: int, width: int, fill: int) -> NDArray[np.uint8]:
        """The part of a height x width picture that lies in the window, with ``fill`` around it, as cells."""
        rows, columns = self.inside(height, width)
        if part.shape[:2] != (self.side, self.side):
            padded = np.full((self.side, self.side, *part.shape[2:]), fill, np.uint8)
            padded[rows.start - self.y : rows.stop - self.y, columns.start - self.x : columns.stop - self.x] = part
            part = padded
        picture = Image.fromarray(np.ascontiguousarray(part))
        return np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=3.0))


def _placed(centre: float, side: int, length: int) -> int:
    """Where a window of a side begins on an axis of a length: around the centre, moved onto the picture."""
    if side >= length:
        return -((side - length) // 2)
    return min(max(round(centre - side / 2), 0), length - side)
