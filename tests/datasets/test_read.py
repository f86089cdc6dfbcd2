"""Every layout gives the same photos, masks and pixels, and a path of none is refused."""

import logging
import pickle
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from anymask.datasets import PhotoEntry, Problem, has_sides, kind_of, read
from anymask.datasets.sa1b import Sa1bPhoto
from anymask.errors import DatasetError, SettingsError

Masks = dict[str, list[NDArray[np.bool_]]]

LAYOUTS = ("coco_file", "yolo_folder", "sa1b_folder", "sa1b_tar")


def masks_of(photos: Sequence[PhotoEntry]) -> dict[str, list[list[list[bool]]]]:
    return {photo.path.stem: photo.load().masks().tolist() for photo in photos}


@pytest.fixture(params=LAYOUTS)
def path(request: pytest.FixtureRequest) -> Path:
    found: Path = request.getfixturevalue(request.param)
    return found


def test_the_same_masks_from_every_layout(path: Path, masks: Masks) -> None:
    photos = read(path)
    assert masks_of(photos) == {name: [mask.tolist() for mask in drawn] for name, drawn in masks.items()}
    assert [photo.path.name for photo in photos] == ["sa_1.jpg", "sa_20.jpg"]
    assert {photo.labelled for photo in photos} == {"most"}
    assert photos[0].load().masks()[0][9, 9] == np.False_  # holes are kept


def test_pixels_are_those_of_the_picture(path: Path, masks: Masks) -> None:
    for entry in read(path):
        bright = entry.load().pixels()[..., 0] > 127
        assert (bright ^ masks[entry.path.stem][0]).mean() < 0.01  # but for what JPEG blurs


def test_other_processes_get_the_same_photos(path: Path) -> None:
    photos = read(path)
    sent = pickle.loads(pickle.dumps(photos))
    assert sent == photos
    assert [photo.load() for photo in sent] == [photo.load() for photo in photos]
    assert all(np.array_equal(a.load().pixels(), b.load().pixels()) for a, b in zip(sent, photos, strict=True))


def test_a_subset_is_one_of_names_not_of_storage(request: pytest.FixtureRequest) -> None:
    paths = [request.getfixturevalue(layout) for layout in LAYOUTS]
    # SHA-256 of "0:sa_1.jpg" begins with 9799, which is 0.592 of 10000; that of "0:sa_20.jpg" with 8a37, 0.540
    assert [[photo.path.name for photo in read(path, subset=0.57)] for path in paths] == [["sa_20.jpg"]] * 4


def test_collections_are_named_after_their_file_or_folder(request: pytest.FixtureRequest) -> None:
    names = [read(request.getfixturevalue(layout))[0].collection for layout in LAYOUTS]
    assert names == ["instances_val2017", "shapes", "sa_000000", "sa_000000"]
    path = request.getfixturevalue("sa1b_tar")
    assert len(read(path, collections=frozenset({"sa_000000"}))) == 2
    with pytest.raises(DatasetError, match="no photos of birds found"):
        read(path, collections=frozenset({"birds"}))


def test_sides(request: pytest.FixtureRequest) -> None:
    assert [has_sides(request.getfixturevalue(layout)) for layout in LAYOUTS] == [False, True, False, False]
    for layout in ("coco_file", "sa1b_tar"):  # no sides are told apart
        assert len(read(request.getfixturevalue(layout), side="train")) == 2


@pytest.mark.parametrize("share", [0.0, -0.1, 1.01, float("nan")])
def test_a_share_out_of_range_is_refused(sa1b_tar: Path, share: float) -> None:
    with pytest.raises(SettingsError, match="subset must be above 0 and at most 1"):
        read(sa1b_tar, subset=share)


def test_images_are_named_for_coco_alone(sa1b_tar: Path) -> None:
    with pytest.raises(SettingsError, match="for COCO and LVIS files alone"):
        read(sa1b_tar, images=sa1b_tar.parent)


def test_nothing_left_is_an_error(sa1b_tar: Path) -> None:
    with pytest.raises(DatasetError, match="no photos found; check the path, the subset"):
        read(sa1b_tar, subset=0.001)


def test_a_path_of_no_layout_says_what_was_expected(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    for path, found in ((tmp_path, "another folder"), (tmp_path / "notes.txt", "another kind of file")):
        with pytest.raises(DatasetError, match=f"expected a folder of collections .*YOLO.*SA-1B.* found {found} there"):
            kind_of(path)
    with pytest.raises(DatasetError, match="found nothing there"):
        kind_of(tmp_path / "missing")


@pytest.mark.parametrize("nested", [False, True])
def test_a_folder_of_shards_or_of_folders(sa1b_tar: Path, sa1b_folder: Path, masks: Masks, nested: bool) -> None:
    folder = sa1b_folder.parent / "all"
    folder.mkdir()
    sa1b_folder.rename(folder / sa1b_folder.name)
    where = folder if nested else sa1b_tar.parent
    assert kind_of(where) == "sa1b"
    assert masks_of(read(where)).keys() == masks.keys()


def test_a_file_without_its_other_is_left_out_and_told(sa1b_folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (sa1b_folder / "sa_1.json").unlink()
    (sa1b_folder / "sa_3.json").write_text("{}")
    with caplog.at_level(logging.WARNING, "anymask"):
        assert [photo.path.name for photo in read(sa1b_folder)] == ["sa_20.jpg"]
    assert "1 .json files are left out, there is no picture beside them" in caplog.text
    problems: list[Problem] = []
    read(sa1b_folder, problems=problems)
    assert [(Path(text.split(": ")[0]).name, text.split(": ")[1]) for text, _ in problems] == [
        ("sa_1.jpg", "there are no annotations beside it"),
        ("sa_3.json", "there is no picture beside it"),
    ]


@pytest.mark.parametrize("content", [b"", b"no tar at all" * 100])
def test_what_is_no_tar_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "sa_000000.tar").write_bytes(content)
    with pytest.raises(DatasetError, match=r"sa_000000\.tar: (expected an uncompressed tar|no photos found)"):
        read(tmp_path / "sa_000000.tar")


def test_a_shard_that_is_cut_off_is_refused(sa1b_tar: Path) -> None:
    content = sa1b_tar.read_bytes()
    sa1b_tar.write_bytes(content[: len(content) // 2 // 512 * 512 - 100])
    with pytest.raises(DatasetError, match="expected an uncompressed tar"):
        read(sa1b_tar)


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b'{"image": {"height": 24, "width": "wide"}, "annotations": []}']
)
def test_annotations_of_another_shape_are_named(sa1b_folder: Path, content: bytes) -> None:
    (sa1b_folder / "sa_1.json").write_bytes(content)
    (entry, _) = read(sa1b_folder)
    with pytest.raises(DatasetError, match=r"sa_1\.json: expected SA-1B's JSON"):
        entry.load()


def test_a_listed_photo_takes_little_memory() -> None:
    place = Path("sa_000000.tar")
    tracemalloc.start()
    listed = [Sa1bPhoto("sa", place, f"sa_{n}.jpg", (n * 10**9, n + 10**6, n * 10**9, n + 10**5)) for n in range(2000)]
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken / len(listed) < 400  # bytes: 88 MB for 220,000 photos
