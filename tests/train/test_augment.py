from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import isqrt

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from anymask.datasets import LabelledPhoto
from anymask.errors import DatasetError
from anymask.train import augment
from anymask.train.augment import PADDING_GREY, Files, Tint, draw_tint, plan_canvas, plan_view, recolour
from anymask.train.settings import Settings

Paint = Callable[..., list[LabelledPhoto]]


@dataclass(frozen=True)
class Canvas:
    """One as NumPy arrays."""

    image: NDArray[np.uint8]
    masks: NDArray[np.bool_]
    unlabelled: NDArray[np.float32]
    lots: NDArray[np.float64] = field(default_factory=lambda: np.arange(9) / 10)

    def tensors(self) -> augment.Canvas:
        arrays = self.image, self.masks, self.unlabelled, self.lots[: len(self.masks)]
        return augment.Canvas(*map(torch.from_numpy, arrays))


def arrays_of(canvas: augment.Canvas) -> Canvas:
    return Canvas(canvas.image.numpy(), canvas.masks.numpy(), canvas.unlabelled.numpy(), canvas.lots.numpy())


def crop(photo: LabelledPhoto, side: int, settings: Settings, rng: np.random.Generator) -> Canvas:
    return arrays_of(augment.show(plan_view(photo, side, settings, rng), Files(), settings))


def make_canvas(photos: list[LabelledPhoto], side: int, settings: Settings, rng: np.random.Generator) -> Canvas:
    """A mosaic of these, and nothing pasted onto it."""
    settings = replace(settings, mosaics={isqrt(len(photos)): 1.0}, copy_paste=0.0, jitter=0.0)
    left = iter(photos)
    return arrays_of(augment.paint(plan_canvas(lambda rng: next(left), side, settings, rng), Files(), settings))


def paste(canvas: Canvas, other: Canvas, settings: Settings) -> Canvas:
    return arrays_of(augment.paste(canvas.tensors(), other.tensors(), settings))


def limit_objects(canvas: Canvas, settings: Settings) -> Canvas:
    return arrays_of(augment.limit_objects(canvas.tensors(), settings))


def rng_of(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def mismatch(canvas: Canvas) -> float:
    """Share of the pixels of a mask or its colour that are in one of them only; the worst mask of the canvas."""
    bright = [canvas.image[..., channel] > 127 for channel in range(3)]
    shares = [0.0]
    for mask in canvas.masks:
        colour = max(bright, key=lambda seen: int((seen & mask).sum()))
        # another object of that colour may be on the canvas, in another part of a mosaic
        near = np.zeros_like(mask)
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        near[max(0, rows[0] - 2) : rows[-1] + 3, max(0, columns[0] - 2) : columns[-1] + 3] = True
        shares.append(float(((colour & near) ^ mask).sum() / mask.sum()))
    return max(shares)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
@pytest.mark.parametrize(
    ("zoom", "allowed"),
    [
        ((1.5, 2.5), 0.01),  # enlarged: edges of picture and mask fall on the same pixels, but for rounded corners
        ((0.9, 1.1), 0.02),
        ((0.4, 0.6), 0.08),  # made small: a mask of 20 pixels' side and one pixel of its corner
    ],
)
def test_masks_lie_on_their_objects(
    paint: Paint, settings: Settings, suffix: str, zoom: tuple[float, float], allowed: float
) -> None:
    (photo,) = paint(suffix=suffix)
    settings = replace(settings, zoom=zoom, stretch=1.3)
    canvases = [crop(photo, 128, settings, rng_of(seed)) for seed in range(12)]
    assert sum(len(canvas.masks) for canvas in canvases) > 12
    assert max(mismatch(canvas) for canvas in canvases) <= allowed


def test_masks_lie_on_their_objects_in_a_mosaic(paint: Paint, settings: Settings) -> None:
    photos = paint(4)
    for seed in range(4):
        canvas = make_canvas(photos, 256, settings, rng_of(seed))
        assert len(canvas.masks) > 3
        assert mismatch(canvas) <= 0.04
        # no mask crosses from one photo into another
        parts = [slice(0, 128), slice(128, 256)]
        touched = [[canvas.masks[:, rows, columns].any((1, 2)) for columns in parts] for rows in parts]
        assert (np.array(touched, int).sum((0, 1)) == 1).all()


def test_a_mosaic_that_does_not_fill_its_canvas_is_padded(paint: Paint, settings: Settings) -> None:
    canvas = make_canvas(paint(9), 64, settings, rng_of(0))  # 3 x 3 cells of 21 pixels
    edge = np.ones((64, 64), bool)
    edge[:63, :63] = False
    assert (canvas.image[edge] == PADDING_GREY).all()
    assert (canvas.unlabelled[edge] == 1).all()
    assert not canvas.masks[:, edge].any()


def square(x: int, y: int, side: int) -> NDArray[np.bool_]:
    mask = np.zeros((8, 8), bool)
    mask[y : y + side, x : x + side] = True
    return mask


def test_what_is_pasted_lies_above(settings: Settings) -> None:
    below = [square(0, 0, 4), square(4, 4, 4), square(2, 2, 4)]  # 7, 12 and 0 of 16 pixels are left
    below_image = np.zeros((8, 8, 3), np.uint8)
    above = [square(1, 1, 5), square(2, 2, 4)]  # a whole and its part
    other = Canvas(np.full((8, 8, 3), 200, np.uint8), np.stack(above), np.full((8, 8), 0.6, np.float32))
    pasted = paste(canvas_of(below_image, np.stack(below)), other, replace(settings, pasted=1.0))
    cover = above[0]
    assert (pasted.image == np.where(cover, 200, 0)[:, :, None]).all()
    assert [mask.sum() for mask in pasted.masks] == [12, 25, 16]  # 7 are too few; the whole and its part
    assert (pasted.unlabelled[~cover] == np.where(below[0], 0.0, 1.0)[~cover]).all()
    assert (pasted.unlabelled[cover] == np.float32(0.6)).all()


def test_nothing_is_pasted_of_a_canvas_without_objects(settings: Settings) -> None:
    canvas = canvas_of(np.zeros((8, 8, 3), np.uint8), square(0, 0, 4)[None])
    empty = canvas_of(np.full((8, 8, 3), 9, np.uint8), np.zeros((0, 8, 8), bool))
    pasted = paste(canvas, empty, settings)
    for name in ("image", "masks", "unlabelled"):
        assert np.array_equal(getattr(pasted, name), getattr(canvas, name)), name


def test_pasted_masks_lie_on_their_objects(paint: Paint, settings: Settings) -> None:
    (photo,) = paint()
    for seed in range(8):
        rng = rng_of(seed)
        canvas, other = (crop(photo, 128, replace(settings, zoom=(0.9, 1.1)), rng) for _ in range(2))
        pasted = paste(canvas, other, settings)
        for channel in range(3):  # every bright pixel is in a mask or counts for nothing, but for smoothed edges
            bright = (pasted.image[..., channel] > 250) & ~pasted.masks.any(0)
            assert (pasted.unlabelled[bright] == 0).mean() > 0.9 if bright.sum() > 20 else True


def test_some_canvases_are_mirrored(paint: Paint, settings: Settings) -> None:
    (photo,) = paint()

    def red_is_left_of_blue(canvas: Canvas) -> bool:
        red, blue = (np.flatnonzero((canvas.image[..., channel] > 127).any(0)).mean() for channel in (0, 2))
        return bool(red < blue)

    sides = {
        red_is_left_of_blue(crop(photo, 64, replace(settings, zoom=(0.8, 0.9)), rng_of(seed))) for seed in range(12)
    }
    assert sides == {True, False}


@pytest.mark.parametrize(("labelled", "weight"), [("all", 1.0), ("most", 0.6), ("some", 0.0)])
def test_padding_is_grey_and_punished(paint: Paint, settings: Settings, labelled: str, weight: float) -> None:
    (photo,) = paint(labelled=labelled)
    for seed in range(6):
        canvas = crop(photo, 64, replace(settings, zoom=(0.5, 0.6)), rng_of(seed))
        padding = (canvas.image == PADDING_GREY).all(2)  # the picture has no grey
        assert 0.5 < padding.mean() < 0.9  # 4:3 pictures at half the side
        assert not canvas.masks[:, padding].any()
        assert (canvas.unlabelled[padding] == 1).all()
        assert (canvas.unlabelled[~padding] == np.float32(weight)).all()


def test_scraps_of_a_cropped_object_are_ignored(paint: Paint, settings: Settings) -> None:
    (photo,) = paint()
    seen = 0
    for seed in range(30):
        canvas = crop(photo, 64, replace(settings, zoom=(2.0, 2.0), min_visible=0.5, stretch=1.0), rng_of(seed))
        bright = (canvas.image > 250).any(2)
        scraps = bright & ~canvas.masks.any(0)
        seen += bool(scraps.any())
        assert (canvas.unlabelled[scraps] == 0).all()
        assert (canvas.unlabelled[~bright & (canvas.image < 5).all(2)] == 1).all()  # background stays background
        full = photo.masks().sum((1, 2)) * (128 / 120) ** 2
        assert all(mask.sum() >= 0.5 * full.min() * 0.9 for mask in canvas.masks)
    assert seen > 5


def test_one_annotator_at_a_time(paint: Paint, settings: Settings) -> None:
    (photo,) = paint(collection="bsds", annotators=2)  # the second leaves one object out
    assert [len(layer) for layer in photo.layers] == [3, 2]
    whole = replace(settings, zoom=(0.9, 0.9))
    counts = {len(crop(photo, 128, whole, rng_of(seed)).masks) for seed in range(12)}
    assert counts == {3, 2}


def test_crowds_are_ignored(paint: Paint, settings: Settings) -> None:
    (photo,) = paint()
    red, green, blue = photo.layers[0]
    crowded = replace(photo, layers=((red, blue),), labels=((None, None),), ignored=(green,))
    for seed in range(6):
        canvas = crop(crowded, 64, replace(settings, zoom=(1.0, 1.0)), rng_of(seed))
        crowd = canvas.image[..., 1] > 250
        assert crowd.any()
        assert not canvas.masks[:, crowd].any()  # not asked for
        assert (canvas.unlabelled[crowd] == 0).all()  # and not punished
        assert (canvas.unlabelled[(canvas.image < 5).all(2)] == 1).all()  # background stays background


def test_a_photo_narrower_than_a_canvas_pixel_is_all_padding(paint: Paint, settings: Settings) -> None:
    (photo,) = paint(height=90, width=120)
    ribbon = replace(photo, path=photo.path.with_name("ribbon.png"), height=1, width=1000, layers=((),))
    Image.new("RGB", (1000, 1)).save(ribbon.path)
    for seed in range(5):
        canvas = crop(ribbon, 64, settings, rng_of(seed))
        assert canvas.masks.shape == (0, 64, 64)
        assert (canvas.image == PADDING_GREY).mean() > 0.9


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.unlink(), "there is no such file"),
        (lambda path: path.write_bytes(b"no picture"), "is not a picture"),
        (lambda path: Image.new("RGB", (90, 120)).save(path), "got one of 90 x 120"),  # turned since it was labelled
    ],
)
def test_a_photo_that_is_not_as_labelled_is_named(
    paint: Paint, settings: Settings, spoil: Callable[..., None], said: str
) -> None:
    (photo,) = paint()
    spoil(photo.path)
    with pytest.raises(DatasetError, match=said) as caught:
        crop(photo, 64, settings, rng_of(0))
    assert str(caught.value).startswith(f"{photo.path}: expected a picture of 120 x 90 pixels")


def canvas_of(image: NDArray[np.uint8], masks: NDArray[np.bool_]) -> Canvas:
    return Canvas(image, masks, np.ones(masks.shape[1:], np.float32))


def test_recolour_is_bounded() -> None:
    image = rng_of(0).integers(80, 120, (32, 32, 3)).astype(np.uint8)
    pixels = torch.from_numpy(image)
    means = [float(recolour(pixels, draw_tint(0.3, rng_of(seed))).float().mean()) / image.mean() for seed in range(8)]
    assert 0.69 < min(means) < 0.95
    assert 1.05 < max(means) < 1.31
    assert recolour(pixels, Tint(1, 1, 1)).equal(pixels)


def test_objects_beyond_the_limit_are_ignored_not_punished(settings: Settings) -> None:
    masks = np.zeros((5, 8, 8), bool)
    for index in range(5):
        masks[index, index] = True  # a row each
    canvas = canvas_of(np.zeros((8, 8, 3), np.uint8), masks)
    limited = limit_objects(canvas, replace(settings, max_objects=2))
    assert len(limited.masks) == 2
    kept = limited.masks.any(0)
    assert limited.unlabelled.tolist() == np.where(masks.any(0) & ~kept, 0.0, 1.0).tolist()
    assert canvas.unlabelled.all()  # the one that came in is as it was
    assert len(limit_objects(canvas, replace(settings, max_objects=5)).masks) == 5
