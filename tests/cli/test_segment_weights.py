"""`anymask segment --weights` and `anymask export` with FastSAM's checkpoints, and with the names of published ones."""

import hashlib
import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from anymask import Segmenter
from anymask.fastsam.published import PUBLISHED, Published
from tests.file_server import Answer, FileServer, file_server
from tests.published_weights import write_checkpoint

Run = Callable[..., Any]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ANYMASK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path / "cache"


@pytest.fixture
def picture(photo: Image.Image) -> Path:
    photo.save("a.png")
    return Path("a.png")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """Has a small network in the place of FastSAM-s, after one address that lacks it."""
    content = write_checkpoint(tmp_path / "served.pt").read_bytes()
    with file_server(content) as server:
        addresses = (server.serve("/first", Answer(404)), server.serve("/second", Answer()))
        offered = Published("FastSAM-s.pt", len(content), hashlib.sha256(content).hexdigest(), addresses)
        monkeypatch.setitem(PUBLISHED, "fastsam-s", offered)
        yield server


def test_a_checkpoint_segments(run: Run, picture: Path) -> None:
    write_checkpoint(Path("mine.pt"))
    given = ("segment", picture, "--weights", "mine.pt", "--image-size", "96", "--score", "0", "--threads", "1")
    ended = run(*given)
    assert ended.code == 0
    converted, line = ended.lines
    assert converted == "anymask: mine.pt is converted to ONNX, once"
    assert line.startswith("a.png: ") and Path("masks/a.coco.json").is_file()
    (again,) = run(*given).lines
    assert again.startswith("a.png: ")


@pytest.mark.usefixtures("server")
def test_a_name_is_fetched_and_its_licence_is_said(run: Run, picture: Path, cache: Path) -> None:
    given = ("segment", picture, "--weights", "fastsam-s", "--image-size", "96", "--threads", "1", "--point", "40,30")
    ended = run(*given)
    assert ended.code == 0
    fetching, refused, *_ = ended.lines
    assert fetching.startswith("anymask: fetching FastSAM-s.pt (") and "published under the AGPL-3.0" in fetching
    assert refused.endswith("/first: HTTP 404 Not Found")
    assert (cache / "weights" / "FastSAM-s.pt").is_file()
    (line,) = run(*given).lines
    assert line.startswith("a.png: ")


def test_what_cannot_be_fetched_is_one_line(run: Run, picture: Path, server: FileServer, cache: Path) -> None:
    server.answers.clear()
    ended = run("segment", picture, "--weights", "fastsam-s", "--quiet")
    (line,) = ended.lines
    assert ended.code == 1
    assert line.startswith("anymask: FastSAM-s.pt could not be fetched from http://127.0.0.1")
    assert f"put it at {cache / 'weights' / 'FastSAM-s.pt'}" in line


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ("bad.pt", "bad.pt: expected a FastSAM checkpoint"),
        ("bad.safetensors", "bad.safetensors: expected a FastSAM checkpoint"),
        ("missing.pt", "missing.pt: there is no such weights file"),
        ("fastsam-l", "fastsam-l: expected 'default', 'fastsam-s', 'fastsam-x' or an ONNX file"),
    ],
)
def test_other_files_are_refused_in_one_line(run: Run, picture: Path, weights: str, said: str) -> None:
    for name in ("bad.pt", "bad.safetensors"):
        Path(name).write_bytes(b"no checkpoint")
    ended = run("segment", picture, "--weights", weights, "--quiet")
    (line,) = ended.lines
    assert ended.code == 1 and line.startswith(f"anymask: {said}")


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("name", ["fastsam-s", "served.pt"])
def test_a_checkpoint_is_exported_as_it_runs_without_torch(process: Run, run: Run, name: str) -> None:
    ended = run("export", name, "--to", "made/mine.onnx")
    assert ended.code == 0
    size = Path("made/mine.onnx").stat().st_size
    assert ended.out == f"{Path('made/mine.onnx')}: {size / 1e6:.1f} MB\n"
    made, served = Segmenter("made/mine.onnx"), Segmenter("served.pt")
    assert (made.score_rule, made.mask_rule) == (served.score_rule, served.mask_rule)
    without = "import sys; sys.modules['torch'] = sys.modules['onnx'] = None; from anymask.cli import main; main()"
    ended = process("export", "served.pt", "--to", "again.onnx", python=("-c", without))
    assert ended.code == 0, ended.err
    assert Path("again.onnx").read_bytes() == Path("made/mine.onnx").read_bytes()


@pytest.mark.parametrize("suffix", [".xml", ".torchscript"])
def test_a_checkpoint_is_exported_for_every_runtime(run: Run, picture: Path, suffix: str) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("onnx")
    if suffix == ".xml" and importlib.util.find_spec("openvino") is None:
        pytest.skip("openvino is not installed")
    write_checkpoint(Path("mine.pt"))
    ended = run("export", "mine.pt", "--to", f"mine{suffix}")
    assert ended.code == 0 and ended.out.startswith(f"mine{suffix}: ")
    assert "largest differences to ONNX Runtime: scores " in ended.out
    ours, other = Segmenter("mine.pt", threads=1), Segmenter(f"mine{suffix}", threads=1)
    for name in ("score_rule", "crop_rule", "mask_rule", "image_size", "shown", "_auto"):  # all that the metadata say
        assert getattr(ours, name) == getattr(other, name)
    assert len(ours(picture, image_size=96)) == len(other(picture, image_size=96))


def test_openvino_runs_a_checkpoint(picture: Path) -> None:
    if importlib.util.find_spec("openvino") is None:
        pytest.skip("openvino is not installed")
    write_checkpoint(Path("mine.pt"))
    ours, other = (Segmenter("mine.pt", runtime=name, threads=1) for name in ("onnx", "openvino"))
    assert type(ours.runtime) is not type(other.runtime)
    found = [each(picture, image_size=96) for each in (ours, other)]
    assert len(found[0]) == len(found[1])
    assert abs(found[0].scores - found[1].scores).max(initial=0) < 1e-3
