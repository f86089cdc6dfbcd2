"""What several test files share."""

import io
import json
import os
import signal
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from anymask import rle

ROOT = Path(__file__).parent.parent
HEIGHT, WIDTH = 24, 32  # of small pictures


@pytest.fixture(scope="session", autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """This process and those it starts use this tree, installed or not, and never the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.setenv("ANYMASK_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("ANYMASK_DATA", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture(scope="session", autouse=True)
def heed_interrupts() -> None:
    """What a shell starts in the background ignores interrupts, and so do its children: the tests may run there."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def astronaut() -> Path:
    """The example photograph, 512 x 512 pixels."""
    return ROOT / "examples" / "astronaut.jpg"


@pytest.fixture(scope="session")
def photos() -> Path:
    """The folder of labelled photographs, which is no part of the repository; without it the test is skipped."""
    folder = Path(os.environ.get("ANYMASK_PHOTOS", ROOT.parent / "shared" / "photos"))
    if not folder.is_dir():
        pytest.skip("the labelled photographs are not here; set ANYMASK_PHOTOS to their folder")
    return folder


# The same two pictures in every layout of labelled photos: sa_1.jpg with a ring and a bar, sa_20.jpg with a bar


def ring() -> NDArray[np.bool_]:
    mask = np.zeros((HEIGHT, WIDTH), np.bool_)
    mask[4:16, 4:16] = True
    mask[8:12, 8:12] = False
    return mask


def bar() -> NDArray[np.bool_]:
    mask = np.zeros((HEIGHT, WIDTH), np.bool_)
    mask[18:22, 2:30] = True
    return mask


def rle_of(mask: NDArray[np.bool_]) -> dict[str, Any]:
    height, width = mask.shape
    return {"size": [height, width], "counts": rle.encode_crop(mask, 0, 0, height, width).decode()}


def jpeg(mask: NDArray[np.bool_]) -> bytes:
    file = io.BytesIO()
    Image.fromarray((mask * 255).astype(np.uint8)).convert("RGB").save(file, "jpeg", quality=95)
    return file.getvalue()


@pytest.fixture
def masks() -> dict[str, list[NDArray[np.bool_]]]:
    """Those of each picture, which is white where its first one is."""
    return {"sa_1": [ring(), bar()], "sa_20": [bar()]}


@pytest.fixture
def sa1b_files(masks: dict[str, list[NDArray[np.bool_]]]) -> dict[str, bytes]:
    """Name and content of SA-1B's files."""
    made = {}
    for number, (stem, drawn) in enumerate(masks.items()):
        made[f"{stem}.jpg"] = jpeg(drawn[0])
        about = {"image_id": number, "height": HEIGHT, "width": WIDTH, "file_name": f"{stem}.jpg"}
        objects = [{"id": 7, "segmentation": rle_of(mask), "predicted_iou": 0.9} for mask in drawn]
        made[f"{stem}.json"] = json.dumps({"image": about, "annotations": objects}).encode()
    return made


@pytest.fixture
def sa1b_folder(tmp_path: Path, sa1b_files: dict[str, bytes]) -> Path:
    folder = tmp_path / "sa_000000"
    folder.mkdir()
    for name, content in sa1b_files.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def sa1b_tar(tmp_path: Path, sa1b_files: dict[str, bytes]) -> Path:
    """Members in another order than that of their names, with a folder in front, as in the published shards."""
    path = tmp_path / "shards" / "sa_000000.tar"
    path.parent.mkdir()
    with tarfile.open(path, "w") as tar:
        for name in sorted(sa1b_files, reverse=True):
            member = tarfile.TarInfo(f"./{name}")
            member.size = len(sa1b_files[name])
            tar.addfile(member, io.BytesIO(sa1b_files[name]))
    return path


@pytest.fixture
def coco_file(tmp_path: Path, sa1b_files: dict[str, bytes]) -> Path:
    """In COCO's own folders; the ring as uncompressed runs, a bar in two polygons, and a crowd."""
    folder = tmp_path / "coco" / "val2017"
    folder.mkdir(parents=True)
    for stem in ("sa_1", "sa_20"):
        (folder / f"{stem}.jpg").write_bytes(sa1b_files[f"{stem}.jpg"])
    runs = rle.run_lengths(rle_of(ring())["counts"].encode()).tolist()
    halves = [[2, 18, 16, 18, 16, 22, 2, 22], [16, 18, 30, 18, 30, 22, 16, 22]]  # together the bar
    objects = [
        {"segmentation": {"size": [HEIGHT, WIDTH], "counts": runs}, "image_id": 5, "category_id": 3, "iscrowd": 0},
        {"segmentation": halves, "image_id": 5, "category_id": 4, "iscrowd": 0},
        {"segmentation": rle_of(ring()), "image_id": 9, "category_id": 3, "iscrowd": 1},
        {"segmentation": rle_of(bar()), "image_id": 9, "category_id": 4, "iscrowd": 0},
    ]
    document = {
        "images": [
            {"id": 9, "file_name": "sa_20.jpg", "height": HEIGHT, "width": WIDTH},
            {"id": 5, "file_name": "sa_1.jpg", "height": HEIGHT, "width": WIDTH},
        ],
        "annotations": [{"id": number, **each} for number, each in enumerate(objects, 1)],
        "categories": [{"id": 3, "name": "ring"}, {"id": 4, "name": "bar"}],
    }
    path = tmp_path / "coco" / "annotations" / "instances_val2017.json"
    path.parent.mkdir()
    path.write_text(json.dumps(document))
    return path


@pytest.fixture
def yolo_folder(tmp_path: Path, sa1b_files: dict[str, bytes]) -> Path:
    """sa_1 for training, with its ring cut open along a line of no width; sa_20 to validate on."""
    folder = tmp_path / "shapes"
    outside, inside = [(4, 4), (16, 4), (16, 16), (4, 16), (4, 4)], [(8, 8), (8, 12), (12, 12), (12, 8), (8, 8)]
    lines = {
        "train/sa_1": [(0, outside + inside), (1, [(2, 18), (30, 18), (30, 22), (2, 22)])],
        "val/sa_20": [(1, [(2, 18), (30, 18), (30, 22), (2, 22)])],
    }
    for name, objects in lines.items():
        for kind in ("images", "labels"):
            (folder / kind / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "images" / f"{name}.jpg").write_bytes(sa1b_files[f"{Path(name).name}.jpg"])
        text = [f"{number} " + " ".join(f"{x / WIDTH} {y / HEIGHT}" for x, y in polygon) for number, polygon in objects]
        (folder / "labels" / f"{name}.txt").write_text("\n".join(text) + "\n")
    (folder / "data.yaml").write_text("path: .\ntrain: images/train\nval: images/val\nnames:\n  0: ring\n  1: bar\n")
    return folder
