"""Compare what this package finds with FastSAM's weights to what ultralytics' FastSAM finds with the same file.

    python scripts/compare_fastsam.py CHECKPOINT PHOTO... --ultralytics FOLDER [--image-size 320] [--json FILE]
    python scripts/compare_fastsam.py CHECKPOINT --photos PHOTOS --ultralytics FOLDER

FOLDER is where `pip install --target` put ultralytics, which runs in a process of its own; our side runs without
PyTorch. --photos takes the first ten photos of coco that data/photos_split.csv keeps out of training. Photos are cut
to whole multiples of 32 network pixels and resized to the network's size, so that neither program resizes or pads.
--as-they-are leaves them alone, and then has our network see what ultralytics' saw, resized and padded by it.

What is farther apart than it may be (see fastsam_parity.py) is a miss. It is explained where one single way in which
this package differs (see fastsam_ways.py), switched off, makes it vanish.

The exit code is 1 unless every miss is explained, none is left with all ways switched off, and there are as many masks
as asked for. Where photos are cut, it is also 1 unless what users get, all ways switched on, keeps the bounds: scores,
masks and the median as in fastsam_parity.py, and boxes but for those that FastSAM moves to the picture's border. Each
of these must be where the same rule moves ours.
"""

import argparse
import csv
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from anymask import Segmenter  # noqa: E402
from anymask.fastsam.checkpoint import read_weights, variant_of  # noqa: E402
from anymask.image import load_image  # noqa: E402
from anymask.letterbox import STRIDE, Letterbox  # noqa: E402
from scripts.fastsam_parity import MASK, MEDIAN, SCORE, Comparison  # noqa: E402
from scripts.fastsam_ways import WAYS, Detections, Limits, detect, detect_without, moved  # noqa: E402
from scripts.write_ultralytics_checkpoint import in_ultralytics  # noqa: E402

PHOTOS = 10
Ways = tuple[str, ...]  # that are switched off
NOTHING: Ways = ()
BORDER: Ways = ("whole image",)
ONE: list[Ways] = [(way,) for way in WAYS]
ALL: Ways = tuple(WAYS)


def kept_out(folder: Path) -> list[Path]:
    """The photos of --photos."""
    with (ROOT / "data" / "photos_split.csv").open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["collection"] == "coco" and row["side"] == "kept_out"]
    return [folder / "coco" / "images" / row["file_name"] for row in rows[:PHOTOS]]


def prepare(photo: Path, image_size: int, folder: Path) -> Path:
    """A copy whose longest side is image_size and whose sides are multiples of 32; as PNG, which loses nothing."""
    picture = Image.fromarray(load_image(photo))
    scale = image_size / max(picture.size)
    size = [max(1, round(side * scale / STRIDE)) * STRIDE for side in picture.size]
    path = folder / f"{photo.stem}.png"
    picture.resize((size[0], size[1]), Image.Resampling.LANCZOS).save(path)
    return path


def compare(
    segmenter: Segmenter,
    photos: list[Path],
    found: Any,
    limits: Limits,
    image_size: int,
    as_they_are: bool,
) -> dict[Ways, Comparison]:
    """The comparisons by what is switched off: nothing, each single way, all.

    found: the arrays that ultralytics_program.py writes, of the same photos.
    """
    comparisons = {off: Comparison() for off in (NOTHING, *ONE, ALL)}
    for number, photo in enumerate(photos):
        picture = load_image(photo)
        size = picture.shape[0], picture.shape[1]
        letterbox = Letterbox.fit(*size, image_size)
        seen: NDArray[np.float32] = found[f"input_{number}"]
        raw, raw_seen = segmenter.runtime.run(letterbox(picture)), segmenter.runtime.run(seen)
        theirs = Detections(
            found[f"boxes_{number}"].astype(np.float64),
            found[f"scores_{number}"].astype(np.float64),
            tuple(found[f"masks_{number}"].tolist()),
        )
        for off, comparison in comparisons.items():
            if off in (NOTHING, BORDER) and not as_they_are:
                ours = detect(raw, letterbox, limits, segmenter.crop_rule, segmenter.mask_rule)
                ours = moved(ours, size) if off == BORDER else ours
            else:
                ways = {*off, "letterbox"} if as_they_are else set(off)
                output = raw_seen if "letterbox" in ways else raw
                network = seen.shape[2], seen.shape[3]
                ours = detect_without(output, size, network, limits, segmenter.mask_rule, ways)
            comparison.add(number, theirs, ours, size)
    return comparisons


def row_of(given: argparse.Namespace, photos: list[Path], found: Any) -> dict[str, Any]:
    """What is kept of a comparison."""
    config = variant_of(read_weights(given.checkpoint), given.checkpoint)
    limits = Limits(given.conf, given.iou, given.max_det)
    comparisons = compare(Segmenter(given.checkpoint), photos, found, limits, given.image_size, given.as_they_are)
    misses = comparisons[NOTHING].misses
    kinds = sorted(kind for _, kind, _ in misses)
    return {
        "name": given.name or given.checkpoint.name,
        "network": config.size,
        "reg_max": config.reg_max,
        "ultralytics": str(found["version"]),
        "image_size": given.image_size,
        "as_they_are": given.as_they_are,
        "conf": given.conf,
        "iou": given.iou,
        "max_det": given.max_det,
        "photos": len(photos),
        "ours": comparisons[NOTHING].figures(),
        "kinds": {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)},
        "left_without": {way: len(misses & comparisons[(way,)].misses) for way in WAYS},
        "unexplained": len(misses.intersection(*(comparisons[one].misses for one in ONE))),
        "all_off": comparisons[ALL].figures(),
    }


def wrong(row: dict[str, Any], at_least: int) -> list[str]:
    """Why the row is not what it must be, one line each."""
    ours, off = row["ours"], row["all_off"]
    checks = {
        f"expected {at_least} masks of ultralytics or more, got {off['theirs']}": off["theirs"] >= at_least,
        f"{row['unexplained']} misses stay whichever of our ways is switched off": row["unexplained"] == 0,
        f"{off['misses']} misses with all of our ways switched off": off["misses"] == 0,
        f"with all of our ways switched off the median IoU is {off['median_iou']}": reaches(off["median_iou"], MEDIAN),
    }
    if not row["as_they_are"]:
        left, large = row["left_without"]["whole image"], ours["least_iou_large"]
        checks |= {
            f"{left} misses are not from moving boxes to the picture's border": left == 0,
            f"expected scores at most {SCORE} apart, got {ours['score']}": ours["score"] <= SCORE,
            f"expected a median IoU of {MEDIAN}, got {ours['median_iou']}": reaches(ours["median_iou"], MEDIAN),
            f"expected an IoU of {MASK} of every large mask, got {large}": not ours["large"] or reaches(large, MASK),
        }
    return [line for line, holds in checks.items() if not holds]


def reaches(value: float | None, least: float) -> bool:
    """Whether there is a value, and one that is large enough."""
    return value is not None and value >= least


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("photo", type=Path, nargs="*")
    parser.add_argument("--photos", type=Path, metavar="FOLDER", help="the labelled photographs")
    parser.add_argument("--ultralytics", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--image-size", type=int, default=320, metavar="N")
    parser.add_argument("--conf", type=float, default=0.25, metavar="SCORE")
    parser.add_argument("--iou", type=float, default=0.7)
    parser.add_argument("--max-det", type=int, default=300, metavar="N")
    parser.add_argument("--as-they-are", action="store_true", help="do not resize the photos")
    parser.add_argument("--at-least", type=int, default=200, metavar="N", help="masks that there must be")
    parser.add_argument("--name", default="", help="of the row, instead of the file's")
    parser.add_argument("--json", type=Path, metavar="FILE", help="add the row to the list in this file")
    given = parser.parse_args()
    given.photo += kept_out(given.photos) if given.photos else []
    for path in (given.checkpoint, *given.photo):
        if not path.is_file():
            parser.error(f"{path}: there is no such file")
    if not given.photo:
        parser.error("expected photos, or --photos and a folder of them, got none")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photos = given.photo
        if not given.as_they_are:
            photos = [prepare(photo, given.image_size, folder) for photo in photos]
        asked = [str(each) for each in (given.conf, given.iou, given.image_size, given.max_det)]
        written = folder / "found.npz"
        paths = [str(path.resolve()) for path in photos]
        in_ultralytics(given.ultralytics, "predict", str(given.checkpoint.resolve()), str(written), *asked, *paths)
        with np.load(written) as found:
            row = row_of(given, photos, found)
    print(json.dumps(row, indent=1))
    if given.json is not None:
        rows = json.loads(given.json.read_text(encoding="utf-8")) if given.json.exists() else []
        same = ("name", "image_size", "as_they_are")
        rows = [old for old in rows if any(old[key] != row[key] for key in same)] + [row]
        given.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    if failed := wrong(row, given.at_least):
        raise SystemExit("\n".join(failed))


if __name__ == "__main__":
    main()
