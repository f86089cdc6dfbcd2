import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from anymask.datasets import LabelledPhoto, content_hash, read_photos, read_split, spread
from anymask.errors import DatasetError

CORNER = np.array([[1, 1, 0], [0, 0, 0]])
COLUMN = np.array([[0, 0, 1], [0, 0, 1]])


def rle_of(mask: Any) -> dict[str, Any]:
    counts: bytes = coco_mask.encode(np.asfortranarray(mask, np.uint8))["counts"]
    return {"size": list(mask.shape), "counts": counts.decode()}


def image(number: int, name: str, labelled: str = "all") -> dict[str, Any]:
    return {"id": number, "file_name": name, "height": 2, "width": 3, "labelled": labelled}


def annotation(photo: int, mask: Any, label: str | None = None) -> dict[str, Any]:
    return {"image_id": photo, "label": label, "segmentation": rle_of(mask)}


def write(folder: Path, collection: str, images: list[Any], annotations: list[Any]) -> None:
    (folder / collection).mkdir(exist_ok=True)
    with gzip.open(folder / collection / "annotations.json.gz", "wt") as stream:
        json.dump({"images": images, "annotations": annotations}, stream)


def write_split(folder: Path, *rows: str) -> Path:
    path = folder / "split.csv"
    path.write_text("\n".join(["collection,file_name,sha256,group,side", *rows]))
    return path


def test_photos_of_one_side_in_order(tmp_path: Path) -> None:
    images = [
        image(1, "b.jpg", "most"),
        image(2, "a.jpg", "some"),
        image(3, "c.jpg"),
        image(4, "d.jpg"),
        image(5, "e.jpg"),
    ]
    annotations = [annotation(1, CORNER, "cat"), annotation(2, COLUMN), annotation(1, COLUMN, "dog")]
    annotations += [annotation(3, CORNER), annotation(4, CORNER)]
    write(tmp_path, "pets", images, annotations)
    write(tmp_path, "birds", [image(1, "a.jpg")], [annotation(1, CORNER)])
    # c is kept out, d is in no split, e has no masks
    rows = [
        "pets,a.jpg,,,train",
        "pets,b.jpg,,,train",
        "pets,c.jpg,,,kept_out",
        "pets,e.jpg,,,train",
        "birds,a.jpg,,,train",
    ]
    split = write_split(tmp_path, *rows)

    found = read_photos(tmp_path, split, "train")
    assert [(photo.collection, photo.path.name, photo.labelled) for photo in found] == [
        ("birds", "a.jpg", "all"),
        ("pets", "a.jpg", "some"),
        ("pets", "b.jpg", "most"),
    ]
    pet = found[2]
    assert pet.path == tmp_path / "pets" / "images" / "b.jpg"
    assert (pet.height, pet.width) == (2, 3)
    assert pet.labels == (("cat", "dog"),)
    assert pet.masks().tolist() == [CORNER.astype(bool).tolist(), COLUMN.astype(bool).tolist()]
    assert pet.masks().dtype == np.bool_
    assert [photo.path.name for photo in read_photos(tmp_path, split, "kept_out")] == ["c.jpg"]
    assert {photo.collection for photo in read_photos(tmp_path, split, "train", frozenset({"birds"}))} == {"birds"}


def test_every_annotator_of_bsds_is_a_layer(tmp_path: Path) -> None:
    annotations = [annotation(1, CORNER, "1102"), annotation(1, COLUMN, "1105"), annotation(1, 1 - CORNER, "1102")]
    for collection in ("bsds", "other"):
        write(tmp_path, collection, [image(1, "a.jpg")], annotations)
    split = write_split(tmp_path, "bsds,a.jpg,,,train", "other,a.jpg,,,train")
    bsds, other = read_photos(tmp_path, split, "train")
    assert [len(layer) for layer in bsds.layers] == [2, 1]
    assert bsds.masks(0).tolist() == [CORNER.astype(bool).tolist(), (1 - CORNER).astype(bool).tolist()]
    assert bsds.masks(1).tolist() == [COLUMN.astype(bool).tolist()]
    assert bsds.labels == ((None, None), (None,))  # who drew is no class
    assert [len(layer) for layer in other.layers] == [3]
    assert other.labels == (("1102", "1105", "1102"),)


def test_a_photo_without_masks_has_none_of_its_size() -> None:
    assert LabelledPhoto("pets", Path("a.jpg"), 2, 3, "all", ((),), ((),)).masks().shape == (0, 2, 3)


def test_many_masks() -> None:
    counts = rle_of(CORNER)["counts"].encode()
    photo = LabelledPhoto("cells", Path("a.jpg"), 2, 3, "all", ((counts,) * 300,), ((None,) * 300,))
    assert photo.masks().sum() == 600  # some decoders stop at 255


@pytest.mark.parametrize("counts", [b"", b"1", b"11", b"P"])
def test_run_lengths_that_do_not_fill_the_picture(counts: bytes) -> None:
    photo = LabelledPhoto("pets", Path("a.jpg"), 2, 3, "all", ((counts,),), ((None,),))
    with pytest.raises(DatasetError, match=r"a\.jpg: mask 0 is no compressed COCO RLE of 2 x 3 pixels"):
        photo.masks()


def test_nothing_found_says_what_was_looked_for(tmp_path: Path) -> None:
    split = write_split(tmp_path, "pets,a.jpg,,,train")
    with pytest.raises(DatasetError, match=r"no photos of the side 'train' found; expected <collection>/annotations"):
        read_photos(tmp_path, split, "train")
    write(tmp_path, "pets", [image(1, "a.jpg")], [annotation(1, CORNER)])
    with pytest.raises(DatasetError, match=r"no photos of the side 'kept_out' found"):
        read_photos(tmp_path, split, "kept_out")
    with pytest.raises(DatasetError, match=r"expected birds/annotations\.json\.gz"):
        read_photos(tmp_path, split, "train", frozenset({"birds"}))


@pytest.mark.parametrize(
    "document",
    [
        {},  # no images
        [],  # no object at all
        {"images": [{"id": 1}], "annotations": []},  # an image without a name
        {"images": [image(1, "a.jpg", "partly")], "annotations": []},  # an unknown word
        {"images": [image(1, "a.jpg")], "annotations": [{"image_id": 1}]},  # no mask
    ],
)
def test_annotations_of_another_shape_are_named(tmp_path: Path, document: Any) -> None:
    (tmp_path / "pets").mkdir()
    with gzip.open(tmp_path / "pets" / "annotations.json.gz", "wt") as stream:
        json.dump(document, stream)
    with pytest.raises(DatasetError, match=r"annotations\.json\.gz: expected gzipped COCO-shaped JSON"):
        read_photos(tmp_path, write_split(tmp_path, "pets,a.jpg,,,train"), "train")


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", gzip.compress(b"{", mtime=0), gzip.compress(bytes(1000), mtime=0)[:-10], b"\x1f\x8b" + bytes(20)],
)
def test_annotations_that_cannot_be_read_are_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "pets").mkdir()
    (tmp_path / "pets" / "annotations.json.gz").write_bytes(content)
    with pytest.raises(DatasetError, match=r"annotations\.json\.gz: expected gzipped COCO-shaped JSON"):
        read_photos(tmp_path, write_split(tmp_path, "pets,a.jpg,,,train"), "train")


def test_read_split(tmp_path: Path) -> None:
    split = write_split(tmp_path, "pets,a.jpg,00,content:00,train", "birds,a.jpg,11,content:11,kept_out")
    assert read_split(split) == {("pets", "a.jpg"): "train", ("birds", "a.jpg"): "kept_out"}


@pytest.mark.parametrize(
    "content",
    [
        b"collection,file_name\npets,a.jpg\n",  # a column is missing
        b"collection,file_name,side\npets,a.jpg,test\n",  # an unknown side
        b"collection,file_name,side\npets,a.jpg\n",  # a row that ends early
        b"collection,file_name,side\n\xff\xfe,a.jpg,train\n",  # not UTF-8
        b'collection,file_name,side\npets,"a\rb' + b"x" * 200_000,  # no CSV
    ],
)
def test_another_kind_of_split_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "split.csv"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=r"split\.csv: expected a CSV .* write it with scripts/make_split\.py"):
        read_split(path)


def test_a_missing_split_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"nothing\.csv: expected a CSV"):
        read_split(tmp_path / "nothing.csv")


def test_content_hash(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert content_hash(tmp_path / "a") == "ba7816bf8f01cfea"  # FIPS 180-2, appendix B.1


@pytest.mark.parametrize(
    ("count", "most", "chosen"),
    [
        (0, 3, []),
        (2, 3, [0, 1]),
        (3, 3, [0, 1, 2]),
        (4, 3, [0, 1, 2]),
        (7, 3, [0, 2, 4]),
        (599, 3, [0, 199, 399]),  # at most so many, also where it does not divide
        (5, 1, [0]),
    ],
)
def test_spread(count: int, most: int, chosen: list[int]) -> None:
    assert list(spread(range(count), most)) == chosen
