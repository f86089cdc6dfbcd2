"""Edges from masks: how many masks end at a pixel, and how steeply their probabilities fall there.

Kirillov et al., "Segment Anything", 2023, appendix D.2: a Sobel filter on the probability of each mask, nothing away
from the mask's outer boundary, the largest over masks at each pixel, divided by its maximum, edge non-maximum
suppression. FastSAM names the same steps (Zhao et al., "Fast Segment Anything", 2023). Here masks vote: their slopes
are added, whatever their scores, and the square root is taken, which spreads few votes over the thresholds. Where many
masks end, even unlikely ones, there is an edge. docs/edges.md tells what that gains.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, sobel
from scipy.special import expit

from anymask.boxes import clip
from anymask.datasets import LabelledPhoto, PhotoEntry
from anymask.evaluate.edges.boundary import annotator_boundaries, borders, suppressed
from anymask.evaluate.edges.counting import THRESHOLDS, count_map
from anymask.evaluate.edges.figures import summarise
from anymask.letterbox import Letterbox
from anymask.postprocess import cell_size, decode, pixel_axes, suppress
from anymask.rules import CropRule, MaskRule
from anymask.runtimes.base import RawOutput
from anymask.segment import Segmenter

IOU, MAX_MASKS = 0.7, 2000  # of boxes as for `Segmenter`; and masks at most, more than it gives, for all of them vote
SOBEL = 8.0  # what the filter's weights make of a slope of 1 per pixel
NEAR = 2  # source pixels, city-block: how far from its boundary a mask still votes


def measure_edges(
    segmenter: Segmenter, photos: Iterable[PhotoEntry], image_size: int, number: int = THRESHOLDS
) -> dict[str, Any]:
    """The number of "photos" and of "thresholds", and every figure of `figures.summarise` over the photos.

    photos: at least one. number: how many `thresholds`. Raises DatasetError.
    """
    counts = np.stack([count_photo(segmenter, photo.load(), image_size, number) for photo in photos])
    return {"photos": len(counts), "thresholds": number, **summarise(counts)}


def count_photo(
    segmenter: Segmenter, photo: LabelledPhoto, image_size: int, number: int = THRESHOLDS
) -> NDArray[np.int64]:
    """(number, 4) counts of the edges of one photo, see `counting`. Raises DatasetError."""
    image = photo.pixels()
    height, width, _ = image.shape
    letterbox = Letterbox.fit(height, width, image_size)
    strength = edge_strength(segmenter.runtime.run(letterbox(image)), letterbox)
    return count_map(suppressed(strength), annotator_boundaries(photo), number)


def edge_strength(raw: RawOutput, letterbox: Letterbox) -> NDArray[np.float32]:
    """(source_height, source_width) strength of edges in [0, 1], the largest being 1 where there is any.

    It is the square root of the sum over masks of |gradient of sigmoid(logit)|, in source pixels, near the boundary of
    the mask, divided by its maximum. A mask counts in the window of its crop; gradient and boundary
    are those of the probabilities before they are cut there, so the border of a window makes no edge.
    """
    _, h, w = raw.prototypes[0].shape
    size = letterbox.source_height, letterbox.source_width
    votes = np.zeros(size, np.float32)
    candidates = decode(raw, letterbox)
    candidates = candidates[candidates.scores > 0]
    candidates = suppress(candidates, size, IOU, MAX_MASKS)
    horizontal, vertical = pixel_axes(letterbox, h, w)
    margins = CropRule().margins(candidates.boxes, cell_size(letterbox, h, w))
    windows = MaskRule().windows(candidates.boxes + np.hstack([-margins, margins]), size)
    grown = clip(windows + np.array([-1, -1, 1, 1]), *size)  # the filter looks one pixel beyond
    cells = np.ascontiguousarray(raw.prototypes[0].transpose(1, 2, 0))  # (h, w, K)
    for index, (x1, y1, x2, y2) in enumerate(grown.tolist()):
        logits = cells[vertical.cells(y1, y2), horizontal.cells(x1, x2)] @ candidates.coefficients[index]
        probability = expit(vertical.weights_of(y1, y2) @ logits @ horizontal.weights_of(x1, x2).T)
        slope = np.hypot(sobel(probability, 0, mode="nearest"), sobel(probability, 1, mode="nearest")) / SOBEL
        slope *= near_boundary(probability > 0.5)
        left, top, right, bottom = windows[index].tolist()
        votes[top:bottom, left:right] += slope[top - y1 : bottom - y1, left - x1 : right - x1]
    return np.sqrt(votes / votes.max()) if votes.any() else votes


def near_boundary(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(H, W) the pixels at most ``NEAR`` steps from the ``borders`` of a mask."""
    near: NDArray[np.bool_] = binary_dilation(borders(mask), iterations=NEAR)
    return near
