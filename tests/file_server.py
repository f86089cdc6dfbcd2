"""A real HTTP server on this machine that serves one file, well or badly, as each test tells it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from socket import socket
from threading import Event, Thread
from typing import Any


@dataclass(frozen=True)
class Answer:
    """How one request is answered.

    status: of HTTP. content: another file than the server's. announced: another length than that of what is sent.
    sent: after so many bytes the connection ends. stalls: or stays open without a byte more. drips: or goes on with
    these bytes every now and then. ranges: whether a part may be asked for. headers: further ones, before the usual
    ones. raw: these bytes in the place of all that, status and headers too.
    """

    status: int = 200
    content: bytes | None = None
    announced: int | None = None
    sent: int | None = None
    stalls: bool = False
    drips: bytes = b""
    ranges: bool = True
    headers: tuple[tuple[str, str], ...] = ()
    raw: bytes | None = None


class Counted(BufferedIOBase):
    """A connection to write to, which counts the bytes."""

    def __init__(self, connection: socket) -> None:
        self._connection, self.bytes = connection, 0

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        self._connection.sendall(content)
        self.bytes += len(content)
        return len(content)


@dataclass
class FileServer:
    """Answers each path by its list of answers, the last one again and again; 404 where it has none."""

    content: bytes
    address: str = ""
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)  # paths and ranges of the requests so far
    # Connections that stall or drip, by the client's port: the bytes after which they do
    slow: dict[int, int] = field(default_factory=dict)
    over: Event = field(default_factory=Event)

    def serve(self, path: str, *answers: Answer) -> str:
        """Answer the requests for a path so; its whole address."""
        self.answers[path] = list(answers)
        return self.address + path

    def answer(self, request: BaseHTTPRequestHandler, wrote: Counted) -> None:
        answers = self.answers.get(request.path, [Answer(404)])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        asked = request.headers.get("Range")
        self.asked.append((request.path, asked))
        content = self.content if answer.content is None else answer.content
        part = asked is not None and answer.ranges and answer.status == 200
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked is not None and part else 0
        rest = content[start:]
        if answer.raw is not None:
            request.wfile.write(answer.raw)
        else:
            request.send_response(206 if part else answer.status)
            for name, value in answer.headers:
                request.send_header(name, value)
            length = len(rest) if answer.announced is None else answer.announced
            request.send_header("Content-Length", str(length))
            if part:
                request.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            request.end_headers()
            request.wfile.write(rest if answer.sent is None else rest[: answer.sent])
        if answer.drips:
            request.wfile.write(answer.drips)
        if answer.stalls or answer.drips:
            self.slow[request.client_address[1]] = wrote.bytes
        if answer.stalls:
            self.over.wait(30)
        while answer.drips and not self.over.wait(0.01):
            request.wfile.write(answer.drips)


@contextmanager
def file_server(content: bytes) -> Iterator[FileServer]:
    """A server that runs inside the block."""
    files = FileServer(content)

    class Handler(BaseHTTPRequestHandler):
        def setup(self) -> None:
            super().setup()
            self.wfile = self.wrote = Counted(self.connection)

        def do_GET(self) -> None:
            with suppress(ConnectionError):  # the other side does not want the rest
                files.answer(self, self.wrote)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # of the standard library
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    files.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield files
    finally:
        files.over.set()
        server.shutdown()
        thread.join()
        server.server_close()
