"""Fit the cut of the logits and the snapping to edges on training photos; report borders on kept-out photos.

python scripts/fit_borders.py [--per-collection N] [--photos DIR] [--to docs/borders.md]

Every true mask is followed through one candidate: the one whose mask, cut at 0 and not snapped, has the highest IoU
with it, if that is .5 or more. So all figures are of the same objects and candidates, before and after. The network
runs once per photo. What stands below the mark in the file is replaced.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import anymask
from anymask import rle
from anymask.cli.places import PHOTOS, SPLIT
from anymask.datasets import LabelledPhoto, read_photos
from anymask.evaluate.prompted import border_ious, mask_ious
from anymask.evaluate.recall import of_size
from anymask.letterbox import Letterbox
from anymask.postprocess import Candidates, assemble, decode, suppress
from anymask.rules import CropRule, CutRule
from anymask.snap import SnapRule, snap

ROOT = Path(__file__).resolve().parent.parent
MARK = "<!-- figures, by scripts/fit_borders.py -->\n"
MATCHED = 0.5  # IoU from which a candidate stands for an object
MOST_LOSS = 0.5  # points of mean IoU that a photo may lose
WORTH = 0.1  # points that a way must gain by `Quality.value` on the training photos
SIZES = ("small", "medium", "large")
AT_ZERO = CutRule(0.0, 0.0)

LEVELS = (-1.0, -0.5, -0.25, -0.1, 0.1, 0.25, 0.5)
CUTS = [
    CutRule(small, large, scale)
    for small, large, scale in product((-0.2, -0.1, 0.0, 0.1), (-0.3, -0.1, -0.05, 0.0), (30.0, 300.0))
    if small != large or (scale == 30.0 and small != 0)  # equal levels: the scale makes no difference
]
SNAPS = [
    SnapRule(reach, stay, gain, least)
    for reach, stay, gain, least in product((1, 2), (0.5, 1.0), (0.0, 0.1, 0.2), (0, 2048, 4096))
]


@dataclass(frozen=True)
class Way:
    """One way to draw masks."""

    cut: CutRule = AT_ZERO
    snap: SnapRule | None = None

    def __str__(self) -> str:
        cut = f"cut at {self.cut.small:g}"
        if self.cut.small != self.cut.large:
            cut = f"cut {self.cut.small:g} to {self.cut.large:g} by {self.cut.scale:g}"
        if self.snap is None:
            return cut
        rule = self.snap
        return f"{cut}, snap reach {rule.reach} stay {rule.stay:g} gain {rule.gain:g} least {rule.least}"


@dataclass(frozen=True)
class Followed:
    """One photo, its G true masks that were found, and their (G,) candidates."""

    photo: LabelledPhoto
    image: NDArray[np.uint8]
    letterbox: Letterbox
    candidates: Candidates
    prototypes: NDArray[np.float32]
    truth: list[bytes]

    @property
    def size(self) -> tuple[int, int]:
        return self.photo.height, self.photo.width


@dataclass(frozen=True)
class Quality:
    """IoU and border IoU of all objects, in points, with the photo and the true area of each."""

    iou: NDArray[np.float64]
    border: NDArray[np.float64]
    photo: NDArray[np.int64]
    area: NDArray[np.int64]

    def by_size(self, size: str) -> tuple[float, float]:
        inside = of_size(self.area, size)
        return float(self.iou[inside].mean()), float(self.border[inside].mean())

    def value(self) -> float:
        """What the fit maximises: IoU and border IoU, every size counting alike."""
        return float(np.mean([self.by_size(size) for size in SIZES if of_size(self.area, size).any()]))

    def photo_gains(self, before: "Quality") -> NDArray[np.float64]:
        """The change of every photo's mean IoU."""
        return np.bincount(self.photo, self.iou - before.iou) / np.bincount(self.photo)


def spread(photos: Iterable[LabelledPhoto], number: int) -> list[LabelledPhoto]:
    """About so many photos of every collection, evenly over its files."""
    collections = defaultdict(list)
    for photo in photos:
        collections[photo.collection].append(photo)
    return [
        members[index]
        for members in collections.values()
        for index in np.unique(np.linspace(0, len(members) - 1, number + 2).astype(int)[1:-1])
    ]


def follow(segmenter: anymask.Segmenter, photo: LabelledPhoto, image_size: int) -> Followed | None:
    """The candidates that stand for the photo's objects; None where nothing was found."""
    image = photo.pixels()
    letterbox = Letterbox.fit(photo.height, photo.width, image_size)
    raw = segmenter.runtime.run(letterbox(image))
    candidates = suppress(decode(raw, letterbox), (photo.height, photo.width), 0.7, 1000)
    masks, _ = assemble(candidates, raw.prototypes[0], letterbox, CropRule(), AT_ZERO)
    truth = list(photo.layers[0])
    iou = rle.iou(truth, masks, photo.height, photo.width)
    found = np.flatnonzero(iou.max(axis=1, initial=0.0) >= MATCHED)
    if len(found) == 0:
        return None
    best = iou[found].argmax(axis=1)
    return Followed(photo, image, letterbox, candidates[best], raw.prototypes[0], [truth[index] for index in found])


def measure(followed: Sequence[Followed], way: Way) -> Quality:
    """Draw all masks one way and compare them with the true ones."""
    ious, borders = [], []
    for each in followed:
        masks, _ = assemble(each.candidates, each.prototypes, each.letterbox, CropRule(), way.cut)
        if way.snap is not None:
            masks = [snap(counts, each.image, way.snap) for counts in masks]
        ious.append(mask_ious(masks, each.truth, each.size))
        borders.append(border_ious(masks, each.truth, each.size))
    return Quality(
        iou=100 * np.concatenate(ious),
        border=100 * np.concatenate(borders),
        photo=np.repeat(np.arange(len(followed)), [len(each.truth) for each in followed]),
        area=np.concatenate([rle.areas(each.truth) for each in followed]),
    )


def fit(measured: Mapping[Way, Quality], before: Quality, so_far: Way) -> tuple[Way, Way]:
    """The best way, and the best that costs no photo more than it may lose; so_far unless that is worth it."""
    ranked = sorted(measured, key=lambda way: measured[way].value(), reverse=True)
    kept = next(way for way in ranked if way == so_far or measured[way].photo_gains(before).min() >= -MOST_LOSS)
    return ranked[0], kept if measured[kept].value() - measured[so_far].value() >= WORTH else so_far


def levels(before: Quality, measured: Mapping[Way, Quality]) -> list[str]:
    """IoU / border IoU by size."""
    lines = ["| objects | number | " + " | ".join(map(str, measured)) + " |", "|---" * (2 + len(measured)) + "|"]
    for size in ("all", *SIZES):
        figures = [f"{iou:.2f} / {border:.2f}" for iou, border in (each.by_size(size) for each in measured.values())]
        lines.append(" | ".join([f"| {size}", str(of_size(before.area, size).sum()), *figures]) + " |")
    return [*lines, ""]


def changes(before: Quality, measured: Mapping[Way, Quality]) -> list[str]:
    """What each way changes by size, and what it costs the photo that it costs most."""
    lines = [
        "| | all | small | medium | large | worst photo, IoU | photos below -.5 |",
        "|---|---|---|---|---|---|---|",
    ]
    for way, after in measured.items():
        cells = [str(way)]
        for size in ("all", *SIZES):
            (iou, border), (old_iou, old_border) = after.by_size(size), before.by_size(size)
            cells.append(f"{iou - old_iou:+.2f} / {border - old_border:+.2f}")
        gains = after.photo_gains(before)
        cells += [f"{gains.min():+.2f}", f"{(gains < -MOST_LOSS).sum()} of {len(gains)}"]
        lines.append("| " + " | ".join(cells) + " |")
    return [*lines, ""]


def report(train: Sequence[Followed], kept_out: Sequence[Followed]) -> str:
    """Fit on one side, show both."""
    start = Way()
    before = measure(train, start)
    cuts = {start: before} | {Way(rule): measure(train, Way(rule)) for rule in CUTS}
    best_cut, kept_cut = fit(cuts, before, start)
    snaps = {kept_cut: cuts[kept_cut]}
    snaps |= {way: measure(train, way) for way in (Way(kept_cut.cut, rule) for rule in SNAPS)}
    best_snap, kept_snap = fit(snaps, before, kept_cut)
    fitted = dict.fromkeys((start, best_cut, kept_cut, best_snap, kept_snap))

    lines = [f"Fitted: {kept_snap}. Without regard to the worst photo: {best_cut}; {best_snap}.", ""]
    for name, side in (("Kept-out photos", kept_out), ("Training photos", train)):
        measured = {way: measure(side, way) for way in fitted}
        base = measured.pop(start)
        lines += [f"## {name}: {len(side)} photos, {len(base.area)} objects", "", "IoU / border IoU, in points:", ""]
        lines += levels(base, {start: base} | measured)
        lines += ["What changes:", "", *changes(base, measured)]
    lines += ["## One level for masks of every size, training photos", ""]
    lines += changes(before, {way: measure(train, way) for way in (Way(CutRule(level, level)) for level in LEVELS)})
    lines += ["## Every snapping that was tried, training photos", "", *changes(before, snaps)]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, default=PHOTOS)
    parser.add_argument("--split", type=Path, default=ROOT / SPLIT)
    parser.add_argument("--per-collection", type=int, default=14)
    parser.add_argument("--image-size", type=int, default=640)
    parser.add_argument("--to", type=Path, default=ROOT / "docs" / "borders.md")
    given = parser.parse_args()
    segmenter = anymask.Segmenter(threads=1)
    sides = []
    for side in ("train", "kept_out"):
        photos = spread(read_photos(given.photos, given.split, side), given.per_collection)
        sides.append([each for photo in photos if (each := follow(segmenter, photo, given.image_size))])
    text = report(*sides)
    told = given.to.read_text(encoding="utf-8").partition(MARK)[0] if given.to.is_file() else ""
    given.to.write_text(told + MARK + "\n" + text, encoding="utf-8")


if __name__ == "__main__":
    main()
