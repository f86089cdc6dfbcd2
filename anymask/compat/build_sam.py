"""`sam_model_registry`: SAM's names of models, each of which builds the same `Sam` here."""

import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from anymask.compat.modeling import Sam
from anymask.models import DEFAULT
from anymask.segment import Segmenter

logger = logging.getLogger(__name__)

SAM_SUFFIX = ".pth"  # of SAM's own checkpoints


def build_sam(checkpoint: str | os.PathLike[str] | None = None) -> Sam:
    """The model with the weights inside the package, or with those of a file that `Segmenter` takes.

    A ``.pth`` file holds SAM's own weights, which fit no network here: it is not read, need not exist, and a warning is
    logged, so that a program that names one runs.

    Raises WeightsError for any other file that is missing, damaged or of another kind.
    """
    if checkpoint is not None and Path(checkpoint).suffix.lower() == SAM_SUFFIX:
        logger.warning("%s: weights of SAM are not read; anymask uses its own", checkpoint)
        checkpoint = None
    return Sam(Segmenter(DEFAULT if checkpoint is None else checkpoint))


build_sam_vit_h = build_sam_vit_l = build_sam_vit_b = build_sam

sam_model_registry: Mapping[str, Callable[..., Sam]] = {
    "default": build_sam,
    "vit_h": build_sam_vit_h,
    "vit_l": build_sam_vit_l,
    "vit_b": build_sam_vit_b,
}
