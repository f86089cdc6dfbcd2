"""`anymask segment --weights` and `anymask export` with FastSAM's checkpoints, and with the names of published ones."""

import hashlib
import importlib.util
import os
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from anymask import Segmenter
from anymask.fastsam.pickles import Storage, StoredTensor, write_pickle
from anymask.fastsam.published import PUBLISHED, Published
from anymask.image import load_image
from anymask.letterbox import Letterbox
from anymask.models import default_weights, refiner_weights
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
    told, line = run(*given[:6], "--score", "0.99", *given[-2:]).lines
    assert told == "anymask: a.png: nothing scores 0.99 or more; a lower --score may show more"
    assert line.startswith("a.png: 0 masks in ")


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
    ended = run("segment", picture, "--weights", weights)
    (line,) = ended.lines
    assert ended.code == 1 and line.startswith(f"anymask: {said}")


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("name", ["fastsam-s", "served.pt"])
def test_a_checkpoint_is_exported_as_it_runs_without_torch(process: Run, run: Run, name: str) -> None:
    ended = run("export", name, "--to", "made/mine.onnx")
    assert ended.code == 0
    size = Path("made/mine.onnx").stat().st_size
    told = f"{Path('made/mine.onnx')}: {size / 1e6:.1f} MB, "
    if importlib.util.find_spec("torch") and importlib.util.find_spec("onnx"):
        assert ended.out.startswith(f"{told}largest differences to torch: scores ")
    else:
        assert ended.out.startswith(f"{told}which runs; to compare it with torch: ")
    made, served = Segmenter("made/mine.onnx"), Segmenter("served.pt")
    assert (made.score_rule, made.mask_rule) == (served.score_rule, served.mask_rule)
    without = "import sys; sys.modules['torch'] = sys.modules['onnx'] = None; from anymask.cli import main; main()"
    ended = process("export", "served.pt", "--to", "again.onnx", python=("-c", without))
    assert ended.code == 0, ended.err
    assert ended.out.endswith("which runs; to compare it with torch: pip install 'anymask[train]'\n")
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
    for name in (
        "score_rule",
        "crop_rule",
        "mask_rule",
        "image_size",
        "shown",
        "auto_refine",
    ):  # all that the metadata say
        assert getattr(ours, name) == getattr(other, name)
    agree(ours, other, picture)


def agree(ours: Segmenter, other: Segmenter, picture: Path) -> None:
    """The same outputs of the network on a picture, and so the same masks but for a few pixels."""
    image = load_image(picture)
    height, width, _ = image.shape
    batch = Letterbox.fit(height, width, 96)(image)
    one, two = ours.runtime.run(batch), other.runtime.run(batch)
    boxes, scores, coefficients = np.split(np.abs(one.predictions - two.predictions), [4, 5], axis=1)
    assert one.predictions[:, 4].std() > 0.01  # scores differ, so a mix-up would show
    assert boxes.max() < 0.05 and scores.max() < 1e-4
    assert coefficients.max() < 1e-4 * np.abs(one.predictions[:, 5:]).max()
    assert np.abs(one.prototypes - two.prototypes).max() < 1e-4 * np.abs(one.prototypes).max()
    found, got = (each(picture, image_size=96) for each in (ours, other))
    assert len(found) == len(got) > 1
    assert np.abs(found.scores - got.scores).max() < 1e-3
    shared, either = (found.masks & got.masks).sum((1, 2)), (found.masks | got.masks).sum((1, 2))
    assert (shared / np.maximum(either, 1)).min() > 0.95


def test_openvino_runs_a_checkpoint(picture: Path) -> None:
    if importlib.util.find_spec("openvino") is None:
        pytest.skip("openvino is not installed")
    write_checkpoint(Path("mine.pt"))
    ours, other = (Segmenter("mine.pt", runtime=name, threads=1) for name in ("onnx", "openvino"))
    assert type(ours.runtime) is not type(other.runtime)
    agree(ours, other, picture)


def half(path: Path) -> None:
    write_checkpoint(path)
    path.write_bytes(path.read_bytes()[:100_000])


def bomb(path: Path) -> None:
    """What PyTorch would make 100 MB of, and could as well be more than there is."""
    tensor = StoredTensor(Storage("FloatStorage", "0", 25 << 20), 0, (25 << 20,), (1,))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a/data.pkl", write_pickle({"ema": tensor}))
        file.writestr("a/data/0", bytes(100 << 20))


def other(path: Path) -> None:
    write_checkpoint(path)
    with path.open("r+b") as stream:
        stream.write(b"\x80\x02")  # a torch file of before 1.6, as it begins


@pytest.mark.parametrize(
    ("name", "write", "said"),
    [
        ("missing.pt", lambda path: None, "missing.pt: there is no such weights file"),
        ("half.pt", half, "got File is not a zip file"),
        ("bomb.pt", bomb, "compressed or encrypted, as torch never does"),
        ("old.pt", other, "got no zip (a file of PyTorch before 1.6"),
        ("pipe.pt", lambda path: os.mkfifo(path), "pipe.pt: there is no such weights file"),
        ("mine.torchscript", Path.touch, "got the suffix '.torchscript'"),
        ("mine.xml", Path.touch, "got the suffix '.xml'"),
        ("mine", Path.touch, "got no suffix"),
        ("empty.onnx", Path.touch, "empty.onnx"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="makes a pipe")
def test_what_is_exported_is_looked_at_before_torch_opens_it(
    process: Run, name: str, write: Callable[[Path], None], said: str
) -> None:
    """Here is no torch at all, so that nothing can be left to it."""
    write(Path(name))
    without = "import sys; sys.modules['torch'] = None; from anymask.cli import main; main()"
    ended = process("export", name, "--to", "made.onnx", python=("-c", without))
    (line,) = ended.lines
    assert ended.code == 1 and line.startswith("anymask: ") and said in line and name in line
    assert not Path("made.onnx").exists()


def test_an_exported_file_is_run_before_it_is_copied(run: Run) -> None:
    onnx = pytest.importorskip("onnx")
    ended = run("export", "default", "--to", "mine.onnx")
    assert (ended.code, ended.err) == (0, "")
    assert (
        ended.out
        == f"mine.onnx: {default_weights().stat().st_size / 1e6:.1f} MB, the bytes of {default_weights()}, which run\n"
    )
    ended = run("export", refiner_weights(), "--to", "refiner.onnx")
    assert ended.code == 0 and ended.out.endswith(", a refiner\n")
    helper = onnx.helper
    values = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "other", values[:1], values[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), "none.onnx")
    ended = run("export", "none.onnx", "--to", "mine.onnx")
    (line,) = ended.lines
    assert ended.code == 1 and line.startswith("anymask: none.onnx must be a refiner with the inputs ")
    assert Path("mine.onnx").read_bytes() == default_weights().read_bytes()
