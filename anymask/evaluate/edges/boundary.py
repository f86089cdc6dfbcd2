"""What is matched: thin boundaries of an annotator's regions, and ridges of a map of edge strength."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates
from skimage.morphology import thin

from anymask.datasets import LabelledPhoto

SMOOTHING = 2.0  # pixels: the standard deviation over which the direction of a ridge is judged
TOLERANCE = 1.01  # how much stronger a neighbour must be to suppress a pixel, so that flat tops do not vanish


def region_boundary(regions: NDArray[np.integer]) -> NDArray[np.bool_]:
    """(H, W) boundary pixels, one pixel wide, of an (H, W) map of region numbers.

    Along one of the two diagonals the line of ``borders`` is a staircase with two pixels to a row; thinning leaves one,
    as it does in the edges that are compared with it.
    """
    return thinned(borders(regions))


def borders(regions: NDArray[np.generic]) -> NDArray[np.bool_]:
    """(H, W) the pixels of a map of regions whose right or lower neighbour is of another one.

    So the line lies half a pixel up and left of the true border, and a picture's frame is no border.
    """
    drawn = np.zeros(regions.shape, np.bool_)
    drawn[:, :-1] |= regions[:, :-1] != regions[:, 1:]
    drawn[:-1] |= regions[:-1] != regions[1:]
    return drawn


def annotator_boundaries(photo: LabelledPhoto) -> list[NDArray[np.bool_]]:
    """The (height, width) boundary map of every annotator of a photo.

    Raises DatasetError for a mask that does not fill the picture.
    """
    boundaries = []
    for layer in range(len(photo.layers)):
        masks = photo.masks(layer)
        numbers = np.arange(1, len(masks) + 1)[:, None, None]  # 0 where nothing was drawn
        boundaries.append(region_boundary((masks * numbers).max(axis=0, initial=0)))
    return boundaries


def thinned(edges: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Lines one pixel wide, (H, W) bool, by thinning until nothing changes (Guo and Hall 1989)."""
    lines: NDArray[np.bool_] = thin(edges)
    return lines


def suppressed(strength: NDArray[np.floating]) -> NDArray[np.float64]:
    """(H, W) strength where it is largest across the edge, and 0 elsewhere: edge non-maximum suppression.

    After Dollar and Zitnick, "Fast edge detection using structured forests", 2015: the direction across an
    edge is that in which the smoothed strength bends down most, an eigenvector of its second derivatives. A pixel stays
    if it is as strong as the two points one pixel away on both sides, whose strength is interpolated bilinearly.
    """
    strength = strength.astype(np.float64)
    xx, xy, yy = (gaussian_filter(strength, SMOOTHING, order=order) for order in ((0, 2), (1, 1), (2, 0)))
    angle = 0.5 * np.arctan2(2 * xy, xx - yy) + np.pi / 2  # of the eigenvector whose eigenvalue is the smaller
    rows, columns = np.indices(strength.shape)
    across = np.stack([np.sin(angle), np.cos(angle)])  # (2, H, W): down and right
    best = strength > 0
    for side in (-1, 1):
        beside = map_coordinates(strength, np.stack([rows, columns]) + side * across, order=1, mode="nearest")
        best &= strength * TOLERANCE >= beside
    return np.where(best, strength, 0.0)
