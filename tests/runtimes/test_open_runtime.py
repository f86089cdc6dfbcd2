"""Which runtime opens a file, and what is said where none does."""

import subprocess
import sys
from pathlib import Path

import pytest

from anymask import Segmenter, SettingsError, WeightsError
from anymask.models import default_weights
from anymask.runtimes import OnnxRuntime, open_runtime
from tests.published_weights import write_checkpoint


def test_an_onnx_file_is_for_onnx_runtime_unless_told() -> None:
    assert type(Segmenter(threads=1).runtime) is type(open_runtime(default_weights(), 1)) is OnnxRuntime
    assert type(Segmenter(runtime="onnx", threads=1).runtime) is OnnxRuntime


@pytest.mark.parametrize("name", ["tensorrt", "", "ONNX"])
def test_another_runtime_is_refused(name: str) -> None:
    for call in (lambda: Segmenter(runtime=name), lambda: open_runtime("none.onnx", runtime=name)):
        with pytest.raises(SettingsError, match=f"runtime must be one of onnx, openvino, torch, but got '{name}'"):
            call()


@pytest.mark.parametrize(
    ("file", "runtime", "message"),
    [
        (
            "a.onnx",
            "torch",
            r"the runtime 'torch' opens files ending in \.torchscript, and none in '\.onnx'; write one",
        ),
        ("a.xml", "onnx", r"the runtime 'onnx' opens files ending in \.onnx, .*WEIGHTS --to NAME\.onnx"),
        ("a.torchscript", "openvino", r"opens files ending in \.xml or \.onnx, .*--to NAME\.xml"),
        ("a.h5", None, r"must be a model file ending in \.onnx or \.xml or \.torchscript: convert it first"),
    ],
)
def test_a_file_of_another_kind_is_refused(file: str, runtime: str | None, message: str) -> None:
    with pytest.raises(WeightsError, match=message):
        open_runtime(file, runtime=runtime)


def test_of_a_converted_file_the_error_names_what_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANYMASK_CACHE", str(tmp_path / "cache"))
    path = write_checkpoint(tmp_path / "mine.pt")
    with pytest.raises(WeightsError, match=rf"^{path}: the runtime 'torch' opens .* and none in '\.pt'; write one"):
        Segmenter(path, runtime="torch")


@pytest.mark.parametrize(
    ("package", "file"), [("openvino", "a.xml"), ("openvino", "a.onnx"), ("torch", "a.torchscript")]
)
def test_a_missing_engine_is_told_with_its_extra(package: str, file: str, tmp_path: Path, astronaut: Path) -> None:
    (tmp_path / file).write_bytes(b"")
    program = f"import sys; sys.modules[{package!r}] = None; from anymask.cli import main; main(sys.argv[1:])"
    arguments = ("segment", str(astronaut), "--weights", str(tmp_path / file), "--runtime", package, "--json")
    finished = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)
    assert finished.returncode == 1 and finished.stdout == ""
    assert finished.stderr == (
        f'anymask: {package} is not installed, and the runtime {package!r} needs it: pip install "anymask[{package}]"\n'
    )
