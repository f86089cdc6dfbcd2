"""`anymask export` and the part of `anymask train` that takes no time."""

import importlib.util
import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anymask import Segmenter
from anymask.cli.export import fully_labelled
from anymask.models import default_weights
from anymask.runtimes import open_runtime

Run = Callable[..., Any]


@pytest.fixture
def checkpoint() -> Path:
    """A small network that has learnt nothing, saved as `anymask train` does."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnx")
    from anymask.network.checkpoint import save_checkpoint
    from anymask.network.yolo import Network, NetworkConfig
    from anymask.train.optimiser import make_optimiser
    from anymask.train.settings import Settings

    torch.set_num_threads(1)
    torch.manual_seed(0)
    settings = Settings(network=NetworkConfig("n", "yolo", reg_max=8, coefficients=8), freeze_trunk=False)
    network = Network(settings.network)
    with torch.no_grad():
        for _ in range(3):  # a few batches give the norms statistics of their own, so that scores differ
            network(torch.rand(2, 3, 64, 64))
        # every mask fills its box, so that some fit the true mask better than others
        network.head.proto.cv3.bn.bias.fill_(3.0)
        for name, parameter in network.head.cv4.named_parameters():
            if name.endswith("2.bias"):  # of the last layer of a branch
                parameter.fill_(1.0)
    save_checkpoint(Path("last.pt"), network, network, make_optimiser(network, settings), 1, asdict(settings))
    return Path("last.pt")


@pytest.fixture
def photos(collections: Path) -> Path:
    """The labelled photographs, all of the training side."""
    split = collections / "split.csv"
    split.write_text(split.read_text().replace("kept_out", "train"))
    return collections


def test_a_checkpoint_becomes_weights(run: Run, checkpoint: Path, photos: Path) -> None:
    ended = run("export", checkpoint, "--to", "made/mine.onnx")
    assert (ended.code, ended.err) == (0, "")
    size = Path("made/mine.onnx").stat().st_size / 1e6
    (line,) = ended.out.splitlines()
    assert line.startswith(f"{Path('made/mine.onnx')}: {size:.1f} MB, largest differences to torch: scores ")
    segmenter = Segmenter("made/mine.onnx")
    assert segmenter.runtime.metadata.get("maskness_power") is None
    assert segmenter(photos / "drawn" / "images" / "0.png", image_size=64).size == (64, 96)


def test_with_photos_it_fits_the_score_rule(run: Run, checkpoint: Path, photos: Path) -> None:
    given = ("--photos", photos, "--split", photos / "split.csv", "--fit-on", "1")
    ended = run("export", checkpoint, "--to", "mine.onnx", *given)
    assert ended.code == 0, ended.err
    assert ended.err == ""
    _, line = ended.out.splitlines()
    rule = Segmenter("mine.onnx").score_rule
    assert line.startswith(f"mine.onnx: {rule}, rank correlation with the true IoU ")
    assert Segmenter("mine.onnx").runtime.metadata["maskness_power"] == repr(rule.maskness_power)


def test_photos_that_are_not_there_are_told_before_anything_is_written(run: Run, checkpoint: Path) -> None:
    ended = run("export", checkpoint, "--to", "mine.onnx", "--photos", "nowhere", "--split", "none.csv")
    (line,) = ended.lines
    assert ended.code == 1 and "nowhere: expected a folder of collections" in line
    assert not Path("mine.onnx").exists()


def test_what_is_no_checkpoint_is_refused(run: Run) -> None:
    pytest.importorskip("torch")
    Path("bad.pt").write_bytes(b"no checkpoint")
    Path("bad.safetensors").write_bytes(b"no checkpoint")
    for name in ("bad.pt", "missing.pt", "bad.safetensors", "missing.safetensors"):
        ended = run("export", name)
        (line,) = ended.lines
        assert ended.code == 1 and line.startswith(f"anymask: {name}: ")
    assert not Path("anymask.onnx").exists()


@pytest.fixture
def published() -> Path:
    """A small network that has learnt nothing, in FastSAM's structure."""
    pytest.importorskip("torch")
    pytest.importorskip("onnx")
    from anymask.network.published import save_published
    from anymask.network.yolo import Network, NetworkConfig

    save_published(Network(NetworkConfig("n", "yolo", reg_max=8, coefficients=8, detail=False)), Path("FastSAM-n.pt"))
    return Path("FastSAM-n.pt")


def test_a_fastsam_checkpoint_becomes_weights_or_one_again(run: Run, published: Path, photos: Path) -> None:
    ended = run("export", published, "--to", "mine.onnx")
    assert (ended.code, ended.err) == (0, "")
    assert Segmenter("mine.onnx")(photos / "drawn" / "images" / "0.png", image_size=64).size == (64, 96)

    ended = run("export", published, "--to", "again.pt")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("again.pt: ")
    assert Path("again.pt").read_bytes() == published.read_bytes()

    (line,) = run("export", "mine.onnx", "--to", "back.pt").lines
    assert (
        line == "anymask: mine.onnx: does not say of what network it is; export from the checkpoint that it came from"
    )


def test_an_exported_file_becomes_a_fastsam_checkpoint_again(run: Run, published: Path) -> None:
    from anymask.export import export_onnx
    from anymask.network.published import load_published

    export_onnx(load_published(published), Path("mine.onnx"))
    ended = run("export", "mine.onnx", "--to", "back.pt")  # what was folded together stays so
    assert (ended.code, ended.err) == (0, "")
    ended = run("export", "back.pt", "--to", "twice.onnx")
    assert (ended.code, ended.err) == (0, "")
    batch = np.random.default_rng(0).random((1, 3, 64, 64), np.float32)
    once, twice = (open_runtime(name, 1).run(batch).predictions for name in ("mine.onnx", "twice.onnx"))
    assert np.abs(once - twice).max() < 0.01 * np.abs(once).max()


def test_what_cannot_be_a_fastsam_checkpoint_is_refused(run: Run, checkpoint: Path, published: Path) -> None:
    before = published.read_bytes(), checkpoint.read_bytes()
    for given, said in (
        (("export", checkpoint, "--to", "mine.pt"), "only a network whose trunk is YOLOv8's own, without detail"),
        (("export", published, "--to", published), "is the file to export itself"),
        (("export", checkpoint, "--to", checkpoint), "is the file to export itself"),
        (("export", published, "--to", "mine.pt", "--photos", "x"), "leave it out where --to ends in .pt"),
    ):
        ended = run(*given)
        (line,) = ended.lines
        assert ended.code and said in line
    assert (published.read_bytes(), checkpoint.read_bytes()) == before
    assert not Path("mine.pt").exists()


def test_only_photos_with_everything_labelled_are_fitted_on(photos: Path) -> None:
    labelled = fully_labelled(photos, photos / "split.csv")
    assert [photo.collection for photo in labelled] == ["drawn", "drawn"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--device", "nowhere"], 2, "nowhere"),
        (["--steps", "0"], 2, "steps"),
        (["--minutes", "-1"], 2, "minutes"),
        (["--split", "none.csv"], 1, "none.csv"),
        (["--weights", "none.pt"], 1, "none.pt: there is no such weights file"),
        (["--weights", "mine.txt"], 1, "mine.txt: expected 'default', 'fastsam-s', 'fastsam-x' or an ONNX file"),
        (["--weights", "none.pt", "--model", "refiner"], 1, "none.pt: expected 'default' or an ONNX file"),
    ],
)
def test_training_tells_what_is_wrong(run: Run, photos: Path, arguments: list[str], code: int, said: str) -> None:
    pytest.importorskip("torch")
    given = ("--photos", photos, "--split", photos / "split.csv", "--checkpoints", "checkpoints", "--steps", "1")
    ended = run("train", *given, *arguments)
    assert ended.code == code and said in ended.lines[-1] and ended.lines[-1].startswith("anymask: ")
    assert not list(Path().glob("checkpoints/*"))


@pytest.mark.parametrize("suffix", [".onnx", ".xml", ".torchscript"])
@pytest.mark.parametrize("weights", ["last.pt", "default"])
def test_weights_become_files_for_other_programs(
    run: Run, checkpoint: Path, astronaut: Path, photos: Path, weights: str, suffix: str
) -> None:
    if suffix == ".xml" and importlib.util.find_spec("openvino") is None:
        pytest.skip("openvino is not installed")
    to = Path(f"mine{suffix}")
    ended = run("export", weights, "--to", to, "--compare-on", astronaut)
    assert (ended.code, ended.err) == (0, "")
    if (weights, suffix) == ("default", ".onnx"):  # a copy
        assert ended.out == f"{to}: {to.stat().st_size / 1e6:.1f} MB, the bytes of {default_weights()}, which run\n"
        assert to.read_bytes() == default_weights().read_bytes()
        return
    engine = "ONNX Runtime" if weights == "default" else "torch"
    said = re.fullmatch(
        rf"mine\{suffix}: [\d.]+ MB, largest differences to {engine}: scores (\S+), boxes (\S+) pixels, "
        r"coefficients (\S+), prototypes (\S+?)(?:, features (\S+))?\n",
        ended.out,
    )
    assert said is not None, ended.out
    assert float(said[1]) < 0.01 and (said[5] is not None) == (weights == "default")
    mine = Segmenter(to, threads=1)
    assert mine(photos / "drawn" / "images" / "0.png", image_size=64).size == (64, 96)
    if weights == "default":
        assert mine.score_rule == Segmenter(threads=1).score_rule


def test_a_score_rule_is_fitted_into_every_form(run: Run, checkpoint: Path, photos: Path) -> None:
    given = ("--photos", photos, "--split", photos / "split.csv", "--fit-on", "1")
    ended = run("export", checkpoint, "--to", "mine.torchscript", *given)
    assert ended.code == 0, ended.err
    rule = Segmenter("mine.torchscript").score_rule
    assert ended.out.splitlines()[1].startswith(f"mine.torchscript: {rule}, rank correlation")


def test_a_file_that_does_not_say_the_same_is_an_error(run: Run, checkpoint: Path) -> None:
    import torch

    content = torch.load(checkpoint, weights_only=True)
    content["ema"]["head.proto.cv3.bn.bias"][0] = float("nan")
    torch.save(content, checkpoint)
    for suffix in (".onnx", ".torchscript"):
        ended = run("export", checkpoint, "--to", f"mine{suffix}")
        (line,) = ended.lines
        assert ended.code == 1 and "the exported model differs by nan of the largest output" in line
        assert not Path(f"mine{suffix}").exists()


def test_wrong_use_of_export_is_told(run: Run, checkpoint: Path) -> None:
    for given, code, said in (
        (("default", "--to", "mine.trt"), 2, "--to mine.trt must end in .onnx, .xml, .torchscript or .pt"),
        (("default", "--to", "mine.pt"), 1, "only a network whose trunk is YOLOv8's own"),
        (("none.onnx", "--to", "mine.xml"), 1, "none.onnx: there is no such weights file"),
        (("default", "--to", "mine.xml", "--compare-on", "none.jpg"), 1, "none.jpg: there is no such file"),
    ):
        ended = run("export", *given)
        (line,) = ended.lines
        assert ended.code == code and said in line
    assert {path.name for path in Path().iterdir()} == {"last.pt"}
