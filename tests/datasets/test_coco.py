"""COCO and LVIS documents: crowds, segmentations of every form, where pictures are looked for, what is refused."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anymask import rle
from anymask.datasets import Problem, read
from anymask.datasets.segmentation import compressed
from anymask.errors import DatasetError


def change(path: Path, how: Callable[[Any], object]) -> None:
    document = json.loads(path.read_text())
    how(document)
    path.write_text(json.dumps(document))


def test_crowds_are_regions_to_ignore(coco_file: Path) -> None:
    ring_and_bar, crowded = (entry.load() for entry in read(coco_file))
    assert (len(ring_and_bar.layers[0]), len(ring_and_bar.ignored)) == (2, 0)
    assert (len(crowded.layers[0]), len(crowded.ignored)) == (1, 1)
    assert crowded.ignored == ring_and_bar.layers[0][:1]  # the ring
    assert len(crowded.ignored_labels) == 1
    assert crowded.ignored_labels[0] is not None
    assert ring_and_bar.labels == (("ring", "bar"),)


def test_gzipped(coco_file: Path) -> None:
    zipped = coco_file.with_suffix(".json.gz")
    zipped.write_bytes(gzip.compress(coco_file.read_bytes()))
    assert [photo.load() for photo in read(zipped)] == [photo.load() for photo in read(coco_file)]


def test_lvis_names_pictures_by_address_and_labels_some(coco_file: Path) -> None:
    def as_lvis(document: Any) -> None:
        for image in document["images"]:
            image["coco_url"] = f"http://images.cocodataset.org/val2017/{image.pop('file_name')}"
            image |= {"neg_category_ids": [], "not_exhaustive_category_ids": []}
        for annotation in document["annotations"]:
            del annotation["iscrowd"]  # which LVIS does not have

    change(coco_file, as_lvis)
    photos = read(coco_file)
    assert [photo.path for photo in photos] == [coco_file.parents[1] / "val2017" / f"sa_{n}.jpg" for n in (1, 20)]
    assert {photo.labelled for photo in photos} == {"some"}
    assert [len(photo.load().layers[0]) for photo in photos] == [2, 2]


def test_an_image_may_say_how_it_is_labelled(coco_file: Path) -> None:
    change(coco_file, lambda document: document["images"][0].update(labelled="all"))
    assert [photo.labelled for photo in read(coco_file)] == ["most", "all"]


@pytest.mark.parametrize("place", ["coco/annotations", "coco/annotations/images", "coco", "coco/images/val2017"])
def test_pictures_are_found_near_the_annotations(coco_file: Path, tmp_path: Path, place: str) -> None:
    (tmp_path / place).mkdir(parents=True, exist_ok=True)
    for picture in (tmp_path / "coco" / "val2017").iterdir():
        picture.rename(tmp_path / place / picture.name)
    assert {photo.path.parent for photo in read(coco_file)} == {tmp_path / place}


def test_pictures_elsewhere_are_named(coco_file: Path, tmp_path: Path) -> None:
    (tmp_path / "coco" / "val2017").rename(tmp_path / "elsewhere")
    with pytest.raises(DatasetError, match=r"its pictures, such as sa_1\.jpg, are not in .*\(--images\)"):
        read(coco_file)
    assert len(read(coco_file, images=tmp_path / "elsewhere")) == 2


def test_a_photo_without_objects_has_one_empty_layer(coco_file: Path) -> None:
    change(coco_file, lambda document: document.update(annotations=document["annotations"][2:]))
    assert [photo.load().layers[0] == () for photo in read(coco_file)] == [True, False]


@pytest.mark.parametrize(
    "how",
    [
        lambda document: document.pop("images"),
        lambda document: document.update(images=[]),
        lambda document: document["images"][0].pop("id"),
        lambda document: document["images"][0].update(id=5),  # twice
        lambda document: document["images"][0].update(labelled="partly"),
        lambda document: document["images"][0].update(height="tall"),
        lambda document: document["annotations"][0].pop("image_id"),
    ],
)
def test_documents_of_another_shape_are_named(coco_file: Path, how: Callable[[Any], object]) -> None:
    change(coco_file, how)
    with pytest.raises(DatasetError, match=r"instances_val2017\.json: expected COCO or LVIS JSON"):
        read(coco_file)


def test_an_annotation_that_cannot_be_read(coco_file: Path) -> None:
    change(coco_file, lambda document: document["annotations"][1].update(segmentation=[[1, 2, 3, 4]]))
    said = "sa_1.jpg: annotation 2: a polygon needs x and y of three corners or more, got lists of 4 numbers"
    photo = read(coco_file)[0]
    with pytest.raises(DatasetError, match=said):
        photo.load()
    problems: list[Problem] = []
    assert len(photo.load(problems).layers[0]) == 1  # the other one is there
    assert [(said in text, is_error) for text, is_error in problems] == [(True, True)]


def test_annotations_of_images_that_are_not_listed_are_told(coco_file: Path) -> None:
    change(coco_file, lambda document: document["images"].pop())
    problems: list[Problem] = []
    assert len(read(coco_file, problems=problems)) == 1
    assert [text.partition(": ")[2] for text, _ in problems] == ["annotations of the image 5, which is not listed"]


@pytest.mark.parametrize(
    ("segmentation", "said"),
    [
        (None, "it has no segmentation"),
        ([], "it has no segmentation"),
        ("0 0 1 1", "it has no segmentation"),
        ([1, 2, 3, 4, 5, 6], "expected a list of finite numbers, got 1"),  # a polygon that is not in a list
        ([["a", "b"]], "expected a list of numbers"),
        ([[0, 0, 3, 0, float("nan"), 2]], "expected a list of finite numbers"),
        ([[0, 0, 3, 0, 3]], "got lists of 5 numbers"),
        ([[0, 0, 3, 0, 3, 10**9]], "a corner of its polygon lies far outside the picture of 4 x 3 pixels"),
        ({"counts": [12]}, r"its RLE is of the size None, and its picture of \[3, 4\]"),
        ({"size": [4, 3], "counts": [12]}, r"its RLE is of the size \[4, 3\]"),  # turned
        ({"size": [3, 4]}, "expected a list"),
        ({"size": [3, 4], "counts": [3, 4]}, "its runs have 7 pixels, and its picture 3 x 4"),
        ({"size": [3, 4], "counts": [15, -3]}, "its runs have 12 pixels"),
        ({"size": [3, 4], "counts": [11.5, 0.5]}, "its runs have 12 pixels"),
    ],
)
def test_segmentations_that_are_refused(segmentation: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        compressed(segmentation, 3, 4)


def test_compressed_runs_that_do_not_fill_the_picture() -> None:
    good = rle.encode_crop(np.ones((2, 2), np.bool_), 1, 1, 3, 4)
    assert rle.decode(good, 3, 4).sum() == 4
    cases = {
        good: True,
        rle.encode_crop(np.zeros((0, 0), np.bool_), 0, 0, 3, 4): True,  # empty
        rle.encode_crop(np.ones((2, 2), np.bool_), 1, 1, 3, 5): False,  # of a wider picture
        b"": False,
        b"<P": False,  # a count that is cut off
        b"<\x00": False,  # no character of an RLE
        b"<\xff": False,
        b"?OM": False,  # a run of less than no pixels
    }
    assert rle.fills(list(cases), 3, 4).tolist() == list(cases.values())
    assert rle.fills([], 3, 4).tolist() == []


def test_union() -> None:
    left, right = (rle.encode_crop(np.ones((3, 2), np.bool_), x, 0, 3, 4) for x in (0, 1))
    assert rle.decode(rle.union([left, right], 3, 4), 3, 4).tolist() == [[True, True, True, False]] * 3
    assert not rle.decode(rle.union([], 3, 4), 3, 4).any()
