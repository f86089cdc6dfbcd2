"""HTTP by hand: what no client would send."""

import contextlib
import json
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass
class Answer:
    """status 0: the server closed the connection without a word."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for each, value in self.headers if each == name]

    def json(self) -> Any:
        return json.loads(self.body)


def connect(address: str, timeout: float = 30.0) -> socket.socket:
    parts = urlsplit(address)
    return socket.create_connection((parts.hostname or "", parts.port or 80), timeout)


def ask(address: str, *lines: str | bytes, body: bytes = b"", timeout: float = 30.0) -> Answer:
    """Send a request of those lines, as they are, and read the answer until the server closes or it is whole."""
    with connect(address, timeout) as stream:
        head = b"\r\n".join(line.encode("latin-1") if isinstance(line, str) else line for line in lines)
        with contextlib.suppress(OSError):  # refused before all of it was sent; the answer may be there
            stream.sendall(head + b"\r\n\r\n" + body)
        return read(stream)


def read(stream: socket.socket) -> Answer:
    """The next answer on a connection; a 100 Continue is passed over."""
    held = b""
    while b"\r\n\r\n" not in held:
        got = _receive(stream)
        if not got:
            return Answer(0, [], held)
        held += got
    head, _, body = held.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    headers = [(name.strip().lower(), value.strip()) for name, _, value in (line.partition(":") for line in rest)]
    status = int(first.split()[1])
    if status == 100:
        return read(stream)
    length = next((int(value) for name, value in headers if name == "content-length"), None)
    while length is None or len(body) < length:
        got = _receive(stream)
        if not got:
            break
        body += got
    return Answer(status, headers, body)


def _receive(stream: socket.socket) -> bytes:
    try:
        return stream.recv(65536)
    except ConnectionError:
        return b""
