"""`Segmenter`: a picture in, every mask out, then choices among them. Start reading here."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from threading import Lock
from typing import Literal, get_args

from anymask.classifier import Classifier, Seen
from anymask.errors import ImageError, PromptError, SettingsError, WeightsError
from anymask.fastsam.weights import find_weights, onnx_file
from anymask.graft import graft, look_size, place, region_of
from anymask.image import MAX_PIXELS, ImageSource, load_image
from anymask.letterbox import Letterbox, check_image_size
from anymask.machine import cores
from anymask.mask_head import MaskHead
from anymask.maskset import MaskSet
from anymask.models import DEFAULT, classifier_weights, default_weights, mask_head_weights, weights_hash
from anymask.postprocess import Draw, postprocess
from anymask.prompts import Box, Prompt, Text, as_list, select
from anymask.refine.answers import refine_all, refine_answers
from anymask.refine.refiner import Refiner
from anymask.rules import CropRule, MaskRule, ScoreRule
from anymask.runtimes import OnnxClassifier, OnnxMaskHead, check_runtime, open_runtime
from anymask.runtimes.base import TRUNK, Runtime
from anymask.snap import snap_all

IMAGE_SIZE = 640  # network pixels along the longest side, where the weights do not tell another
DRAWN = 100  # masks that the mask head draws
LABELLED = "labelled"  # among what is computed of a set: the set with its label scores
SHOWN = 0.05  # of `Segmenter.shown`, likewise; prompts choose among all masks

# Which masks the refiner draws anew: those that points and boxes choose, every mask, or none
Refine = Literal["auto", "all", "off"]


class Segmenter:
    """Finds every mask of a picture in one forward pass, and chooses among them by prompts.

    Safe to share between threads; the same input gives the same output.

    weights: "default" for the model inside the package; "fastsam-s" or "fastsam-x" for FastSAM's own weights, which are
        fetched once; or the path of a file that `anymask export` wrote, or of a FastSAM checkpoint (.pt, .safetensors).
        See docs/fastsam.md and docs/export.md.
    runtime: "onnx", "openvino" or "torch", what runs them. None takes OpenVINO for .xml, PyTorch for .torchscript and
        ONNX Runtime for all else; OpenVINO runs that too. Mask head and refiner are run by ONNX Runtime, always.
    threads: of one forward pass, from 1 to four times the cores, or to 64; the number of cores when None.
    mask_head: "default" for the mask head inside the package, or the path of one that `anymask export` wrote. It must
        read the features of the weights' trunk; the default one is left out where it does not.

    ``image_size`` is how many network pixels the weights want along the longest side of a picture; masks that score
    below ``shown`` are rarely what a person wants to look at.

    Raises WeightsError if the weights are missing or damaged, not for the runtime, or cannot be fetched,
    MissingExtraError if the runtime is not installed, SettingsError for another runtime and for threads out of range.
    """

    def __init__(
        self,
        weights: str | os.PathLike[str] = DEFAULT,
        *,
        runtime: str | None = None,
        threads: int | None = None,
        mask_head: str | os.PathLike[str] = DEFAULT,
    ) -> None:
        check_runtime(runtime)
        most = max(64, 4 * cores())  # with thousands opening a session does not come to its end
        if threads is not None and not 1 <= threads <= most:
            raise SettingsError(
                f"threads must be from 1 to {most}, or None for the number of cores, which is {cores()}; got {threads}"
            )
        self.threads = threads
        self.weights = find_weights(weights)
        self.runtime = open_runtime(onnx_file(self.weights), threads, runtime, source=self.weights)
        self._opening = Lock()
        self._mask_head_file = None if mask_head == DEFAULT else Path(mask_head)
        metadata = self.runtime.metadata
        try:
            self.score_rule = ScoreRule.from_metadata(metadata)
            self.crop_rule = CropRule.from_metadata(metadata)
            self.mask_rule = MaskRule.from_metadata(metadata)
            self.image_size = int(metadata.get("image_size", IMAGE_SIZE))
            check_image_size(self.image_size)
            self.shown = float(metadata.get("shown", SHOWN))
            if not 0 <= self.shown <= 1:
                raise ValueError(f"shown must be from 0 to 1, but is {self.shown}")
        except ValueError as error:
            raise WeightsError(f"{self.weights}: its metadata cannot be read ({error}): export it again") from error
        self.auto_refine: Refine = "off" if metadata.get("auto_refine") == "off" else "auto"  # what "auto" stands for
        if self._mask_head_file is not None:
            self.mask_head  # noqa: B018  # what somebody asked for is checked at once

    def __call__(
        self,
        source: ImageSource,
        *,
        image_size: int | None = None,
        score: float = 0.0,
        iou: float = 0.7,
        max_masks: int = 1000,
        max_pixels: int = MAX_PIXELS,
        drawn: int = DRAWN,
        refine: Refine = "auto",
        snap: bool = False,
        report: Callable[[int, int], None] = lambda done, total: None,
    ) -> MaskSet:
        """Every mask of a picture, best score first.

        source: a path, the bytes of a file, a PIL image, or an (H, W, 3) uint8 RGB array.
        image_size: network pixels along the longest side, a multiple of 32 from 32 to 4096; more finds smaller things,
            and takes longer. When None, what the weights want: 640 for the default ones.
        score: masks that score lower are left out, in [0, 1].
        iou: of two boxes that overlap more, only the better stays, in [0, 1].
        max_masks: how many at most.
        max_pixels: a larger picture is refused before it is decoded.
        drawn: so many of the likeliest masks are drawn by the mask head, where it knows the weights' trunk; 0 for none.
        refine: "all" has the refiner draw every mask anew at native pixels, which takes a few network passes for every
            hundred masks; "auto" and "off" leave them as they are.
        snap: move the contours of large masks to edges of the picture where that helps, see `anymask.snap`; it makes no
            difference to masks drawn anew.
        report: called with the number of masks drawn anew and of all, while that goes on.

        Raises ImageError for a picture that cannot be read, SettingsError for a keyword out of its range.
        """
        check_refine(refine)
        check_drawn(drawn)
        image = load_image(source, max_pixels=max_pixels)
        height, width, _ = image.shape
        letterbox = Letterbox.fit(height, width, self.image_size if image_size is None else image_size)
        mask_head = self.mask_head if drawn else None
        draw: Draw | None = None
        seen: dict[str, Seen] = {}
        if mask_head is not None:
            raw, features = self.runtime.run_with_features(letterbox(image))
            draw = partial(mask_head.draw, raw=raw, features=features, letterbox=letterbox)
            if image_size in (None, self.image_size):
                seen[Seen.NAME] = Seen(mask_head.network.trunk, features, letterbox)
        else:
            raw = self.runtime.run(letterbox(image))
        found = postprocess(
            raw,
            letterbox,
            score=score,
            iou=iou,
            max_masks=max_masks,
            score_rule=self.score_rule,
            crop_rule=self.crop_rule,
            mask_rule=self.mask_rule,
            drawn=drawn,
            draw=draw,
        )
        found = replace(found, image=image, features=seen)
        if refine == "all":
            return refine_all(self.refiner, found, iou, report)
        return snap_all(found) if snap else found

    def select(
        self,
        found: MaskSet,
        prompt: Prompt | Sequence[Prompt],
        *,
        refine: Refine = "auto",
        zoom: bool = True,
        drawn: int = DRAWN,
    ) -> MaskSet:
        """The masks that answer one prompt, or each of several objects' prompts, best first for each.

        The result's ``prompt`` (M,) says which prompt a mask answers and ``rank`` (M,) is 0 for its best candidate. A
        prompt that nothing answers has no masks.

        refine: "auto" or "all" has the answers to points and boxes drawn anew at native pixels by a small network, also
            where no mask of ``found`` answers them; their scores are the IoU they are believed to have. It needs the
            picture, which sets made by a Segmenter carry. "off" chooses among the masks as they are, and with FastSAM's
            weights "auto" does so too.
        zoom: where no mask fits a point or a box and none is drawn anew, `look` closer there first. It needs the
            picture too. With "off" and without zoom nothing is run.
        drawn: of that look, as for the whole picture.

        Texts choose among the masks of ``found``. The first one with a noun labels them, see `label`; no later one runs
        anything.

        Raises PromptError if a prompt makes no sense on this picture, SettingsError for a keyword out of its range.
        """
        check_refine(refine)
        check_drawn(drawn)
        refine = self.auto_refine if refine == "auto" else refine
        prompts = as_list(prompt)
        described = self.label(found) if any(isinstance(each, Text) and each.has_nouns for each in prompts) else found
        picked = select(found, prompts, described)
        if found.image is None or all(isinstance(each, Text) for each in prompts):
            return picked  # there is nothing to draw on, or nothing that is drawn: texts choose among what is there
        if zoom and refine == "off":
            for index, each in enumerate(prompts):
                if (box := each.closer(found, picked[picked.prompt == index])) is not None:
                    found = self.look(found, box, drawn=drawn)
                    picked = select(found, prompts, described)
        return picked if refine == "off" else refine_answers(self.refiner, found, prompts, picked)

    def label(self, found: MaskSet) -> MaskSet:
        """``found`` with ``label_scores``, how much each mask looks like each label, see docs/words.md.

        It is computed once for a set, from what the network saw of the picture when it found the masks; where that is
        not known, of masks made otherwise or with weights of another trunk, the network runs once.

        Raises PromptError if ``found`` has neither that nor its picture.
        """
        if found.label_scores is not None:
            return found
        labelled: MaskSet | None = found.computed.get(LABELLED)
        if labelled is None:
            scores = self.classifier.label_scores(found.rles, self._seen(found))
            labelled = found.computed.setdefault(LABELLED, replace(found, label_scores=scores))
        return labelled

    def _seen(self, found: MaskSet) -> Seen:
        """What the classifier's trunk saw of a picture."""
        trunk = self.classifier.network.trunk
        seen = found.features.get(Seen.NAME)
        if isinstance(seen, Seen) and seen.trunk == trunk and seen.is_of(found.size):
            return seen
        if found.image is None:
            raise PromptError(
                "text: expected masks with their picture or label scores to find a thing by its name, got neither: "
                "pass what the Segmenter returned, or dataclasses.replace(found, image=picture)"
            )
        letterbox = Letterbox.fit(*found.size, IMAGE_SIZE)
        seen = Seen(trunk, self._labeller.features(letterbox(found.image)), letterbox)
        if isinstance(found.features, dict):
            found.features[Seen.NAME] = seen
        return seen

    def look(
        self,
        found: MaskSet,
        box: Sequence[float],
        *,
        image_size: int | None = None,
        score: float = 0.0,
        iou: float = 0.7,
        max_masks: int = 1000,
        drawn: int = DRAWN,
        snap: bool = False,
    ) -> MaskSet:
        """``found``, and what a closer look at one region adds: the network runs once more, on that region alone.

        Masks of ``found`` keep their indices, those that the look finds anew follow them, see `anymask.graft.graft`; so
        the result is not sorted by score. Looking twice changes nothing. A look at the whole picture is one too.

        found: masks with their picture, as this Segmenter makes them.
        box: x1, y1, x2, y2 in source pixels; every pixel it touches is looked at, as far as it is inside the picture.
        image_size: network pixels along the region's longest side, a multiple of 32 from 32 to 4096; when None, as many
            as it has source pixels, but see `anymask.graft.look_size`.
        score, iou, max_masks, drawn, snap: of the masks of the region, as for the whole picture.

        Raises ImageError if ``found`` has no picture, PromptError for a box that holds nothing of it, SettingsError for
        a keyword out of its range.
        """
        if found.image is None:
            raise ImageError(
                "found: expected masks with their picture to look at, got none: pass what the Segmenter returned, or "
                "dataclasses.replace(found, image=picture)"
            )
        x1, y1, x2, y2 = region = region_of(Box(box).box, found.size)
        size = look_size(region, found.size, self.image_size) if image_size is None else image_size
        crop = found.image[y1:y2, x1:x2]
        seen = self(
            crop,
            image_size=size,
            score=score,
            iou=iou,
            max_masks=max_masks,
            max_pixels=crop.size,
            drawn=drawn,
            snap=snap,
        )
        return graft(found, place(seen, region, found.size), region)

    @property
    def mask_head(self) -> MaskHead | None:
        """What draws the likeliest masks; None where the weights' trunk is not the one it knows."""
        with self._opening:
            return self._mask_head

    @cached_property
    def _mask_head(self) -> MaskHead | None:
        trunk = self.runtime.metadata.get(TRUNK)
        if trunk is None and self._mask_head_file is None:
            return None
        mask_head = MaskHead(OnnxMaskHead(self.mask_head_file, self.threads))
        if mask_head.network.trunk == trunk:
            return mask_head
        if self._mask_head_file is None:
            return None
        raise WeightsError(
            f"{self._mask_head_file}: expected a mask head that reads the trunk {trunk!r} of {self.weights}, got one "
            f"of {mask_head.network.trunk!r}: give one that was trained over it"
        )

    @property
    def mask_head_file(self) -> Path:
        """The weights of the mask head, whether it is used or not."""
        return mask_head_weights() if self._mask_head_file is None else self._mask_head_file

    @property
    def classifier(self) -> Classifier:
        """What knows of masks how they are called; opened when it is first used."""
        with self._opening:
            return self._classifier

    @cached_property
    def _classifier(self) -> Classifier:
        return Classifier(OnnxClassifier(classifier_weights(), self.threads))

    @cached_property
    def _labeller(self) -> Runtime:
        """What runs the trunk that the classifier knows."""
        if self.runtime.metadata.get(TRUNK) == self.classifier.network.trunk:
            return self.runtime
        return open_runtime(default_weights(), self.threads)

    @property
    def refiner(self) -> Refiner:
        """What draws masks at native pixels; opened when it is first used."""
        with self._opening:
            return self._refiner

    @cached_property
    def _refiner(self) -> Refiner:
        return Refiner(self.runtime, self.threads)

    def weights_hash(self) -> str:
        """SHA-256 of the weights file, 64 hex digits; of an .xml file and its .bin together."""
        return weights_hash(self.weights)


def check_drawn(drawn: int) -> None:
    """Raise SettingsError for what is no count."""
    if isinstance(drawn, bool | float) or drawn < 0:
        raise SettingsError(f"drawn must be a whole number from 0 up, but got {drawn!r}")


def check_refine(refine: str) -> None:
    """Raise SettingsError for a word that is none of `Refine`."""
    if refine not in get_args(Refine):
        raise SettingsError(f"refine must be one of {', '.join(get_args(Refine))}, but got {refine!r}")
