"""`Refiner`: draws masks at native pixels, from a window of the picture and hints about what is meant."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anymask import rle
from anymask.errors import WeightsError
from anymask.models import default_weights, refiner_weights
from anymask.refine.hints import Hint
from anymask.refine.window import Window
from anymask.runtimes import OnnxRefiner, OnnxRuntime, Runtime
from anymask.runtimes.base import TRUNK

BATCH = 8  # windows drawn at once


@dataclass(frozen=True, eq=False)
class Drawing:
    """One mask that the refiner drew.

    rle: compressed COCO RLE on the picture, see `anymask.rle`.
    quality: the IoU it is believed to have with what was meant, in [0, 1].
    """

    rle: bytes
    quality: float


class Refiner:
    """Draws masks. Safe to share between threads.

    runtime: whose trunk is used, if it is the one the refiner was trained on; else the packaged one's.
    threads: of one pass, 1 or more; the number of cores when None.

    Raises WeightsError if the refiner's weights are missing or damaged, or are of another trunk than the packaged one.
    """

    def __init__(self, runtime: Runtime, threads: int | None = None) -> None:
        self.network = OnnxRefiner(refiner_weights(), threads)
        self.trunk = runtime if self._fits(runtime) else OnnxRuntime(default_weights(), threads)
        if not self._fits(self.trunk):
            raise WeightsError(
                f"{refiner_weights()}: expected the features of the trunk {self.network.trunk!r}, and "
                f"{default_weights()} has {self.trunk.metadata.get(TRUNK, '')!r}: install anymask again"
            )

    def draw(self, image: NDArray[np.uint8], hints: Sequence[Hint]) -> list[tuple[Drawing, ...]]:
        """What is meant by each hint on an (H, W, 3) RGB picture.

        One drawing for a hint that leaves no doubt, three for a single click, the likeliest first. Those without a
        pixel are left out.
        """
        drawn: list[tuple[Drawing, ...]] = []
        for start in range(0, len(hints), BATCH):
            drawn += self._draw(image, hints[start : start + BATCH])
        return drawn

    def _draw(self, image: NDArray[np.uint8], hints: Sequence[Hint]) -> list[tuple[Drawing, ...]]:
        height, width, _ = image.shape
        windows = np.stack([hint.window.pixels(image) for hint in hints])  # (B, S, S, 3)
        pixels = np.ascontiguousarray(windows.transpose(0, 3, 1, 2), np.float32) / np.float32(255)
        prompts = np.stack([hint.maps() for hint in hints])
        output = self.network.run(pixels, prompts, self.trunk.features(pixels))
        answers = []
        for hint, logits, quality in zip(hints, output.logits, output.quality, strict=True):
            guesses = 1 + np.argsort(-quality[1:], kind="stable") if hint.doubtful else np.array([0])
            drawings = [
                Drawing(to_rle(logits[guess], hint.window, height, width), float(quality[guess])) for guess in guesses
            ]
            areas = rle.areas([drawing.rle for drawing in drawings])
            answers.append(tuple(drawing for drawing, area in zip(drawings, areas, strict=True) if area > 0))
        return answers

    def _fits(self, runtime: Runtime) -> bool:
        return runtime.metadata.get(TRUNK) == self.network.trunk


def to_rle(logits: NDArray[np.float32], window: Window, height: int, width: int) -> bytes:
    """The RLE on a height x width picture of (SIDE, SIDE) logits in a window; inside is above 0."""
    rows, columns = window.inside(height, width)
    crop = window.to_pixels(logits, height, width) > 0
    return rle.encode_crop(crop, columns.start, rows.start, height, width)


def on_window(counts: bytes, window: Window, height: int, width: int) -> NDArray[np.float32]:
    """(SIDE, SIDE) in [-1, 1]: the part of a mask that a window shows, as `Hint.mask` wants it."""
    rows, columns = window.inside(height, width)
    part = rle.decode_crop(counts, (columns.start, rows.start, columns.stop, rows.stop), height)
    return 2 * window.share(part, height, width) - 1
