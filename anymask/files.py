"""Files written whole or not at all, and the folder of what can be fetched or made again."""

import atexit
import contextlib
import errno
import logging
import os
import stat
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import BinaryIO

from anymask.errors import WeightsError

logger = logging.getLogger(__name__)

WAIT = 0.2  # seconds between two tries to get a lock that another process has
PATIENCE = 3.0  # seconds of that before it is told


def replace_file(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Let ``write`` fill a file beside ``path``, then put it in the place of ``path``; folders are made.

    Raises:
        WeightsError: that failed, and ``path`` is as it was.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    except (OSError, RuntimeError) as error:  # torch raises a RuntimeError where a disk is full
        raise WeightsError(f"{path}: cannot be written ({error}); make room there or name another folder") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def cache_folder() -> Path:
    """What can be fetched or made again: ANYMASK_CACHE, or the place the operating system has for that."""
    from platformdirs import user_cache_path

    given = os.environ.get("ANYMASK_CACHE")
    return Path(given) if given else user_cache_path("anymask", appauthor=False)


def writable(folder: Path) -> Path:
    """``folder``, made if absent; one that goes away with this process, and a warning, where nothing can be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        logger.warning(
            "%s: nothing can be kept there (%s), so the work is done again next time; set ANYMASK_CACHE to a folder "
            "that can be written",
            folder,
            error.strerror or error,
        )
        return temporary_folder()


@cache
def temporary_folder() -> Path:
    """A folder that goes away with this process."""
    holder = tempfile.TemporaryDirectory(prefix="anymask-", ignore_cleanup_errors=True)
    atexit.register(holder.cleanup)
    return Path(holder.name)


def open_plain(path: Path) -> BinaryIO:
    """Open a file of ours to read and write, made if absent, in a place where others may have put something else.

    Raises OSError for a link, by which another file would be written, and for a pipe or a device.
    """

    def opener(name: str, _: int) -> int:
        wanted = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
        file = os.open(name, wanted | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0), 0o666)
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise OSError(errno.EINVAL, f"{path.name} is no plain file; remove it", name)
        return file

    if path.is_symlink():
        raise OSError(errno.ELOOP, f"{path.name} is a link; remove it", str(path))
    return open(path, "r+b", opener=opener)


@contextlib.contextmanager
def locked(path: Path, check: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold a lock on the file ``path``, which is made, waiting while another process or thread has it.

    A process that dies lets it go. Where the file system has no locks nothing is waited for.

    check: called now and then while it waits, which ends with what that raises.
    """
    with open_plain(path) as stream:
        began, told = time.monotonic(), False
        while not _lock(stream):
            if not told and time.monotonic() - began > PATIENCE:
                told = True
                logger.warning("%s: waiting for another process that is at work there", path)
            check()
            time.sleep(WAIT)
        yield  # closing the file unlocks it


if sys.platform == "win32":
    import msvcrt

    def _lock(stream: BinaryIO) -> bool:
        try:
            stream.seek(0)
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError as error:
            return error.errno not in (errno.EACCES, errno.EDEADLK)
        return True

else:
    import fcntl

    def _lock(stream: BinaryIO) -> bool:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True
