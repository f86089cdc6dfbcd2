"""The SQLite database of a data folder: connections, transactions, and how older files are brought up to date.

Nothing else in the package says COMMIT: what a request changed is on disk when `Database.changing` ends, and a process
that dies at any moment leaves whole transactions. (Write-ahead log, https://www.sqlite.org/wal.html; with
``synchronous=FULL`` a loss of power does too.)
"""

import logging
import math
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from queue import Empty, LifoQueue
from threading import BoundedSemaphore

from anymask.errors import SettingsError
from anymask.files import locked
from anymask.serve.refusals import BusyError, FullError, RefusalError

logger = logging.getLogger(__name__)

FILE = "anymask.db"
APPLICATION = 0x616E796D  # "anym", so that no other program's file is taken for ours
PATIENCE = 20.0  # seconds to wait for another process that writes
WRITERS = 16  # threads that may wait so; there are 40, and the others are to read meanwhile
TURN = 1.0  # seconds to wait to be one of them

# How a file of each version becomes one of the next. What was released stays as it is: append, never edit.
MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE images (
        id TEXT PRIMARY KEY,
        number INTEGER NOT NULL UNIQUE,      -- order of arrival
        picture TEXT NOT NULL,               -- sha256 of the file, which is its name in the folder of pictures
        media_type TEXT NOT NULL,
        bytes INTEGER NOT NULL,
        name TEXT NOT NULL,                  -- what the client calls it; it never becomes a path
        width INTEGER NOT NULL,
        height INTEGER NOT NULL,
        created TEXT NOT NULL,
        parameters TEXT NOT NULL,            -- JSON: how its masks are found
        state TEXT NOT NULL,                 -- waiting, ready or failed
        error TEXT,
        revision INTEGER NOT NULL,           -- grows with every change of its masks and objects
        masks_revision INTEGER NOT NULL,
        masks BLOB,                          -- see packed_masks.py
        looks TEXT NOT NULL                  -- JSON: the closer looks that are in masks, in order
    );
    CREATE INDEX images_of_picture ON images (picture);

    -- Every version of every object: the one with the highest revision is the object, the others are its history.
    -- Two writers that read the same revision want the same key, and the second is refused.
    CREATE TABLE object_versions (
        image TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
        id TEXT NOT NULL,
        revision INTEGER NOT NULL,
        number INTEGER NOT NULL,             -- order in which objects were made
        created TEXT NOT NULL,
        changed TEXT NOT NULL,
        deleted INTEGER NOT NULL,
        document TEXT NOT NULL,              -- JSON
        PRIMARY KEY (image, id, revision)    -- and rows beside it: in it, each of these documents would fill a page
    );
    """,
    """
    -- The bytes of all picture files, each once, so that no write has to add them up. A step that makes the table of
    -- images anew has to make these triggers anew too
    CREATE TABLE kept (picture_bytes INTEGER NOT NULL);
    INSERT INTO kept SELECT coalesce(sum(bytes), 0) FROM (SELECT DISTINCT picture, bytes FROM images);
    CREATE TRIGGER picture_added AFTER INSERT ON images
        WHEN NOT EXISTS (SELECT 1 FROM images WHERE picture = new.picture AND id <> new.id)
        BEGIN UPDATE kept SET picture_bytes = picture_bytes + new.bytes; END;
    CREATE TRIGGER picture_removed AFTER DELETE ON images
        WHEN NOT EXISTS (SELECT 1 FROM images WHERE picture = old.picture)
        BEGIN UPDATE kept SET picture_bytes = picture_bytes - old.bytes; END;
    """,
)
VERSION = len(MIGRATIONS)


class Database:
    """The database of a folder. Safe to share between threads, and with other processes on the same machine.

    quota: bytes that it and the picture files may take together.

    Raises SettingsError where the file is a newer anymask's, no database of ours, or cannot be opened.
    """

    def __init__(self, folder: Path, migrations: Sequence[str] = MIGRATIONS, *, quota: float = math.inf) -> None:
        self.path = folder / FILE
        self.quota = quota
        self._idle: LifoQueue[sqlite3.Connection] = LifoQueue()
        self._version = len(migrations)
        self._writers = BoundedSemaphore(WRITERS)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # One process at a time: a second one would take the new file for the old one that it keeps
            with locked(folder / f"{FILE}.lock"), closing(self._open()) as connection:
                self._bring_up_to_date(connection, migrations)
                connection.execute("PRAGMA journal_mode = WAL")  # only now: the file is known to be ours
        except (OSError, sqlite3.Error) as error:
            raise SettingsError(
                f"{self.path}: expected a database that can be read and written, got: {error}; name another folder "
                "with --data, or move this one away"
            ) from error

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection whose statements see one state of the database."""
        with self._connection() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                if connection.in_transaction:  # SQLite itself ends it after some errors
                    connection.execute("ROLLBACK")

    @contextmanager
    def changing(self, within: sqlite3.Connection | None = None, *, keeps: str = "") -> Iterator[sqlite3.Connection]:
        """A connection whose statements are all done or none; once this ends without an error they are on disk.

        within: such a connection, with whose other statements they are done; then they are on disk when that ends.
        keeps: what they add to what is kept, for which there must be room within the quota; "" where they are done
            whatever there is.

        Raises BusyError where others write for too long, or have brought the file to another version;
        FullError where there is no room on the disk, or within the quota.
        """
        if within is not None:
            yield within
            return
        with self._turn(), self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                self._check_version(connection)
                before = connection.total_changes
                yield connection
                if keeps and connection.total_changes > before:
                    self._check_room(connection, keeps)
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def used(self) -> int:
        """Bytes of what is kept: in the database, and in the picture files of its images. It is read, not added up.

        The database's file may be larger: pages that became free are used again before it grows.
        """
        with self.reading() as rows:
            return _used(rows)

    def check_room(self, what: str, more: int) -> None:
        """Raise FullError where so many more bytes are above the quota."""
        with self.reading() as rows:
            self._check_room(rows, what, more)

    def _check_room(self, connection: sqlite3.Connection, what: str, more: int = 0) -> None:
        used = _used(connection) + more
        if used > self.quota:
            raise FullError(
                f"{what}: expected that all that is kept takes at most {self.quota} bytes, got {used} with it: delete "
                "images that are done with, or start the server with a larger --quota"
            )

    def close(self) -> None:
        """Close what nobody uses; afterwards the write-ahead log is part of the file."""
        while True:
            try:
                self._idle.get_nowait().close()
            except Empty:
                return

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        connection = None
        try:
            try:
                connection = self._idle.get_nowait()
            except Empty:
                connection = self._connect()
            yield connection
        except sqlite3.OperationalError as error:
            if (refusal := self._refusal(error)) is None:
                raise
            raise refusal from error
        finally:
            if connection is not None:
                self._idle.put(connection)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._writers.acquire(timeout=TURN):
            raise BusyError(f"{WRITERS} requests wait for another process that writes; come back", retry_after=5)
        try:
            yield
        finally:
            self._writers.release()

    def _refusal(self, error: sqlite3.OperationalError) -> RefusalError | None:
        """What a client is told of an error that neither it nor this program can help; None for any other."""
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without the details
        if code == sqlite3.SQLITE_BUSY:
            return BusyError(f"another process has been writing for {PATIENCE:g} s; come back", retry_after=5)
        if code == sqlite3.SQLITE_CANTOPEN:
            return BusyError(f"the database cannot be opened now ({error}); come back", retry_after=5)
        if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY):
            return FullError(f"the database cannot be written ({error}); make room where the data folder lies")
        return None

    def _check_version(self, connection: sqlite3.Connection) -> None:
        """A server that still runs when a newer one has migrated its file must not write to it as it was."""
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version != self._version:
            raise BusyError(
                f"the database is of version {version} now, which another anymask made of version {self._version}: "
                "restart this server with that one",
                retry_after=30,
            )

    def _connect(self) -> sqlite3.Connection:
        connection = self._open()
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        return connection

    def _bring_up_to_date(self, connection: sqlite3.Connection, migrations: Sequence[str]) -> None:
        """Run what is missing, each step whole, after a copy of the file as it was."""
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables and application != APPLICATION:
            raise SettingsError(
                f"{self.path}: expected a database of anymask, got another program's; use another folder"
            )
        newest = len(migrations)
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > newest:
            raise SettingsError(
                f"{self.path}: expected a database of version {newest} or older, got version {version}, which a newer "
                "anymask wrote; update anymask, or name another folder with --data"
            )
        if 0 < version < newest:
            kept = self.path.with_name(f"{FILE}.version{version}")
            logger.info(
                "%s: brought from version %d to %d; the old one is kept as %s", self.path, version, newest, kept
            )
            part = kept.with_name(f"{kept.name}.part")
            part.unlink(missing_ok=True)
            with closing(sqlite3.connect(part)) as copy:
                connection.backup(copy)
            part.replace(kept)  # a process that dies on the way leaves no half of one under that name
        for step in range(version, newest):
            self._migrate(connection, step, migrations[step])

    def _migrate(self, connection: sqlite3.Connection, step: int, script: str) -> None:
        """One step. References are not heeded meanwhile, or to replace a table would delete what refers to it."""
        connection.execute("BEGIN IMMEDIATE")
        try:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version == step:  # no other process has done it meanwhile
                for statement in statements(script):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {APPLICATION}")
                connection.execute(f"PRAGMA user_version = {step + 1}")
                if (broken := connection.execute("PRAGMA foreign_key_check").fetchone()) is not None:
                    raise sqlite3.IntegrityError(f"step {step + 1} leaves a row of {broken[0]} without its image")
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")


def _used(rows: sqlite3.Connection) -> int:
    (used,) = rows.execute(
        "SELECT (page_count - freelist_count) * page_size + picture_bytes "
        "FROM pragma_page_count, pragma_freelist_count, pragma_page_size, kept"
    ).fetchone()
    return int(used)


def statements(script: str) -> Iterator[str]:
    """The statements of a script one by one: ``executescript`` would commit before the first."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
