"""How far two programs' detections in one photo are from each other, and which of them are farther than they may be."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from anymask import rle
from anymask.boxes import iou
from scripts.fastsam_ways import Detections

SCORE = 1e-4  # how far scores may be apart
BOX = 0.05  # how far an edge of a box may be, in source pixels
MASK = 0.98  # IoU that a mask must have at least, where it is
LARGE = 64 * 64  # source pixels or larger
MEDIAN = 0.99  # IoU that half of the masks must have

# What is farther than it may be: photo, what of it, and the number of the detection among the other program's (for
# "extra", which it lacks, among ours that it lacks)
Miss = tuple[int, str, int]


@dataclass(slots=True)
class Comparison:
    """Over photos. theirs, ours: detections of each. The lists are of the pairs, `misses` of all detections."""

    theirs: int = 0
    ours: int = 0
    scores: list[float] = field(default_factory=list)
    boxes: list[float] = field(default_factory=list)
    masks: list[float] = field(default_factory=list)
    large: list[float] = field(default_factory=list)
    misses: set[Miss] = field(default_factory=set)

    def add(self, photo: int, theirs: Detections, ours: Detections, size: tuple[int, int]) -> None:
        """Take the detections of one more photo of (height, width) pixels."""
        pairs = paired(theirs, ours)
        self.theirs += len(theirs.scores)
        self.ours += len(ours.scores)
        areas = rle.areas(theirs.masks)
        for row, column in pairs:
            score = abs(float(theirs.scores[row] - ours.scores[column]))
            box = float(np.abs(theirs.boxes[row] - ours.boxes[column]).max())
            mask = float(rle.iou([theirs.masks[row]], [ours.masks[column]], *size)[0, 0])
            large = areas[row] >= LARGE
            self.scores.append(score)
            self.boxes.append(box)
            self.masks.append(mask)
            self.large += [mask] * int(large)
            missed = {"score": score > SCORE, "box": box > BOX, "mask": bool(large) and mask < MASK}
            self.misses |= {(photo, name, row) for name, far in missed.items() if far}
        self.misses |= {(photo, "missing", row) for row in set(range(len(theirs.scores))) - {row for row, _ in pairs}}
        self.misses |= {(photo, "extra", number) for number in range(len(ours.scores) - len(pairs))}

    def figures(self) -> dict[str, float | int | None]:
        """What a table tells: the worst of each, how many masks are the same to the pixel, and the median IoU."""
        return {
            "theirs": self.theirs,
            "ours": self.ours,
            "pairs": len(self.masks),
            "score": max(self.scores, default=0.0),
            "box": max(self.boxes, default=0.0),
            "identical": sum(mask == 1 for mask in self.masks),
            "median_iou": float(np.median(self.masks)) if self.masks else None,
            "large": len(self.large),
            "least_iou_large": min(self.large, default=None),
            "misses": len(self.misses),
        }


def paired(theirs: Detections, ours: Detections) -> list[tuple[int, int]]:
    """Their and our detection, one to one: those whose boxes fit best first, and of like boxes, whose scores do.

    Boxes that share less than half of their union are no pair.
    """
    shared = iou(theirs.boxes, ours.boxes)
    fit = shared - 10 * np.abs(theirs.scores[:, None] - ours.scores[None])
    pairs: list[tuple[int, int]] = []
    taken: tuple[NDArray[np.bool_], NDArray[np.bool_]] = (
        np.zeros(len(theirs.scores), np.bool_),
        np.zeros(len(ours.scores), np.bool_),
    )
    for flat in np.argsort(-fit, axis=None, kind="stable"):
        row, column = divmod(int(flat), len(ours.scores))
        if shared[row, column] >= 0.5 and not taken[0][row] and not taken[1][column]:
            taken[0][row] = taken[1][column] = True
            pairs.append((row, column))
    return sorted(pairs)
