"""Edges from masks: how steep the mask probabilities are, as FastSAM and SAM are measured on BSDS500.

Kirillov et al., "Segment Anything", 2023, appendix D.2: a Sobel filter on the probability of each mask, the largest
over masks at each pixel, divided by its maximum, edge non-maximum suppression. FastSAM names the same steps (Zhao et
al., "Fast Segment Anything", 2023). Weighting each mask by its score is ours; SAM also drops what lies off the outer
boundary of a mask, which is not done here.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import sobel
from scipy.special import expit

from anymask.boxes import clip
from anymask.datasets import LabelledPhoto, PhotoEntry
from anymask.evaluate.edges.boundary import annotator_boundaries, suppressed
from anymask.evaluate.edges.counting import THRESHOLDS, count_map
from anymask.evaluate.edges.figures import summarise
from anymask.letterbox import Letterbox
from anymask.nms import nms_boxes
from anymask.postprocess import CropRule, ScoreRule, assemble, cell_size, crop_windows, decode, pixel_axes
from anymask.runtimes.base import RawOutput
from anymask.segment import Segmenter

IOU, MAX_MASKS = 0.7, 1000  # of boxes, and masks at most: those of `Segmenter`
SOBEL = 8.0  # what the filter's weights make of a slope of 1 per pixel
STEEPEST = 0.5  # per pixel: what the filter makes of a step from 0 to 1 between two pixels
WEAKEST = 1 / (THRESHOLDS + 1)  # the lowest threshold


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
    strength = edge_strength(segmenter.runtime.run(letterbox(image)), letterbox, segmenter.score_rule)
    return count_map(suppressed(strength), annotator_boundaries(photo), number)


def edge_strength(raw: RawOutput, letterbox: Letterbox, score_rule: ScoreRule) -> NDArray[np.float32]:
    """(source_height, source_width) strength of edges in [0, 1], the largest being 1 where there is any.

    It is max over masks of score * |gradient of sigmoid(logit)|, in source pixels, divided by its maximum. A mask
    counts in the window that `crop_windows` gives it; the gradient is that of the probabilities before they are cut
    there, so the border of a window makes no edge. Windows are added one at a time, and none once the masks left score
    so low that they cannot reach the lowest threshold.
    """
    _, h, w = raw.prototypes[0].shape
    size = letterbox.source_height, letterbox.source_width
    strength = np.zeros(size, np.float32)
    candidates = decode(raw, letterbox)
    candidates = candidates[nms_boxes(candidates.boxes, candidates.scores, IOU, MAX_MASKS)]
    _, maskness = assemble(candidates, raw.prototypes[0], letterbox)
    scores = score_rule(candidates.scores, maskness).astype(np.float32)
    horizontal, vertical = pixel_axes(letterbox, h, w)
    windows = crop_windows(candidates.boxes, CropRule().margins(candidates.boxes, cell_size(letterbox, h, w)), size)
    grown = clip(windows + np.array([-1, -1, 1, 1]), *size)  # the filter looks one pixel beyond
    cells = np.ascontiguousarray(raw.prototypes[0].transpose(1, 2, 0))  # (h, w, K)
    for index in np.argsort(-scores):
        if scores[index] * STEEPEST < WEAKEST * strength.max():
            break
        x1, y1, x2, y2 = grown[index].tolist()
        logits = cells[vertical.cells(y1, y2), horizontal.cells(x1, x2)] @ candidates.coefficients[index]
        probability = expit(vertical.weights_of(y1, y2) @ logits @ horizontal.weights_of(x1, x2).T)
        slope = np.hypot(sobel(probability, 0, mode="nearest"), sobel(probability, 1, mode="nearest")) / SOBEL
        left, top, right, bottom = windows[index].tolist()
        part = strength[top:bottom, left:right]
        np.maximum(part, scores[index] * slope[top - y1 : bottom - y1, left - x1 : right - x1], out=part)
    return strength / strength.max() if strength.any() else strength
