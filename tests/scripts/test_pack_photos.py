import gzip
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features
from pycocotools import mask as coco_mask

from anymask.datasets import read_photos

SCRIPT = Path(__file__).parents[2] / "scripts" / "pack_photos.py"


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow writes no AVIF")
def test_packed_photos_are_read_like_those_they_were_made_of(tmp_path: Path) -> None:
    """A red square on blue, a scrap that vanishes, and a photo that is kept out."""
    folder = tmp_path / "photos" / "coco"
    (folder / "images").mkdir(parents=True)
    picture = np.zeros((120, 200, 3), np.uint8)
    picture[..., 2] = 255
    picture[40:80, 20:100] = (255, 0, 0)
    scrap = np.zeros((120, 200), np.uint8)
    scrap[0, 0] = 1
    images, annotations = [], []
    for number, name in enumerate(("a.jpg", "b.jpg")):
        Image.fromarray(picture).save(folder / "images" / name, quality=95)
        images.append({"id": number, "file_name": name, "height": 120, "width": 200, "labelled": "most"})
        for mask, label in ((picture[..., 0] // 255, "kite"), (scrap, None)):
            counts = coco_mask.encode(np.asfortranarray(mask))["counts"].decode()
            segmentation = {"size": [120, 200], "counts": counts}
            annotations.append({"image_id": number, "label": label, "segmentation": segmentation})
    with gzip.open(folder / "annotations.json.gz", "wt") as stream:
        json.dump({"images": images, "annotations": annotations}, stream)
    split = tmp_path / "split.csv"
    split.write_text("collection,file_name,side\ncoco,a.jpg,train\ncoco,b.jpg,kept_out\n")
    to = tmp_path / "packed"
    command = [sys.executable, str(SCRIPT), str(folder.parent), str(to), "--split", str(split), "--longest", "50"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert told.startswith("1 photos, ")

    (photo,) = read_photos(to, to / "split.csv", "train")
    assert (photo.path.name, photo.labelled, photo.labels) == ("a.avif", "most", (("kite",),))
    pixels = photo.pixels()
    assert pixels.shape == (30, 50, 3)
    expected = np.zeros((30, 50), bool)
    expected[10:20, 5:25] = True
    assert np.array_equal(photo.masks()[0], expected)
    assert ((pixels[..., 0] > pixels[..., 2]) ^ expected).mean() < 0.03  # AVIF halves the resolution of colours

    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert again.returncode == 1
    assert again.stderr.startswith(f"{to}: expected an empty folder or none")
