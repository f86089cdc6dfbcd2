"""Ways to write the masks of a picture.

An output is one file in this folder and one row in `OUTPUTS`; the choices of the command line and the tests over the
table follow from the row. The file must have a pure function

    encode(found: MaskSet, image: (H, W, 3) uint8 RGB of found.size, *, name="", labels=None, colours=None) -> bytes

that returns a whole file. The same arguments give the same bytes. It takes a set without masks. It draws one mask at a
time and only inside its box (`regions.py`), because all of them together need N * H * W bytes. `name` is what the
picture's file is called, `labels` what each mask is called ("" where nothing), `colours` the "#rrggbb" of each mask
(None for one of ours), for formats that note it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from anymask.maskset import MaskSet
from anymask.outputs import coco, cutout, label_map, overlay, svg

__all__ = ["OUTPUTS", "Output"]


class Encode(Protocol):
    """The function of an output."""

    def __call__(
        self,
        found: MaskSet,
        image: NDArray[np.uint8],
        *,
        name: str = "",
        labels: Sequence[str] | None = None,
        colours: Sequence[str | None] | None = None,
    ) -> bytes: ...


@dataclass(frozen=True)
class Output:
    """A row of `OUTPUTS`: how its files' names end, the media type of HTTP, and the function."""

    suffix: str
    media_type: str
    encode: Encode


OUTPUTS = {
    "coco": Output(".coco.json", "application/json", coco.encode),
    "png": Output(".labels.png", "image/png", label_map.encode),
    "overlay": Output(".overlay.png", "image/png", overlay.encode),
    "cutout": Output(".cutout.png", "image/png", cutout.encode),
    "svg": Output(".masks.svg", "image/svg+xml", svg.encode),
}
