"""Picture files by what is in them: each lies once, under the SHA-256 of its bytes, however often it is sent."""

import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Container, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Lock

from anymask.files import locked
from anymask.serve.refusals import FullError, NotFoundError

STRAY = 3600.0  # seconds after which a file that no image has is no upload in progress


class Pictures:
    """The picture files of a data folder, which other processes may share."""

    def __init__(self, data: Path) -> None:
        self.folder = data / "pictures"
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock, self._lock_file = Lock(), data / "pictures.lock"
        self._finding = data / "finding"
        self._finding.mkdir(exist_ok=True)

    @contextmanager
    def settled(self) -> Iterator[None]:
        """While this is held no other thread or process adds or removes files: keep a file and its row together."""
        with self._lock, locked(self._lock_file):
            yield

    @contextmanager
    def finding(self, image: str, check: Callable[[], None]) -> Iterator[None]:
        """While this is held no other process finds the masks of an image; ``check`` is called while it is waited for.

        The files are few and stay: one that goes away could be locked by two. Raises as ``check``; FullError where
        nothing can be written.
        """
        with ExitStack() as held:
            try:
                held.enter_context(locked(self._finding / f"{image[:2]}.lock", check))
            except OSError as error:
                raise FullError(f"image {image}: nothing can be written in the data folder ({error})") from error
            yield

    def put(self, content: bytes) -> tuple[str, bool]:
        """Write a file, unless it is there; its SHA-256 in hex, and whether it is new. It is on disk afterwards."""
        name = hashlib.sha256(content).hexdigest()
        path = self.path(name)
        is_new = not path.exists()
        if is_new:
            if not path.parent.exists():
                path.parent.mkdir(exist_ok=True)
                _sync_folder(self.folder)
            handle, part = tempfile.mkstemp(prefix=".part-", dir=path.parent)
            try:
                with os.fdopen(handle, "wb") as stream:
                    stream.write(content)
                    stream.flush()
                    os.fsync(stream.fileno())
                Path(part).replace(path)
            except BaseException:
                Path(part).unlink(missing_ok=True)
                raise
            _sync_folder(path.parent)
        return name, is_new

    def read(self, name: str) -> bytes:
        """The bytes of a file. Raises NotFoundError where its image was deleted meanwhile, or somebody took it away."""
        try:
            return self.path(name).read_bytes()
        except FileNotFoundError as error:
            raise NotFoundError(f"picture {name}: its file is gone; send it again") from error

    def remove(self, name: str) -> None:
        """Remove a file that no image has any more."""
        self.path(name).unlink(missing_ok=True)

    def sweep(self, kept: Container[str]) -> int:
        """Remove what a process that died left behind: files that are old and not ``kept``; how many."""
        before = time.time() - STRAY
        stray = [path for path in self.folder.glob("*/*") if path.name not in kept and path.stat().st_mtime < before]
        for path in stray:
            path.unlink(missing_ok=True)
        return len(stray)

    def path(self, name: str) -> Path:
        """Where the file of that SHA-256 lies."""
        return self.folder / name[:2] / name


def _sync_folder(folder: Path) -> None:
    """Have the folder's new entry on disk too, where the operating system lets folders be opened."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
