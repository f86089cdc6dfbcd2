"""Masks and what pycocotools and SciPy make of them, which masks.test.mjs holds the editor's modules to.

python tests/editor/make_cases.py > tests/editor/cases.json
"""

import json
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco
from scipy import ndimage

Mask = NDArray[np.bool_]


def counts(mask: Mask) -> str:
    encoded: bytes = coco.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"]
    return encoded.decode("ascii")


def rows(mask: Mask) -> list[str]:
    return ["".join("#" if pixel else "." for pixel in row) for row in mask]


def drawn(*lines: str) -> Mask:
    return np.array([[character == "#" for character in line] for line in lines])


def largest(mask: Mask) -> Mask:
    labels, number = ndimage.label(mask)
    if not number:
        return mask
    areas = np.bincount(labels.ravel())[1:]
    if (areas == areas.max()).sum() > 1:  # the leftmost, and of those the topmost
        first = [np.flatnonzero((labels == label).T.ravel())[0] for label in range(1, number + 1)]
        best = min(np.flatnonzero(areas == areas.max()), key=lambda index: first[index])
    else:
        best = areas.argmax()
    chosen: Mask = labels == best + 1
    return chosen


def masks() -> list[Mask]:
    random = np.random.default_rng(8)
    y, x = np.mgrid[:90, :130]
    ring = np.abs(np.hypot(x - 60, y - 45) - 30) < 6
    return [
        np.zeros((5, 4), np.bool_),  # nothing
        np.ones((5, 4), np.bool_),  # everything
        drawn("#...", "....", "...#"),  # first and last pixel
        drawn("##.", "#.#", ".##"),  # touching by corners
        drawn(".....", ".###.", ".#.#.", ".###.", "....."),  # a hole
        drawn("###", "#.#", "###"),  # a hole in a mask that touches every edge
        drawn("#.#.", ".#.#", "#.#."),  # a chessboard
        ring,
        ring | (np.hypot(x - 60, y - 45) < 9) | (random.random(ring.shape) < 0.01),  # an island in a hole, and specks
        random.random((40, 33)) < 0.5,
        np.repeat(random.random((1, 60)) < 0.5, 50, axis=0),  # whole columns: runs go on from one to the next
    ]


def cases() -> dict[str, Any]:
    every = masks()
    single = [
        {
            "rows": rows(mask),
            "counts": counts(mask),
            "area": int(mask.sum()),
            "box": coco.toBbox(coco.encode(np.asfortranarray(mask.astype(np.uint8)))).astype(int).tolist(),
            "filled": counts(ndimage.binary_fill_holes(mask)),
            "largest": counts(largest(mask)),
        }
        for mask in every
    ]
    random = np.random.default_rng(80)
    pairs = []
    for mask in every:
        other = np.roll(mask, (1, 2), (0, 1)) | (random.random(mask.shape) < 0.1)
        pairs.append(
            {
                "size": list(mask.shape),
                "first": counts(mask),
                "second": counts(other),
                "union": counts(mask | other),
                "subtract": counts(mask & ~other),
                "intersect": counts(mask & other),
            }
        )
    return {"single": single, "pairs": pairs}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(cases(), separators=(",", ":")) + "\n")
