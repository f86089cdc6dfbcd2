"""Clients that take their time, and more of them than there may be."""

import contextlib
import socket
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from tests.serve.conftest import Served, png, wait_until
from tests.serve.raw import connect, read

Serve = Callable[..., Served]
SECONDS = 0.8


def health(served: Served) -> bytes:
    return f"GET /v1/health HTTP/1.1\r\nHost: {urlsplit(served.address).netloc}\r\n".encode()


def drip(stream: socket.socket, content: bytes, seconds: float) -> float:
    """Send a byte now and then until the server closes; after how many seconds that was."""
    began = time.monotonic()
    stream.settimeout(0.05)
    for number in range(int(seconds / 0.05)):
        with contextlib.suppress(TimeoutError):
            try:
                if stream.recv(65536) == b"":
                    return time.monotonic() - began
            except ConnectionError:
                return time.monotonic() - began
        with contextlib.suppress(ConnectionError):
            stream.sendall(content[number % len(content) :][:1])
    raise AssertionError(f"still open after {seconds} s")


@pytest.mark.parametrize("before", ["nothing", "a request", "a request whose body never ends"])
def test_a_head_that_comes_slowly_is_not_waited_for(serve: Serve, before: str) -> None:
    served = serve(head_seconds=SECONDS)
    slow = [connect(served.address) for _ in range(20)]
    for each in slow:
        if before != "nothing":
            endless = b"Content-Length: 1000\r\n" if "body" in before else b""
            each.sendall(health(served) + endless + b"\r\n")
            assert read(each).status == 200
        each.sendall(b"x" * 5 if "body" in before else health(served))
    assert served.client.get("/v1/health").status_code == 200  # others are served meanwhile
    assert served.image()["masks"]
    closed = drip(slow[0], b"X-Slow: and slower\r\n" if "body" not in before else b"x", 30)
    assert closed < 20  # and not for ever
    for each in slow:
        each.close()
    assert served.client.get("/v1/health").status_code == 200


def test_a_connection_that_says_nothing_is_closed(serve: Serve) -> None:
    served = serve(head_seconds=SECONDS)
    with connect(served.address, 30) as stream:
        assert stream.recv(1) == b""


def test_who_waits_for_an_answer_is_not_hurried(serve: Serve) -> None:
    served = serve(head_seconds=0.2)
    image = served.image(png())["id"]
    with connect(served.address) as stream:
        stream.sendall(
            f"GET /v1/images/{image}/events HTTP/1.1\r\nHost: {urlsplit(served.address).netloc}\r\n\r\n".encode()
        )
        assert stream.recv(12) == b"HTTP/1.1 200"
        stream.settimeout(0.2)
        until = time.monotonic() + 1
        while time.monotonic() < until:
            with contextlib.suppress(TimeoutError):
                assert stream.recv(65536) != b""


def test_one_connection_too_many_is_told_to_come_back(serve: Serve) -> None:
    served = serve(connections=5)
    served.client.close()
    held = [connect(served.address) for _ in range(5)]
    for each in held:
        each.sendall(health(served) + b"\r\n")
        assert read(each).status == 200
    with connect(served.address) as further:
        answer = read(further)
        assert answer.status == 503 and answer.all("retry-after") == ["5"]
        assert "too many connections" in answer.json()["error"]["message"]
    held[0].sendall(health(served) + b"\r\n")
    assert read(held[0]).status == 200  # those who are in are served
    held.pop().close()

    def status() -> int:
        with connect(served.address) as again:
            again.sendall(health(served) + b"\r\n")
            return read(again).status

    wait_until(lambda: status() == 200)
    for each in held:
        each.close()
