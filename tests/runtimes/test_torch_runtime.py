"""TorchScript: what is opened and refused, its threads and its metadata."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from anymask.errors import WeightsError
from anymask.runtimes import TorchRuntime
from tests.runtimes.conftest import skip_without

skip_without("torch", "onnx")
BATCH = np.random.default_rng(0).random((1, 3, 32, 64), np.float32)


@pytest.fixture
def path(default_in: Callable[[str], Path]) -> Path:
    return default_in(".torchscript")


def test_a_file_and_its_bytes_are_the_same(path: Path) -> None:
    opened, read = TorchRuntime(path, threads=1), TorchRuntime(path.read_bytes(), threads=1)
    assert opened.metadata == read.metadata and "trunk" in opened.metadata
    assert np.array_equal(opened.run(BATCH).predictions, read.run(BATCH).predictions)


def test_a_batch_may_be_read_only(path: Path) -> None:
    batch = BATCH.copy()
    batch.flags.writeable = False
    TorchRuntime(path, threads=1).run(batch)  # warnings are errors
    assert np.array_equal(batch, BATCH)


def test_every_calling_thread_uses_as_many_threads_as_told(path: Path) -> None:
    import torch

    before = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(torch.get_num_threads).result()  # a thread that has its number before the runtime comes
            for threads in (2, 1):
                runtime = TorchRuntime(path, threads)
                pool.submit(runtime.run, BATCH).result()
                assert pool.submit(torch.get_num_threads).result() == threads
    finally:
        torch.set_num_threads(before)


def test_other_files_are_refused(tmp_path: Path, path: Path) -> None:
    import io

    import torch

    stream = io.BytesIO()
    with pytest.warns(DeprecationWarning):
        torch.jit.save(torch.jit.script(torch.nn.Identity()), stream)
    for content, message in (
        (b"", "cannot be read as TorchScript"),
        (b"not a model", "cannot be read as TorchScript"),
        (path.read_bytes()[:100_000], "cannot be read as TorchScript"),  # cut off
        (stream.getvalue(), r"holds no anymask\.json, so anymask did not write it"),
    ):
        (tmp_path / "mine.torchscript").write_bytes(content)
        with pytest.raises(WeightsError, match=rf"mine\.torchscript {message}.*NAME\.torchscript"):
            TorchRuntime(tmp_path / "mine.torchscript")
    with pytest.raises(WeightsError, match=r"none\.torchscript is not there"):
        TorchRuntime(tmp_path / "none.torchscript")
