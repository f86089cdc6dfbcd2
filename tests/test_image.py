import io
import os
import struct
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps

from anymask.errors import ImageError, SettingsError
from anymask.image import FORMATS, MAX_PIXELS, load_image

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)

# 2 x 3 pixels, no two alike: turning or mirroring it in any way shows.
PHOTO = np.array([[[10, 0, 0], [20, 0, 0], [30, 0, 0]], [[40, 9, 0], [50, 9, 0], [60, 9, 0]]], np.uint8)

ORIENTATIONS: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {  # what was done to a picture stored so, undone
    1: lambda array: array,
    2: lambda array: array[:, ::-1],
    3: lambda array: array[::-1, ::-1],
    4: lambda array: array[::-1],
    5: lambda array: array.transpose(1, 0, 2),
    6: lambda array: np.rot90(array, -1),
    7: lambda array: np.rot90(array, 2).transpose(1, 0, 2),
    8: lambda array: np.rot90(array, 1),
}


def file(image: Image.Image, kind: str = "png", **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def gray(values: list[list[int]] | list[list[float]], dtype: str) -> Image.Image:
    return Image.fromarray(np.array(values, dtype))


def reds(array: NDArray[np.uint8]) -> list[list[int]]:
    """The red channel, of a picture that must be gray."""
    assert (array == array[:, :, :1]).all()
    rows: list[list[int]] = array[:, :, 0].tolist()
    return rows


# What is accepted


@pytest.mark.parametrize("kind", ["path", "str", "bytes", "bytearray", "PIL", "array", "not contiguous"])
def test_every_kind_of_source_gives_the_same_array(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "Обезьяна 写真 🐈.png"
    path.write_bytes(file(Image.fromarray(PHOTO)))
    sources = {
        "path": path,
        "str": str(path),
        "bytes": path.read_bytes(),
        "bytearray": bytearray(path.read_bytes()),
        "PIL": Image.fromarray(PHOTO),
        "array": PHOTO,
        "not contiguous": np.asfortranarray(PHOTO),
    }
    array = load_image(sources[kind])  # type: ignore[arg-type]
    assert array.dtype == np.uint8
    assert array.flags.c_contiguous and not array.flags.writeable
    np.testing.assert_array_equal(array, PHOTO)


def test_an_array_that_is_right_is_neither_copied_nor_frozen() -> None:
    source = PHOTO.copy()
    assert np.shares_memory(load_image(source), source)
    assert source.flags.writeable


@pytest.mark.parametrize("kind", ["png", "bmp", "tiff", "gif", "ppm", "webp", "jpeg2000", "jpeg"])
def test_every_format_is_read(kind: str) -> None:
    flat = Image.new("RGB", (40, 30), (200, 100, 50))
    exact: dict[str, dict[str, Any]] = {"webp": {"lossless": True}, "jpeg": {"quality": 100}}
    array = load_image(file(flat, kind, **exact.get(kind, {})))
    assert array.shape == (30, 40, 3)
    np.testing.assert_allclose(array, np.broadcast_to([200, 100, 50], array.shape), atol=2 if kind == "jpeg" else 0)


def with_palette(transparency: int | bytes | None) -> bytes:
    image = Image.new("P", (3, 1))
    image.putpalette([*RED, *GREEN, *BLUE])
    image.putdata([0, 1, 2])
    return file(image) if transparency is None else file(image, transparency=transparency)


def pixels(mode: str, values: list[Any]) -> Image.Image:
    image = Image.new(mode, (len(values), 1))
    image.putdata(values)
    return image


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (pixels("1", [0, 255]), [(0, 0, 0), WHITE]),
        (pixels("L", [0, 7]), [(0, 0, 0), (7, 7, 7)]),
        (np.array([[0, 7]], np.uint8), [(0, 0, 0), (7, 7, 7)]),
        (pixels("LA", [(7, 255), (7, 0)]), [(7, 7, 7), WHITE]),
        (pixels("RGBA", [(*RED, 255), (*RED, 0), (0, 0, 0, 51)]), [RED, WHITE, (204, 204, 204)]),  # one fifth of black
        (pixels("RGBX", [(*RED, 0)]), [RED]),  # the fourth channel means nothing
        (pixels("CMYK", [(0, 255, 255, 0), (0, 0, 0, 255)]), [RED, (0, 0, 0)]),
        (pixels("HSV", [(0, 255, 255)]), [RED]),
        (pixels("YCbCr", [(255, 128, 128)]), [WHITE]),
        (with_palette(None), [RED, GREEN, BLUE]),
        (with_palette(1), [RED, WHITE, BLUE]),  # one transparent entry
        (with_palette(bytes([255, 255, 0])), [RED, GREEN, WHITE]),  # an alpha for each entry
        (file(pixels("RGB", [RED, GREEN]), transparency=GREEN), [RED, WHITE]),  # one transparent colour
        (file(pixels("L", [7, 8]), transparency=8), [(7, 7, 7), WHITE]),
        (file(pixels("1", [0, 255])), [(0, 0, 0), WHITE]),
        (file(pixels("CMYK", [(0, 255, 255, 0)]), "tiff"), [RED]),
    ],
)
def test_colours_and_transparency(source: Any, expected: list[tuple[int, int, int]]) -> None:
    assert [tuple(pixel) for pixel in load_image(source)[0].tolist()] == expected


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (gray([[100, 200], [300, 400]], "<u2"), [[0, 85], [170, 255]]),  # stretched over its own range
        (gray([[0, 65535]], "<u2"), [[0, 255]]),
        (gray([[0x1234, 0x1234]], "<u2"), [[0x12, 0x12]]),  # one value: the high byte
        (gray([[-5, 5], [0, 0]], "<i4"), [[0, 255], [128, 128]]),
        (gray([[70000]], "<i4"), [[255]]),  # one value, beyond 16 bits
        (gray([[-70000]], "<i4"), [[0]]),
        (gray([[0.0, 0.5, 1.0]], "<f4"), [[0, 128, 255]]),
        (gray([[0.0, np.nan, 2.0, np.inf, -np.inf]], "<f4"), [[0, 0, 255, 255, 0]]),
        (gray([[np.nan, np.inf]], "<f4"), [[0, 0]]),  # no finite value
        (gray([[-3e38, 3e38]], "<f4"), [[0, 255]]),  # a range beyond float32
    ],
)
def test_more_than_eight_bits_of_gray(image: Image.Image, expected: list[list[int]]) -> None:
    assert reds(load_image(image)) == expected


def test_sixteen_bit_files() -> None:
    ramp = gray([[1000, 2000, 3000]], "<u2")
    for data in (file(ramp), file(ramp, "tiff")):
        assert reds(load_image(data)) == [[0, 128, 255]]
    big_endian = struct.pack(">2sHIH", b"MM", 42, 8, 8)  # a TIFF by hand: 3 x 1, one strip
    for tag, value in ((256, 3), (257, 1), (258, 16), (259, 1), (262, 1), (273, 110), (278, 1), (279, 6)):
        big_endian += struct.pack(">HHIHH", tag, 3, 1, value, 0)
    big_endian += bytes(4) + struct.pack(">3H", 1000, 2000, 3000)
    assert big_endian.index(struct.pack(">H", 1000)) == 110
    with Image.open(io.BytesIO(big_endian)) as opened:
        assert opened.mode == "I;16B"
    assert reds(load_image(big_endian)) == [[0, 128, 255]]


def test_sixteen_bit_colour_keeps_the_high_byte() -> None:
    row = b"\0" + struct.pack(">6H", 0x1234, 0x00FF, 0xFFFF, 0x0100, 0, 0x8000)
    assert load_image(png(2, 1, row, depth=16)).tolist() == [[[0x12, 0, 0xFF], [1, 0, 0x80]]]


@pytest.mark.parametrize("stored", ORIENTATIONS)
@pytest.mark.parametrize("kind", ["png", "tiff", "webp"])
def test_the_exif_orientation_is_applied_once(kind: str, stored: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = stored
    data = file(Image.fromarray(PHOTO), kind, exif=exif, **({"lossless": True} if kind == "webp" else {}))
    expected = ORIENTATIONS[stored](PHOTO)
    np.testing.assert_array_equal(load_image(data), expected)
    with Image.open(io.BytesIO(data)) as opened:
        np.testing.assert_array_equal(load_image(opened), expected)
        np.testing.assert_array_equal(load_image(opened), expected)  # the first call changed nothing
        np.testing.assert_array_equal(load_image(ImageOps.exif_transpose(opened)), expected)


def test_a_jpeg_lies_as_its_exif_says() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    assert load_image(file(Image.new("RGB", (40, 20)), "jpeg", exif=exif)).shape == (40, 20, 3)


def test_damaged_exif_does_not_hide_the_picture(caplog: pytest.LogCaptureFixture) -> None:
    data = file(Image.fromarray(PHOTO), exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    np.testing.assert_array_equal(load_image(data, name="a.png"), PHOTO)
    assert all(record.getMessage().startswith("a.png: ") for record in caplog.records)


@pytest.mark.parametrize("kind", ["gif", "png", "webp", "tiff"])
def test_of_an_animation_the_first_frame(kind: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, GREEN, BLUE)]
    options = {"lossless": True} if kind == "webp" else {}
    array = load_image(file(frames[0], kind, save_all=True, append_images=frames[1:], **options))
    assert (array == RED).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1)])
@pytest.mark.parametrize("mode", ["RGB", "I;16", "LA"])
def test_thin_pictures(shape: tuple[int, int], mode: str) -> None:
    assert load_image(file(Image.new(mode, shape[::-1]))).shape == (*shape, 3)


# What is refused


def png(width: int, height: int, rows: bytes = b"", depth: int = 8) -> bytes:
    """An RGB PNG whose header says what it likes."""
    header = struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0)
    chunks = {b"IHDR": header, b"IDAT": zlib.compress(rows), b"IEND": b""}
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks.items()
    )


GOOD = file(Image.effect_noise((64, 48), 50).convert("RGB"))


REFUSED: dict[str, tuple[bytes | None, str]] = {  # name of the file -> content, part of the message
    "missing.png": (None, "there is no such file: check the path"),
    "new\nline.png": (None, "there is no such file"),
    "empty.png": (b"", "is empty (0 bytes)"),
    "notes.png": (b"These are no pixels.", "is not a picture in a format known here (JPEG, PNG"),
    "zeros.png": (bytes(1000), "is not a picture"),
    "page.eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is not a picture"),  # would run a program
    "cut.png": (GOOD[: len(GOOD) // 2], "cannot be decoded"),
    "cut.jpg": (file(Image.effect_noise((64, 48), 50), "jpeg")[:-300], "cannot be decoded"),
    "head.png": (GOOD[:20], "cannot be decoded"),
    "signature.png": (GOOD[:8], "cannot be decoded"),
    "no_width.png": (png(0, 5), "cannot be decoded"),
    "bomb.png": (png(20000, 20000), "is 20000 x 20000 = 400000000 pixels, more than the limit of 256000000"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    content, reason = REFUSED[name]
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ImageError) as caught:
        load_image(path)
    message = str(caught.value)
    assert message.startswith(f"{caught.value.name}: ")
    assert message.isprintable()
    assert name.replace("\n", r"\n") in caught.value.name
    assert reason in message
    assert ": " in message.removeprefix(f"{caught.value.name}: ")  # the cure


def test_a_folder_and_a_pipe_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="is a folder"):
        load_image(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.png")
        with pytest.raises(ImageError, match="is no regular file"):
            load_image(tmp_path / "pipe.png")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="this user may read everything")
def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret.png"
    path.write_bytes(GOOD)
    path.chmod(0)
    with pytest.raises(ImageError, match="may not be read by this user"):
        load_image(path)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("a\0b.png", "cannot be read"),
        ("x" * 5000 + ".png", "cannot be read"),
        ("https://example.com/photo.jpg", "download it first"),
        (np.zeros((4, 5, 4), np.uint8), "got (4, 5, 4) of uint8"),  # alpha
        (np.zeros((3, 4, 5), np.uint8), "got (3, 4, 5) of uint8"),  # channels first
        (np.zeros((1, 4, 5, 3), np.uint8), "got (1, 4, 5, 3) of uint8"),  # a batch
        (np.zeros((4, 5, 3), np.float32), "got (4, 5, 3) of float32"),
        (np.zeros((4, 5), np.uint16), "got (4, 5) of uint16"),
        (np.zeros((0, 5, 3), np.uint8), "has no pixels"),
        (np.zeros((4, 0), np.uint8), "has no pixels"),
        (Image.new("RGB", (0, 5)), "has no pixels"),
        (Image.open(io.BytesIO(GOOD[:-100])), "cannot be decoded"),  # not read before load_image does
        (io.BytesIO(GOOD), "got BytesIO"),
        (None, "got NoneType"),
        ([[0, 1]], "got list"),
    ],
)
def test_a_source_is_refused(source: Any, reason: str) -> None:
    with pytest.raises(ImageError) as caught:
        load_image(source)
    assert reason in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_name_that_is_no_text_can_be_printed() -> None:
    with pytest.raises(ImageError) as caught:
        load_image(os.fsdecode(b"caf\xe9.png") if os.name == "posix" else "caf\udce9.png")
    str(caught.value).encode("utf-8")


def test_the_name_given_is_the_one_told() -> None:
    with pytest.raises(ImageError, match=r"^standard input: is empty") as caught:
        load_image(b"", name="standard input")
    assert caught.value.name == "standard input"


@pytest.mark.parametrize("kind", [name.lower() for name in FORMATS if name != "AVIF"])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damage_raises_nothing_but_image_errors(kind: str, data: st.DataObject) -> None:
    noise = Image.fromarray(np.arange(16 * 16 * 3, dtype=np.uint8).reshape(16, 16, 3))
    content = bytearray(file(noise, kind))
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=4), "places"):
        content[place] = data.draw(st.integers(0, 255), "byte")
    del content[data.draw(st.integers(1, len(content)), "length") :]
    try:
        assert load_image(bytes(content), max_pixels=10**6).dtype == np.uint8
    except ImageError as error:
        assert str(error).isprintable()


# The limit


@pytest.mark.parametrize(
    "source", [PHOTO, Image.fromarray(PHOTO), file(Image.fromarray(PHOTO)), file(Image.fromarray(PHOTO), "tiff")]
)
def test_the_limit_of_pixels(source: Any) -> None:
    assert load_image(source, max_pixels=6).shape == (2, 3, 3)
    with pytest.raises(ImageError, match=r"is 3 x 2 = 6 pixels, more than the limit of 5: .*max_pixels=6 \(--max-pix"):
        load_image(source, max_pixels=5)


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_no_limit(limit: int) -> None:
    with pytest.raises(SettingsError, match="max_pixels must be at least 1"):
        load_image(PHOTO, max_pixels=limit)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("png", {}),
        ("jpeg", {}),
        ("bmp", {}),
        ("gif", {}),
        ("ppm", {}),
        ("jpeg2000", {}),
        ("tiff", {}),  # its reader checks a second time
        ("tiff", {"compression": "tiff_deflate"}),
        ("tiff", {"exif": {ExifTags.Base.Orientation: 6}}),
    ],
)
@pytest.mark.parametrize("kept", [600, 10])  # Pillow warns above its limit, and refuses above twice its limit
def test_pillows_own_limit_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    options: dict[str, Any],
    kept: int,
) -> None:
    if "exif" in options:
        exif = Image.Exif()
        exif.update(options["exif"])
        options = {"exif": exif}
    photo = Image.fromarray(np.arange(40 * 25 * 3, dtype=np.uint8).reshape(25, 40, 3))
    data = file(photo, kind, **options)
    expected = load_image(data)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", kept)
    np.testing.assert_array_equal(load_image(data), expected)
    assert kept == Image.MAX_IMAGE_PIXELS


def test_a_hundred_and_ninety_megapixels_are_within_the_limit() -> None:
    assert MAX_PIXELS > 190_000_000
    assert 2 * (Image.MAX_IMAGE_PIXELS or 0) < 190_000_000  # Pillow would refuse
    with pytest.raises(ImageError, match="cannot be decoded"):  # the pixels are not there, but the header was taken
        load_image(png(19000, 10000))


def test_threads_read_side_by_side() -> None:
    with ThreadPoolExecutor(8) as pool:
        for array in pool.map(load_image, [GOOD] * 64):
            np.testing.assert_array_equal(array, load_image(GOOD))
