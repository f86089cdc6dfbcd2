"""The worst answers of an evaluation, kept while it runs, and pictures of them."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from anymask import rle
from anymask.datasets import LabelledPhoto
from anymask.evaluate.prompted import border, deepest_point

# An answer to a tight box, the best of three to a click, or the best of all masks for an object that none fits
Kind = Literal["box", "click", "missed"]
KINDS: tuple[Kind, ...] = get_args(Kind)

FOUND = 0.5  # IoU from which on a mask fits an object: the lowest threshold of average recall
SIDE = 360  # pixels: the longest side of a picture
AROUND = 0.3  # what a picture shows around the masks, as a share of their extent
LEAST_AROUND = 12  # source pixels
TRUTH, ANSWER, PROMPT = (0, 220, 255), (255, 120, 0), (255, 0, 200)  # colours of what is drawn


@dataclass(frozen=True)
class Case:
    """One object, and what was found for it."""

    kind: Kind
    photo: LabelledPhoto
    truth: bytes  # compressed COCO RLE counts
    answer: bytes
    iou: float


class Worst:
    """The so many worst cases of each kind; memory is bounded by that number. Of equal ones the largest are kept."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._heaps: dict[Kind, list[tuple[float, int, int, Case]]] = {kind: [] for kind in KINDS}
        self._seen = 0

    def see(
        self,
        kind: Kind,
        photo: LabelledPhoto,
        truth: Sequence[bytes],
        answers: Sequence[bytes],
        ious: NDArray[np.float64],
    ) -> None:
        """Keep what is worse than the best that is kept. (G,) each."""
        heap = self._heaps[kind]
        for true, answer, iou, area in zip(truth, answers, ious.tolist(), rle.areas(truth).tolist(), strict=True):
            if kind == "missed" and iou >= FOUND:
                continue
            self._seen += 1
            heapq.heappush(heap, (-iou, area, -self._seen, Case(kind, photo, true, answer, iou)))
            if len(heap) > self._count:
                heapq.heappop(heap)

    def cases(self) -> list[Case]:
        """Those kept, by kind, the worst first."""
        return [entry[-1] for kind in KINDS for entry in sorted(self._heaps[kind], reverse=True)]


def draw(case: Case) -> Image.Image:
    """The part of the photo around the object and its answer: outlines of both, and the prompt.

    Raises DatasetError if the photo can no longer be read.
    """
    image = case.photo.pixels()
    height, width, _ = image.shape
    x1, y1, x2, y2 = _window(case, height, width)
    scale = SIDE / max(x2 - x1, y2 - y1)
    size = max(1, round((x2 - x1) * scale)), max(1, round((y2 - y1) * scale))
    drawn = Image.fromarray(image[y1:y2, x1:x2]).resize(size, Image.Resampling.BICUBIC)
    for counts, colour in ((case.truth, TRUTH), (case.answer, ANSWER)):
        mask = Image.fromarray(rle.decode_crop(counts, (x1, y1, x2, y2), height)).resize(size)
        drawn.paste(colour, mask=Image.fromarray(border(np.asarray(mask))))
    pen = ImageDraw.Draw(drawn)
    if case.kind == "box":
        corners = (rle.boxes([case.truth], height, width)[0].reshape(2, 2) - (x1, y1)) * scale
        pen.rectangle([*corners.reshape(-1).tolist()], outline=PROMPT)
    elif case.kind == "click":
        x, y = deepest_point(rle.decode(case.truth, height, width))
        x, y = (x - x1) * scale, (y - y1) * scale
        pen.ellipse((x - 5, y - 5, x + 5, y + 5), fill=PROMPT, outline=(255, 255, 255))
    return drawn


def _window(case: Case, height: int, width: int) -> tuple[int, int, int, int]:
    """x1, y1, x2, y2 around the masks that have pixels."""
    boxes = rle.boxes([case.truth, case.answer], height, width)
    boxes = boxes[boxes[:, 2] > boxes[:, 0]]
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    margin = max(LEAST_AROUND, AROUND * float((high - low).max()))
    x1, y1 = np.floor(np.maximum(low - margin, 0)).astype(int).tolist()
    x2, y2 = np.ceil(np.minimum(high + margin, (width, height))).astype(int).tolist()
    return x1, y1, x2, y2
