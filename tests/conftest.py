"""What several test files share."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session", autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """This process and those it starts use this tree, installed or not, and never the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.setenv("ANYMASK_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("ANYMASK_DATA", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture(scope="session", autouse=True)
def heed_interrupts() -> None:
    """What a shell starts in the background ignores interrupts, and so do its children: the tests may run there."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def astronaut() -> Path:
    """The example photograph, 512 x 512 pixels."""
    return ROOT / "examples" / "astronaut.jpg"


@pytest.fixture(scope="session")
def photos() -> Path:
    """The folder of labelled photographs, which is no part of the repository; without it the test is skipped."""
    folder = Path(os.environ.get("ANYMASK_PHOTOS", ROOT.parent / "shared" / "photos"))
    if not folder.is_dir():
        pytest.skip("the labelled photographs are not here; set ANYMASK_PHOTOS to their folder")
    return folder
