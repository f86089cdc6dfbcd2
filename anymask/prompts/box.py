"""Box: the object that a rectangle was drawn around."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from anymask.boxes import iou
from anymask.errors import PromptError
from anymask.maskset import MaskSet
from anymask.prompts.numbers import only_fields, to_numbers

SCORE_POWER = 0.1  # how much the masks' own scores weigh against their agreement with the box


@dataclass(frozen=True)
class Box:
    """One object, by a box around it.

    Args:
        box: x1, y1, x2, y2 in source pixels, x1 < x2 and y1 < y2. Parts outside the picture are ignored.

    Raises:
        PromptError: not four finite numbers, or an empty box.
    """

    box: tuple[float, float, float, float]
    type: ClassVar[str] = "box"

    def __init__(self, box: Sequence[float]) -> None:
        numbers = to_numbers(box, "box", 4)
        x1, y1, x2, y2 = numbers
        if x1 >= x2 or y1 >= y2:
            raise PromptError(f"box: expected x1 < x2 and y1 < y2, got {list(numbers)}")
        object.__setattr__(self, "box", (x1, y1, x2, y2))

    def choose(self, found: MaskSet) -> NDArray[np.int64]:
        """Every mask whose box meets this one, best agreement first.

        Agreement is the IoU of this box with the mask's own, times the mask's score to the power ``SCORE_POWER``.
        FastSAM compares the mask's pixels with the rectangle's instead, which prefers whatever fills the rectangle:
        the table behind a chair.

        Raises:
            PromptError: the box lies outside the picture.
        """
        height, width = found.size
        x1, y1, x2, y2 = self.box
        inside = np.array([[max(x1, 0), max(y1, 0), min(x2, width), min(y2, height)]])
        if inside[0, 0] >= inside[0, 2] or inside[0, 1] >= inside[0, 3]:
            raise PromptError(
                f"box: {list(self.box)} lies outside the picture, which spans x 0 to {width} and y 0 to {height}"
            )
        overlap = iou(inside, found.boxes)[0]
        agreement = overlap * found.scores**SCORE_POWER
        order: NDArray[np.int64] = np.argsort(-agreement, kind="stable")
        meets: NDArray[np.bool_] = overlap[order] > 0
        return order[meets]

    def to_json(self) -> dict[str, Any]:
        return {"type": self.type, "box": list(self.box)}

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> "Box":
        only_fields(fields, {"box"}, {"box"}, cls.type)
        return cls(fields["box"])
