"""Fetching a published file: resumed where it broke off, checked, from the first of several addresses that has it."""

import logging
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from anymask import __version__
from anymask.errors import WeightsError
from anymask.fastsam.connection import Answer, BrokenError, RefusedError, ask
from anymask.fastsam.published import Published
from anymask.files import locked, open_plain
from anymask.models import weights_hash

logger = logging.getLogger(__name__)

Report = Callable[[int, int], None]  # bytes that are there, bytes of all

STEP = 1 << 16  # bytes by which a try must get further for another one, and between two reports


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
                with open_plain(part) as stream:
                    reason = fetch(published, address, stream, report)
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


def fetch(published: Published, address: str, part: BinaryIO, report: Report) -> str | None:
    """Fetch the file from one address into ``part``, going on for as long as each try gets further than those before.

    Returns None when all of it is there and right, or else the reason why not. Raises OSError if it cannot be written.
    """
    furthest = _size(part)
    restarted = False
    while True:
        resumed = _size(part)
        try:
            _fetch_rest(published, address, part, report)
        except RefusedError as error:
            return str(error)
        except BrokenError as error:
            if _size(part) < furthest + STEP:  # a server that drips would do so for days
                return str(error)
            furthest = _size(part)
            continue
        if is_whole(published, Path(part.name)):
            return None
        part.truncate(0)
        if restarted or not resumed:
            return f"its sha256 is not {published.sha256}"
        # What was there before may have been of another file: once more from its beginning, and only once
        restarted, furthest = True, 0


def _fetch_rest(published: Published, address: str, part: BinaryIO, report: Report) -> None:
    have = _size(part)
    if have == published.size:
        return
    if have > published.size:
        part.truncate(0)
        have = 0
    # The numbers of a float16 file do not get smaller, and a compressed answer could not be resumed
    headers = {"User-Agent": f"anymask/{__version__}", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    with ask(address, headers) as answer:
        start = have if answer.status == 206 else 0
        _check_length(published, answer, start)
        part.seek(start)
        part.truncate()
        _copy(published, answer, part, start, report)


def _check_length(published: Published, answer: Answer, start: int) -> None:
    """Raise RefusedError where an answer announces another file, before any of it is fetched."""
    if start:
        got = answer.headers.get("Content-Range")
        match = re.fullmatch(r"bytes ([0-9]{1,15})-[0-9]{1,15}/([0-9]{1,15}|\*)", got or "")
        if match is None or int(match[1]) != start or match[2] not in ("*", str(published.size)):
            raise RefusedError(f"asked for bytes from {start} of {published.size}, it gave {got!r:.80}")
    elif answer.length is not None and answer.length != published.size:
        raise RefusedError(f"it has a file of {answer.length} bytes, not of {published.size}")


def _copy(published: Published, answer: Answer, part: BinaryIO, start: int, report: Report) -> None:
    done, report_at = start, start
    report(done, published.size)
    for block in answer.blocks():
        done += len(block)
        if done > published.size:
            raise RefusedError(f"it has more than {published.size} bytes")
        part.write(block)
        if done - report_at >= STEP or done == published.size:
            report_at = done
            report(done, published.size)
    part.flush()  # its hash is taken from the disk
    if done < published.size:
        raise BrokenError(f"it ended after {done} of {published.size} bytes")


def _size(part: BinaryIO) -> int:
    """The bytes that are there; what is still on its way to the disk is written first."""
    part.flush()
    return os.fstat(part.fileno()).st_size
