"""Which pictures `anymask segment` takes, and how it refuses the others: one line each, and the rest is done."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image, features

Run = Callable[..., Any]
QUICK = ("--image-size", "64", "--out", "out")

WIDE = np.random.default_rng(0).integers(0, 256, (1, 5000, 3), np.uint8)


def deep(photo: Image.Image, dtype: str) -> Image.Image:
    """Grayscale of 16 or 32 bits."""
    return Image.fromarray((np.asarray(photo.convert("L")).astype(np.float64) * 200).astype(dtype))


def exif(orientation: int) -> Image.Exif:
    data = Image.Exif()
    data[ExifTags.Base.Orientation] = orientation
    return data


def animated(photo: Image.Image, path: Path) -> None:
    photo.save(path, save_all=True, append_images=[photo.rotate(180), photo.rotate(90)])


# name -> how to write it, and its (width, height) where that is not the photo's
ACCEPTED: dict[str, tuple[Callable[[Image.Image, Path], object], tuple[int, int]]] = {
    "rgb.jpg": (lambda photo, path: photo.save(path), (96, 64)),
    "gray.png": (lambda photo, path: photo.convert("L").save(path), (96, 64)),
    "bilevel.png": (lambda photo, path: photo.convert("1").save(path), (96, 64)),
    "palette.png": (lambda photo, path: photo.quantize(16).save(path), (96, 64)),
    "palette see-through.png": (lambda photo, path: photo.quantize(16).save(path, transparency=0), (96, 64)),
    "rgba.png": (lambda photo, path: photo.convert("RGBA").save(path), (96, 64)),
    "gray alpha.png": (lambda photo, path: photo.convert("LA").save(path), (96, 64)),
    "cmyk.jpg": (lambda photo, path: photo.convert("CMYK").save(path), (96, 64)),
    "16 bit.png": (lambda photo, path: deep(photo, "uint16").save(path), (96, 64)),
    "16 bit.tif": (lambda photo, path: deep(photo, "uint16").save(path), (96, 64)),
    "float.tiff": (lambda photo, path: deep(photo, "float32").save(path), (96, 64)),
    "lying.jpg": (lambda photo, path: photo.save(path, exif=exif(6)), (64, 96)),  # shown upright
    "headlong.jpg": (lambda photo, path: photo.save(path, exif=exif(3)), (96, 64)),
    "animated.gif": (lambda photo, path: animated(photo, path), (96, 64)),
    "animated.webp": (lambda photo, path: animated(photo, path), (96, 64)),
    "animated.png": (lambda photo, path: animated(photo, path), (96, 64)),
    "one pixel.png": (lambda photo, path: photo.crop((0, 0, 1, 1)).save(path), (1, 1)),
    "wide.png": (lambda photo, path: Image.fromarray(WIDE).save(path), (5000, 1)),
    "high.png": (lambda photo, path: Image.fromarray(WIDE.transpose(1, 0, 2)).save(path), (1, 5000)),
    "photo.bmp": (lambda photo, path: photo.save(path), (96, 64)),
    "photo.ppm": (lambda photo, path: photo.save(path), (96, 64)),
    "Обезьяна 写真 🐈.jpg": (lambda photo, path: photo.save(path), (96, 64)),
    "[brackets] * .png" if sys.platform != "win32" else "[brackets].png": (
        lambda photo, path: photo.save(path),
        (96, 64),
    ),
    "no suffix": (lambda photo, path: photo.save(path, "png"), (96, 64)),
    "a jpeg.png": (lambda photo, path: photo.save(path, "jpeg"), (96, 64)),
    "SHOUTED.JPG": (lambda photo, path: photo.save(path, "jpeg"), (96, 64)),
}
if features.check("jpg_2000"):
    ACCEPTED["photo.jp2"] = (lambda photo, path: photo.save(path), (96, 64))
if features.check("avif"):
    ACCEPTED["photo.avif"] = (lambda photo, path: photo.save(path), (96, 64))


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(run: Run, photo: Image.Image, name: str) -> None:
    write, (width, height) = ACCEPTED[name]
    write(photo, Path(name))
    ended = run("segment", name, *QUICK)
    assert (ended.code, ended.out) == (0, "")
    *hint, line = ended.lines
    assert len(hint) == ("0 masks" in line)  # what to do about it
    stem = Path(name).stem
    files = [Path("out") / f"{stem}.coco.json", Path("out") / f"{stem}.overlay.png"]
    assert line.startswith(f"{name}: ") and line.endswith(f" s -> {files[0]}, {files[1]}")
    (image,) = json.loads(files[0].read_text())["images"]
    assert (image["file_name"], image["width"], image["height"]) == (name, width, height)
    with Image.open(files[1]) as overlay:
        assert overlay.size == (width, height)


def write_cut(photo: Image.Image, path: Path, share: float) -> None:
    photo.save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])


# name -> how to write it, and what is said of it
REFUSED: dict[str, tuple[Callable[[Image.Image, Path], object], str]] = {
    "notes.txt": (lambda photo, path: path.write_text("not a picture"), "is not a picture in a format known here"),
    "page.jpg": (lambda photo, path: path.write_text("<!doctype html>"), "is not a picture in a format known here"),
    "zeros.png": (lambda photo, path: path.write_bytes(bytes(1000)), "is not a picture in a format known here"),
    "cut.jpg": (lambda photo, path: write_cut(photo, path, 0.5), "may be damaged or cut off"),
    "cut.png": (lambda photo, path: write_cut(photo, path, 0.5), "may be damaged or cut off"),
    "header.png": (lambda photo, path: write_cut(photo, path, 0.002), "copy or download it again"),
    "empty.jpg": (lambda photo, path: path.write_bytes(b""), "is empty (0 bytes)"),
    "missing.jpg": (lambda photo, path: None, "there is no such file"),
    "large.png": (lambda photo, path: photo.resize((200, 100)).save(path), "more than the limit of 10000"),
    "folder": (lambda photo, path: path.mkdir(), "the folder holds no picture"),
    "*.webp": (lambda photo, path: None, "the pattern matches no picture"),
    "http://example.com/a.jpg": (lambda photo, path: None, "there is no such file: download it first"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_one_line_and_the_others_are_done(run: Run, photo: Image.Image, name: str) -> None:
    write, reason = REFUSED[name]
    write(photo, Path(name))
    for good in ("first.png", "last.png"):
        photo.save(good)
    ended = run("segment", "first.png", name, "last.png", *QUICK, "--max-pixels", "10000", "--quiet")
    assert (ended.code, ended.out) == (1, "")
    (line,) = ended.lines
    assert line.startswith(f"anymask: {name}: ") and reason in line
    assert {path.name for path in Path("out").iterdir()} == {
        f"{stem}.{kind}" for stem in ("first", "last") for kind in ("coco.json", "overlay.png")
    }
    # without --quiet it is the same line among those of the others
    again = run("segment", "first.png", name, "last.png", *QUICK, "--max-pixels", "10000")
    assert again.code == 1 and [each for each in again.lines if each.startswith("anymask: ")] == [line]
    assert len(again.lines) == 3


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="root may read everything, Windows has no modes"
)
def test_an_unreadable_file_is_refused(run: Run, photo: Image.Image) -> None:
    photo.save("secret.png")
    Path("secret.png").chmod(0)
    photo.save("good.png")
    ended = run("segment", "secret.png", "good.png", *QUICK, "--quiet")
    (line,) = ended.lines
    assert ended.code == 1 and line.startswith("anymask: secret.png: may not be read")
    assert Path("out/good.coco.json").is_file()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows allows no such names")
def test_a_name_of_two_lines_stays_on_one(run: Run, photo: Image.Image) -> None:
    name = "two\nlines.png"
    Path(name).write_bytes(b"no")
    ended = run("segment", name, *QUICK)
    (line,) = ended.lines
    assert ended.code == 1 and line.startswith(r"anymask: two\nlines.png: is not a picture")
    photo.save(name)
    ended = run("segment", name, *QUICK)
    assert ended.code == 0 and len(ended.lines) == 1


def test_only_refused_pictures_write_nothing(run: Run) -> None:
    ended = run("segment", "a.png", "b.png", "folder/", *QUICK)
    assert ended.code == 1 and len(ended.lines) == 3
    assert not Path("out").exists() or not any(Path("out").iterdir())


def test_folders_and_patterns(run: Run, photo: Image.Image) -> None:
    for name in ("album/b.png", "album/a.jpg", "album/deep/c.png", "d.png", "e.png"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        photo.save(name)
    Path("album/notes.txt").write_text("no picture, and not asked for by name")
    Path("empty").mkdir()
    ended = run("segment", "album", "?.png", "album/**/*.png", "d.png", Path("d.png").absolute(), "empty", *QUICK)
    assert ended.code == 1  # for the empty folder
    done = [line.partition(":")[0] for line in ended.lines if not line.startswith("anymask: ")]
    expected = ["album/a.jpg", "album/b.png", "d.png", "e.png", "album/deep/c.png"]  # each once
    assert done == [str(Path(name)) for name in expected]
    (refused,) = (line for line in ended.lines if line.startswith("anymask: "))
    assert refused.startswith("anymask: empty: the folder holds no picture")
    assert "notes.txt" not in ended.err
