import io
import json
import re
import tracemalloc
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

import anymask.outputs
from anymask.errors import ShapeError
from anymask.image import load_image
from anymask.maskset import MaskSet
from anymask.outputs import OUTPUTS
from anymask.outputs.label_map import label_map
from anymask.outputs.palette import colours

# pycocotools 2.0.11 has not caught up with numpy 2
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

Bools = NDArray[np.bool_]


def drawn(text: str) -> Bools:
    """A mask as people draw it: one line per row, # inside."""
    return np.array([[pixel == "#" for pixel in line] for line in text.split()])


RING = drawn("######.  #....#.  #....#.  #....#.  ######.")
DISC = drawn("######.  ######.  ######.  ######.  ######.")  # the ring with its hole filled
DOT = drawn(".......  .......  ...#...  .......  .......")
CORNER = drawn(".......  .......  .......  .......  ......#")
NOTHING = np.zeros((5, 7), np.bool_)

SHAPES = {
    "none": np.zeros((0, 5, 7), np.bool_),
    "a hole": RING[np.newaxis],
    "one pixel": CORNER[np.newaxis],
    "without pixels": NOTHING[np.newaxis],
    "all pixels": ~NOTHING[np.newaxis],
    "nested": np.stack([DOT, DISC, RING]),
    "several": np.stack([RING, DOT, CORNER, NOTHING, DOT]),
}

PHOTO = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3) + 1


def found_in(masks: Bools, image: NDArray[np.uint8] = PHOTO) -> MaskSet:
    return MaskSet.from_masks(masks, np.linspace(1, 0.25, len(masks)), image)


def read(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def read_coco(data: bytes, folder: Path) -> COCO:
    path = folder / "masks.json"
    path.write_bytes(data)
    return COCO(path)


# Every row


def test_there_is_one_file_per_row() -> None:
    folder = Path(anymask.outputs.__file__).parent
    files = {path.stem for path in folder.glob("*.py") if "\ndef encode(" in path.read_text("utf-8")}
    assert files == {row.encode.__module__.rpartition(".")[2] for row in OUTPUTS.values()}


@pytest.mark.parametrize("name", OUTPUTS)
@pytest.mark.parametrize("shape", SHAPES)
def test_every_output_takes_every_set(name: str, shape: str) -> None:
    output = OUTPUTS[name]
    found = found_in(SHAPES[shape])
    photo = PHOTO.copy()
    data = output.encode(found, photo)
    assert data == output.encode(found, photo, name="")
    np.testing.assert_array_equal(photo, PHOTO)
    if output.media_type == "application/json":
        assert output.suffix.endswith(".json") and json.loads(data)
    elif output.media_type == "image/svg+xml":
        assert output.suffix.endswith(".svg") and ElementTree.fromstring(data).tag.endswith("svg")
    else:
        assert output.suffix.endswith(".png") and Image.MIME[read(data).format or ""] == output.media_type


@pytest.mark.parametrize("name", ["overlay", "cutout"])
@pytest.mark.parametrize("shape", [(7, 5, 3), (5, 7), (5, 7, 4)])
def test_a_picture_of_another_shape_is_refused(name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=re.escape("image must have shape (5, 7, 3), got")):
        OUTPUTS[name].encode(found_in(SHAPES["nested"]), np.zeros(shape, np.uint8))


@pytest.mark.parametrize("name", OUTPUTS)
def test_no_output_draws_all_masks_at_once(name: str) -> None:
    masks = np.zeros((200, 300, 400), np.bool_)
    for index, mask in enumerate(masks):
        mask[index : index + 60, index : index + 90] = True
    photo = np.zeros((300, 400, 3), np.uint8)
    found = found_in(masks, photo)
    tracemalloc.start()
    try:
        OUTPUTS[name].encode(found, photo)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < masks.nbytes / 4


# COCO


@pytest.mark.parametrize("shape", SHAPES)
def test_coco_gives_the_masks_back(tmp_path: Path, shape: str) -> None:
    masks = SHAPES[shape]
    found = found_in(masks)
    dataset = read_coco(OUTPUTS["coco"].encode(found, PHOTO, name="写真.jpg"), tmp_path)
    (image,) = dataset.loadImgs(dataset.getImgIds())
    assert (image["width"], image["height"], image["file_name"]) == (7, 5, "写真.jpg")
    annotations = dataset.loadAnns(dataset.getAnnIds(imgIds=image["id"]))
    assert len(annotations) == len(masks)
    for index, annotation in enumerate(annotations):
        np.testing.assert_array_equal(dataset.annToMask(annotation), masks[index])
        assert annotation["area"] == masks[index].sum() == coco_mask.area(annotation["segmentation"])
        assert annotation["bbox"] == coco_mask.toBbox(annotation["segmentation"]).tolist()
        assert annotation["score"] == pytest.approx(found.scores[index], abs=1e-6)
        assert dataset.loadCats(annotation["category_id"])[0]["name"] == "object"


def test_coco_categories_are_the_labels(tmp_path: Path) -> None:
    data = OUTPUTS["coco"].encode(found_in(SHAPES["several"]), PHOTO, labels=["cup", "", "apfel é", "cup", "object"])
    dataset = read_coco(data, tmp_path)
    assert dataset.dataset["categories"] == [
        {"id": 1, "name": "apfel é"},
        {"id": 2, "name": "cup"},
        {"id": 3, "name": "object"},
    ]
    assert [each["category_id"] for each in dataset.dataset["annotations"]] == [2, 3, 1, 2, 3]


def test_coco_results_can_be_loaded(tmp_path: Path) -> None:
    dataset = read_coco(OUTPUTS["coco"].encode(found_in(SHAPES["several"]), PHOTO), tmp_path)
    results = dataset.loadRes(dataset.dataset["annotations"])
    assert len(results.getAnnIds()) == len(SHAPES["several"])


def test_coco_parents_are_ids_of_annotations() -> None:
    document = json.loads(OUTPUTS["coco"].encode(found_in(SHAPES["nested"]), PHOTO))
    by_id = {annotation["id"]: annotation for annotation in document["annotations"]}
    assert [by_id[number]["parent"] for number in (1, 2, 3)] == [2, None, 2]  # the dot and the ring lie in the disc


def test_coco_tells_which_prompt_a_mask_answers() -> None:
    found = found_in(SHAPES["nested"])
    assert "prompt" not in json.loads(OUTPUTS["coco"].encode(found, PHOTO))["annotations"][0]
    picked = MaskSet(found.size, found.boxes, found.scores, found.rles, np.array([0, 0, 1]), np.array([0, 1, 0]))
    annotations = json.loads(OUTPUTS["coco"].encode(picked, PHOTO))["annotations"]
    assert [(each["prompt"], each["rank"]) for each in annotations] == [(0, 0), (0, 1), (1, 0)]


@settings(max_examples=50, deadline=None)
@given(hnp.arrays(np.bool_, st.tuples(st.integers(0, 4), st.integers(1, 9), st.integers(1, 9))))
def test_coco_gives_any_masks_back(masks: Bools) -> None:
    photo = np.zeros((*masks.shape[1:], 3), np.uint8)
    annotations = json.loads(OUTPUTS["coco"].encode(found_in(masks, photo), photo))["annotations"]
    decoded = [coco_mask.decode(annotation["segmentation"]) for annotation in annotations]
    assert [mask.tolist() for mask in decoded] == masks.astype(int).tolist()


# Label map


@pytest.mark.parametrize(
    ("masks", "expected"),
    [
        ([RING], "1111110  1000010  1000010  1000010  1111110"),  # the hole is background
        ([DOT, DISC, RING], "3333330  3222230  3221230  3222230  3333330"),  # the smallest is seen
        ([RING, DOT], "1111110  1000010  1002010  1000010  1111110"),
        ([DOT, DOT], "0000000  0000000  0001000  0000000  0000000"),  # of two equal masks the first
        ([NOTHING, CORNER], "0000000  0000000  0000000  0000000  0000002"),
    ],
)
def test_the_label_map_shows_the_smallest_mask(masks: list[Bools], expected: str) -> None:
    image = read(OUTPUTS["png"].encode(found_in(np.stack(masks)), PHOTO))
    assert image.mode.startswith("I")  # more than 8 bits
    assert ["".join(map(str, row)) for row in np.asarray(image).tolist()] == expected.split()


def test_the_label_map_counts_beyond_eight_bits() -> None:
    masks = np.eye(300, dtype=np.bool_).reshape(300, 15, 20)  # mask i is pixel i
    photo = np.zeros((15, 20, 3), np.uint8)
    labels = np.asarray(read(OUTPUTS["png"].encode(found_in(masks, photo), photo)))
    assert labels.ravel().tolist() == list(range(1, 301))


def test_more_masks_than_sixteen_bits_are_refused() -> None:
    pixel = found_in(CORNER[np.newaxis])
    found = MaskSet(pixel.size, np.tile(pixel.boxes, (65536, 1)), np.ones(65536, np.float32), pixel.rles * 65536)
    with pytest.raises(ShapeError, match=r"at most 65535 masks, got 65536: take found\[:65535\]"):
        label_map(found)


# Cutout


@pytest.mark.parametrize(
    ("masks", "rows", "columns"),
    [
        ([RING], slice(0, 5), slice(0, 6)),
        ([CORNER], slice(4, 5), slice(6, 7)),
        ([DOT, CORNER], slice(2, 5), slice(3, 7)),  # the box of both
        ([NOTHING, DOT], slice(2, 3), slice(3, 4)),
    ],
)
def test_the_cutout_is_the_picture_inside_the_masks(masks: list[Bools], rows: slice, columns: slice) -> None:
    data = OUTPUTS["cutout"].encode(found_in(np.stack(masks)), PHOTO)
    image = read(data)
    assert image.mode == "RGBA"
    union = np.any(masks, axis=0)
    expected = np.dstack([PHOTO * union[..., np.newaxis], np.where(union, 255, 0)])[rows, columns]
    np.testing.assert_array_equal(np.asarray(image), expected)
    assert image.info["offset"] == f"{columns.start},{rows.start}"
    noted = data[data.index(b"oFFs") + 4 :][:9]
    assert noted == columns.start.to_bytes(4, "big") + rows.start.to_bytes(4, "big") + b"\0"
    assert data.index(b"oFFs") < data.index(b"IDAT")


@pytest.mark.parametrize("shape", ["none", "without pixels"])
def test_an_empty_cutout_is_one_transparent_pixel(shape: str) -> None:
    image = read(OUTPUTS["cutout"].encode(found_in(SHAPES[shape]), PHOTO))
    assert (image.size, image.getpixel((0, 0))) == ((1, 1), (0, 0, 0, 0))


# Overlay


def overlay(masks: list[Bools], photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    found = MaskSet.from_masks(np.stack(masks))
    return load_image(OUTPUTS["overlay"].encode(found, photo))


def square(start: int, stop: int, side: int = 40) -> Bools:
    mask = np.zeros((side, side), np.bool_)
    mask[start:stop, start:stop] = True
    return mask


@pytest.mark.parametrize("shape", ["none", "without pixels"])
def test_without_masks_the_overlay_is_the_picture(shape: str) -> None:
    np.testing.assert_array_equal(load_image(OUTPUTS["overlay"].encode(found_in(SHAPES[shape]), PHOTO)), PHOTO)


def test_the_overlay_leaves_the_picture_alone_outside_the_masks() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    mask = square(10, 30)
    image = overlay([mask], photo)
    np.testing.assert_array_equal(image[~mask], photo[~mask])
    assert (image[mask] != photo[mask]).any(axis=1).all()


@pytest.mark.parametrize("level", [0, 255])
def test_an_outline_stands_out_on_dark_and_on_light(level: int) -> None:
    image = overlay([square(10, 30)], np.full((40, 40, 3), level, np.uint8)).astype(int)
    inside, outside, outline = image[20, 20], image[5, 5], image[10, 20]
    assert abs(outline - inside).sum() > 60
    assert abs(outline - outside).sum() > 60
    for row, column in ((10, 10), (29, 15), (15, 29)):  # on the last pixels inside, one pixel wide
        assert (image[row, column] == outline).all()
    assert (image[11, 20] == inside).all() and (image[9, 20] == outside).all()


def test_the_smallest_mask_is_on_top_and_the_line_around_it_is_single() -> None:
    photo = np.zeros((40, 40, 3), np.uint8)
    small, large = square(15, 25), square(5, 35)
    image = overlay([small, large], photo)
    np.testing.assert_array_equal(image, overlay([small, large], photo))
    hues = colours(2)
    assert abs(image[20, 20] / image[20, 20].sum() - hues[0] / hues[0].sum()).max() < 0.02
    assert abs(image[10, 10] / image[10, 10].sum() - hues[1] / hues[1].sum()).max() < 0.02
    assert (image[20, 14] == image[10, 10]).all()  # the large one has no line where the small one begins


def test_a_mask_is_tinted_in_the_colour_that_was_chosen() -> None:
    found, photo = MaskSet.from_masks(np.stack([square(15, 25), square(26, 36)])), np.zeros((40, 40, 3), np.uint8)
    image = load_image(OUTPUTS["overlay"].encode(found, photo, colours=["#0000ff", None])).astype(int)
    assert image[20, 20, 2] > 60 and image[20, 20, :2].sum() == 0
    np.testing.assert_array_equal(image[26:, 26:], load_image(OUTPUTS["overlay"].encode(found, photo))[26:, 26:])


def test_there_is_no_line_along_the_edge_of_the_picture() -> None:
    image = overlay([square(0, 40)], np.zeros((40, 40, 3), np.uint8))
    assert (image == image[0, 0]).all()


def test_lines_are_wider_in_large_pictures_and_bands_leave_no_seam() -> None:
    photo = np.zeros((200, 2100, 3), np.uint8)
    mask = np.zeros((200, 2100), np.bool_)
    mask[60:190, 500:1500] = True  # 64 and 128, where bands of rows meet, are inside
    image = overlay([mask], photo)
    line = (image == image[60, 1000]).all(axis=2)
    expected = mask.copy()
    expected[63:187, 503:1497] = False
    np.testing.assert_array_equal(line, expected)


def test_colours_differ_and_do_not_depend_on_their_number() -> None:
    many: Any = colours(64)
    assert many.shape == (64, 3) and many.min() >= 0 and many.max() <= 255
    np.testing.assert_array_equal(colours(3), many[:3])
    apart = np.linalg.norm(many[:12, None] - many[None, :12], axis=2) + 999 * np.eye(12)
    assert apart.min() > 40
    assert colours(0).shape == (0, 3)
