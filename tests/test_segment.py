"""The whole path with the weights in the package. What they find is no matter here, only that it is something."""

import hashlib
import io
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from anymask import Box, ImageError, MaskSet, Point, PromptError, Segmenter, SettingsError, WeightsError
from anymask.machine import cores
from anymask.models import default_weights

SIZE = 160  # network pixels: quick, and enough to find something


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter(threads=1)


@pytest.fixture(scope="module")
def photo(astronaut: Path) -> NDArray[np.uint8]:
    return np.asarray(Image.open(astronaut).convert("RGB").crop((100, 0, 500, 300)))


@pytest.fixture(scope="module")
def found(segmenter: Segmenter, photo: NDArray[np.uint8]) -> MaskSet:
    return segmenter(photo, image_size=SIZE)


def test_masks_boxes_and_scores_belong_together(found: MaskSet) -> None:
    assert len(found) > 3
    assert found.size == (300, 400)
    assert (np.diff(found.scores) <= 0).all()  # best first
    assert found.prompt is None and found.rank is None
    masks = found.masks
    assert masks.shape == (len(found), 300, 400) and masks.dtype == np.bool_
    for mask, (x1, y1, x2, y2) in zip(masks, found.boxes, strict=True):
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        assert (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1) == (x1, y1, x2, y2)


@pytest.mark.parametrize("kind", ["path", "str", "bytes", "PIL", "array", "RGBA", "not contiguous"])
def test_every_kind_of_source_gives_the_same_masks(
    segmenter: Segmenter, photo: NDArray[np.uint8], found: MaskSet, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "写真.png"
    Image.fromarray(photo).save(path)
    sources: dict[str, Any] = {
        "path": path,
        "str": str(path),
        "bytes": path.read_bytes(),
        "PIL": Image.open(io.BytesIO(path.read_bytes())),
        "array": photo,
        "RGBA": Image.fromarray(photo).convert("RGBA"),
        "not contiguous": np.asfortranarray(photo),
    }
    assert segmenter(sources[kind], image_size=SIZE) == found


def test_the_same_input_gives_the_same_output(segmenter: Segmenter, photo: NDArray[np.uint8], found: MaskSet) -> None:
    assert segmenter(photo, image_size=SIZE) == found
    assert Segmenter(threads=1)(photo, image_size=SIZE) == found  # opened anew


def test_threads_may_share_a_segmenter(segmenter: Segmenter, photo: NDArray[np.uint8]) -> None:
    pictures = [np.roll(photo, 40 * shift, axis=1)[: 300 - 20 * shift] for shift in range(6)]

    def work(picture: NDArray[np.uint8]) -> tuple[MaskSet, MaskSet]:
        masks = segmenter(picture, image_size=96)
        return masks, segmenter.select(masks, [Point([(200, 100)]), Box((50, 50, 250, 150))])

    serial = [work(picture) for picture in pictures]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, pictures)) == serial
    assert len({masks.rles for masks, _ in serial}) == len(pictures)  # they differ, so a mix-up would show


def test_score_leaves_out_what_is_less_likely(segmenter: Segmenter, photo: NDArray[np.uint8], found: MaskSet) -> None:
    least = float(found.scores[2])
    some = segmenter(photo, image_size=SIZE, score=least)
    assert 0 < len(some) < len(found) and some.scores.min() >= np.float32(least)
    assert set(some.rles) <= set(found.rles)
    assert len(segmenter(photo, image_size=SIZE, score=1.0)) == 0


def test_iou_leaves_out_what_overlaps(segmenter: Segmenter, photo: NDArray[np.uint8], found: MaskSet) -> None:
    strict, loose = (segmenter(photo, image_size=SIZE, iou=iou) for iou in (0.2, 0.95))
    assert 0 < len(strict) < len(found) < len(loose)


def test_max_masks_keeps_the_best(segmenter: Segmenter, photo: NDArray[np.uint8], found: MaskSet) -> None:
    assert len(segmenter(photo, image_size=SIZE, max_masks=1)) == 1
    assert len(segmenter(photo, image_size=SIZE, max_masks=3)) <= 3 < len(found)


def test_image_size_changes_what_is_found_but_not_the_size_of_masks(
    segmenter: Segmenter, photo: NDArray[np.uint8], found: MaskSet
) -> None:
    smaller = segmenter(photo, image_size=96)
    assert smaller.size == found.size and smaller != found


def test_the_default_size_is_640(segmenter: Segmenter, photo: NDArray[np.uint8]) -> None:
    small = photo[:60, :80]
    assert segmenter(small) == segmenter(small, image_size=640) != segmenter(small, image_size=320)


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("score", -0.01),
        ("score", 1.01),
        ("score", float("nan")),
        ("iou", -0.01),
        ("iou", 1.01),
        ("iou", float("nan")),
        ("max_masks", 0),
        ("max_masks", -1),
        ("image_size", 0),
        ("image_size", 100),  # no multiple of 32
        ("image_size", -32),
        ("image_size", 4128),
        ("max_pixels", 0),
    ],
)
def test_a_keyword_out_of_its_range_is_named(segmenter: Segmenter, keyword: str, value: float) -> None:
    settings: dict[str, Any] = {"image_size": 32, keyword: value}
    with pytest.raises(SettingsError, match=f"^{keyword} must .* got {value}"):
        segmenter(np.zeros((8, 8, 3), np.uint8), **settings)


def test_more_pixels_than_allowed_are_refused(segmenter: Segmenter, astronaut: Path) -> None:
    with pytest.raises(ImageError, match="512 x 512 = 262144 pixels, more than the limit of 262143"):
        segmenter(astronaut, max_pixels=512 * 512 - 1)
    assert segmenter(astronaut, max_pixels=512 * 512, image_size=32).size == (512, 512)


def test_the_picture_goes_along_read_only(photo: NDArray[np.uint8], found: MaskSet) -> None:
    for masks in (found, found[:2], found[found.scores > 0.1], found[[1]]):
        assert masks.image is not None and np.array_equal(masks.image, photo)
        assert np.shares_memory(masks.image, photo)  # no copy
        with pytest.raises(ValueError, match="read-only"):
            masks.image[0, 0] = 0


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 5000, 3), (5000, 1, 3), (2, 3, 3), (40, 60)])
def test_pictures_of_every_shape(segmenter: Segmenter, shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    masks = segmenter(pixels)
    assert masks.size == shape[:2]
    assert masks.masks.shape == (len(masks), *shape[:2])
    assert masks.image is not None and masks.image.shape == (*shape[:2], 3)  # gray has become RGB


def test_gray_is_what_the_same_picture_in_rgb_is(segmenter: Segmenter, photo: NDArray[np.uint8]) -> None:
    gray = photo[..., 0]
    assert segmenter(gray, image_size=SIZE) == segmenter(np.stack([gray] * 3, axis=2), image_size=SIZE)


def test_select_runs_on_what_was_found(segmenter: Segmenter, found: MaskSet) -> None:
    x1, y1, x2, y2 = found.boxes[0].tolist()
    picked = segmenter.select(found, [Box((x1, y1, x2, y2)), Point([(200, 150)])], refine="off")
    assert picked.prompt is not None and picked.rank is not None
    assert (picked.prompt[0], picked.rank[0]) == (0, 0)
    assert picked.rles[0] == found.rles[0]  # the best score, and the box itself
    assert picked.image is not None
    with pytest.raises(PromptError, match="outside the picture"):
        segmenter.select(found, Point([(400, 0)]))


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("missing.jpg", "missing.jpg: there is no such file"),
        (b"", "is empty"),
        (b"not a picture", "is not a picture"),
        (np.zeros((4, 4, 4), np.uint8), r"expected an \(H, W, 3\) RGB"),
        (np.zeros((4, 4, 3)), "float64"),
        (7, "got int"),
    ],
)
def test_what_is_no_picture_is_an_image_error(segmenter: Segmenter, source: Any, said: str) -> None:
    with pytest.raises(ImageError, match=said):
        segmenter(source)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("missing.onnx", None, "missing.onnx: there is no such weights file"),
        ("last.pt", b"PK", "last.pt: expected a FastSAM checkpoint"),
        ("last.pth", b"PK", "last.pth: expected 'default', 'fastsam-s', 'fastsam-x' or an ONNX file"),
        ("garbage.onnx", b"garbage" * 100, "garbage.onnx"),
        ("empty.onnx", b"", "empty.onnx"),
    ],
)
def test_weights_that_cannot_be_used(tmp_path: Path, name: str, content: bytes | None, said: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(WeightsError, match=said):
        Segmenter(tmp_path / name)


def test_half_of_the_weights_are_refused(tmp_path: Path) -> None:
    content = default_weights().read_bytes()
    (tmp_path / "half.onnx").write_bytes(content[: len(content) // 2])
    with pytest.raises(WeightsError, match=r"half\.onnx"):
        Segmenter(tmp_path / "half.onnx")


def test_a_copy_of_the_weights_finds_the_same(
    tmp_path: Path, photo: NDArray[np.uint8], found: MaskSet, segmenter: Segmenter
) -> None:
    copy = Path(shutil.copy(default_weights(), tmp_path / "copy.onnx"))
    mine = Segmenter(str(copy), threads=1)
    assert mine(photo, image_size=SIZE) == found
    assert mine.weights_hash() == segmenter.weights_hash() == hashlib.sha256(copy.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    "metadata",
    [
        {"class_power": "much"},
        {"maskness_power": "-1"},
        {"class_power": "nan"},
        {"crop_cells": "-1"},
        {"clipping": "never"},
        {"image_size": "100"},
        {"image_size": "large"},
        {"shown": "some"},
        {"shown": "nan"},
        {"shown": "7"},
        {"shown": "-1"},
    ],
)
def test_damaged_metadata_are_refused(tmp_path: Path, metadata: dict[str, str]) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(default_weights())
    onnx.helper.set_model_props(model, metadata)
    onnx.save(model, tmp_path / "odd.onnx")
    with pytest.raises(WeightsError, match=r"odd\.onnx: its metadata cannot be read"):
        Segmenter(tmp_path / "odd.onnx")


@pytest.mark.parametrize("threads", [0, -1, 3000])
def test_threads_out_of_range(threads: int) -> None:
    with pytest.raises(SettingsError, match=rf"threads must be from 1 to \d+, .* which is {cores()}; got {threads}"):
        Segmenter(threads=threads)
