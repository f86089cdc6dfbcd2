"""What the header of a file tells, without its pixels."""

import io
import struct
import zlib

import pytest
from PIL import Image

from anymask.image import load_image, read_header

TURNED = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"  # Exif data: orientation 6, a quarter turn


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, *, before: bytes = b"", behind: bytes = b"", pixels: bytes | None = None) -> bytes:
    """A black PNG with chunks before and behind its pixels."""
    drawn = zlib.compress(bytes(height * (1 + 3 * width)) if pixels is None else pixels)
    head = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return head + before + chunk(b"IDAT", drawn) + behind + chunk(b"IEND", b"")


EXIF = chunk(b"eXIf", TURNED)


@pytest.mark.parametrize(
    ("before", "behind", "turned"),
    [
        (b"", b"", False),
        (EXIF, b"", True),
        (b"", EXIF, True),
        (EXIF, EXIF, True),
        (b"", EXIF[:-1] + b"x", True),  # a wrong checksum, which Pillow does not look at there
        (EXIF, EXIF[:-9], True),  # cut off
        (b"", chunk(b"tEXt", b"Comment\0hello") + EXIF, True),
        (chunk(b"tEXt", b"Comment\0hello"), b"", False),
    ],
)
def test_a_png_is_told_as_it_is_loaded(before: bytes, behind: bytes, turned: bool) -> None:
    content = png(5, 3, before=before, behind=behind)
    header = read_header(content)
    assert (header.height, header.width, header.upright) == ((5, 3, False) if turned else (3, 5, True))
    assert load_image(content).shape[:2] == (header.height, header.width)


def test_no_pixel_of_a_png_is_decoded() -> None:
    # Pillow's own getexif decodes the picture: this took ten gigabytes and a minute
    header = read_header(png(100_000, 90_000, behind=EXIF, pixels=bytes(100)))
    assert (header.height, header.width) == (100_000, 90_000)


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "tiff", "gif", "bmp", "avif", "jpeg2000", "ppm"])
def test_every_format_is_told_as_it_is_loaded(kind: str) -> None:
    file = io.BytesIO()
    Image.new("RGB", (40, 24), "red").save(file, kind)
    header = read_header(file.getvalue())
    assert (header.height, header.width, header.upright) == (24, 40, True)
    assert load_image(file.getvalue()).shape[:2] == (24, 40)
