"""The database of a data folder: older files, newer ones, other programs', no room, and several processes."""

import contextlib
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from anymask.errors import SettingsError
from anymask.serve import database
from anymask.serve.database import APPLICATION, FILE, MIGRATIONS, VERSION, Database
from anymask.serve.images import Images, NewImage
from anymask.serve.objects import Objects
from anymask.serve.refusals import BusyError, FullError
from tests.serve.conftest import Served

IMAGE, OBJECT = "a" * 32, "b" * 32
# A file as the first release wrote it: literal, so that it stays what it was whatever becomes of MIGRATIONS
FIRST = f"""
CREATE TABLE images (
    id TEXT PRIMARY KEY, number INTEGER NOT NULL UNIQUE, picture TEXT NOT NULL, media_type TEXT NOT NULL,
    bytes INTEGER NOT NULL, name TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, created TEXT NOT NULL,
    parameters TEXT NOT NULL, state TEXT NOT NULL, error TEXT, revision INTEGER NOT NULL,
    masks_revision INTEGER NOT NULL, masks BLOB, looks TEXT NOT NULL
);
CREATE INDEX images_of_picture ON images (picture);
CREATE TABLE object_versions (
    image TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE, id TEXT NOT NULL, revision INTEGER NOT NULL,
    number INTEGER NOT NULL, created TEXT NOT NULL, changed TEXT NOT NULL, deleted INTEGER NOT NULL,
    document TEXT NOT NULL, PRIMARY KEY (image, id, revision)
);
INSERT INTO images VALUES ('{IMAGE}', 1, '{"c" * 64}', 'image/png', 70, 'cat.png', 4, 3, '2026-11-25T12:00:00.000Z',
    '{{}}', 'waiting', NULL, 2, 0, NULL, '[]');
INSERT INTO object_versions VALUES ('{IMAGE}', '{OBJECT}', 1, 1, '2026-11-25T12:00:01.000Z',
    '2026-11-25T12:00:01.000Z', 0, '{{"label": "cat"}}');
PRAGMA application_id = {0x616E796D};
PRAGMA user_version = 1;
PRAGMA journal_mode = WAL;
"""
# What a next release might do: a column, and a table made anew, which SQLite wants for most changes
NEXT = """
ALTER TABLE images ADD COLUMN note TEXT NOT NULL DEFAULT 'none';
CREATE TABLE replaced AS SELECT * FROM images;
DROP TABLE images;
CREATE TABLE images (
    id TEXT PRIMARY KEY, number INTEGER NOT NULL UNIQUE, picture TEXT NOT NULL, media_type TEXT NOT NULL,
    bytes INTEGER NOT NULL, name TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, created TEXT NOT NULL,
    parameters TEXT NOT NULL, state TEXT NOT NULL, error TEXT, revision INTEGER NOT NULL,
    masks_revision INTEGER NOT NULL, masks BLOB, looks TEXT NOT NULL, note TEXT NOT NULL
);
INSERT INTO images SELECT * FROM replaced;
DROP TABLE replaced;
"""
HALF_WAY = "CREATE TABLE more (id TEXT);\nINSERT INTO nothing_of_that_name VALUES (1);\n"
ORPHANS = "DELETE FROM images;\n"
NEW = NewImage("d" * 64, "image/png", 100, "dog.png", 4, 3, {})


def script(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    with contextlib.closing(sqlite3.connect(folder / FILE)) as rows:
        rows.executescript(text)
    return folder / FILE


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """A folder with a database of version 1, with one image that has one object."""
    script(tmp_path / "data", FIRST)
    return tmp_path / "data"


@contextlib.contextmanager
def opened(folder: Path, *more: str) -> Iterator[Database]:
    rows = Database(folder, (*MIGRATIONS, *more))
    try:
        yield rows
    finally:
        rows.close()


def version_of(path: Path) -> int:
    with contextlib.closing(sqlite3.connect(path)) as rows:
        return int(rows.execute("PRAGMA user_version").fetchone()[0])


def test_the_first_version_is_read(first: Path) -> None:
    with opened(first) as rows:
        assert Images(rows).get(IMAGE).name == "cat.png"
        assert [each.document for each in Objects(rows).all(IMAGE)] == [{"label": "cat"}]
    assert version_of(first / FILE) == VERSION


def test_a_new_file_has_the_tables_of_an_old_one_brought_up_to_date(first: Path, tmp_path: Path) -> None:
    columns = []
    for folder in (first, tmp_path / "new"):
        with opened(folder) as rows, rows.reading() as reading:
            tables = ("images", "object_versions", "kept")
            columns.append([[tuple(row)[1:] for row in reading.execute(f"PRAGMA table_info({t})")] for t in tables])
    assert columns[0] == columns[1]


def test_a_migration_keeps_what_there_was_and_a_copy(first: Path) -> None:
    with opened(first, NEXT) as rows:
        assert [each.document for each in Objects(rows).all(IMAGE)] == [{"label": "cat"}]  # DROP TABLE took none along
        with rows.reading() as reading:
            assert reading.execute("SELECT name, note FROM images").fetchone()[:] == ("cat.png", "none")
            assert reading.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        with rows.changing() as changing:  # references are heeded again
            changing.execute("DELETE FROM images")
        assert Objects(rows).all(IMAGE) == []
    kept = first / f"{FILE}.version1"
    assert (version_of(first / FILE), version_of(kept)) == (VERSION + 1, 1)
    with contextlib.closing(sqlite3.connect(kept)) as old:
        assert old.execute("SELECT id FROM object_versions").fetchall() == [(OBJECT,)]
    assert not list(first.glob("*.part*"))


@pytest.mark.parametrize(("broken", "said"), [(HALF_WAY, "nothing_of_that_name"), (ORPHANS, "without its image")])
def test_a_migration_that_fails_half_way_leaves_the_old_version(first: Path, broken: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        Database(first, (*MIGRATIONS, broken))
    with opened(first) as rows:
        assert [each.document for each in Objects(rows).all(IMAGE)] == [{"label": "cat"}]
        with rows.reading() as reading:
            tables = {row[0] for row in reading.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert tables == {"images", "object_versions", "kept"}


def test_two_processes_migrate_at_once(first: Path) -> None:
    program = (
        "import pathlib, sys\nfrom anymask.serve.database import MIGRATIONS, Database\nprint('up', flush=True)\n"
        "input()\nDatabase(pathlib.Path(sys.argv[1]), (*MIGRATIONS, sys.argv[2])).close()\n"
    )
    command = [sys.executable, "-c", program, str(first), NEXT]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    programs = [subprocess.Popen(command, **pipes) for _ in range(3)]  # type: ignore[call-overload]
    for each in programs:
        assert each.stdout.readline() == "up\n"
    for each in programs:
        each.stdin.write("\n")
        each.stdin.flush()
    for each in programs:
        _, errors = each.communicate(timeout=60)
        assert (each.returncode, errors) == (0, "")
    assert version_of(first / FILE) == VERSION + 1
    assert version_of(first / f"{FILE}.version1") == 1  # and not the new one, kept as the old one
    with opened(first, NEXT) as rows:
        assert len(Objects(rows).all(IMAGE)) == 1


def test_a_server_that_still_runs_after_a_migration_does_not_write(first: Path) -> None:
    with opened(first) as old:
        Images(old).add(NEW)
        with opened(first, "ALTER TABLE images ADD COLUMN note TEXT;\n"):
            with pytest.raises(BusyError, match="restart this server"):
                Images(old).add(NEW)
            assert Images(old).get(IMAGE).name == "cat.png"


def spoilt(folder: Path, what: str) -> None:
    if what == "newer":
        script(folder, FIRST + "PRAGMA user_version = 99;")
    elif what == "another program's":
        script(folder, "CREATE TABLE bookmarks (address TEXT); INSERT INTO bookmarks VALUES ('here');")
    elif what == "text":
        folder.mkdir()
        (folder / FILE).write_text("Dear diary, this is no database at all.\n" * 20)
    elif what == "a folder":
        (folder / FILE).mkdir(parents=True)
    elif what == "a file":
        folder.write_text("not a folder")


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("newer", f"version {VERSION} or older, got version 99, which a newer anymask wrote; update anymask"),
        ("another program's", "got another program's; use another folder"),
        ("text", "file is not a database"),
        ("a folder", "unable to open database file"),
        ("a file", "File exists"),
    ],
)
def test_what_is_no_database_of_ours_is_refused_and_stays(tmp_path: Path, what: str, said: str) -> None:
    folder = tmp_path / "data"
    spoilt(folder, what)
    before = (folder / FILE).read_bytes() if (folder / FILE).is_file() else b""
    with pytest.raises(SettingsError, match="database") as caught:
        Database(folder)
    assert said in str(caught.value) and "\n" not in str(caught.value)
    assert before == ((folder / FILE).read_bytes() if (folder / FILE).is_file() else b"")


def test_the_command_line_says_so_in_one_line(tmp_path: Path) -> None:
    spoilt(tmp_path / "data", "newer")
    command = [sys.executable, "-m", "anymask", "serve", "--no-open", "--port", "0", "--data", str(tmp_path / "data")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and "which a newer anymask wrote; update anymask" in done.stderr


@contextlib.contextmanager
def nobody() -> Iterator[None]:
    """As somebody for whom rights to files count, where the tests run as root."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def test_a_folder_that_cannot_be_written_is_refused(first: Path) -> None:
    with tempfile.TemporaryDirectory() as holder:  # everybody can reach it, other than the test's own folder
        Path(holder).chmod(0o755)
        folder = Path(shutil.copytree(first, Path(holder) / "data"))
        folder.chmod(0o555)
        with nobody(), pytest.raises(SettingsError, match=r"can be read and written, got: .*Permission denied"):
            Database(folder)
        folder.chmod(0o755)


@contextlib.contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """As where the disk is full: this process can write no file beyond that size."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_no_room_is_told_and_nothing_is_half_written(first: Path) -> None:
    with opened(first) as rows:
        objects = Objects(rows)
        with no_file_larger_than((first / FILE).stat().st_size + 2**18):
            kept = 0
            with pytest.raises(FullError, match="make room"):
                for number in range(1000):
                    objects.put(IMAGE, f"{number:032x}", {"label": "x" * 10_000}, read=0)
                    kept += 1
        assert kept and len(objects.all(IMAGE)) == 1 + kept
        objects.put(IMAGE, "e" * 32, {"label": "there is room again"}, read=0)
        with rows.reading() as reading:
            assert reading.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


def test_a_file_that_is_busy_for_too_long_is_told(first: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "PATIENCE", 0.05)
    with opened(first) as rows, contextlib.closing(sqlite3.connect(first / FILE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(BusyError, match="another process has been writing"):
            Images(rows).add(NEW)
        assert Images(rows).get(IMAGE).name == "cat.png"  # readers do not wait
        other.execute("ROLLBACK")
        assert Images(rows).add(NEW).number == 2


def test_others_read_while_many_wait_to_write(serve: Callable[..., Served]) -> None:
    served = serve()
    image = served.image()
    path = f"/v1/images/{image['id']}"
    told: list[int] = []

    def write() -> None:
        with httpx.Client(base_url=served.address, timeout=60) as client:
            told.append(client.post(f"{path}/objects", json={"rle": image["masks"][0]["rle"]}).status_code)

    with contextlib.closing(sqlite3.connect(served.settings.data / FILE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        threads = [threading.Thread(target=write) for _ in range(50)]  # more than the server has threads
        for each in threads:
            each.start()
        time.sleep(0.3)
        for reads in (path, "/v1/health", f"{path}/objects"):
            assert served.client.get(reads, timeout=database.PATIENCE / 2).status_code == 200
        assert 201 not in told
        other.execute("ROLLBACK")
    for each in threads:
        each.join()
    assert 201 in told and set(told) <= {201, 503}
    assert len(served.client.get(f"{path}/objects").json()["objects"]) == told.count(201)


def test_an_error_undoes_the_whole_transaction(first: Path) -> None:
    with opened(first) as rows:
        with pytest.raises(ZeroDivisionError), rows.changing() as changing:
            changing.execute("DELETE FROM images")
            _ = 1 / 0
        assert Images(rows).get(IMAGE).id == IMAGE


def test_growth_is_counted_and_what_became_free_is_not(first: Path) -> None:
    document = {"label": "cat", "rle": {"size": [3000, 4000], "counts": "a" * 1500}}
    with opened(first) as rows:
        objects, before = Objects(rows), rows.used()
        for revision in range(1, 201):
            objects.put(IMAGE, OBJECT, {**document, "rank": revision}, read=revision)
        grown = rows.used() - before
        assert 200 * 1500 < grown < 200 * 3000
        assert len(objects.history(IMAGE, OBJECT)) == 201 and len(objects.all(IMAGE)) == 1
        Images(rows).remove(IMAGE)
        assert rows.used() <= before + 4096


def test_each_picture_file_is_counted_once(first: Path) -> None:
    with opened(first) as rows:
        images = Images(rows)

        def pictures() -> int:
            with rows.reading() as reading:
                return int(reading.execute("SELECT picture_bytes FROM kept").fetchone()[0])

        assert pictures() == 70  # of the image that was there before they were counted
        made = [images.add(NEW).id for _ in range(3)]
        assert pictures() == 170
        for image, left in zip([*made, IMAGE], (170, 170, 70, 0), strict=True):
            images.remove(image)
            assert pictures() == left == sum(images.pictures().values())


def test_threads_share_a_database_and_its_connections_are_closed(tmp_path: Path) -> None:
    with opened(tmp_path) as rows:
        images = Images(rows)
        threads = [threading.Thread(target=lambda: [images.add(NEW) for _ in range(10)]) for _ in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert [each.number for each in images.page(100)] == list(range(80, 0, -1))
    assert sorted(path.name for path in tmp_path.iterdir()) == [FILE, f"{FILE}.lock"]  # the log is part of the file


def test_the_number_by_which_a_file_is_ours_stays(first: Path) -> None:
    assert APPLICATION == 0x616E796D


def test_what_is_changed_within_another_change_is_done_with_it_or_not_at_all(tmp_path: Path) -> None:
    kept = Database(tmp_path)
    images, new = Images(kept), NewImage("0" * 64, "image/png", 1, "a.png", 3, 2, {})
    image = images.add(new).id
    with pytest.raises(ZeroDivisionError), kept.changing() as rows:
        images.set_masks(image, b"masks", read=0, within=rows)
        _ = 1 // 0
    assert images.masks(image)[1] is None and images.get(image).state == "waiting"
    with kept.changing() as rows:
        images.set_masks(image, b"masks", read=0, within=rows)
    assert images.masks(image)[1] == b"masks"
    kept.close()
