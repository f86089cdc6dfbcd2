"""Box: the object that a rectangle was drawn around."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from anymask.boxes import iou
from anymask.errors import PromptError
from anymask.maskset import MaskSet
from anymask.prompts.numbers import only_fields, to_numbers

FITS = 0.5  # IoU of two boxes from which the one is taken for the other
CONTEXT = 0.5  # how far a closer look reaches beyond the box, in its sides
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
    schema: ClassVar[Mapping[str, Any]] = {
        "box": {
            "description": "x1, y1, x2, y2 with x1 < x2 and y1 < y2. Parts outside the picture are ignored.",
            "type": "array",
            "items": {"type": "number"},
            "minItems": 4,
            "maxItems": 4,
        }
    }

    def __init__(self, box: Sequence[float]) -> None:
        numbers = to_numbers(box, "box", 4)
        x1, y1, x2, y2 = numbers
        if x1 >= x2 or y1 >= y2:
            raise PromptError(f"box: expected x1 < x2 and y1 < y2, got {list(numbers)}")
        object.__setattr__(self, "box", (x1, y1, x2, y2))

    def choose(self, found: MaskSet) -> MaskSet:
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
        order = np.argsort(-agreement, kind="stable")
        return found[order[overlap[order] > 0]]

    def closer(self, found: MaskSet, chosen: MaskSet) -> tuple[float, float, float, float] | None:
        x1, y1, x2, y2 = self.box
        if len(chosen) and float(iou(np.array([self.box]), chosen.boxes[:1].astype(np.float64))[0, 0]) >= FITS:
            return None
        across, down = CONTEXT * (x2 - x1), CONTEXT * (y2 - y1)
        return x1 - across, y1 - down, x2 + across, y2 + down

    def to_json(self) -> dict[str, Any]:
        return {"type": self.type, "box": list(self.box)}

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> "Box":
        only_fields(fields, cls.schema, cls.type)
        return cls(fields["box"])
