"""What a name or a path of weights becomes: fetched once, converted once, and made again where it is damaged."""

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from anymask import Box, Point, Segmenter
from anymask.errors import WeightsError
from anymask.fastsam import weights as finding
from anymask.fastsam.archive import Array
from anymask.fastsam.checkpoint import Checkpoint, read_checkpoint
from anymask.fastsam.published import PUBLISHED, Published
from anymask.fastsam.weights import find_weights, onnx_file
from anymask.models import default_weights, weights_hash
from anymask.rules import CropRule, MaskRule, ScoreRule
from tests.file_server import Answer, FileServer, file_server
from tests.published_weights import write_checkpoint

PICTURE = np.random.default_rng(0).integers(0, 256, (60, 90, 3), np.uint8)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of this test alone."""
    monkeypatch.setenv("ANYMASK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path / "cache"


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were converted, one entry each time."""
    done: list[Path] = []
    convert = finding.convert

    def counting(source: Path) -> list[bytes | memoryview]:
        done.append(source)
        return convert(source)

    monkeypatch.setattr(finding, "convert", counting)
    return done


def to_safetensors(weights: dict[str, Array], path: Path) -> Path:
    header, numbers = {}, b""
    for name, values in weights.items():
        kind = {"f2": "F16", "f8": "F64", "i8": "I64"}[values.dtype.str[1:]]
        header[name] = {"dtype": kind, "shape": values.shape, "data_offsets": [len(numbers)]}
        numbers += values.tobytes()
        header[name]["data_offsets"] += [len(numbers)]  # type: ignore[operator]
    encoded = json.dumps(header).encode()
    path.write_bytes(len(encoded).to_bytes(8, "little") + encoded + numbers)
    return path


def test_a_model_is_itself() -> None:
    assert onnx_file("default") == onnx_file(default_weights()) == default_weights()


def test_a_checkpoint_is_converted_once(checkpoint: Path, cache: Path, counted: list[Path], tmp_path: Path) -> None:
    made = onnx_file(checkpoint)
    assert made.parent == cache / "models"
    before = made.stat().st_mtime_ns
    assert onnx_file(str(checkpoint)) == made
    moved = tmp_path / "renamed.PT"  # its content counts, not its name
    moved.write_bytes(checkpoint.read_bytes())
    assert onnx_file(moved) == made
    assert counted == [checkpoint] and made.stat().st_mtime_ns == before
    assert list(cache.rglob("*.part")) == []


def test_other_weights_are_another_model(checkpoint: Path, weights: dict[str, Array], tmp_path: Path) -> None:
    changed = {**weights, "model.0.bn.bias": weights["model.0.bn.bias"] + 1}
    other = write_checkpoint(tmp_path / "other.pt", changed)
    assert onnx_file(other) != onnx_file(checkpoint)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content[:-1],
        lambda content: b"",
        lambda content: content[:50_000] + bytes([content[50_000] ^ 1]) + content[50_001:],  # a single bit of a weight
    ],
    ids=["cut off", "empty", "one bit"],
)
def test_a_damaged_model_is_made_again(
    checkpoint: Path, counted: list[Path], spoil: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    made = onnx_file(checkpoint)
    content = made.read_bytes()
    made.write_bytes(spoil(content))
    assert onnx_file(checkpoint).read_bytes() == content
    assert len(counted) == 2
    assert f"{made}: is damaged and is made again" in caplog.text


def test_a_damaged_model_of_before_is_told_once(
    checkpoint: Path, counted: list[Path], caplog: pytest.LogCaptureFixture
) -> None:
    """Of another version, which made other bytes of the same checkpoint: nothing is put in its place."""
    made = onnx_file(checkpoint)
    old = made.with_name(f"{made.stem.rpartition('-')[0]}-{'0' * 32}.onnx")
    old.write_bytes(b"half of it")
    made.unlink()
    for _ in range(3):
        assert onnx_file(checkpoint) == made
    assert len(counted) == 2 and not old.exists()
    assert caplog.text.count("is damaged") == 1


def test_what_a_process_left_behind_that_died_is_cleared_away(checkpoint: Path, cache: Path) -> None:
    (cache / "models").mkdir(parents=True)
    (cache / "models" / "fastsam1-x.onnx.123.456.part").write_bytes(b"half")
    made = onnx_file(checkpoint)
    assert {path.name for path in made.parent.iterdir()} == {made.name, "lock"}


def test_several_at_once_convert_it_once(checkpoint: Path, counted: list[Path]) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = set(pool.map(onnx_file, [checkpoint] * 4))
    assert len(made) == len(counted) == 1


def test_a_checkpoint_that_changes_while_it_is_read_leaves_no_model(
    checkpoint: Path, weights: dict[str, Array], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the graph of the new one would stand under the hash of the old one, for ever."""
    path = Path(shutil.copy(checkpoint, tmp_path / "mine.pt"))

    def replace_and_read(source: Path) -> Checkpoint:
        write_checkpoint(source, {**weights, "model.0.bn.bias": weights["model.0.bn.bias"] + 1})
        return read_checkpoint(source)

    with monkeypatch.context() as patched:
        patched.setattr(finding, "read_checkpoint", replace_and_read)
        with pytest.raises(WeightsError, match=r"mine\.pt: became another file while it was read"):
            onnx_file(path)
    old, new = (onnx_file(each).read_bytes() for each in (checkpoint, path))
    assert old != new


@pytest.mark.skipif(sys.platform == "win32", reason="makes a link")
def test_a_folder_that_cannot_be_locked_costs_only_time(
    checkpoint: Path, cache: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (cache / "models").mkdir(parents=True)
    (cache / "models" / "lock").symlink_to(tmp_path / "victim")
    made = onnx_file(checkpoint)
    assert made.is_file() and not made.is_relative_to(cache) and not (tmp_path / "victim").exists()
    assert "lock is a link; remove it" in caplog.text
    made.unlink()


def test_a_cache_that_takes_nothing_costs_only_time(
    checkpoint: Path, counted: list[Path], cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache.write_text("no folder")
    made = onnx_file(checkpoint)
    assert made.is_file() and not made.is_relative_to(cache)
    assert f"{cache / 'models'}: nothing can be kept there" in caplog.text
    assert Segmenter(checkpoint).image_size == 640


def test_a_model_that_cannot_be_kept_costs_only_time(checkpoint: Path, caplog: pytest.LogCaptureFixture) -> None:
    made = onnx_file(checkpoint)
    content = made.read_bytes()
    made.unlink()
    made.mkdir()  # where the file should be, as a full disk would refuse it
    other = onnx_file(checkpoint)
    assert other != made and other.read_bytes() == content
    assert f"{made}: cannot be written" in caplog.text
    other.unlink()


def test_a_cache_that_is_only_read_is_used(
    checkpoint: Path, counted: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = onnx_file(checkpoint)

    def refuse(folder: Path) -> Path:
        raise AssertionError(folder)

    monkeypatch.setattr(finding, "writable", refuse)
    assert onnx_file(checkpoint) == made


def test_published_weights_behave_as_published(checkpoint: Path, weights: dict[str, Array], tmp_path: Path) -> None:
    path = to_safetensors(weights, tmp_path / "x.safetensors")
    segmenter = Segmenter(path)
    assert segmenter.image_size == 1024  # such a file does not tell at what size it was trained
    assert Segmenter(checkpoint).image_size == 640  # this one does
    assert segmenter.score_rule == ScoreRule(1.0, 0.0)
    assert segmenter.crop_rule == CropRule(0, 0, 0)
    assert segmenter.mask_rule == MaskRule("linear", "corners", clipping="after", repeats="kept")
    assert segmenter.shown == 0.25
    assert segmenter.weights == path and segmenter.weights_hash() == weights_hash(path)
    default = Segmenter()
    assert (default.image_size, default.crop_rule, default.shown) == (640, CropRule(), 0.05)
    assert default.mask_rule == MaskRule()


def test_what_was_converted_in_an_older_way_is_made_again(
    checkpoint: Path, counted: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = onnx_file(checkpoint)
    monkeypatch.setattr(finding, "GRAPHS", finding.GRAPHS + 1)
    assert onnx_file(checkpoint) == onnx_file(checkpoint) != made
    assert counted == [checkpoint, checkpoint]


def test_both_kinds_of_files_give_the_same_masks(checkpoint: Path, weights: dict[str, Array], tmp_path: Path) -> None:
    one = Segmenter(checkpoint, threads=1)(PICTURE, image_size=96)
    path = to_safetensors(weights, tmp_path / "x.safetensors")
    other = Segmenter(path, threads=1)(PICTURE, image_size=96)
    assert len(one) > 0 and one.rles == other.rles
    # a mask ends where its box ends, and scores are class scores
    assert (one.scores <= 1).all() and (np.diff(one.scores) <= 0).all()


def test_prompts_choose_among_these_masks_unless_drawing_is_asked_for(checkpoint: Path) -> None:
    segmenter = Segmenter(checkpoint, threads=1)
    found = segmenter(PICTURE, image_size=96)
    for prompt in (Point([(40, 30)]), Box((10, 10, 60, 50))):
        picked = segmenter.select(found, prompt, zoom=False)
        assert len(picked) > 0 and set(picked.rles) <= set(found.rles)
        drawn = segmenter.select(found, prompt, refine="all")
        assert not set(drawn.rles) <= set(found.rles)


def test_hostile_and_other_files_are_refused_in_one_line(tmp_path: Path, weights: dict[str, Array]) -> None:
    spoilt = {**weights, "model.0.bn.running_var": -np.ones_like(weights["model.0.bn.running_var"])}
    last = "model.22.cv3.0.2.bias"
    to_safetensors({**weights, last: weights[last].astype(np.float64) + 1e300}, tmp_path / "large.safetensors")
    to_safetensors(spoilt, tmp_path / "negative.safetensors")
    to_safetensors({"a": weights["model.0.bn.bias"]}, tmp_path / "other.safetensors")
    (tmp_path / "empty.pt").write_bytes(b"")
    (tmp_path / "page.pt").write_bytes(b"<html>Sign in</html>")
    (tmp_path / "cut.safetensors").write_bytes((tmp_path / "negative.safetensors").read_bytes()[:5000])
    (tmp_path / "folder.pt").mkdir()
    for name, said in (
        ("negative.safetensors", r"a batch norm model\.0\.bn whose variance is negative"),
        ("large.safetensors", r"a tensor model\.22\.cv3\.0\.2\.bias that is not finite numbers of float32"),
        ("other.safetensors", "got weights of other names"),
        ("empty.pt", "got no zip"),
        ("page.pt", "got no zip"),
        ("cut.safetensors", "got a header of"),
        ("folder.pt", "there is no such weights file"),
        ("none.pt", "there is no such weights file"),
    ):
        with pytest.raises(WeightsError, match=said) as caught:
            Segmenter(tmp_path / name)
        assert str(caught.value).startswith(str(tmp_path / name)) and "\n" not in str(caught.value)


def test_running_a_checkpoint_loads_neither_torch_nor_onnx_and_opens_no_socket(checkpoint: Path) -> None:
    code = """
import sys
def refuse(event, arguments):
    if event.startswith("socket."):
        raise PermissionError(event)
sys.addaudithook(refuse)
import anymask, numpy as np
assert "onnx" not in sys.modules
found = anymask.Segmenter(sys.argv[1])(np.zeros((64, 64, 3), np.uint8), image_size=64)
print(sorted({"torch", "onnx", "urllib.request"} & set(sys.modules)))
"""
    ended = subprocess.run([sys.executable, "-c", code, checkpoint], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == "[]"


@pytest.fixture
def server(checkpoint: Path) -> Iterator[FileServer]:
    with file_server(checkpoint.read_bytes()) as server:
        yield server


@pytest.fixture
def offered(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> Published:
    """The small network in the place of FastSAM-s."""
    addresses = (server.serve("/first", Answer(404)), server.serve("/second", Answer()))
    digest = hashlib.sha256(server.content).hexdigest()
    offered = Published("FastSAM-s.pt", len(server.content), digest, addresses)
    monkeypatch.setitem(PUBLISHED, "fastsam-s", offered)
    return offered


@pytest.mark.usefixtures("offered")
def test_a_name_is_fetched_once(server: FileServer, cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    reported: list[tuple[int, int]] = []
    path = find_weights("fastsam-s", lambda *progress: reported.append(progress))
    assert path == cache / "weights" / "FastSAM-s.pt"
    assert path.read_bytes() == server.content
    assert reported[-1] == (len(server.content), len(server.content))
    assert "published under the AGPL-3.0" in caplog.text
    asked = len(server.asked)
    caplog.clear()
    segmenter = Segmenter("fastsam-s", threads=1)
    assert len(segmenter(PICTURE, image_size=96)) > 0
    assert segmenter.weights == path
    assert len(server.asked) == asked and "AGPL" not in caplog.text  # said once, when it is fetched


@pytest.mark.usefixtures("offered")
@pytest.mark.parametrize("content", [b"", b"another file"])
def test_a_file_that_is_not_the_published_one_is_fetched_again(
    server: FileServer, cache: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = cache / "weights" / "FastSAM-s.pt"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert find_weights("fastsam-s").read_bytes() == server.content
    assert f"{path}: is not the published file" in caplog.text


def test_a_file_that_was_put_there_is_taken(server: FileServer, offered: Published, cache: Path) -> None:
    path = cache / "weights" / offered.file
    path.parent.mkdir(parents=True)
    path.write_bytes(server.content)
    assert find_weights("fastsam-s") == path
    assert server.asked == []


def test_without_a_connection_it_says_which_file_goes_where(
    offered: Published, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = Published(offered.file, offered.size, offered.sha256, ("http://127.0.0.1:9/x",))
    monkeypatch.setitem(PUBLISHED, "fastsam-s", nowhere)
    with pytest.raises(WeightsError) as caught:
        Segmenter("fastsam-s")
    assert f"put it at {cache / 'weights' / 'FastSAM-s.pt'} ({offered.size} bytes" in str(caught.value)


@pytest.mark.usefixtures("offered")
def test_a_cache_that_takes_nothing_lets_it_be_fetched_all_the_same(server: FileServer, cache: Path) -> None:
    cache.write_text("no folder")
    path = find_weights("fastsam-s")
    assert path.read_bytes() == server.content
    asked = len(server.asked)
    assert find_weights("fastsam-s") == path and len(server.asked) == asked  # once in a process
    path.unlink()


def test_a_file_of_that_name_is_meant_by_its_path(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("fastsam-s.pt").write_bytes(checkpoint.read_bytes())
    assert find_weights("fastsam-s.pt") == Path("fastsam-s.pt")


def test_what_is_known_of_the_published_files() -> None:
    for name, published in PUBLISHED.items():
        assert published.file == f"FastSAM-{name[-1]}.pt"
        assert len(published.sha256) == 64 and int(published.sha256, 16)
        assert all(address.startswith("https://") for address in published.addresses)
        assert len(set(published.addresses)) == len(published.addresses) > 1
    assert len({published.sha256 for published in PUBLISHED.values()}) == len(PUBLISHED)
