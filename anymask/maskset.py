"""`MaskSet`: masks of one picture with their boxes and scores, as parallel arrays that never change."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anymask import rle
from anymask.errors import ShapeError, check_shape
from anymask.forest import Forest, read_only


@dataclass(frozen=True, eq=False, repr=False)
class MaskSet:
    """N masks of one picture, all in source pixels.

    Masks are held as run lengths and drawn when asked for. Indexing by a number, slice, bool array or int array gives a
    new `MaskSet`, so `found[found.scores > 0.5]` and `found[:10]` work and iterating gives sets of one. The arrays are
    read-only, and a `MaskSet` may be shared between threads.

    size: (height, width) of the picture.
    boxes: (N, 4) float32 xyxy.
    scores: (N,) float32 in [0, 1].
    rles: N compressed COCO counts, see `anymask.rle`.
    prompt: (N,) int64, which prompt each mask answers; None unless `select` made the set.
    rank: (N,) int64, 0 for a prompt's best mask, 1 for the next; None unless `select` made the set.
    image: the (height, width, 3) uint8 RGB picture, a read-only view of the array given and not a copy.
    features: what was computed once about the picture, by name. Parts of the set share it.
    label_scores: (N, L) float32 in [0, 1], how much each mask looks like each label, see docs/words.md; None
        where nobody asked. Parts of the set keep theirs.

    Raises ShapeError if the arrays do not fit together or hold values out of range.
    """

    size: tuple[int, int]
    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    rles: tuple[bytes, ...]
    prompt: NDArray[np.int64] | None = None
    rank: NDArray[np.int64] | None = None
    image: NDArray[np.uint8] | None = None
    features: Mapping[str, Any] = field(default_factory=dict)
    label_scores: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        height, width = (int(side) for side in self.size)
        if height < 1 or width < 1:
            raise ShapeError(f"size must be (height, width) of at least 1 x 1, but got {self.size}")
        n = len(self.rles)
        values: dict[str, Any] = {"size": (height, width), "rles": tuple(self.rles)}
        for name, dtype, shape in (
            ("boxes", np.float32, f"{n} 4"),
            ("scores", np.float32, f"{n}"),
            ("prompt", np.int64, f"{n}"),
            ("rank", np.int64, f"{n}"),
            ("label_scores", np.float32, f"{n} L"),
        ):
            if (value := getattr(self, name)) is not None:
                values[name] = read_only(np.array(value, dtype))
                check_shape(values[name], shape, f"{name} of {n} masks")
        if not np.isfinite(values["boxes"]).all():
            raise ShapeError("boxes must be finite, but some are not: drop them first")
        if not ((values["scores"] >= 0) & (values["scores"] <= 1)).all():
            raise ShapeError(f"scores must lie in [0, 1], but got {values['scores'].min()} to {values['scores'].max()}")
        if self.image is not None:
            check_shape(self.image, f"{height} {width} 3", "image")
            values["image"] = read_only(self.image.view())
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @classmethod
    def empty(cls, size: tuple[int, int], image: NDArray[np.uint8] | None = None) -> Self:
        """No masks, of a picture of (height, width)."""
        return cls(size, np.zeros((0, 4), np.float32), np.zeros(0, np.float32), (), image=image)

    @classmethod
    def from_masks(
        cls, masks: NDArray[Any], scores: ArrayLike | None = None, image: NDArray[np.uint8] | None = None
    ) -> Self:
        """A set of (N, height, width) masks, bool or 0 and 1; scores are (N,) in [0, 1], 1 where not given.

        Boxes are the masks' tight boxes.
        """
        masks = np.asarray(masks)
        check_shape(masks, "N H W", "masks")
        n, height, width = masks.shape
        rles = tuple(rle.encode_crop(mask.astype(np.bool_), 0, 0, height, width) for mask in masks)
        given = np.ones(n, np.float32) if scores is None else np.asarray(scores, np.float32)
        return cls((height, width), rle.boxes(rles, height, width), given, rles, image=image)

    @classmethod
    def concatenate(cls, sets: Sequence["MaskSet"]) -> Self:
        """The masks of several sets of one picture, in order, with the picture and the features of the first.

        prompt, rank and label_scores are kept if every set has them. Raises ShapeError without sets, or if their sizes
        differ.
        """
        if not sets:
            raise ShapeError(
                "concatenate needs at least one MaskSet to know the size of the picture: use MaskSet.empty"
            )
        first = sets[0]
        if any(one.size != first.size for one in sets):
            raise ShapeError(f"sets must be of one picture, but got the sizes {sorted({one.size for one in sets})}")
        return cls(
            first.size,
            np.concatenate([one.boxes for one in sets]),
            np.concatenate([one.scores for one in sets]),
            tuple(counts for one in sets for counts in one.rles),
            prompt=_joined([one.prompt for one in sets]),
            rank=_joined([one.rank for one in sets]),
            image=first.image,
            features=first.features,
            label_scores=_joined([one.label_scores for one in sets]),
        )

    @property
    def masks(self) -> NDArray[np.bool_]:
        """(N, height, width) bool, drawn anew each time: N * height * width bytes."""
        masks = np.zeros((len(self), *self.size), np.bool_)
        boxes = rle.boxes(self.rles, *self.size).astype(np.int64).tolist()
        for mask, counts, (x1, y1, x2, y2) in zip(masks, self.rles, boxes, strict=True):
            mask[y1:y2, x1:x2] = rle.decode_crop(counts, (x1, y1, x2, y2), self.size[0])
        return masks

    def mask(self, index: int) -> NDArray[np.bool_]:
        """(height, width) bool, one mask."""
        return rle.decode(self.rles[index], *self.size)

    @cached_property
    def areas(self) -> NDArray[np.int64]:
        """(N,) int64 pixels of each mask."""
        return read_only(rle.areas(self.rles))

    @property
    def parents(self) -> NDArray[np.int64]:
        """(N,) int64, the index in this set of the smallest larger mask that holds at least 0.8 of this one, or -1.

        Of two masks of equal area the one with the lower index counts as larger, so following parents always ends.
        """
        return self.forest.holders

    @cached_property
    def forest(self) -> Forest:
        """The masks as trees of wholes and parts, with duplicates merged; answers which masks lie at a pixel.

        Built when first asked for. Unlike `parents`, parents in the forest are never a mask's duplicate.
        """
        return Forest(self.rles, self.scores, self.areas, self.size)

    @property
    def computed(self) -> dict[str, Any]:
        """What was computed once about just these masks, by name; a part of the set begins anew."""
        kept: dict[str, Any] = self.__dict__.setdefault("_computed", {})  # one, whichever thread comes first
        return kept

    def __reduce__(self) -> tuple[type[Self], tuple[Any, ...]]:
        """Copies and pickles are made anew of the fields: what was computed of them is several times as much."""
        return type(self), tuple(getattr(self, each.name) for each in fields(self))

    def __len__(self) -> int:
        return len(self.rles)

    def __getitem__(self, index: int | slice | Sequence[int] | Sequence[bool] | NDArray[Any]) -> "MaskSet":
        chosen = self._indices(index)
        return replace(
            self,
            boxes=self.boxes[chosen],
            scores=self.scores[chosen],
            rles=tuple(self.rles[i] for i in chosen),
            prompt=None if self.prompt is None else self.prompt[chosen],
            rank=None if self.rank is None else self.rank[chosen],
            label_scores=None if self.label_scores is None else self.label_scores[chosen],
        )

    def __iter__(self) -> Iterator["MaskSet"]:
        return (self[index] for index in range(len(self)))

    def __eq__(self, other: object) -> bool:
        """Same masks, boxes, scores, prompts and ranks, of pictures of the same size; the picture is not compared."""
        if not isinstance(other, MaskSet):
            return NotImplemented
        return (self.size, self.rles) == (other.size, other.rles) and all(
            np.array_equal(getattr(self, name), getattr(other, name)) for name in ("boxes", "scores", "prompt", "rank")
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        height, width = self.size
        return f"MaskSet({len(self)} mask{'s' * (len(self) != 1)} of {height} x {width} pixels)"

    def _indices(self, index: Any) -> NDArray[np.int64]:
        chosen = np.asarray(index) if not isinstance(index, slice) else np.arange(len(self))[index]
        if chosen.dtype == np.bool_:
            check_shape(chosen, f"{len(self)}", f"a bool index of {len(self)} masks")
        elif chosen.size == 0:
            chosen = chosen.astype(np.int64)
        return np.arange(len(self))[chosen].reshape(-1)


def _joined(arrays: Sequence[NDArray[Any] | None]) -> NDArray[Any] | None:
    present = [array for array in arrays if array is not None]
    return np.concatenate(present) if len(present) == len(arrays) else None
