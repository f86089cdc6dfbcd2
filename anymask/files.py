"""Files written whole or not at all, and the folder of what can be fetched or made again."""

import atexit
import contextlib
import logging
import os
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


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock on the file ``path``, which is made, waiting while another process or thread has it.

    A process that dies lets it go. Where the file system has no locks nothing is waited for.
    """
    with path.open("ab") as stream:
        while not _lock(stream):
            time.sleep(WAIT)
        yield  # closing the file unlocks it


if sys.platform == "win32":
    import errno
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
