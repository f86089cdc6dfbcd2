"""Our masks beside what anyone could run offline today, on the same kept-out photos, in one run.

    pip install '.[evaluate]' opencv-python-headless
    npm pack @imgly/background-removal-data@1.4.5 && tar xzf imgly-background-removal-data-1.4.5.tgz
    python scripts/compare_offline.py PHOTOS [--collections NAME,...] [--limit N] [--asked N] [--isnet package/dist]
        [--to FILE]

- scikit-image's Felzenszwalb (Felzenszwalb and Huttenlocher 2004) at six scales: every region is a proposal, the
  largest first, for there is no score.
- OpenCV's GrabCut (Rother et al. 2004), five iterations from the object's tight box.
- ISNet (arXiv 2203.03041), which cuts out the main object of a picture without being asked, from the npm package above:
  the model itself is MIT, the package AGPL. Compared on photos of which one labelled object covers at least a tenth and
  is five times as large as any other, with our likeliest mask of at least a tenth, and with our answer to one click.

PHOTOS holds the labelled photographs. Figures are those of `anymask evaluate`: mask AR and the IoU of the answer to
a box, with 95 % bootstrap intervals over photos.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np
import onnxruntime
import PIL.Image
from numpy.typing import NDArray
from skimage.segmentation import felzenszwalb

from anymask import Box, MaskSet, Segmenter, rle
from anymask.datasets import LabelledPhoto, first_of_each, read_photos, spread
from anymask.evaluate.bootstrap import percentiles, quotients
from anymask.evaluate.prompted import box_answers, click_answers, mask_ious
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


@dataclass(frozen=True)
class Isnet:
    """ISNet from the unpacked npm package: its files are cut into pieces that ``resources.json`` lists."""

    session: onnxruntime.InferenceSession

    @classmethod
    def from_package(cls, folder: Path) -> Self:
        pieces = json.loads((folder / "resources.json").read_text(encoding="utf-8"))["/models/medium"]["chunks"]
        content = b"".join((folder / piece["hash"]).read_bytes() for piece in pieces)
        return cls(onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"]))

    def __call__(self, image: Image) -> NDArray[np.bool_]:
        """(H, W) mask of the main object of an (H, W, 3) picture."""
        height, width, _ = image.shape
        square = np.asarray(PIL.Image.fromarray(image).resize((1024, 1024), PIL.Image.Resampling.BILINEAR))
        values = (square.transpose(2, 0, 1)[None].astype(np.float32) - 128) / 256
        (chances,) = self.session.run(["output"], {"input": values})
        whole = PIL.Image.fromarray(np.ascontiguousarray(chances[0, 0], np.float32))
        return np.asarray(whole.resize((width, height), PIL.Image.Resampling.BILINEAR)) > 0.5


MAIN = 0.1  # of the picture: what the main object covers at least
ALONE = 5  # times as large as any other labelled object


def main_object(photo: LabelledPhoto) -> bytes | None:
    """The labelled object that a picture is of, if there is one."""
    areas = rle.areas(list(photo.layers[0]))
    order = np.argsort(-areas)
    if not len(areas) or areas[order[0]] < MAIN * photo.height * photo.width:
        return None
    if len(areas) > 1 and areas[order[0]] < ALONE * areas[order[1]]:
        return None
    return photo.layers[0][int(order[0])]


def compare_main_objects(
    photos: Sequence[LabelledPhoto], segmenter: Segmenter, isnet: Isnet
) -> dict[str, dict[str, float]]:
    """The mean IoU with the main object, also printed with the seconds a photo."""
    isnet(photos[0].pixels())  # the first run is slower
    ious: dict[str, list[float]] = {"ISNet": [], "anymask, the likeliest mask": [], "anymask, one click": []}
    seconds = dict.fromkeys(ious, 0.0)
    for photo in photos:
        if (truth := main_object(photo)) is None:
            continue
        image = photo.pixels()
        size = photo.height, photo.width
        began = time.perf_counter()
        cut = rle.encode_crop(isnet(image), 0, 0, *size)
        seconds["ISNet"] += time.perf_counter() - began
        began = time.perf_counter()
        found = segmenter(image)
        large = found[rle.areas(list(found.rles)) >= MAIN * photo.height * photo.width]
        seconds["anymask, the likeliest mask"] += time.perf_counter() - began
        clicked = click_answers(partial(segmenter.select, found), [truth], size)
        seconds["anymask, one click"] += time.perf_counter() - began
        ious["ISNet"].append(float(rle.iou([cut], [truth], *size)[0, 0]))
        ious["anymask, the likeliest mask"].append(float(rle.iou(large.rles[:1], [truth], *size).max(initial=0)))
        ious["anymask, one click"].append(float(mask_ious(clicked, [truth], size)[0]))
    if not ious["ISNet"]:
        print("no photo has a main object")
        return {}
    print(f"\n| main object of {len(ious['ISNet'])} photos | IoU | s a photo |\n|---|---|---|")
    report = {}
    for name, values in ious.items():
        low, high = percentiles(quotients(np.array(values), np.ones(len(values))))
        report[name] = {"photos": len(values), "value": float(np.mean(values)), "low": low, "high": high}
        print(f"| {name} | {np.mean(values):.3f} ({low:.3f} to {high:.3f}) | {seconds[name] / len(values):.2f} |")
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--collections", default="coco,voc")
    parser.add_argument("--limit", type=int, default=None, help="only the first so many photos of each collection")
    parser.add_argument("--asked", type=int, default=6, help="boxes of at most so many objects a photo")
    parser.add_argument("--isnet", type=Path, default=None, metavar="DIR", help="the unpacked npm package's dist")
    parser.add_argument("--to", type=Path, default=None, help="write all figures as JSON")
    given = parser.parse_args()
    collections = frozenset(given.collections.split(","))
    kept_out = read_photos(given.photos, ROOT / "data" / "photos_split.csv", "kept_out", collections)
    photos = first_of_each(kept_out, given.limit)
    segmenter = Segmenter()
    isnet = Isnet.from_package(given.isnet) if given.isnet is not None else None
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
    report: dict[str, Any] = {}
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
    if isnet is not None:
        report["main objects"] = compare_main_objects(photos, segmenter, isnet)
    if given.to is not None:
        given.to.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
