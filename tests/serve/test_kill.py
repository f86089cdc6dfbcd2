"""What was acknowledged is there after ``kill -9`` in the middle of writes; and this test can fail."""

import logging
import shutil
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.serve.killing import Tally, kill_again_and_again

logger = logging.getLogger(__name__)

KILLS = 50
SEED = 20


def told(tally: Tally) -> str:
    return f"{tally.kills} kills, {tally.acknowledged} acknowledged, {tally.cut} cut: " + "\n".join(tally.losses[:20])


@pytest.mark.soak
def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    tally = kill_again_and_again(tmp_path / "data", 1, SEED)
    assert tally.kills == 1 and tally.losses == [], told(tally)


@pytest.mark.soak
def test_nothing_acknowledged_is_lost_in_many_kills(tmp_path: Path) -> None:
    tally = kill_again_and_again(tmp_path / "data", KILLS, SEED)
    logger.info("%s", told(tally))  # pytest --log-cli-level=info shows it
    assert tally.kills == KILLS and tally.losses == [], told(tally)
    assert tally.cut >= KILLS and tally.acknowledged >= 5 * KILLS, told(tally)  # it was in the middle of writes


# What keeps the promise -> what breaks it
NO_COMMIT = (
    "serve/database.py",
    '                    self._check_room(connection, keeps)\n                connection.execute("COMMIT")\n',
    "                    self._check_room(connection, keeps)\n",
)
WRITTEN_BEHIND = (  # the file a second after the answer, as a cache would
    "serve/workspace.py",
    "picture, is_new = self.pictures.put(content)\n",
    "import hashlib, threading\n"
    "                is_new, picture = False, hashlib.sha256(content).hexdigest()\n"
    "                threading.Timer(1, self.pictures.put, [content]).start()\n",
)


@pytest.mark.parametrize("change", [NO_COMMIT, pytest.param(WRITTEN_BEHIND, marks=pytest.mark.soak)])
def test_a_server_that_breaks_its_promise_is_found_out(tmp_path: Path, change: tuple[str, str, str]) -> None:
    environment = changed_copy(tmp_path / "changed", *change)
    tally = kill_again_and_again(tmp_path / "data", 1, SEED, environment=environment)
    logger.info("%s", told(tally))  # pytest --log-cli-level=info shows it
    assert tally.losses


def changed_copy(folder: Path, file: str, old: str, new: str) -> dict[str, str]:
    """A copy of the package with one place changed; the environment in which a program uses it."""
    shutil.copytree(ROOT / "anymask", folder / "anymask", ignore=shutil.ignore_patterns("__pycache__", "editor"))
    path = folder / "anymask" / file
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")
    return {"PYTHONPATH": str(folder), "PYTHONSAFEPATH": "1"}
