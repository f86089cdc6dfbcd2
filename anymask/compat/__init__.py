"""The interface of Meta's segment-anything on top of `Segmenter`: change the import, and the program runs.

    from anymask.compat import SamAutomaticMaskGenerator, SamPredictor, sam_model_registry

Names, arguments, shapes and record keys are those of segment-anything 1.0; docs/compat.md says what differs. Masks are
chosen among those that one forward pass found, so `set_image` is where the time goes and `predict` is cheap.
"""

import sys

from anymask.compat.automatic_mask_generator import SamAutomaticMaskGenerator
from anymask.compat.build_sam import build_sam, build_sam_vit_b, build_sam_vit_h, build_sam_vit_l, sam_model_registry
from anymask.compat.predictor import PredictorError, SamPredictor
from anymask.errors import SettingsError

__all__ = [
    "PredictorError",
    "SamAutomaticMaskGenerator",
    "SamPredictor",
    "build_sam",
    "build_sam_vit_b",
    "build_sam_vit_h",
    "build_sam_vit_l",
    "replace_segment_anything",
    "sam_model_registry",
]

NAME = "segment_anything"  # what programs import
MODULES = ("automatic_mask_generator", "build_sam", "modeling", "predictor")


def replace_segment_anything() -> None:
    """From now on `import segment_anything` gives this package, for a program that cannot be edited.

    Call it before that program is imported. Covers the submodules `automatic_mask_generator`, `build_sam`, `modeling`,
    `predictor` and `utils.transforms`; segment-anything need not be installed.

    Raises SettingsError if the real one is imported already.
    """
    here = sys.modules[__name__]
    if sys.modules.get(NAME, here) is not here:
        raise SettingsError(f"{NAME} is imported already, from elsewhere: call replace_segment_anything before that")
    sys.modules[NAME] = sys.modules[f"{NAME}.utils"] = here
    sys.modules[f"{NAME}.utils.transforms"] = sys.modules[f"{__name__}.transforms"]
    for module in MODULES:
        sys.modules[f"{NAME}.{module}"] = sys.modules[f"{__name__}.{module}"]
