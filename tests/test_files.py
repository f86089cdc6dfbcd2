"""Files are written whole or not at all; the cache is where it should be; one process at a time has a lock."""

import subprocess
import sys
import time
from pathlib import Path
from threading import Thread
from typing import BinaryIO

import pytest

from anymask import files
from anymask.errors import WeightsError
from anymask.files import cache_folder, locked, replace_file, writable


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def write(stream: BinaryIO) -> None:
        stream.write(b"half of the n")
        raise OSError(28, "No space left on device")

    with pytest.raises(WeightsError, match=r"cannot be written .*No space left"):
        replace_file(path, write)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_a_file_takes_no_file(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    with pytest.raises(WeightsError, match="cannot be written"):
        replace_file(tmp_path / "run" / "last.pt", lambda stream: stream.write(b"new"))


def test_the_cache_is_where_the_variable_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANYMASK_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"
    monkeypatch.setenv("ANYMASK_CACHE", "")
    assert "anymask" in cache_folder().parts


def test_where_nothing_can_be_written_a_passing_folder_takes_its_place(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert writable(tmp_path / "made" / "here") == tmp_path / "made" / "here"
    assert not caplog.records
    (tmp_path / "file").write_text("")
    passing = writable(tmp_path / "file" / "cache")
    (passing / "x").write_text("written")
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert f"{tmp_path / 'file' / 'cache'}: nothing can be kept there (" in record.getMessage()
    assert writable(tmp_path / "file") == passing  # one for the whole process


def test_a_passing_folder_goes_away_with_its_process(tmp_path: Path) -> None:
    code = "from pathlib import Path; from anymask.files import writable; print(writable(Path('file')))"
    (tmp_path / "file").write_text("")
    ended = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() and not Path(ended.stdout.strip()).exists()


def test_a_lock_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(files, "PATIENCE", 0.01)
    done: list[str] = []

    def second() -> None:
        with locked(tmp_path / "lock"):
            done.append("second")

    with locked(tmp_path / "lock"):
        waiting = Thread(target=second)
        waiting.start()
        time.sleep(0.5)
        done.append("first")
    waiting.join(10)
    assert caplog.messages == [f"{tmp_path / 'lock'}: waiting for another process that is at work there"]
    assert done == ["first", "second"]


def test_a_process_that_dies_lets_its_lock_go(tmp_path: Path) -> None:
    code = "from pathlib import Path; from anymask.files import locked; held = locked(Path('lock')); held.__enter__()"
    subprocess.run([sys.executable, "-c", f"{code}; import os; os._exit(1)"], cwd=tmp_path, check=False)
    with locked(tmp_path / "lock"):
        pass
