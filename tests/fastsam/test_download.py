"""Files are fetched from a server that does everything wrong, and end up whole or not at all."""

import hashlib
import math
import os
import random
import select
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any
from unittest.mock import ANY

import pytest

from anymask.errors import WeightsError
from anymask.fastsam import connection
from anymask.fastsam.download import download
from anymask.fastsam.published import Published
from tests.file_server import Answer, FileServer, file_server

CONTENT = random.Random(0).randbytes(300_000)
OTHER = random.Random(1).randbytes(300_000)
HALF = 150_000
Make = Callable[..., Published]


class Waiting(socket.socket):
    """The client's end of a connection. Its time is up when it has read all that comes before a server stalls or drips,
    however long a busy machine takes for that.
    """

    watch: connection.Watch
    server: FileServer
    received = 0

    def recv_into(self, *arguments: Any, **keywords: Any) -> int:
        while self.server.slow.get(self.getsockname()[1], math.inf) > self.received:
            if select.select([self], [], [], 0.005)[0]:
                break
        else:
            self.watch.cut()
        got = super().recv_into(*arguments, **keywords)
        self.received += got
        return got


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy stands between."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """Nobody waits half a minute for a server that says nothing: it tells when the time is up."""
    connect = connection._Watched.connect

    def connect_waiting(self: connection._Watched) -> None:
        connect(self)
        timeout = self.sock.gettimeout()
        waiting = Waiting(fileno=self.sock.detach())
        waiting.settimeout(timeout)
        waiting.watch, waiting.server = self.watch, files
        self.sock = self.watch.connected = waiting

    monkeypatch.setattr(connection._Watched, "connect", connect_waiting)
    with file_server(CONTENT) as files:
        yield files


@pytest.fixture
def published(server: FileServer) -> Make:
    """The file as it is published at some addresses, each of which gives its answers in turn."""

    def published(*addresses: tuple[Answer, ...]) -> Published:
        served = (server.serve(f"/{number}", *answers) for number, answers in enumerate(addresses))
        return Published("file.pt", len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), tuple(served))

    return published


WHOLE = (Answer(),)
DRIPPED = "a few bytes"
DEAD = Answer(sent=HALF)  # the connection ends half-way


@pytest.mark.parametrize(
    ("addresses", "asked"),
    [
        ([WHOLE], [("/0", None)]),
        ([(DEAD, Answer())], [("/0", None), ("/0", f"bytes={HALF}-")]),  # resumed
        ([(DEAD, Answer(sent=HALF // 2), Answer())], [("/0", None), ("/0", "bytes=150000-"), ("/0", "bytes=225000-")]),
        ([(DEAD, Answer(ranges=False))], [("/0", None), ("/0", f"bytes={HALF}-")]),  # ignores what was asked for
        ([(Answer(sent=HALF, stalls=True), Answer())], [("/0", None), ("/0", f"bytes={HALF}-")]),
        ([(Answer(404),), WHOLE], [("/0", None), ("/1", None)]),
        ([(Answer(500),), (Answer(503),), WHOLE], [("/0", None), ("/1", None), ("/2", None)]),
        ([(Answer(content=OTHER),), WHOLE], [("/0", None), ("/1", None)]),  # another file of that length
        ([(Answer(content=OTHER[:HALF]),), WHOLE], [("/0", None), ("/1", None)]),
        ([(Answer(content=b"<html>Log in</html>"),), WHOLE], [("/0", None), ("/1", None)]),
        ([(Answer(announced=999),), WHOLE], [("/0", None), ("/1", None)]),  # lies
        ([(Answer(announced=10**12),), WHOLE], [("/0", None), ("/1", None)]),
        ([(Answer(sent=0, stalls=True),), WHOLE], [("/0", None), ("/1", None)]),
        ([(Answer(sent=0, drips=b"x"),), WHOLE], [("/0", None), ("/1", DRIPPED), ("/1", None)]),
        # Half of another file, then the right one from the middle: noticed by the hash, and fetched from its beginning
        (
            [(Answer(content=OTHER, sent=HALF), Answer(404)), WHOLE],
            [("/0", None), ("/0", f"bytes={HALF}-"), ("/1", f"bytes={HALF}-"), ("/1", None)],
        ),
        # What one address gave of the right file is of use at the next one
        ([(DEAD, Answer(404)), WHOLE], [("/0", None), ("/0", f"bytes={HALF}-"), ("/1", f"bytes={HALF}-")]),
        # A part of a file of another length
        (
            [(DEAD, Answer(content=CONTENT + OTHER)), WHOLE],
            [("/0", None), ("/0", f"bytes={HALF}-"), ("/1", f"bytes={HALF}-")],
        ),
    ],
)
def test_the_file_comes_whole(
    server: FileServer,
    published: Make,
    tmp_path: Path,
    addresses: list[tuple[Answer, ...]],
    asked: list[tuple[str, str | None]],
) -> None:
    reported: list[tuple[int, int]] = []
    download(published(*addresses), tmp_path / "file.pt", lambda *progress: reported.append(progress))
    assert (tmp_path / "file.pt").read_bytes() == CONTENT
    assert server.asked == [(path, ranges if ranges != DRIPPED else ANY) for path, ranges in asked]
    assert reported[-1] == (len(CONTENT), len(CONTENT))
    assert {path.name for path in tmp_path.iterdir()} == {"file.pt", "file.pt.lock"}


def to(location: str) -> tuple[Answer, ...]:
    return (Answer(302, headers=(("Location", location),)),)


HEAD = b"HTTP/1.1 200 OK\r\n"
PART_OF_MANY_DIGITS = b"HTTP/1.1 206 OK\r\nContent-Range: bytes " + b"1" * 5000 + b"-1/*\r\n\r\n"


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ((Answer(content=OTHER, sent=HALF), Answer(content=OTHER)) * 9, "its sha256 is not "),  # for ever
        (to("http://[::1/x"), "which is no address"),
        (to(f"http://{'a' * 70}.com/x"), "is no address"),  # a name that no host can have
        (to("http://127.0.0.1:port/x"), "is no address"),
        (to("file:///etc/passwd"), "'file:///etc/passwd', which is not asked"),
        (to("ftp://127.0.0.1/x"), "'ftp://127.0.0.1/x', which is not asked"),
        (to("data:,x"), "which is not asked"),
        (to("/0"), "HTTP 302 10 times on end"),
        ((DEAD, Answer(raw=PART_OF_MANY_DIGITS)), "asked for bytes from 150000 of 300000, it gave 'bytes 111111"),
        ((Answer(raw=HEAD + b"X: ", drips=b"x"),), "no answer in 30 s"),  # a header that never ends
        ((Answer(raw=b"", drips=b"HTTP/1.1 100 Continue\r\n\r\n"),), "no answer in 30 s"),
        ((Answer(raw=b"HTTP/1.1 302 Found\r\nLocation: /1\r\n\r\n", drips=b"x"),), "HTTP 404 Not Found"),
        ((Answer(raw=HEAD + b"Transfer-Encoding: chunked\r\n\r\n", drips=b"0"),), "no answer in 30 s"),
        ((Answer(raw=HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", drips=b"x: y\r\n"),), "no answer in 30 s"),
        ((Answer(raw=b"\xff\x00 no HTTP\r\n\r\n"),), "HTTP"),
    ],
    ids=range(15),
)
def test_whatever_a_server_does_the_next_one_is_asked(
    server: FileServer,
    published: Make,
    tmp_path: Path,
    answers: tuple[Answer, ...],
    said: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    wanted = published(answers, (Answer(404),), WHOLE)
    download(wanted, tmp_path / "file.pt", lambda done, total: None)
    assert (tmp_path / "file.pt").read_bytes() == CONTENT
    assert len([path for path, _ in server.asked if path == "/0"]) <= 10
    first = caplog.messages[0]
    assert first.startswith(f"{wanted.addresses[0]}: ") and said in first and len(first) < 300 and "\n" not in first


def test_from_https_it_goes_on_by_https_alone() -> None:
    assert connection.redirected("https://a.org/x", "/y z") == "https://a.org/y%20z"
    assert connection.redirected("https://a.org/x", "//b.org/y") == "https://b.org/y"
    assert connection.redirected("http://a.org/x", "https://b.org/y") == "https://b.org/y"
    with pytest.raises(connection.RefusedError, match=r"it leads to 'http://a.org/x', which is not asked"):
        connection.redirected("https://a.org/x", "http://a.org/x")


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ((Answer(404),), "HTTP 404 Not Found"),
        ((Answer(500),), "HTTP 500 Internal Server Error"),
        ((Answer(sent=0, stalls=True),), "no answer in 30 s"),
        ((Answer(sent=HALF, stalls=True), Answer(sent=HALF // 10, stalls=True)), "only 15000 bytes in 30 s"),
        ((Answer(sent=0, drips=b"x"),), " bytes in 30 s"),
        ((DEAD, Answer(sent=0)), "it ended after 150000 of 300000 bytes"),
        ((Answer(ranges=False, sent=HALF),), "it ended after 150000 of 300000 bytes"),  # never gets further
        ((Answer(content=OTHER),), "its sha256 is not "),
        ((DEAD, Answer(content=OTHER)), "its sha256 is not "),
        ((Answer(announced=299_999),), "it has a file of 299999 bytes, not of 300000"),
        ((Answer(announced=300_000, content=OTHER + b"more"),), "its sha256 is not "),
        ((Answer(status=302, headers=(("Location", "/0"),)),), "HTTP 302"),  # to itself, for ever
    ],
)
def test_without_the_file_it_says_why_and_what_to_do(
    published: Make, tmp_path: Path, answers: tuple[Answer, ...], said: str
) -> None:
    wanted = published(answers)
    with pytest.raises(WeightsError) as caught:
        download(wanted, tmp_path / "file.pt", lambda done, total: None)
    message = str(caught.value)
    assert message.startswith(f"file.pt could not be fetched from {wanted.addresses[0]} (") and said in message
    assert f"put it at {tmp_path / 'file.pt'} (300000 bytes, sha256 {wanted.sha256})" in message
    assert "\n" not in message
    assert not (tmp_path / "file.pt").exists()


@pytest.mark.parametrize(
    "answer",
    [  # one that ends never, so that it does not matter how late a busy machine looks at the clock
        Answer(raw=HEAD + b"X: ", drips=b"x"),
        Answer(raw=b"", drips=b"HTTP/1.1 100 Continue\r\n\r\n"),
        Answer(raw=HEAD + b"Transfer-Encoding: chunked\r\n\r\n", drips=b"0"),
        Answer(sent=0, stalls=True),
    ],
    ids=range(4),
)
def test_by_the_clock_too(answer: Answer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "STALLED", 0.3)
    with file_server(CONTENT) as server:
        wanted = Published("file.pt", len(CONTENT), "0" * 64, (server.serve("/0", answer),))
        with pytest.raises(WeightsError, match=r"/0 \(no answer in 0\.3 s\)"):
            download(wanted, tmp_path / "file.pt", lambda done, total: None)


def test_every_address_is_named_with_its_reason(published: Make, tmp_path: Path) -> None:
    wanted = published((Answer(404),), (Answer(403),))
    with pytest.raises(WeightsError, match=r"from \S+/0 \(HTTP 404 Not Found\), nor from \S+/1 \(HTTP 403 Forbidden\)"):
        download(wanted, tmp_path / "file.pt", lambda done, total: None)


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    with file_server(CONTENT) as server:
        address = server.address
    wanted = Published("file.pt", 3, "0" * 64, (f"{address}/x",))
    with pytest.raises(WeightsError, match=rf"{address}/x \(.*refused"):
        download(wanted, tmp_path / "file.pt", lambda done, total: None)


def test_the_next_call_goes_on_where_the_last_one_ended(server: FileServer, published: Make, tmp_path: Path) -> None:
    with pytest.raises(WeightsError):
        download(published((DEAD, Answer(500))), tmp_path / "file.pt", lambda done, total: None)
    assert (tmp_path / "file.pt.part").read_bytes() == CONTENT[:HALF]
    server.asked.clear()
    reported: list[int] = []
    download(published(WHOLE), tmp_path / "file.pt", lambda done, total: reported.append(done))
    assert (tmp_path / "file.pt").read_bytes() == CONTENT
    assert server.asked == [("/0", f"bytes={HALF}-")]
    assert reported[0] == HALF


@pytest.mark.parametrize(
    ("part", "asked"),
    [
        (CONTENT, []),  # all of it was there, and only its hash had not been looked at
        (OTHER, [("/0", None)]),
        (CONTENT + b"more", [("/0", None)]),
        (b"", [("/0", None)]),
    ],
)
def test_what_lies_there_is_used_if_it_is_right(
    server: FileServer, published: Make, tmp_path: Path, part: bytes, asked: object
) -> None:
    (tmp_path / "file.pt.part").write_bytes(part)
    download(published(WHOLE), tmp_path / "file.pt", lambda done, total: None)
    assert (tmp_path / "file.pt").read_bytes() == CONTENT
    assert server.asked == asked


def test_several_at_once_fetch_it_once(server: FileServer, published: Make, tmp_path: Path) -> None:
    wanted = published(WHOLE)
    threads = [Thread(target=download, args=(wanted, tmp_path / "file.pt", lambda *_: None)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert (tmp_path / "file.pt").read_bytes() == CONTENT
    assert server.asked == [("/0", None)]


@pytest.mark.skipif(sys.platform == "win32", reason="makes links and pipes")
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder: (folder / "file.pt.part").symlink_to(folder / "victim"), "file.pt.part is a link; remove it"),
        (lambda folder: (folder / "file.pt.lock").symlink_to(folder / "victim"), "file.pt.lock is a link; remove it"),
        (lambda folder: os.mkfifo(folder / "file.pt.part"), "file.pt.part is no plain file; remove it"),
        (lambda folder: os.mkfifo(folder / "file.pt.lock"), "file.pt.lock is no plain file; remove it"),
        (lambda folder: (folder / "file.pt.part").mkdir(), "Is a directory"),
    ],
)
def test_a_place_that_is_taken_is_not_blamed_on_servers(
    server: FileServer, published: Make, tmp_path: Path, make: Callable[[Path], None], said: str
) -> None:
    (tmp_path / "victim").write_bytes(b"precious")
    make(tmp_path)
    with pytest.raises(WeightsError) as caught:
        download(published(WHOLE, WHOLE), tmp_path / "file.pt", lambda done, total: None)
    assert str(caught.value).startswith(f"{tmp_path / 'file.pt'}: cannot be written ({said})")
    assert server.asked == [] and (tmp_path / "victim").read_bytes() == b"precious"


def test_a_place_that_takes_no_file(published: Make, tmp_path: Path) -> None:
    (tmp_path / "file.pt").mkdir()
    with pytest.raises(WeightsError, match=r"file\.pt: cannot be written \(.*set ANYMASK_CACHE"):
        download(published(WHOLE), tmp_path / "file.pt", lambda done, total: None)
