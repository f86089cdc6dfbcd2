"""Fetching a published file: resumed where it broke off, checked, from the first of several addresses that has it."""

import http.client
import logging
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from anymask import __version__
from anymask.errors import WeightsError
from anymask.fastsam.published import Published
from anymask.files import locked
from anymask.models import weights_hash

logger = logging.getLogger(__name__)

Report = Callable[[int, int], None]  # bytes that are there, bytes of all

STALLED = 30.0  # seconds without an answer, or with hardly any bytes, after which a connection is given up
SLOWEST = 1024  # bytes a second; a server that sends fewer stalls
BLOCK = 1 << 16  # bytes read at once, and the least by which a try must get further for another one


class WrongFileError(Exception):
    """An address has another file, or none; asking it again is of no use."""


def download(published: Published, path: Path, report: Report) -> None:
    """Fetch a file to ``path``, whose folder exists, unless another process has done so meanwhile.

    What was fetched lies beside it as .part until it is whole and its hash is right, and the next call goes on there.

    report: called with the bytes that are there and with those of the whole file.

    Raises WeightsError, with the reason for each address, if none gave the file, or if it cannot be written.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        with locked(path.with_name(f"{path.name}.lock")):
            if is_whole(published, path):
                return
            reasons = []
            for address in published.addresses:
                reason = fetch(published, address, part, report)
                if reason is None:
                    part.replace(path)
                    return
                logger.info("%s: %s", address, reason)
                reasons.append(f"{address} ({reason})")
    except OSError as error:
        raise WeightsError(
            f"{path}: cannot be written ({error.strerror or error}); make room there, or set ANYMASK_CACHE to a folder "
            "that can be written"
        ) from error
    raise WeightsError(
        f"{published.file} could not be fetched from {', nor from '.join(reasons)}. Try again later and it goes on "
        f"where it broke off; or get the file elsewhere and put it at {path} ({published.size} bytes, sha256 "
        f"{published.sha256})"
    )


def is_whole(published: Published, path: Path) -> bool:
    """Whether ``path`` is the published file."""
    return path.is_file() and path.stat().st_size == published.size and weights_hash(path) == published.sha256


def fetch(published: Published, address: str, part: Path, report: Report) -> str | None:
    """Fetch the file from one address to ``part``, going on for as long as each try gets further than those before.

    Returns None when all of it is there and right, or else the reason why not. Raises OSError if it cannot be written.
    """
    furthest = _size(part)
    while True:
        resumed = _size(part)
        try:
            _fetch_rest(published, address, part, report)
        except WrongFileError as error:
            return str(error)
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, _DiskError):
                raise error.error from error
            if _size(part) < furthest + BLOCK:  # a server that drips would do so for days
                return _reason(error)
            furthest = _size(part)
            continue
        if is_whole(published, part):
            return None
        part.unlink()
        if not resumed:
            return f"its sha256 is not {published.sha256}"
        furthest = 0  # what was there before may have been of another file: once more from its beginning


class _DiskError(OSError):
    """Writing failed, not the connection."""

    def __init__(self, error: OSError) -> None:
        super().__init__(*error.args)
        self.error = error


def _fetch_rest(published: Published, address: str, part: Path, report: Report) -> None:
    have = _size(part)
    if have == published.size:
        return
    if have > published.size:
        part.unlink()
        have = 0
    # The numbers of a float16 file do not get smaller, and a compressed answer could not be resumed
    headers = {"User-Agent": f"anymask/{__version__}", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        answer = urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=STALLED)
    except urllib.error.HTTPError as error:
        with error:
            reason = " ".join(str(error.reason).split())  # of a redirection that never ends it has three lines
            raise WrongFileError(f"HTTP {error.code} {reason}") from error
    with answer:
        start = have if answer.status == http.client.PARTIAL_CONTENT else 0
        _check_length(published, answer, start)
        with part.open("r+b" if start else "wb") as stream:
            stream.seek(start)
            stream.truncate()
            _copy(published, answer, stream, start, report)


def _check_length(published: Published, answer: http.client.HTTPResponse, start: int) -> None:
    """Raise WrongFileError where an answer announces another file, before any of it is fetched."""
    if start:
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", ""))
        if match is None or int(match[1]) != start or match[2] not in ("*", str(published.size)):
            got = answer.headers.get("Content-Range")
            raise WrongFileError(f"asked for bytes from {start} of {published.size}, it gave {got!r:.80}")
    elif answer.length is not None and answer.length != published.size:
        raise WrongFileError(f"it has a file of {answer.length} bytes, not of {published.size}")


def _copy(published: Published, answer: http.client.HTTPResponse, stream: BinaryIO, start: int, report: Report) -> None:
    done, report_at = start, start
    report(done, published.size)
    since, began = start, time.monotonic()
    while block := answer.read1(BLOCK):
        done += len(block)
        if done > published.size:
            raise WrongFileError(f"it has more than {published.size} bytes")
        try:
            stream.write(block)
        except OSError as error:
            raise _DiskError(error) from error
        if done - report_at >= BLOCK or done == published.size:
            report_at = done
            report(done, published.size)
        if time.monotonic() - began > STALLED:
            if done - since < SLOWEST * STALLED:
                raise TimeoutError(f"only {done - since} bytes in {STALLED:g} s")
            since, began = done, time.monotonic()
    if done < published.size:
        raise ConnectionError(f"it ended after {done} of {published.size} bytes")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _reason(error: Exception) -> str:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, TimeoutError) and not str(reason).startswith("only"):
        return f"no answer in {STALLED:g} s"
    if isinstance(reason, OSError):
        return reason.strerror or str(reason)
    return str(reason) or type(reason).__name__
