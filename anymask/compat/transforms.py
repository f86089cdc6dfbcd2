"""`ResizeLongestSide`: prompts between source pixels and SAM's input frame, whose longest side is 1024."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image


@dataclass(frozen=True)
class ResizeLongestSide:
    """Scales a picture so that its longest side has ``target_length`` pixels.

    original_size is (height, width) of the source picture everywhere. The methods for tensors take and give tensors of
    any array library with ``*``, ``reshape`` and ``new_tensor``, which are PyTorch's.
    """

    target_length: int

    def apply_image(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """An (H, W, 3) uint8 picture, scaled."""
        height, width = self.get_preprocess_shape(image.shape[0], image.shape[1], self.target_length)
        return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))

    def apply_coords(self, coords: ArrayLike, original_size: tuple[int, ...]) -> NDArray[np.float64]:
        """(..., 2) points (x, y) in source pixels, in the input frame."""
        return np.asarray(coords, np.float64) * self._scale(original_size)

    def apply_boxes(self, boxes: ArrayLike, original_size: tuple[int, ...]) -> NDArray[np.float64]:
        """(..., 4) boxes xyxy in source pixels, as (N, 4) in the input frame."""
        return self.apply_coords(np.reshape(boxes, (-1, 2, 2)), original_size).reshape(-1, 4)

    def apply_coords_torch(self, coords: Any, original_size: tuple[int, ...]) -> Any:
        """`apply_coords` of a tensor, as float32."""
        coords = coords.float()
        return coords * coords.new_tensor(self._scale(original_size))

    def apply_boxes_torch(self, boxes: Any, original_size: tuple[int, ...]) -> Any:
        """`apply_boxes` of a tensor, as float32."""
        return self.apply_coords_torch(boxes.reshape(-1, 2, 2), original_size).reshape(-1, 4)

    def revert_coords(self, coords: ArrayLike, original_size: tuple[int, ...]) -> NDArray[np.float64]:
        """What `apply_coords` took."""
        return np.asarray(coords, np.float64) / self._scale(original_size)

    @staticmethod
    def get_preprocess_shape(oldh: int, oldw: int, long_side_length: int) -> tuple[int, int]:
        """(height, width) after scaling, whole pixels, at least 1."""
        scale = long_side_length / max(oldh, oldw)
        return max(1, int(oldh * scale + 0.5)), max(1, int(oldw * scale + 0.5))

    def _scale(self, original_size: tuple[int, ...]) -> NDArray[np.float64]:
        height, width = original_size
        new_height, new_width = self.get_preprocess_shape(height, width, self.target_length)
        return np.array([new_width / width, new_height / height])
