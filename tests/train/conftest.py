"""A collection of painted pictures whose colours say where the objects are."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from pycocotools import mask as coco_mask

from anymask.datasets import LabelledPhoto, read_photos
from anymask.network.yolo import NetworkConfig
from anymask.train.settings import Settings

torch.set_num_threads(1)  # small tensors, and other tests may run beside


@pytest.fixture
def settings() -> Settings:
    """A run of a few seconds: a small network without weights to load, two canvases of 64 pixels a step."""
    return Settings(
        network=NetworkConfig("n", "yolo", reg_max=8, coefficients=8),
        freeze_trunk=False,
        pixels_per_step=2 * 64 * 64,
        sides={64: 1.0},
        sampling={"painted": 1.0},
        workers=0,
        zoom=(0.9, 1.3),
        warmup_steps=5,
    )


@pytest.fixture
def paint(tmp_path: Path) -> Callable[..., list[LabelledPhoto]]:
    """Pictures on disk, read back as photos: three rectangles on black, one red, one green, one blue.

    So channel k is bright exactly where object k of an annotator is. Two annotators draw the same rectangles, but the
    second leaves the blue one out.
    """

    def paint(
        count: int = 1,
        *,
        collection: str = "painted",
        labelled: str = "all",
        suffix: str = ".png",
        height: int = 90,
        width: int = 120,
        annotators: int = 1,
    ) -> list[LabelledPhoto]:
        folder = tmp_path / collection
        (folder / "images").mkdir(parents=True, exist_ok=True)
        document: dict[str, list[dict[str, Any]]] = {"images": [], "annotations": []}
        rng = np.random.default_rng(0)
        third = width // 3
        for index in range(count):
            picture = np.zeros((height, width, 3), np.uint8)
            for number in range(3):
                mask = np.zeros((height, width), np.uint8, order="F")
                top, bottom = int(rng.integers(2, height // 4)), int(rng.integers(height // 2, height - 2))
                left = number * third + int(rng.integers(2, third // 4))
                mask[top:bottom, left : number * third + int(rng.integers(third // 2, third - 4))] = 1
                picture[mask > 0, number] = 255
                counts = coco_mask.encode(mask)["counts"].decode()
                for annotator in range(annotators - 1 if number == 2 and annotators > 1 else annotators):
                    segmentation = {"size": [height, width], "counts": counts}
                    drawn = {"image_id": index, "label": str(annotator), "segmentation": segmentation}
                    document["annotations"].append(drawn)
            name = f"{index}{suffix}"
            Image.fromarray(picture).save(folder / "images" / name, quality=95, subsampling=0)
            about = {"id": index, "file_name": name, "height": height, "width": width, "labelled": labelled}
            document["images"].append(about)
        with gzip.open(folder / "annotations.json.gz", "wt") as stream:
            json.dump(document, stream)
        split = tmp_path / "split.csv"
        names = [f"{collection},{about['file_name']},train\n" for about in document["images"]]
        split.write_text("collection,file_name,side\n" + "".join(names))
        return read_photos(tmp_path, split, "train", frozenset({collection}))

    return paint
