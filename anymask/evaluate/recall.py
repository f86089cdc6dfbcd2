"""Average recall of masks, as COCO defines it, without regard to classes.

Recall at k detections per photo, averaged over the IoU thresholds .50 to .95 in steps of .05 (AR^k of "What makes for
effective detection proposals?", Hosang et al. 2015, and cocodataset.org/#detection-eval). Detections are matched
greedily by score, as pycocotools does; a test holds the two equal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

THRESHOLDS = np.linspace(0.5, 0.95, 10)
TOP = (10, 100, 1000)  # detections per photo

# By the area of the true mask in source pixels, both ends included: 32 x 32 is small and medium, as it is for COCO.
AREAS: Mapping[str, tuple[float, float]] = {
    "all": (0, 1e10),
    "small": (0, 32**2),
    "medium": (32**2, 96**2),
    "large": (96**2, 1e10),
}


@dataclass(frozen=True)
class Recalled:
    """What was found on one photo.

    found: (len(AREAS), len(TOP), len(THRESHOLDS)) objects found.
    objects: (len(AREAS),) objects there are.
    """

    found: NDArray[np.int64]
    objects: NDArray[np.int64]


def recall_on_photo(iou: NDArray[np.floating], areas: NDArray[np.integer]) -> Recalled:
    """Match the detections of one photo with its objects.

    iou: (D, G) of masks, detections in the order of their scores.
    areas: (G,) pixels of the objects.
    """
    found = np.zeros((len(AREAS), len(TOP), len(THRESHOLDS)), np.int64)
    objects = np.zeros(len(AREAS), np.int64)
    for index, size in enumerate(AREAS):
        inside = of_size(areas, size)
        objects[index] = inside.sum()
        rank = match(iou[:, inside])  # (T, G)
        for place, top in enumerate(TOP):
            found[index, place] = (rank < top).sum(axis=1)
    return Recalled(found, objects)


def of_size(areas: NDArray[np.integer], size: str) -> NDArray[np.bool_]:
    """(G,) whether masks of these areas, in pixels, are of a size out of ``AREAS``."""
    low, high = AREAS[size]
    return (areas >= low) & (areas <= high)


def match(iou: NDArray[np.floating]) -> NDArray[np.int64]:
    """(T, G) rank of the detection that each object is matched with at each threshold; a huge number for none.

    From the best score down, a detection takes the free object it overlaps most, if by at least the threshold.
    """
    detections, objects = iou.shape
    rank = np.full((len(THRESHOLDS), objects), np.iinfo(np.int64).max)
    if objects == 0:
        return rank
    for detection in np.flatnonzero(iou.max(axis=1) >= THRESHOLDS[0]):
        overlap = iou[detection]
        free = (rank > detections) & (overlap >= THRESHOLDS[:, None])  # (T, G)
        # Of equal overlaps pycocotools takes the last
        best = objects - 1 - np.where(free, overlap, -1.0)[:, ::-1].argmax(axis=1)
        takes = free.any(axis=1)
        rank[takes, best[takes]] = detection
    return rank


def recall_sums(photos: Sequence[Recalled]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """What average recall is the quotient of, summed over any photos.

    Returns:
        (P, len(AREAS), len(TOP)) objects found, averaged over the thresholds, and (P, len(AREAS)) objects there are.
    """
    return np.stack([photo.found.mean(axis=2) for photo in photos]), np.stack([photo.objects for photo in photos])
