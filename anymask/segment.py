"""`Segmenter`: a picture in, every mask out, then choices among them. Start reading here."""

import os
from collections.abc import Sequence
from dataclasses import replace

from anymask.errors import SettingsError, WeightsError
from anymask.image import MAX_PIXELS, ImageSource, load_image
from anymask.letterbox import Letterbox
from anymask.maskset import MaskSet
from anymask.models import DEFAULT, resolve, weights_hash
from anymask.postprocess import ScoreRule, postprocess
from anymask.prompts import Prompt, select
from anymask.runtimes import open_runtime

IMAGE_SIZE = 640  # network pixels along the longest side


class Segmenter:
    """Finds every mask of a picture in one forward pass, and chooses among them by prompts.

    Safe to share between threads; the same input gives the same output.

    weights: "default" for the model inside the package, or the path of an ONNX file.
    threads: of one forward pass, 1 or more; the number of cores when None.

    Raises WeightsError if the weights are missing or damaged, SettingsError for threads out of range.
    """

    def __init__(self, weights: str | os.PathLike[str] = DEFAULT, *, threads: int | None = None) -> None:
        if threads is not None and threads < 1:
            raise SettingsError(f"threads must be 1 or more, or None for the number of cores, but got {threads}")
        self.weights = resolve(weights)
        self.runtime = open_runtime(self.weights, threads)
        try:
            self.score_rule = ScoreRule.from_metadata(self.runtime.metadata)
        except ValueError as error:
            raise WeightsError(f"{self.weights}: its score rule cannot be read ({error}): export it again") from error

    def __call__(
        self,
        source: ImageSource,
        *,
        image_size: int = IMAGE_SIZE,
        score: float = 0.0,
        iou: float = 0.7,
        max_masks: int = 1000,
        max_pixels: int = MAX_PIXELS,
    ) -> MaskSet:
        """Every mask of a picture, best score first.

        source: a path, the bytes of a file, a PIL image, or an (H, W, 3) uint8 RGB array.
        image_size: network pixels along the longest side, a multiple of 32 from 32 to 4096; more finds smaller things,
            and takes longer.
        score: masks that score lower are left out, in [0, 1].
        iou: of two boxes that overlap more, only the better stays, in [0, 1].
        max_masks: how many at most.
        max_pixels: a larger picture is refused before it is decoded.

        Raises ImageError for a picture that cannot be read, SettingsError for a keyword out of its range.
        """
        image = load_image(source, max_pixels=max_pixels)
        height, width, _ = image.shape
        letterbox = Letterbox.fit(height, width, image_size)
        raw = self.runtime.run(letterbox(image))
        found = postprocess(raw, letterbox, score=score, iou=iou, max_masks=max_masks, score_rule=self.score_rule)
        return replace(found, image=image)

    def select(self, found: MaskSet, prompt: Prompt | Sequence[Prompt]) -> MaskSet:
        """The masks that answer one prompt, or each of several objects' prompts, best first for each.

        The result's ``prompt`` (M,) says which prompt a mask answers and ``rank`` (M,) is 0 for its best candidate. A
        prompt that nothing answers has no masks. The network is not run.

        Raises PromptError if a prompt makes no sense on this picture.
        """
        return select(found, prompt)

    def weights_hash(self) -> str:
        """SHA-256 of the weights file, 64 hex digits."""
        return weights_hash(self.weights)
