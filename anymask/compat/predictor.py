"""`SamPredictor`: SAM's clicks and boxes, answered by a choice among the masks that were found at once."""

from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anymask import rle
from anymask.compat import logits
from anymask.compat.modeling import Sam
from anymask.errors import AnymaskError, PromptError, SettingsError
from anymask.maskset import MaskSet
from anymask.prompts import Box, Point
from anymask.prompts.point import to_marks
from anymask.segment import Segmenter

MULTIMASK = 3  # answers to one prompt
PADDING = -1  # label of what is no point, which SAM's programs add to make batches

Answer = tuple[NDArray[Any], NDArray[np.float32], NDArray[np.float32]]


class PredictorError(AnymaskError, RuntimeError):
    """No picture is set, or what was asked for exists in SAM and not here. SAM raises RuntimeError too."""


class SamPredictor:
    """Answers prompts on one picture at a time. Not for several threads at once, as in SAM.

    sam_model: what `sam_model_registry` builds, or a `Segmenter`.

    found: every mask of the picture that is set, None without one.
    original_size, input_size: (height, width) of the picture in source pixels and in SAM's input frame, None without.
    features: always None; see `get_image_embedding`.
    """

    def __init__(self, sam_model: Sam | Segmenter) -> None:
        self.model = Sam.of(sam_model)
        self.transform = self.model.transform()
        self.features = None
        self.found: MaskSet | None = None
        self.original_size: tuple[int, int] | None = None
        self.input_size: tuple[int, int] | None = None
        self.is_image_set = False

    @property
    def device(self) -> Any:
        """Of the model, see `Sam`."""
        return self.model.device

    def set_image(self, image: NDArray[np.uint8], image_format: str = "RGB") -> None:
        """Finds every mask of an (H, W, 3) uint8 picture: the one slow step.

        image_format: the order of its channels, "RGB" or "BGR".

        Raises SettingsError for another order, ImageError for what is no such picture.
        """
        if image_format not in ("RGB", "BGR"):
            raise SettingsError(f"image_format must be RGB or BGR, but got {image_format!r}")
        self.reset_image()
        self.found = self.model.find(image if image_format == self.model.image_format else image[..., ::-1])
        self.original_size = self.found.size
        self.input_size = self.transform.get_preprocess_shape(*self.found.size, self.transform.target_length)
        self.is_image_set = True

    def reset_image(self) -> None:
        """Forgets the picture."""
        self.found = self.original_size = self.input_size = None
        self.is_image_set = False

    def predict(
        self,
        point_coords: ArrayLike | None = None,
        point_labels: ArrayLike | None = None,
        box: ArrayLike | None = None,
        mask_input: NDArray[Any] | None = None,
        multimask_output: bool = True,
        return_logits: bool = False,
    ) -> Answer:
        """The masks of one object.

        point_coords: (N, 2) points (x, y) in source pixels, all of one object.
        point_labels: (N,) 1 for a point inside, 0 for one outside, -1 for what is to be passed over.
        box: (4,) or (1, 4) xyxy in source pixels. With points too, masks that fit the points are ranked by the box.
        mask_input: (1, 256, 256) logits of an earlier answer: of the masks that fit, those most like it are taken.
        multimask_output: 3 masks instead of the best one.
        return_logits: masks as float32 logits, -10 outside and 10 inside, instead of bool.

        Returns C masks (C, H, W) bool, their scores (C,) float32 in [0, 1] and low-resolution logits (C, 256, 256)
        float32, where C is 3 or 1. The best comes first and has the highest score. Where fewer masks fit, the last is
        repeated; where none does, masks are empty and score 0.

        Raises PredictorError without a picture, PromptError for a prompt that makes no sense, such as points that are
        all outside without a box, ShapeError for a mask_input of another shape.
        """
        found = self._found()
        points, labels = to_points(point_coords, point_labels)
        corners = None if box is None else to_corners(box)
        if not len(points) and corners is None and mask_input is None:
            raise PromptError("predict: expected points, a box or a mask_input, got none of them")
        fitting, scores = self._candidates(found, points, labels, corners)
        if mask_input is not None:
            likeness = rle.iou(fitting.rles, [logits.to_rle(np.asarray(mask_input), found.size)], *found.size)[:, 0]
            order = np.argsort(-likeness, kind="stable")
            fitting, scores = fitting[order], likeness[order].astype(np.float32)
        if multimask_output:
            chosen = np.minimum(np.arange(MULTIMASK), len(fitting) - 1)
        else:
            chosen = np.array([scores[:MULTIMASK].argmax() if len(fitting) else -1])
        if not len(fitting):
            fitting, scores = MaskSet.from_masks(np.zeros((1, *found.size), np.bool_)), np.zeros(1, np.float32)
        masks = fitting[chosen].masks
        low = np.stack([logits.from_mask(mask) for mask in masks])
        return logits.full(masks) if return_logits else masks, scores[chosen], low

    def predict_torch(
        self,
        point_coords: Any,
        point_labels: Any,
        boxes: Any = None,
        mask_input: Any = None,
        multimask_output: bool = True,
        return_logits: bool = False,
    ) -> tuple[Any, Any, Any]:
        """`predict` for B objects, with tensors of PyTorch.

        point_coords (B, N, 2) and boxes (B, 4) are in SAM's input frame, as `transform.apply_coords_torch` and
        `transform.apply_boxes_torch` give them; point_labels is (B, N), mask_input (B, 1, 256, 256).

        Returns masks (B, C, H, W), scores (B, C) and low-resolution logits (B, C, 256, 256) on the device of what was
        given.

        Raises what `predict` raises, and PromptError if no tensor is given.
        """
        size = self._found().size
        given = [each for each in (point_coords, boxes, mask_input) if each is not None]
        if not given or not hasattr(given[0], "new_tensor"):
            raise PromptError("predict_torch: expected tensors of PyTorch, got none; for arrays there is predict")
        points, labels, corners, former = (
            [None] * len(given[0]) if each is None else each.detach().cpu().numpy()
            for each in (point_coords, point_labels, boxes, mask_input)
        )
        answers = [
            self.predict(
                None if point is None else self.transform.revert_coords(point, size),
                label,
                None if box is None else self.transform.revert_coords(np.reshape(box, (2, 2)), size),
                mask,
                multimask_output,
                return_logits,
            )
            for point, label, box, mask in zip(points, labels, corners, former, strict=True)
        ]
        masks, scores, low = (np.stack(each) for each in zip(*answers, strict=True))
        floats = given[0].float()
        typed = floats if return_logits else floats.bool()
        return typed.new_tensor(masks), floats.new_tensor(scores), floats.new_tensor(low)

    def set_torch_image(self, transformed_image: Any, original_image_size: tuple[int, ...]) -> NoReturn:
        """Raises PredictorError: a picture that was scaled for SAM has lost the pixels the masks are made of here."""
        raise PredictorError("set_torch_image: anymask scales pictures itself; give the picture to set_image")

    def get_image_embedding(self) -> NoReturn:
        """Raises PredictorError: nothing here is decoded from an embedding."""
        raise PredictorError("get_image_embedding: anymask keeps masks and no embedding; see SamPredictor.found")

    def _found(self) -> MaskSet:
        if self.found is None:
            raise PredictorError("an image must be set with set_image before masks are predicted")
        return self.found

    def _candidates(
        self,
        found: MaskSet,
        points: list[list[float]],
        labels: list[int],
        corners: list[float] | None,
    ) -> tuple[MaskSet, NDArray[np.float32]]:
        """The masks that fit points and box, in the order of the answer, and how good each is, (N,) in [0, 1]."""
        if corners is not None:
            if points:
                hits = rle.contains(found.rles, np.array(points), *found.size)  # (P, N)
                found = found[(hits == np.array(labels, np.bool_)[:, None]).all(axis=0)]
            found = self.model.segmenter.select(found, Box(corners))
        elif points:
            found = self.model.segmenter.select(found, Point(points, labels))
        # Drawn masks have predicted IoUs, those behind them only scores: what comes first shall not be overtaken
        return found, np.minimum.accumulate(found.scores).astype(np.float32)


def to_points(coords: ArrayLike | None, labels: ArrayLike | None) -> tuple[list[list[float]], list[int]]:
    """Points and labels as lists, both empty for None or no points; PromptError where they do not go together."""
    if coords is None or np.size(np.asarray(coords)) == 0:
        return [], []
    if labels is None:
        raise PromptError("point_labels: expected one label for each point in point_coords, got None")
    points, marks = np.asarray(coords, np.float64), np.asarray(labels)
    if points.ndim != 2 or points.shape[1] != 2 or marks.shape != points.shape[:1]:
        raise PromptError(f"point_coords: expected (N, 2) with (N,) labels, got {points.shape} with {marks.shape}")
    points, marks = points[marks != PADDING], marks[marks != PADDING]
    return points.tolist(), list(to_marks(marks.tolist()))


def to_corners(box: ArrayLike) -> list[float]:
    """A box of any shape with four numbers as a list; PromptError for any other count."""
    corners: list[float] = np.asarray(box, np.float64).reshape(-1).tolist()
    if len(corners) != 4:
        raise PromptError(f"box: expected 4 numbers x1, y1, x2, y2, got {len(corners)}; predict takes one box")
    return corners
