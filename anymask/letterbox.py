"""The geometry between a picture and the network, both ways: the only file that knows about scale and padding.

    source pixels --(x scale_x, y scale_y)--> network pixels --(/ stride)--> prototype cells

All three count from the top left corner of the picture, and pixel or cell i covers [i, i + 1) with its centre at
i + .5. The picture lies in the top left corner of the network's input, so the padding is at the right and at the bottom
only and no offset enters any formula. Each axis has its own scale, resized / source, which is exact although the
resized sizes are whole pixels: nothing is lost to rounding, and mapping back is the inverse of mapping there.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from anymask.errors import SettingsError, ShapeError, check_shape

STRIDE = 32  # the network halves its input five times
SMALLEST, LARGEST = 32, 4096  # image_size
GREY = 114  # the padding the published weights were trained with


@dataclass(frozen=True, slots=True)
class Letterbox:
    """One picture size fitted into one network input. Make it by `Letterbox.fit`.

    source_height, source_width: the picture, in source pixels.
    resized_height, resized_width: the picture inside the network's input, in network pixels.
    height, width: the network's input, resized plus padding at the bottom and at the right.
    """

    source_height: int
    source_width: int
    resized_height: int
    resized_width: int
    height: int
    width: int

    @classmethod
    def fit(cls, height: int, width: int, image_size: int, *, stride: int = STRIDE) -> Self:
        """Scale a height x width picture so that its longest side is image_size, and pad each side to the stride.

        The padding is to the stride and not to a square: a wide picture costs less than a square one. A picture
        smaller than image_size is enlarged. No side becomes shorter than one network pixel.

        Raises SettingsError for an image_size that is not a multiple of the stride from 32 to 4096, and ShapeError for
        a picture without pixels.
        """
        check_image_size(image_size, stride)
        if height < 1 or width < 1:
            raise ShapeError(f"a picture must have at least one pixel, but got height {height}, width {width}")
        longest = max(height, width)
        resized_height = max(1, round(height * image_size / longest))
        resized_width = max(1, round(width * image_size / longest))
        return cls(
            source_height=height,
            source_width=width,
            resized_height=resized_height,
            resized_width=resized_width,
            height=-(-resized_height // stride) * stride,
            width=-(-resized_width // stride) * stride,
        )

    @property
    def scale_x(self) -> float:
        """Network pixels per source pixel along x."""
        return self.resized_width / self.source_width

    @property
    def scale_y(self) -> float:
        """Network pixels per source pixel along y."""
        return self.resized_height / self.source_height

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(source_height, source_width, 3) uint8 RGB to (1, 3, height, width) float32 RGB in [0, 1], padded with grey.

        Resizing is bilinear, with antialiasing where the picture shrinks. Raises ShapeError for another size.
        """
        check_shape(image, f"{self.source_height} {self.source_width} 3", "image")
        if image.dtype != np.uint8:
            raise ShapeError(f"image must be uint8 with values in [0, 255], but got {image.dtype}: convert it first")
        resized: NDArray[np.uint8] = image
        if (self.resized_height, self.resized_width) != (self.source_height, self.source_width):
            picture = Image.fromarray(np.ascontiguousarray(image))
            # reducing_gap first shrinks by a whole factor: hardly visible at 3, and much faster on large photographs
            size = (self.resized_width, self.resized_height)
            resized = np.asarray(picture.resize(size, Image.Resampling.BILINEAR, reducing_gap=3.0))
        batch = np.full((1, 3, self.height, self.width), GREY / 255, np.float32)
        inside = batch[0, :, : self.resized_height, : self.resized_width]
        np.multiply(resized.transpose(2, 0, 1), np.float32(1 / 255), out=inside)
        return batch

    def boxes_to_network(self, boxes: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """(N, 4) xyxy boxes in source pixels to (N, 4) xyxy boxes in network pixels."""
        return boxes.astype(np.float64) * self._scale_xyxy()

    def boxes_to_source(self, boxes: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """(N, 4) xyxy boxes in network pixels to (N, 4) xyxy boxes in source pixels, not clipped to the picture."""
        return boxes.astype(np.float64) / self._scale_xyxy()

    def pixels_in_cells(self, h: int, w: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Where the centres of the pixels lie among (h, w) prototype cells: (source_width,) x and (source_height,) y.

        Counted from cell centre to cell centre: 2.0 is the centre of cell 2, and 2.5 the border between cells 2 and 3.
        """
        x = (np.arange(self.source_width, dtype=np.float64) + 0.5) * (self.scale_x * w / self.width) - 0.5
        y = (np.arange(self.source_height, dtype=np.float64) + 0.5) * (self.scale_y * h / self.height) - 0.5
        return x, y

    def cells_in_pixels(self, h: int, w: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Where the centres of (h, w) prototype cells lie on the picture, in source pixels: (w',) x and (h',) y.

        Only those on the picture, but at least one: w' <= w and h' <= h. Cells further on see nothing but padding.
        """
        x = (np.arange(w, dtype=np.float64) + 0.5) * (self.width / w / self.scale_x)
        y = (np.arange(h, dtype=np.float64) + 0.5) * (self.height / h / self.scale_y)
        # Those with i + .5 < resized * w / width, in whole numbers: a centre on the very border is not on the picture
        on_picture_x = -((self.width - 2 * self.resized_width * w) // (2 * self.width))
        on_picture_y = -((self.height - 2 * self.resized_height * h) // (2 * self.height))
        return x[: max(1, on_picture_x)], y[: max(1, on_picture_y)]

    def shares_of_cells(self, h: int, w: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """What share of each of (h, w) cells each pixel covers: (w, source_width) along x, (h, source_height) along y.

        Along each axis; their product is a cell's share of a pixel. Padding is covered by nothing.
        """
        return (
            _shares(w, self.width / self.scale_x, self.source_width),
            _shares(h, self.height / self.scale_y, self.source_height),
        )

    def _scale_xyxy(self) -> NDArray[np.float64]:
        return np.array([self.scale_x, self.scale_y, self.scale_x, self.scale_y])


def _shares(cells: int, span: float, length: int) -> NDArray[np.float32]:
    """(cells, length) the share of each cell that each pixel covers; all cells span so many pixels."""
    edges = np.arange(cells + 1) * (span / cells)
    pixels = np.arange(length)
    common = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return np.asarray(np.maximum(common, 0) * (cells / span), np.float32)


def check_image_size(image_size: int, stride: int = STRIDE) -> None:
    """Raise SettingsError, naming the nearest valid value, unless image_size is a multiple of the stride in range."""
    if SMALLEST <= image_size <= LARGEST and image_size % stride == 0:
        return
    nearest = min(max(round(image_size / stride) * stride, SMALLEST), LARGEST)
    raise SettingsError(
        f"image_size must be a multiple of {stride} from {SMALLEST} to {LARGEST}, but got {image_size}: use {nearest}"
    )
