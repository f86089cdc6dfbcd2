"""Uploads that mean no good, made the same way each time."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from tests.serve.conftest import png

BOUNDARY = b"b"
FORM = "multipart/form-data; boundary=b"
KINDS = ("jpeg", "png", "webp", "tiff", "gif", "avif", "jpeg2000", "ppm", "bmp")


@dataclass(frozen=True)
class Upload:
    """One request's body. chunked: sent without a Content-Length."""

    name: str
    content_type: str
    body: bytes
    chunked: bool = False


def uploads(seed: int = 0) -> Iterator[Upload]:
    """Without end: each round has one of every kind, with other bytes."""
    rng = np.random.default_rng(seed)
    whole = {kind: picture(kind) for kind in KINDS}
    turn = 0
    while True:
        for kind, content in whole.items():
            yield file(f"cut {kind}", content[: int(rng.integers(0, len(content)))])
            yield file(f"mutated {kind}", mutated(content, rng, int(rng.integers(1, 40))))
            yield file(f"mutated head of {kind}", mutated(content[:64], rng, 4) + content[64:])
        first, second = rng.choice(KINDS, 2)
        yield file(f"{first} then {second}", whole[first][:200] + whole[second][int(rng.integers(200)) :])
        yield file("noise", rng.integers(0, 256, int(rng.integers(1, 5000)), np.uint8).tobytes())
        yield file("bomb", bomb(int(rng.integers(3000, 9000)), int(rng.integers(3000, 9000))))
        yield file("claims", claims(rng))
        forms = list(malformed(rng))
        yield from (forms[(turn * 5 + step) % len(forms)] for step in range(5))
        others = list(documents(rng))
        yield from (others[(turn * 2 + step) % len(others)] for step in range(2))
        turn += 1


def picture(kind: str) -> bytes:
    held = io.BytesIO()
    Image.open(io.BytesIO(png(48, 64))).convert("RGB").save(held, kind)
    return held.getvalue()


def mutated(content: bytes, rng: np.random.Generator, times: int) -> bytes:
    held = bytearray(content)
    for at in rng.integers(0, len(held), times):
        held[at] = rng.integers(256)
    return bytes(held)


def chunk(kind: bytes, content: bytes, crc: int | None = None) -> bytes:
    checksum = zlib.crc32(kind + content) if crc is None else crc
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def bomb(width: int, height: int) -> bytes:
    """A PNG of few bytes and many pixels, which decodes."""
    packer = zlib.compressobj(9)
    rows = b"".join([*(packer.compress(bytes(width + 1)) for _ in range(height)), packer.flush()])
    head = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return head + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def claims(rng: np.random.Generator) -> bytes:
    """A PNG whose header or chunks are not true."""
    width, height = (int(side) for side in rng.choice([0, 1, 2**16, 10**5, 2**31 - 1, 2**32 - 1], 2))
    depth, colour, interlace = int(rng.choice([1, 8, 16, 99])), int(rng.choice([0, 2, 3, 6, 77])), int(rng.integers(3))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace))
    extra = [
        chunk(b"IDAT", zlib.compress(bytes(100)), crc=1),
        chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(10**7))),
        chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(10**7))),
        struct.pack(">I", 2**31 - 1) + b"IDAT",
        chunk(b"eXIf", b"II*\0" + struct.pack("<I", 2**32 - 1)),
        chunk(b"acTL", struct.pack(">II", 2**32 - 1, 0)),
    ]
    parts = [extra[number] for number in rng.permutation(len(extra))[:2]]
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(parts) + chunk(b"IEND", b"")


def documents(rng: np.random.Generator) -> Iterator[Upload]:
    """Files of other kinds."""
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../a.png", bytes(10**6))
    yield file("zip", zipped.getvalue())
    yield file("pdf", b"%PDF-1.4\n1 0 obj\n<</Type/Catalog>>\nendobj\ntrailer<</Root 1 0 R>>")
    yield file("html", b"<!doctype html><script>alert(1)</script>")
    yield file("svg", b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>')
    yield file("eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\n")
    yield file("empty", b"")
    yield file("one byte", bytes([int(rng.integers(256))]))
    yield file("ppm in words", b"P3 300 300 255 " + b"9 " * 50_000)
    yield file("ppm of comments", b"P6\n" + b"#\n" * 50_000 + b"1 1 255 abc")
    yield file("tiff that goes in circles", b"II*\0\x08\0\0\0\0\0\x08\0\0\0")
    yield file("gif without frames", b"GIF89a" + bytes(7) + b"!\xfe" + b"\xff" * 5000)
    scan = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\x00"
    head, tail = picture("jpeg")[:-2], b"\xff\xd9"
    yield file("jpeg of many scans", head + scan * 2000 + tail)
    yield file("jpeg of many comments", head[:2] + (b"\xff\xfe\x00\x10" + bytes(14)) * 20_000 + head[2:] + tail)


def part(headers: bytes, content: bytes) -> bytes:
    return b"--b\r\n" + headers + b"\r\n\r\n" + content + b"\r\n"


DISPOSITION = b'Content-Disposition: form-data; name="file"; filename="a.png"'


def file(name: str, content: bytes) -> Upload:
    return Upload(name, FORM, part(DISPOSITION, content) + b"--b--\r\n", chunked=len(content) % 5 == 0)


def malformed(rng: np.random.Generator) -> Iterator[Upload]:
    """Forms that are none."""
    good = part(DISPOSITION, png(8, 8))
    end = b"--b--\r\n"
    yield Upload("no boundary named", "multipart/form-data", good + end)
    yield Upload("empty boundary", "multipart/form-data; boundary=", good + end)
    yield Upload("another boundary", "multipart/form-data; boundary=other", good + end)
    yield Upload("long boundary", "multipart/form-data; boundary=" + "b" * 5000, good + end)
    yield Upload("odd charset", FORM + "; charset=rot13", good + end)
    yield Upload("no end", FORM, good)
    yield Upload("cut", FORM, good[: int(rng.integers(len(good)))], chunked=True)
    yield Upload("mutated", FORM, mutated(good[:100], rng, 5) + good[100:] + end)
    yield Upload("empty body", FORM, b"")
    yield Upload("only an end", FORM, end)
    yield Upload("many parts", FORM, part(b'Content-Disposition: form-data; name="a"', b"x") * 3000 + good + end)
    yield Upload("many files", FORM, part(DISPOSITION, b"x") * 3000 + end)
    yield Upload("three files", FORM, good * 3 + end)
    mixed = DISPOSITION + b"\r\nContent-Type: multipart/mixed; boundary=c"
    yield Upload("nested", FORM, part(mixed, b"--c\r\n\r\n--c--") + end)
    yield Upload("long header", FORM, part(DISPOSITION + b"\r\nX: " + b"x" * 10**6, png(8, 8)) + end)
    yield Upload("many headers", FORM, part(DISPOSITION + b"\r\nX: y" * 20_000, png(8, 8)) + end)
    yield Upload("no disposition", FORM, part(b"X: y", png(8, 8)) + end)
    yield Upload("no headers", FORM, b"--b\r\n\r\n" + png(8, 8) + b"\r\n" + end)
    yield Upload("long name", FORM, part(b'Content-Disposition: form-data; name="' + b"f" * 10**5 + b'"', b"x") + end)
    yield Upload("no name", FORM, part(b'Content-Disposition: form-data; filename="a"', png(8, 8)) + end)
    yield Upload("no file", FORM, part(b'Content-Disposition: form-data; name="file"', b"x" * 10**6) + end)
    yield Upload("much text", FORM, part(b'Content-Disposition: form-data; name="a"', b"x" * 3 * 10**6) + end)
    yield Upload("many line ends", FORM, b"\r\n" * 10**5 + good + end)
    yield Upload("many dashes", FORM, b"-" * 10**6)
    yield Upload("what follows", FORM, good + end + b"x" * 10**6)
    yield Upload("transfer encoding", FORM, part(DISPOSITION + b"\r\nContent-Transfer-Encoding: rot13", b"x") + end)
    yield Upload("JSON", "application/json", b'{"file": "http://evil.example/"}')
    yield Upload("deep JSON", "application/json", b"[" * 10**5)
    yield Upload("urlencoded", "application/x-www-form-urlencoded", b"file=" + b"%00" * 10**4 + b"&a" * 5000)
    yield Upload("bare picture", "image/png", png(8, 8))
    yield Upload("no type", "", good + end)
    yield Upload("odd type", "multipart/form-data; boundary=\xe9\xff", good + end)
    yield Upload("two types", FORM + ", text/plain", good + end)
