"""What is known of FastSAM's published weights: where they are, and how they are used.

Everything in which they differ from the weights of this package is decided here. It is written into the metadata of
their ONNX file, where `Segmenter` finds it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from anymask.rules import CropRule, MaskRule, ScoreRule

LICENCE = "AGPL-3.0"
IMAGE_SIZE = 1024  # network pixels along the longest side, where a checkpoint does not tell its own

# The score is the class score as it is, a mask ends where its box ends and has the pixels that FastSAM gives it, and
# FastSAM itself leaves out what scores below .25. Clicks and boxes choose among the masks: drawn anew they would be
# this package's refiner's, not FastSAM's.
BEHAVIOUR: Mapping[str, str] = {
    **ScoreRule(class_power=1, maskness_power=0).to_metadata(),
    **CropRule(cells=0, share=0, falloff=0).to_metadata(),
    **MaskRule("linear", "corners", clipping="after", repeats="kept").to_metadata(),
    "shown": "0.25",
    "auto_refine": "off",
}


@dataclass(frozen=True)
class Published:
    """A file of weights that others publish.

    file: its name. size: in bytes. sha256: 64 hex digits. addresses: where it is, to be tried in turn.
    """

    file: str
    size: int
    sha256: str
    addresses: tuple[str, ...]


_ASSETS = "https://github.com/ultralytics/assets/releases/download"

PUBLISHED: dict[str, Published] = {
    "fastsam-s": Published(
        "FastSAM-s.pt",
        23_851_578,
        "c9f78716a81c7aff0d608ccc73e1b82ab3aaad86005049f6a92106a0be6d0844",
        (f"{_ASSETS}/v8.4.0/FastSAM-s.pt", f"{_ASSETS}/v8.3.0/FastSAM-s.pt"),
    ),
    "fastsam-x": Published(
        "FastSAM-x.pt",
        144_943_063,
        "c0be4e7ddbe4c15333d15a859c676d053c486d0a746a3be6a7a9790d52a9b6d7",
        (
            f"{_ASSETS}/v8.4.0/FastSAM-x.pt",
            "https://huggingface.co/spaces/An-619/FastSAM/resolve/main/weights/FastSAM.pt",
            f"{_ASSETS}/v8.3.0/FastSAM-x.pt",
        ),
    ),
}


def metadata(image_size: int | None) -> dict[str, str]:
    """What the ONNX file of such weights says of itself; image_size is what they were trained at, if that is known."""
    return {**BEHAVIOUR, "image_size": str(image_size or IMAGE_SIZE)}
