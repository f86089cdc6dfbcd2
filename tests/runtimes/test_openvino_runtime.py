"""OpenVINO: what it opens and refuses, its threads, and that it reports to nobody."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from anymask.errors import WeightsError
from anymask.models import default_weights, weights_hash
from anymask.runtimes import OpenVinoRuntime
from tests.runtimes.conftest import skip_without
from tests.runtimes.test_onnx_runtime import ODD, model, odd
from tests.test_offline import PREAMBLE

skip_without("openvino")
BATCH = np.random.default_rng(0).random((1, 3, 32, 64), np.float32)


@pytest.fixture
def files(tmp_path: Path, default_in: Callable[[str], Path]) -> Path:
    """A copy of an .xml file with its .bin."""
    skip_without("torch", "onnx")
    written = default_in(".xml")
    shutil.copy(written.with_suffix(".bin"), tmp_path / "mine.bin")
    return Path(shutil.copy(written, tmp_path / "mine.xml"))


def test_bytes_of_an_onnx_file_and_its_path_are_the_same(tmp_path: Path) -> None:
    (tmp_path / "tiny.onnx").write_bytes(model())
    for source in (model(), tmp_path / "tiny.onnx"):
        runtime = OpenVinoRuntime(source, threads=1)
        assert runtime.metadata == {"class_power": "2.0"}
        raw = runtime.run(BATCH)
        assert raw.predictions.shape == (1, 7, 2)
        assert raw.predictions[0, 1, 0] == pytest.approx(BATCH[0, 1, :, :32].mean(), rel=1e-4)
        with pytest.raises(WeightsError, match="do not give their trunk's features"):
            runtime.features(BATCH)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read by OpenVINO"),
        (b"not a model", "cannot be read by OpenVINO"),
        (model()[:-100], "cannot be read by OpenVINO"),  # cut off
        (model(input_name="pixels"), "must have the input images .* but has pixels"),
        (model(output="masks"), "the outputs output0, output1, but has images and masks, output0"),
        (model(sides=(640, 640)), "takes pictures of one size only"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=rf"model\.onnx.* {message}.*a file that anymask exported"):
        OpenVinoRuntime(path)


@pytest.mark.parametrize(("content", "message"), [*ODD[:4], *ODD[5:]], ids=range(5))
def test_files_of_another_form_are_refused(content: bytes, message: str) -> None:
    with pytest.raises(WeightsError, match=f"the model's bytes .*{message}.*a file that anymask exported") as caught:
        OpenVinoRuntime(content)
    assert str(caught.value).isprintable()


def test_what_fails_when_it_runs_is_told() -> None:
    with pytest.raises(WeightsError, match=r"the model's bytes .*a file that anymask exported"):
        OpenVinoRuntime(odd(bad="ConstantOfShape"), threads=1).run(BATCH)


def test_a_broken_engine_is_told(tmp_path: Path) -> None:
    (tmp_path / "openvino").mkdir()
    (tmp_path / "openvino" / "__init__.py").write_text(
        "raise OSError('libopenvino.so: cannot open shared object file')"
    )
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\nfrom anymask.cli import main; "
        "main(['segment', sys.argv[2], '--runtime', 'openvino', '--json'])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path), str(tmp_path / "x.png")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr == (
        "anymask: openvino is installed, but cannot be imported (libopenvino.so: cannot open shared object file): "
        "pip install --force-reinstall openvino\n"
    )


def test_an_xml_file_needs_its_whole_bin_file(files: Path) -> None:
    weights = files.with_suffix(".bin")
    content = weights.read_bytes()
    OpenVinoRuntime(files, threads=1).run(BATCH)
    for damage in (lambda: weights.write_bytes(content[: len(content) // 2]), weights.unlink, files.unlink):
        damage()
        with pytest.raises(WeightsError, match=r"mine\.xml .*needs its \.bin file beside it"):
            OpenVinoRuntime(files)


def test_the_hash_is_of_both_files(files: Path) -> None:
    before = weights_hash(files)
    content = bytearray(files.with_suffix(".bin").read_bytes())
    content[1000] ^= 1
    files.with_suffix(".bin").write_bytes(content)
    assert weights_hash(files) != before


@pytest.mark.parametrize("threads", [1, 2])
def test_it_uses_as_many_threads_as_it_is_told(threads: int) -> None:
    runtime = OpenVinoRuntime(default_weights(), threads)
    runtime.features(BATCH)
    for part in (runtime._network, runtime._trunk):
        assert part._compiled.get_property("INFERENCE_NUM_THREADS") == threads
        assert part._compiled.get_property("INFERENCE_PRECISION_HINT").to_string() in ("f32", "float32")


USE = """
import anymask
segmenter = anymask.Segmenter(sys.argv[1], runtime="openvino", threads=1)
segmenter(sys.argv[2], image_size=64)
"""
CONVERT = """
from pathlib import Path
from anymask.export import export_openvino
export_openvino(Path(sys.argv[1]).read_bytes(), Path(sys.argv[3]) / "made.xml")
"""
PLAIN = "import openvino"
WATCH = """
import sys
sys.addaudithook(lambda event, arguments: event.startswith("socket.") and print("tried", event, file=sys.stderr))
"""


@pytest.mark.parametrize(("program", "reports"), [(USE, False), (CONVERT, False), (PLAIN, True)])
def test_it_sends_nothing_and_leaves_nothing(
    astronaut: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, reports: bool
) -> None:
    skip_without(*(("torch", "onnx") if program is CONVERT else ()))
    home = tmp_path / "home"
    home.mkdir()
    for name in ("HOME", "USERPROFILE", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(home))
    for name in ("CI", "TF_BUILD", "JENKINS_URL"):  # there OpenVINO reports nothing by itself
        monkeypatch.delenv(name, raising=False)
    command = [sys.executable, "-c", WATCH + PREAMBLE + program, str(default_weights()), str(astronaut), str(tmp_path)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert finished.returncode == 0, finished.stderr
    # Importing OpenVINO by itself leaves an identifier in a folder of Intel's and sends it: this test can fail
    assert any("intel" in path.name.lower() for path in home.iterdir()) == reports
    assert ("tried socket." in finished.stderr) == reports
    assert (tmp_path / "made.xml").exists() == (program is CONVERT)


def test_what_a_program_has_imported_stays() -> None:
    program = (
        "import sys, types; theirs = sys.modules['openvino_telemetry'] = types.ModuleType('openvino_telemetry')\n"
        "from anymask.runtimes.openvino_engine import load_openvino\n"
        "import openvino_telemetry; assert openvino_telemetry is theirs\n"
        "assert load_openvino().Core and load_openvino().convert_model\n"
        "assert sys.modules['openvino_telemetry'] is theirs"
    )
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr


def test_a_signal_does_no_harm_when_another_thread_has_let_a_model_go() -> None:
    skip_without("openvino")
    program = """
import gc, signal, threading
from anymask.models import default_weights
from anymask.runtimes import OpenVinoRuntime

signal.signal(signal.SIGINT, lambda *about: print("told"))
held = [OpenVinoRuntime(default_weights(), 1)]
letting_go = threading.Thread(target=lambda: (held.clear(), gc.collect()))
letting_go.start()
letting_go.join()
signal.raise_signal(signal.SIGINT)
"""
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stdout) == (0, "told\n")
