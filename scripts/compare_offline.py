"""Our masks beside what anyone could run offline today, on the same kept-out photos, in one run.

    pip install '.[evaluate]' opencv-python-headless
    python scripts/compare_offline.py PHOTOS [--collections NAME,...] [--limit N] [--asked N] [--to FILE]

- scikit-image's Felzenszwalb (Felzenszwalb and Huttenlocher 2004) at six scales: every region is a proposal, the
  largest first, for there is no score.
- OpenCV's GrabCut (Rother et al. 2004), five iterations from the object's tight box.

PHOTOS holds the labelled photographs. Figures are those of `anymask evaluate`: mask AR and the IoU of the answer to
a box, with 95 % bootstrap intervals over photos.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.segmentation import felzenszwalb

from anymask import Box, MaskSet, Segmenter, rle
from anymask.datasets import LabelledPhoto, first_of_each, read_photos, spread
from anymask.evaluate.prompted import box_answers, mask_ious
from anymask.evaluate.recall import recall_on_photo
from anymask.evaluate.run import Measured, summarise
from anymask.prompts import Prompt

ROOT = Path(__file__).resolve().parent.parent
SCALES = (25, 50, 100, 200, 400, 800)
LEAST_REGION = 20  # pixels
ITERATIONS = 5  # of GrabCut

Image = NDArray[np.uint8]


def regions(image: Image) -> MaskSet:
    """Every region of an (H, W, 3) picture at each scale, the largest first."""
    height, width, _ = image.shape
    rles: list[bytes] = []
    for scale in SCALES:
        labels = felzenszwalb(image, scale=scale, sigma=0.8, min_size=LEAST_REGION)
        rles += [rle.encode_crop(labels == label, 0, 0, height, width) for label in range(labels.max() + 1)]
    rles = sorted(set(rles), key=lambda counts: -int(rle.areas([counts])[0]))
    return MaskSet(
        (height, width), rle.boxes(rles, height, width), np.linspace(1, 0, len(rles), dtype=np.float32), tuple(rles)
    )


def cut_out(image: Image, prompt: Prompt) -> MaskSet:
    """What GrabCut takes for the foreground of a box."""
    if not isinstance(prompt, Box):
        raise TypeError(f"GrabCut is asked by boxes, got {prompt}")
    x1, y1, x2, y2 = (round(edge) for edge in prompt.box)
    labels = np.zeros(image.shape[:2], np.uint8)
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))  # what it learns of their colours
    box = (x1, y1, x2 - x1, y2 - y1)
    try:
        cv2.grabCut(image, labels, box, background, foreground, ITERATIONS, cv2.GC_INIT_WITH_RECT)
        mask = (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)
    except cv2.error:  # a box that is the whole picture leaves no background to learn from
        mask = np.zeros(image.shape[:2], np.bool_)
        mask[y1:y2, x1:x2] = True
    return MaskSet.from_masks(mask[None])


@dataclass
class Contender:
    """One program: its proposals, or its answers to prompts, and the seconds that either took."""

    propose: Callable[[Image], MaskSet] | None
    answer: Callable[[Image, MaskSet, Prompt], MaskSet] | None
    measured: list[Measured] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=lambda: {"proposals": 0.0, "boxes": 0.0})

    def run(self, photo: LabelledPhoto, image: Image, asked: int) -> None:
        truth = list(photo.layers[0])
        size = photo.height, photo.width
        began = time.perf_counter()
        found = self.propose(image) if self.propose is not None else MaskSet.empty(size, image)
        proposed = time.perf_counter()
        recalled = recall_on_photo(rle.iou(found.rles, truth, *size), rle.areas(truth))
        some = list(spread(truth, asked))
        ious = np.zeros(len(some))
        self.seconds["proposals"] += proposed - began
        if self.answer is not None:
            began = time.perf_counter()
            answers = box_answers(partial(self.answer, image, found), some, size)
            self.seconds["boxes"] += time.perf_counter() - began
            ious = mask_ious(answers, some, size)
        self.measured.append(Measured(photo.collection, recalled, recalled, rle.areas(some), ious, ious))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--collections", default="coco,voc")
    parser.add_argument("--limit", type=int, default=None, help="only the first so many photos of each collection")
    parser.add_argument("--asked", type=int, default=6, help="boxes of at most so many objects a photo")
    parser.add_argument("--to", type=Path, default=None, help="write all figures as JSON")
    given = parser.parse_args()
    collections = frozenset(given.collections.split(","))
    kept_out = read_photos(given.photos, ROOT / "data" / "photos_split.csv", "kept_out", collections)
    photos = first_of_each(kept_out, given.limit)
    segmenter = Segmenter()
    contenders = {
        "anymask": Contender(segmenter, lambda image, found, prompt: segmenter.select(found, prompt)),
        "Felzenszwalb at six scales": Contender(regions, None),
        "GrabCut": Contender(None, lambda image, found, prompt: cut_out(image, prompt)),
    }
    for number, photo in enumerate(photos, 1):
        image = photo.pixels()
        for contender in contenders.values():
            contender.run(photo, image, given.asked)
        if number % 20 == 0:
            print(f"{number} of {len(photos)} photos", flush=True)
    print("| | AR@100 | AR@1000 | box IoU | proposals, s a photo | boxes, s each |\n|---|---|---|---|---|---|")
    report = {}
    for name, contender in contenders.items():
        report[name] = figures = summarise(contender.measured)["all"]
        asked = sum(len(each.areas) for each in contender.measured)
        cells = [figures["ar"]["all"]["100"], figures["ar"]["all"]["1000"], figures["box"]["all"]]
        shown = [f"{cell['value']:.3f} ({cell['low']:.3f} to {cell['high']:.3f})" for cell in cells]
        if contender.propose is None:
            shown[:2] = "-", "-"
        if contender.answer is None:
            shown[2] = "-"
        times = contender.seconds["proposals"] / len(photos), contender.seconds["boxes"] / asked
        print(f"| {name} | {' | '.join(shown)} | {' | '.join(f'{each:.2f}' for each in times)} |")
    if given.to is not None:
        given.to.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
