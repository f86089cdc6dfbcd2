"""YOLO-seg: which pictures data.yaml names, where their labels are, and lines that are refused by file and number."""

import sys
from pathlib import Path

import pytest
from PIL import Image

from anymask.datasets import Problem, has_sides, read
from anymask.datasets.yolo import labels_of
from anymask.errors import DatasetError, MissingExtraError


def names(path: Path, **given: object) -> list[str]:
    return [photo.path.name for photo in read(path, **given)]  # type: ignore[arg-type]


def test_train_and_val_are_the_sides(yolo_folder: Path) -> None:
    for path in (yolo_folder, yolo_folder / "data.yaml"):
        assert names(path, side="train") == ["sa_1.jpg"]
        assert names(path, side="kept_out") == ["sa_20.jpg"]
        assert names(path) == ["sa_1.jpg", "sa_20.jpg"]


def test_without_data_yaml_all_are_read(yolo_folder: Path) -> None:
    (yolo_folder / "data.yaml").unlink()
    assert not has_sides(yolo_folder)
    assert names(yolo_folder, side="train") == ["sa_1.jpg", "sa_20.jpg"]
    assert read(yolo_folder)[0].load().labels == (("0", "1"),)  # classes have no names


def test_classes_and_labelled(yolo_folder: Path) -> None:
    assert read(yolo_folder)[0].load().labels == (("ring", "bar"),)
    (yolo_folder / "data.yaml").write_text("train: images/train\nnames: [hoop, beam]\nlabelled: all\n")
    (photo,) = read(yolo_folder)
    assert (photo.labelled, photo.load().labels) == ("all", (("hoop", "beam"),))


def test_a_list_of_pictures(yolo_folder: Path) -> None:
    (yolo_folder / "some.txt").write_text("./images/val/sa_20.jpg\n\n")
    (yolo_folder / "data.yaml").write_text("train: [some.txt, images/train]\nval: some.txt\nnames: {}\n")
    assert names(yolo_folder, side="train") == ["sa_1.jpg", "sa_20.jpg"]
    assert names(yolo_folder, side="kept_out") == ["sa_20.jpg"]


@pytest.mark.parametrize(
    ("picture", "labels"),
    [
        ("a/images/b.jpg", "a/labels/b.txt"),
        ("images/images/train/b.c.png", "images/labels/train/b.c.txt"),  # the last of them
        ("a/b.jpg", "a/b.txt"),
    ],
)
def test_labels_of(picture: str, labels: str) -> None:
    assert labels_of(Path(picture)) == Path(labels)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("1 0.5 0.5 0.2 0.2", "corners after the class, got a box"),
        ("1 0.1 0.1 0.2 0.2 0.3", "got 5 numbers"),
        ("1", "got 0 numbers"),
        ("bar 0.1 0.1 0.2 0.2 0.3 0.3", "all of them numbers, got 'bar 0.1"),
        ("1 2 18 30 18 30 22", "expected shares of the picture from 0 to 1, got 2 to 30"),
        ("1 0.1 0.1 0.2 0.2 nan 0.3", "expected shares of the picture"),
        ("inf 0.1 0.1 0.2 0.2 0.3 0.3", "expected a class number, got inf"),
    ],
)
def test_a_line_that_is_refused_is_named(yolo_folder: Path, line: str, said: str) -> None:
    labels = yolo_folder / "labels" / "train" / "sa_1.txt"
    before = labels.read_text()
    labels.write_text(f"{before}{line}\n")
    photo = read(yolo_folder)[0]
    with pytest.raises(DatasetError, match=rf"sa_1\.txt:3: .*{said}"):
        photo.load()
    problems: list[Problem] = []
    assert len(photo.load(problems).layers[0]) == 2
    assert len(problems) == 1


def test_empty_lines_and_missing_labels_are_no_objects(yolo_folder: Path) -> None:
    (yolo_folder / "labels" / "train" / "sa_1.txt").write_text("\n\n")
    (yolo_folder / "labels" / "val" / "sa_20.txt").unlink()
    assert [photo.load().layers for photo in read(yolo_folder)] == [((),), ((),)]


def test_the_size_is_that_of_the_upright_picture(yolo_folder: Path) -> None:
    path = yolo_folder / "images" / "train" / "sa_1.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    Image.new("RGB", (50, 20)).save(path, exif=exif)
    photo = read(yolo_folder)[0].load()
    assert (photo.height, photo.width) == (50, 20)
    assert photo.pixels().shape == (50, 20, 3)


def test_labels_without_a_picture_are_told(yolo_folder: Path) -> None:
    (yolo_folder / "labels" / "val" / "sa_3.txt").write_text("")
    problems: list[Problem] = []
    read(yolo_folder, problems=problems)
    assert ["sa_3.txt: there is no picture" in text for text, _ in problems] == [True]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "expected data.yaml with path, train, val and names, got None"),
        ("a: [", "expected YAML, got "),
        ("val: images/val", ".*got nothing under train"),
        ("train: images/nowhere", "expected a folder or a list of pictures at .*nowhere"),
        ("train: 5", "expected data.yaml with"),
        ("train: images/train\nlabelled: partly", ".*labelled 'partly' is neither"),
        ("train: images/train\nnames: {a: b}", "expected data.yaml with"),
    ],
)
def test_another_kind_of_yaml_is_named(yolo_folder: Path, content: str, said: str) -> None:
    (yolo_folder / "data.yaml").write_text(content)
    with pytest.raises(DatasetError, match=rf"data\.yaml: {said}"):
        read(yolo_folder, side="train")


def test_without_pyyaml_the_extra_is_named(yolo_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(MissingExtraError, match=r'data\.yaml needs PyYAML: pip install "anymask\[train\]"'):
        read(yolo_folder)
    (yolo_folder / "data.yaml").unlink()
    assert len(read(yolo_folder)) == 2  # it is needed for that file alone


def test_a_picture_that_cannot_be_read_is_named(yolo_folder: Path) -> None:
    (yolo_folder / "images" / "train" / "sa_1.jpg").write_bytes(b"no picture")
    with pytest.raises(DatasetError, match=r"sa_1\.jpg: expected a picture and its labels, got .*is not a picture"):
        read(yolo_folder)[0].load()
