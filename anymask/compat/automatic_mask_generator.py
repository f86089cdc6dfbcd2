"""`SamAutomaticMaskGenerator`: every mask of a picture as SAM's records."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anymask import rle
from anymask.boxes import xyxy_to_xywh
from anymask.compat.modeling import Sam
from anymask.compat.quality import PRED_IOU_THRESH, STABILITY_SCORE_THRESH, least_score, predicted_iou, stability
from anymask.compat.small_regions import remove_small_regions
from anymask.errors import SettingsError
from anymask.maskset import MaskSet
from anymask.segment import Segmenter

logger = logging.getLogger(__name__)

OUTPUT_MODES = ("binary_mask", "uncompressed_rle", "coco_rle")


@dataclass(eq=False)
class SamAutomaticMaskGenerator:
    """Every mask of a picture, from one forward pass over all of it.

    model: what `sam_model_registry` builds, or a `Segmenter`.
    pred_iou_thresh, stability_score_thresh: in [0, 1], on SAM's scales; the defaults keep masks that score .05 here,
        see `anymask.compat.quality`.
    box_nms_thresh: of two boxes whose IoU is larger, only the better stays, in [0, 1].
    min_mask_region_area: holes and islands of fewer pixels are removed from the masks.
    output_mode: "binary_mask", "uncompressed_rle" or "coco_rle", what a record's segmentation is.
    points_per_side, point_grids: exactly one of them must be given, as in SAM; no grid of points is used, so that
        neither they nor points_per_batch, stability_score_offset and what begins with crop have an effect.

    Raises SettingsError for an argument out of its range.
    """

    model: Sam | Segmenter
    points_per_side: int | None = 32
    points_per_batch: int = 64
    pred_iou_thresh: float = PRED_IOU_THRESH
    stability_score_thresh: float = STABILITY_SCORE_THRESH
    stability_score_offset: float = 1.0
    box_nms_thresh: float = 0.7
    crop_n_layers: int = 0
    crop_nms_thresh: float = 0.7
    crop_overlap_ratio: float = 512 / 1500
    crop_n_points_downscale_factor: int = 1
    point_grids: Sequence[ArrayLike] | None = None
    min_mask_region_area: int = 0
    output_mode: str = "binary_mask"

    def __post_init__(self) -> None:
        if (self.points_per_side is None) == (self.point_grids is None):
            raise SettingsError("exactly one of points_per_side and point_grids must be given, and the other be None")
        if self.output_mode not in OUTPUT_MODES:
            raise SettingsError(f"output_mode must be one of {', '.join(OUTPUT_MODES)}, but got {self.output_mode!r}")
        least_score(self.pred_iou_thresh, self.stability_score_thresh)
        if self.crop_n_layers > 0:
            logger.warning("crop_n_layers has no effect: for smaller things give Sam(segmenter, image_size=...)")

    def generate(self, image: NDArray[np.uint8]) -> list[dict[str, Any]]:
        """A record for each mask of an (H, W, 3) uint8 RGB picture, best first.

        segmentation: the mask, (H, W) bool, or {"size": [H, W], "counts": ...} with counts a str (coco_rle) or a list
            of run lengths (uncompressed_rle).
        area: its pixels.
        bbox: [x, y, w, h], its tight box in whole source pixels.
        predicted_iou, stability_score: its score on the scales of the two thresholds.
        point_coords: [[x, y]], a pixel's centre inside the mask.
        crop_box: [0, 0, W, H].

        Raises ImageError for what is no such picture, SettingsError for box_nms_thresh out of its range.
        """
        least = least_score(self.pred_iou_thresh, self.stability_score_thresh)
        found = Sam.of(self.model).find(image, score=least, iou=self.box_nms_thresh)
        if self.min_mask_region_area > 0:
            masks = [remove_small_regions(each.mask(0), self.min_mask_region_area) for each in found]
            found = MaskSet.from_masks(np.reshape(masks, (-1, *found.size)), found.scores)
        return self._records(found[found.areas > 0])

    def _records(self, found: MaskSet) -> list[dict[str, Any]]:
        height, width = found.size
        columns = zip(
            found.rles,
            found.areas.tolist(),
            xyxy_to_xywh(rle.boxes(found.rles, height, width)).astype(np.int64).tolist(),
            predicted_iou(found.scores).tolist(),
            stability(found.scores).tolist(),
            strict=True,
        )
        return [
            {
                "segmentation": self._segmentation(counts, height, width),
                "area": area,
                "bbox": box,
                "predicted_iou": quality,
                "point_coords": [inner_point(counts, height)],
                "stability_score": stable,
                "crop_box": [0, 0, width, height],
            }
            for counts, area, box, quality, stable in columns
        ]

    def _segmentation(self, counts: bytes, height: int, width: int) -> NDArray[np.bool_] | dict[str, Any]:
        if self.output_mode == "binary_mask":
            return rle.decode(counts, height, width)
        coco = self.output_mode == "coco_rle"
        return {"size": [height, width], "counts": counts.decode() if coco else rle.run_lengths(counts).tolist()}


def inner_point(counts: bytes, height: int) -> list[float]:
    """The centre [x, y] of a pixel of a mask, halfway down its longest run of a column. The mask must not be empty."""
    lengths = rle.run_lengths(counts)
    longest = 1 + 2 * int(lengths[1::2].argmax())
    column, row = divmod(int(lengths[:longest].sum() + lengths[longest] // 2), height)
    return [column + 0.5, row + 0.5]
