"""A small network in the published structure, of random weights, and files of it. Nothing here needs torch."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from anymask.fastsam.archive import Array, write_archive
from anymask.network.config import NetworkConfig
from tests.published_weights import CONFIG, random_weights, write_checkpoint


@pytest.fixture(scope="session")
def draw_weights() -> Callable[[NetworkConfig], dict[str, Array]]:
    """Draws the weights of any network."""
    return random_weights


@pytest.fixture(scope="session")
def weights() -> dict[str, Array]:
    return random_weights(CONFIG)


@pytest.fixture(scope="session")
def checkpoint(weights: dict[str, Array], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("published") / "small.pt", weights)


@pytest.fixture
def archive(tmp_path: Path) -> Callable[..., Path]:
    """Write a torch file of any content; a storage's keyword is its key with an s before it."""

    def archive(content: Any, **storages: Array) -> Path:
        path = tmp_path / "x.pt"
        with path.open("wb") as stream:
            write_archive(stream, content, {key.removeprefix("s"): values for key, values in storages.items()})
        return path

    return archive
