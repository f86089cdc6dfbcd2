"""Names that clients choose end up in no path and no header; no address of theirs is fetched, no bomb decoded."""

import re
import resource
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

import anymask.serve.app
from tests.serve.conftest import Served, png, wait_until
from tests.serve.raw import Answer, ask

Serve = Callable[..., Served]

NAMES = [
    b"../../../../etc/passwd",
    b"..\\..\\windows\\system32\\cmd.exe",
    b"C:\\\\x.png",
    b"/etc/shadow",
    b"CON",
    b"a\x00b.png",
    b"x" * 10_000,
    "\u202egnp.exe".encode(),
    "\u0627\u0644\u0635\u0648\u0631\u0629.png".encode(),
    b"\xff\xfe\x80",
    b"a%0d%0aSet-Cookie: x=1",
    b"a\tb\x7f\x1b[31m.png",
    b'a\\"; filename=b.html',
    b"<script>alert(1)</script>.svg",
    b".",
    b"..",
    b"-rf",
    b"~root",
    b"%2e%2e%2f",
    b"nul:.png",
    b" ",
]


def send_named(served: Served, disposition: bytes) -> Answer:
    """Send a picture whose part has that Content-Disposition."""
    body = b"--b\r\nContent-Disposition: " + disposition + b"\r\n\r\n" + png() + b"\r\n--b--\r\n"
    return ask(
        served.address, "POST /v1/images?image_size=160&max_masks=20&drawn=0&refine=off HTTP/1.1",
        f"Host: {urlsplit(served.address).netloc}", "Content-Type: multipart/form-data; boundary=b",
        f"Content-Length: {len(body)}", body=body,
    )  # fmt: skip


def test_names(serve: Serve) -> None:
    served = serve()
    dispositions = [b'form-data; name="file"; filename="%b"' % name for name in NAMES]
    dispositions.append(b"form-data; name=\"file\"; filename*=UTF-8''..%2F..%2Fetc%0d%0apasswd%00")
    dispositions.append(b'form-data; name="file"; filename="a.png"; filename="../b"')
    kept = 0
    for disposition in dispositions:
        sent = send_named(served, disposition)
        assert sent.status in (201, 400, 422), (disposition[:80], sent.body)
        if sent.status != 201:
            continue
        kept += 1
        image = sent.json()
        assert len(image["name"]) < 4000 and not re.search(r"[\x00-\x1f\x7f\u202e]", image["name"])
        (location,) = sent.all("location")
        assert location == f"/v1/images/{image['id']}"
        for form, suffix in {"coco": ".coco.json", "png": "[a-z.]*.png"}.items():
            written = ask(
                served.address, f"GET {location}/export?format={form}&of=masks HTTP/1.1",
                f"Host: {urlsplit(served.address).netloc}",
            )  # fmt: skip
            assert written.status == 200
            (told,) = written.all("content-disposition")
            assert re.fullmatch(rf'attachment; filename="[A-Za-z0-9_-]{{1,100}}{suffix}"', told), told
            assert not written.all("set-cookie")
    assert kept > len(NAMES) - 5
    # All are the same picture, which is kept once, under its own hash
    held = sorted(
        str(path.relative_to(served.settings.data)) for path in served.settings.data.rglob("*") if path.is_file()
    )
    pictures = [name for name in held if name.startswith("pictures/")]
    assert len(pictures) == 1 and re.fullmatch(r"pictures/[0-9a-f]{2}/[0-9a-f]{64}", pictures[0])
    locks = {name for name in held if re.fullmatch(r"finding/[0-9a-f]{2}\.lock", name)}
    assert set(held) - set(pictures) - locks <= {
        "anymask.db",
        "anymask.db-wal",
        "anymask.db-shm",
        "pictures.lock",
        "anymask.db.lock",
    }
    assert not list(served.settings.data.parent.glob("etc")) and not list(served.settings.data.parent.glob("*passwd*"))


@pytest.mark.parametrize(
    "path",
    [
        "/../secret", "/%2e%2e/secret", "/..%2fsecret", "/%2e%2e%2fsecret", "/a/../../secret", "/..\\secret",
        "/%5c..%5csecret",
        "//secret", "///etc/passwd", "/./../secret", "/%00", "/a%00.html", "/%ff", "/" + "a" * 5000,
        "/%252e%252e%252fsecret",
        "/a/" * 500, "http://127.0.0.1/../secret", "/link", "/C:/secret", "/index.html/../../secret", "*",
    ],
)  # fmt: skip
def test_static_files_stay_in_their_folder(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    folder = tmp_path / "editor"
    folder.mkdir()
    (folder / "index.html").write_text("the editor")
    (tmp_path / "secret").write_text("a secret")
    (folder / "link").symlink_to(tmp_path / "secret")
    monkeypatch.setattr(anymask.serve.app, "EDITOR", folder)
    served = serve()
    assert served.client.get("/").text == "the editor"
    answer = ask(
        served.address, f"GET {path} HTTP/1.1", f"Host: {urlsplit(served.address).netloc}", "Connection: close"
    )
    assert answer.status in (400, 404, 405), answer.body
    assert b"secret" not in answer.body.replace(path.encode(), b"")


@pytest.mark.parametrize(
    "image",
    ["%2e%2e", "..%2f..%2fetc%2fpasswd", "0" * 31, "0" * 33, "G" * 32, "A" * 32, "0" * 32 + "%0a", "0" * 32 + "%00",
     "%ff" * 32,
     "%F0%9F%98%80", "0" * 5000, "'%20OR%201=1--", "*", "{image}", "\u0660".encode().hex()],
)  # fmt: skip
def test_ids_of_another_form(served: Served, image: str) -> None:
    for method, rest in [
        ("GET", ""), ("GET", "/picture"), ("GET", "/events"), ("GET", "/export"), ("GET", "/objects"), ("DELETE", ""),
        ("GET", f"/objects/{'0' * 32}"),
    ]:  # fmt: skip
        answer = served.client.request(method, f"/v1/images/{image}{rest}")
        assert answer.status_code in (404, 422), (method, rest, answer.text)
        assert answer.json()["error"]["message"]
    assert served.client.get("/v1/images", params={"after": image}).status_code in (404, 422)


# Larger than may be


def claims(width: int, height: int) -> dict[str, bytes]:
    """Pictures of a few bytes whose headers tell of that many pixels, by format."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    made = {
        "png": b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b""),
        "ppm": f"P6 {width} {height} 255\n".encode() + bytes(100),
        "bmp": b"BM" + struct.pack("<IHHIIiiHH", 154, 0, 0, 54, 40, width, height, 1, 24) + bytes(124),
        "tiff": b"II*\0\x08\0\0\0" + struct.pack("<H", 7) + b"".join(
            struct.pack("<HHII", tag, 4, 1, value)
            for tag, value in [(256, width), (257, height), (258, 8), (259, 1), (262, 1), (273, 8), (278, height)]
        ) + bytes(4),
    }  # fmt: skip
    if width < 2**16 and height < 2**16:
        made["gif"] = (
            b"GIF89a"
            + struct.pack("<HHBBB", width, height, 0, 0, 0)
            + b",\0\0\0\0"
            + struct.pack("<HHB", width, height, 0)
            + b"\x08\x01\0\0;"
        )
    if width <= 2**14 and height <= 2**14:
        bits = (width - 1) | (height - 1) << 14
        body = b"VP8L" + struct.pack("<I", 5 + 20) + b"\x2f" + struct.pack("<I", bits) + bytes(20) + b"\0"
        made["webp"] = b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body
    return made


@pytest.mark.parametrize("size", [(100_000, 100_000), (2**31 - 1, 2**31 - 1), (60_000, 60_000), (16_384, 16_384)])
def test_too_many_pixels_are_not_decoded(serve: Serve, size: tuple[int, int]) -> None:
    served = serve(max_pixels=1_000_000)
    served.image()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for form, content in claims(*size).items():
        answer = served.send(content, f"large.{form}")
        assert answer.status_code in (413, 422), (form, answer.text)
        assert "error" in answer.json()
        if form in ("png", "ppm", "bmp", "gif") and size != (2**31 - 1, 2**31 - 1):
            assert answer.status_code == 413, (form, answer.text)
    if sys.platform == "linux":
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024  # KiB
    kept = [path for path in (served.settings.data / "pictures").rglob("*") if path.is_file()]
    assert len(kept) == 1  # the small one


# Nobody else is asked

OUTSIDE = """
import sys
from pathlib import Path

def refuse(event, arguments):
    # Its own listening socket, and clients of it, are all there may be
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.sendmsg"):
        where = str(arguments[1:] if event == "socket.connect" else arguments)
        if "127.0.0.1" not in where:
            print("REFUSED", event, where, file=sys.stderr, flush=True)
            raise PermissionError(event)
    if event == "urllib.Request":
        print("REFUSED", event, arguments, file=sys.stderr, flush=True)

sys.addaudithook(refuse)
from anymask.__main__ import main
sys.argv = ["anymask", "serve", "--no-open", "--port", "0", "--data", sys.argv[1]]
main()
"""


def test_no_address_of_a_client_is_fetched(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", OUTSIDE, str(tmp_path)], stderr=subprocess.PIPE, text=True, bufsize=1
    )
    assert process.stderr is not None
    try:
        address = next(found[0] for line in process.stderr if (found := re.search(r"http://\S+", line)))
        with httpx.Client(base_url=address, timeout=60) as client:
            for content in (b"http://evil.example/a.png", b"file:///etc/passwd", SVG, png()):
                answer = client.post("/v1/images", files={"file": ("http://evil.example/a.png", content)})
                assert answer.status_code in (201, 422)
            image = answer.json()["id"]
            query = {"type": "text", "text": "http://evil.example/a.png"}
            assert client.post(f"/v1/images/{image}/select", json={"prompts": [query]}).status_code in (200, 422)
            assert client.post("/v1/images", json={"file": "http://evil.example/a.png"}).status_code == 422
            assert client.post("/v1/images", data={"file": "http://evil.example/a.png"}).status_code == 422
            assert client.get(f"/v1/images/{image}/export?format=overlay&of=masks").status_code == 200
    finally:
        process.terminate()
        _, rest = process.communicate(timeout=60)
    assert "REFUSED" not in rest
    wait_until(lambda: process.poll() is not None)


SVG = b"""<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "http://evil.example/">]>
<svg xmlns="http://www.w3.org/2000/svg"><image href="http://evil.example/a.png"/>&x;</svg>"""
