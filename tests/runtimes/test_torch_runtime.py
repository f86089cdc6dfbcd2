"""TorchScript: what is opened and refused, its threads and its metadata."""

import importlib.util
import warnings
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


ZEROS = "torch.zeros(1, 7, 2), torch.zeros(1, 2, 8, 16)"


@pytest.mark.parametrize(
    ("gives", "about", "message"),
    [
        (ZEROS, "{not", r"holds no table of texts in its anymask\.json"),
        (ZEROS, "[1]", "holds no table of texts"),
        (ZEROS, '{"image_size": null}', "holds no table of texts"),
        (ZEROS, "[" * 100_000, "holds no table of texts"),
        ("x.sum()", "{}", "must give 2 tensors of float32 from forward, and does not"),
        ("(x.sum(),)", "{}", "must give 2 tensors of float32"),
        ("torch.zeros(1, 7, 2).double(), torch.zeros(1, 2, 8, 16)", "{}", "must give 2 tensors of float32"),
        ("x.reshape(7, 11), x", "{}", r"cannot be run \("),
    ],
)
def test_scripts_that_do_not_fit_are_refused(tmp_path: Path, gives: str, about: str, message: str) -> None:
    import torch

    (tmp_path / "odd.py").write_text(
        f"import torch\nclass Odd(torch.nn.Module):\n    def forward(self, x):\n        return {gives}\n"
    )
    spec = importlib.util.spec_from_file_location("odd", tmp_path / "odd.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    path = tmp_path / "mine.torchscript"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(module.Odd()), path, _extra_files={"anymask.json": about})
    with pytest.raises(WeightsError, match=rf"mine\.torchscript {message}") as caught:
        TorchRuntime(path).run(BATCH)
    assert "\n" not in str(caught.value)


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
