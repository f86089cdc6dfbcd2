"""`find_images`: which pictures the words of a command line name."""

from pathlib import Path

import pytest

from anymask.errors import ImageError
from anymask.image import find_images


@pytest.fixture
def album(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    names = ["b.jpg", "a.PNG", "notes.txt", ".hidden.png", "deep/c.webp", "deep/er/d.png", "odd[1].png", "none/x.txt"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "folder.png").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["b.jpg", "a.PNG"], ["b.jpg", "a.PNG"]),  # the order of the words
        (["b.jpg", "./b.jpg", "b.jpg"], ["b.jpg"]),
        (["."], ["a.PNG", "b.jpg", "odd[1].png"]),  # only pictures, sorted; nothing hidden, no folders
        (["b.jpg", "."], ["b.jpg", "a.PNG", "odd[1].png"]),
        (["deep"], ["deep/c.webp"]),  # not what lies deeper
        (["*.jpg"], ["b.jpg"]),
        (["**/*.png"], ["deep/er/d.png", "odd[1].png"]),
        (["deep/**"], ["deep/c.webp", "deep/er/d.png"]),
        (["[ab].*"], ["a.PNG", "b.jpg"]),
        (["odd[1].png"], ["odd[1].png"]),  # a file, though it looks like a pattern
        (["notes.txt"], ["notes.txt"]),  # named outright, so it is meant
        (["gone.png"], ["gone.png"]),  # load_image says that it is missing
        ([], []),
    ],
)
def test_find_images(album: Path, arguments: list[str], expected: list[str]) -> None:
    assert find_images(arguments) == [Path(name) for name in expected]


def test_find_images_takes_absolute_paths_and_patterns(album: Path) -> None:
    assert find_images([album / "deep", str(album / "*.jpg"), "b.jpg"]) == [album / "deep" / "c.webp", album / "b.jpg"]


@pytest.mark.parametrize(
    ("argument", "reason"),
    [("none", "none: the folder holds no picture"), ("*.tiff", r"\*.tiff: the pattern matches no picture")],
)
def test_a_word_without_pictures_is_refused(album: Path, argument: str, reason: str) -> None:
    with pytest.raises(ImageError, match=f"^{reason}: expected files ending in .*jpg") as caught:
        find_images(["b.jpg", argument])
    assert caught.value.name == argument
