"""Asking an address for a file over HTTP, of a server that may do anything: no answer takes for ever, none escapes.

Only http and https are spoken, whatever an answer leads to, and from https it goes on by https alone.
"""

import http.client
import socket
import string
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from threading import Timer
from typing import Any, Self

from anymask.errors import printable

STALLED = 30.0  # seconds without an answer, or with hardly any bytes, after which a connection is given up
SLOWEST = 1024  # bytes a second; a server that sends fewer stalls
BLOCK = 1 << 16  # bytes read at once
MOST_REDIRECTIONS = 10
REDIRECTIONS = (301, 302, 303, 307, 308)


class RefusedError(Exception):
    """An address has another file, or none; asking it again is of no use."""


class BrokenError(Exception):
    """The connection failed, or is too slow; asking again may get further."""


class Watch:
    """Cuts a connection when its time is up. Whatever waits for a byte then fails, however the other side drips them:
    a socket's own timeout begins anew with each.
    """

    def __init__(self) -> None:
        self.connected: socket.socket | None = None
        self.timer: Timer | None = None
        self.is_over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.timer is not None:
            self.timer.cancel()

    def give(self, seconds: float) -> None:
        """So much time from now on."""
        if self.timer is not None:
            self.timer.cancel()
        self.timer = Timer(seconds, self.cut)
        self.timer.daemon = True
        self.timer.start()

    def cut(self) -> None:
        """End the connection."""
        self.is_over = True
        if self.connected is not None:
            with suppress(OSError):
                # Not the method of a TLS socket, which would take itself apart while another thread reads
                socket.socket.shutdown(self.connected, socket.SHUT_RDWR)


class Answer:
    """What a server answered: its status, its headers, its length where it tells, and its bytes."""

    def __init__(self, response: http.client.HTTPResponse, watch: Watch) -> None:
        self.status = response.status
        self.reason = printable(response.reason, 80)
        self.headers = response.headers
        self.length = response.length
        self._response, self._watch = response, watch

    def blocks(self) -> Iterator[bytes]:
        """Its bytes, as they come. Raises BrokenError where they stop coming, or hardly come."""
        while True:
            self._watch.give(STALLED)
            got = 0
            while got < SLOWEST * STALLED:
                with breaking(self._watch):
                    block = self._response.read1(BLOCK)
                if not block:
                    if self._watch.is_over:
                        raise BrokenError(f"only {got} bytes in {STALLED:g} s" if got else no_answer())
                    return
                got += len(block)
                yield block
                if self._watch.is_over:
                    raise BrokenError(f"only {got} bytes in {STALLED:g} s")


@contextmanager
def ask(address: str, headers: Mapping[str, str]) -> Iterator[Answer]:
    """Around reading what an address answers with status 200 or 206, after any redirections.

    Raises RefusedError for any other status and for an address that is none, BrokenError where no answer comes.
    """
    with Watch() as watch:
        for _ in range(MOST_REDIRECTIONS):
            watch.give(STALLED)
            response = open_one(address, headers, watch)
            with response:
                answer = Answer(response, watch)
                if answer.status in (http.client.OK, http.client.PARTIAL_CONTENT):
                    yield answer
                    return
                location = answer.headers.get("Location")
                if answer.status not in REDIRECTIONS or location is None:
                    raise RefusedError(f"HTTP {answer.status} {answer.reason}")
                address = redirected(address, location)
        raise RefusedError(f"HTTP {answer.status} {MOST_REDIRECTIONS} times on end")


def redirected(address: str, location: str) -> str:
    """Where a redirection leads. Raises RefusedError where that is nowhere to follow it to."""
    try:
        target = urllib.parse.urljoin(address, urllib.parse.quote(location, string.punctuation, "latin-1"))
        scheme = urllib.parse.urlsplit(target).scheme
    except ValueError as error:
        raise RefusedError(f"it leads to {location!r:.80}, which is no address") from error
    if scheme != "https" and (scheme != "http" or address.startswith("https:")):
        raise RefusedError(f"it leads to {location!r:.80}, which is not asked")
    return target


def open_one(address: str, headers: Mapping[str, str], watch: Watch) -> http.client.HTTPResponse:
    """The answer of one address, of any status. Proxies are those of the environment."""
    opener = urllib.request.OpenerDirector()
    for handler in (urllib.request.ProxyHandler(), _Plain(watch), _Secure(watch)):
        opener.add_handler(handler)
    with breaking(watch):
        try:
            response: http.client.HTTPResponse = opener.open(
                urllib.request.Request(address, headers=dict(headers)), timeout=STALLED
            )
        except (ValueError, http.client.InvalidURL) as error:  # of a host or a port that cannot be one
            raise RefusedError(f"{address!r:.80} is no address") from error
    return response


@contextmanager
def breaking(watch: Watch) -> Iterator[None]:
    """Around what a connection does. Raises BrokenError for whatever breaks it."""
    try:
        yield
    except (OSError, http.client.HTTPException) as error:
        raise BrokenError(no_answer() if watch.is_over else reason_of(error)) from error


def reason_of(error: Exception) -> str:
    """Why a connection broke, in a few words."""
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, TimeoutError):
        return no_answer()
    told = (isinstance(reason, OSError) and reason.strerror) or str(reason) or type(reason).__name__
    return printable(" ".join(told.split()), 200)


def no_answer() -> str:
    """The reason where nothing came."""
    return f"no answer in {STALLED:g} s"


class _Watched(http.client.HTTPConnection):
    """A connection that its watch can cut."""

    def __init__(self, watch: Watch, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.watch = watch

    def connect(self) -> None:
        """Connect, and tell the watch."""
        super().connect()
        self.watch.connected = self.sock
        if self.watch.is_over:
            raise TimeoutError


class _WatchedSecure(_Watched, http.client.HTTPSConnection):
    """The same over TLS, whose greeting has one time limit as a whole anyway."""


class _Plain(urllib.request.HTTPHandler):
    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self.watch = watch

    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_Watched, self.watch), request)


class _Secure(urllib.request.HTTPSHandler):
    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self.watch = watch

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_WatchedSecure, self.watch), request)
