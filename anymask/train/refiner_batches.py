"""What the refiner learns from: windows of labelled photos, prompts as a user would give them, the mask meant."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from anymask import rle
from anymask.datasets import LabelledPhoto, PhotoEntry
from anymask.errors import DatasetError
from anymask.evaluate.prompted import depth
from anymask.refine.hints import draw_box, draw_points
from anymask.refine.window import Window
from anymask.train.augment import draw_tint, recolour
from anymask.train.refiner_settings import RefinerSettings
from anymask.train.sampling import PhotoSampler

# For each photo, for each annotator, for each true mask: masks a detector drew that are about it, as RLEs
Drawn = Mapping[Path, Sequence[Sequence[Sequence[bytes]]]]

LEAST_AREA = 24  # source pixels; smaller labels are scraps
MOST_EMPTY = 1000  # photos drawn for a batch, of which none may have an object


class RefinerBatch(NamedTuple):
    """B windows of side S."""

    pixels: Tensor  # (B, 3, S, S) uint8 RGB
    prompts: Tensor  # (B, 4, S, S) float32, see ``Refiner.forward``
    truth: Tensor  # (B, S, S) float32: share of each cell inside the mask that is meant
    counts: Tensor  # (B, S, S) float32: 1 on the picture, 0 beyond it
    doubtful: Tensor  # (B,) bool: a single click, which may mean several things


class Sample(NamedTuple):
    """One window, as arrays; see ``RefinerBatch``."""

    pixels: NDArray[np.uint8]  # (S, S, 3)
    prompts: NDArray[np.float32]
    truth: NDArray[np.float32]
    counts: NDArray[np.float32]
    doubtful: bool


class RefinerBatches(Dataset[RefinerBatch]):
    """``batches[step]`` is the batch of that step, a pure function of seed and step.

    Raises:
        SettingsError: there is no photo.
        DatasetError: on drawing a batch, a photo cannot be read, or no photo has an object.
    """

    def __init__(self, photos: Sequence[PhotoEntry], settings: RefinerSettings, drawn: Drawn | None = None) -> None:
        self.settings = settings
        self.drawn = drawn or {}
        self._draw = PhotoSampler(photos, settings.sampling)
        self.photos = self._draw.count  # how many there are to draw

    def __len__(self) -> int:
        return 2**31

    def __getitem__(self, step: int) -> RefinerBatch:
        rng = np.random.default_rng((self.settings.seed, step))
        samples: list[Sample] = []
        drawn = 0
        while len(samples) < self.settings.windows:
            samples += self._of_photo(self._draw(rng), rng)
            drawn += 1
            if not samples and drawn == MOST_EMPTY:
                raise DatasetError(
                    f"expected photos with objects of {LEAST_AREA} pixels or more, got none in {drawn} of them; "
                    "look at them with: anymask data"
                )
        pixels, prompts, truth, counts, doubtful = zip(*samples[: self.settings.windows], strict=True)
        return RefinerBatch(
            torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).contiguous(),
            torch.from_numpy(np.stack(prompts)),
            torch.from_numpy(np.stack(truth)),
            torch.from_numpy(np.stack(counts)),
            torch.tensor(doubtful),
        )

    def _of_photo(self, photo: LabelledPhoto, rng: np.random.Generator) -> list[Sample]:
        layer = int(rng.integers(len(photo.layers)))
        areas = rle.areas(photo.layers[layer])
        large = np.flatnonzero(areas >= LEAST_AREA)
        if len(large) == 0:
            return []
        image = photo.pixels()
        detected = self.drawn.get(photo.path)
        samples = []
        for index in rng.choice(large, min(self.settings.objects, len(large)), replace=False):
            truth = rle.decode(photo.layers[layer][index], photo.height, photo.width)
            masks = detected[layer][int(index)] if detected is not None else ()
            chosen = rle.decode(masks[int(rng.integers(len(masks)))], photo.height, photo.width) if len(masks) else None
            samples.append(make_sample(image, truth, chosen, self.settings, rng))
        return samples


def make_sample(
    image: NDArray[np.uint8],
    truth: NDArray[np.bool_],
    drawn: NDArray[np.bool_] | None,
    settings: RefinerSettings,
    rng: np.random.Generator,
) -> Sample:
    """A window about one object, and a prompt for it.

    image: (H, W, 3). truth: (H, W), not empty. drawn: (H, W), what a detector drew for it; made from the truth if None.
    """
    height, width = truth.shape
    box = tight_box(truth)
    size = box[2:] - box[:2]
    kinds, chances = zip(*settings.kinds.items(), strict=True)
    kind = rng.choice(kinds, p=np.array(chances) / sum(chances))
    before: NDArray[np.bool_] | None = None
    if kind == "mask" or (kind == "box" and rng.random() < settings.box_and_mask):
        before = drawn if drawn is not None and rng.random() < 0.85 else spoil(truth, box, rng)
        if not before.any():
            before = None
            kind = "box"
    shown_box = None
    if kind == "box":
        noise = rng.normal(0, settings.box_jitter, 4).clip(-0.15, 0.15) * (rng.random() >= settings.exact_box)
        shown_box = box + noise * np.tile(size, 2)
        focus = shown_box
    elif kind == "mask" and before is not None:
        focus = tight_box(before)
    else:
        focus = box
    low, high = np.log(settings.click_context if kind == "click" else settings.context)
    context = float(np.exp(rng.uniform(low, high)))
    if kind == "click":
        point = click(truth, rng)  # such a window is around the click
        half = np.full(2, size.max() / 2)
        focus = np.concatenate((point - half, point + half))
    window = Window.around(focus, height, width, context)
    on_window = window.inside(height, width)
    share = window.share(truth[on_window], height, width)
    seen = share > 0.5
    if not seen.any():  # too thin for the cells
        seen = share >= share.max()

    prompts = np.zeros((4, *share.shape), np.float32)
    if shown_box is not None:
        prompts[0] = draw_box(window.to_cells(shown_box.reshape(2, 2)).ravel())
    if kind == "click" or (kind == "mask" and rng.random() < settings.mask_and_click):
        prompts[1] = draw_points(click(seen, rng)[None])
    if before is not None:
        prompts[3] = 2 * window.share(before[on_window], height, width) - 1
    counts = window.share(np.ones_like(truth[on_window]), height, width)
    pixels = recolour(torch.tensor(window.pixels(image)), draw_tint(settings.jitter, rng)).numpy()
    if rng.random() < 0.5:
        pixels, prompts, share, counts = pixels[:, ::-1], prompts[..., ::-1], share[:, ::-1], counts[:, ::-1]
    return Sample(
        np.ascontiguousarray(pixels),
        np.ascontiguousarray(prompts),
        np.ascontiguousarray(share),
        np.ascontiguousarray(counts),
        kind == "click",
    )


def tight_box(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(4,) xyxy of a mask that is not empty, in pixels."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], float)


def click(mask: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.float64]:
    """(2,) x, y of a pixel's centre inside a mask that is not empty: mostly deep inside, at times anywhere."""
    rows, columns = np.nonzero(mask)
    if (style := rng.random()) < 0.25:
        chosen = int(rng.integers(len(rows)))
    else:
        depths = depth(mask)[rows, columns] ** 2
        chosen = int(depths.argmax()) if style < 0.5 else int(rng.choice(len(rows), p=depths / depths.sum()))
    return np.array([columns[chosen] + 0.5, rows[chosen] + 0.5])


def spoil(mask: NDArray[np.bool_], box: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.bool_]:
    """What a bad detector might have drawn: cut off by a wrong box, with ragged borders, or bloated."""
    height, width = mask.shape
    size = box[2:] - box[:2]
    # Ragged: the mask blurred on a coarse grid with noise, and cut again
    cell = max(2, int(size.max() * rng.uniform(0.02, 0.12)))
    coarse = Image.fromarray(mask.astype(np.float32)).resize(
        (max(1, width // cell), max(1, height // cell)), Image.Resampling.BOX
    )
    noisy = np.asarray(coarse) + rng.normal(0, 0.15, coarse.size[::-1]).astype(np.float32)
    ragged = np.asarray(Image.fromarray(noisy).resize((width, height), Image.Resampling.BICUBIC))
    spoilt = ragged > rng.uniform(0.3, 0.7)
    edges = box + rng.normal(0.02, 0.1, 4) * np.array([1, 1, -1, -1]) * np.tile(size, 2)
    margin = 0.1 * size
    x1, y1 = np.maximum(edges[:2] - margin, 0).astype(int)
    x2, y2 = np.ceil(edges[2:] + margin).astype(int)
    cut = np.zeros_like(spoilt)
    cut[y1:y2, x1:x2] = spoilt[y1:y2, x1:x2]
    return cut
