"""What `anymask doctor` finds in what is whole and in what is broken."""

import hashlib
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from anymask.doctor import (
    BASE,
    ENGINES,
    EXTRAS,
    check_conversions,
    check_folder,
    check_packages,
    check_published,
    check_runtime,
    check_weights,
)
from anymask.fastsam.published import PUBLISHED, Published
from anymask.machine import cores, cpu_features, folder_size, memory
from anymask.models import packaged_hashes, packaged_weights, refiner_weights, weights_hash
from anymask.runtimes import RUNTIMES

ROOT = Path(__file__).parent.parent


def names(requirements: list[str]) -> tuple[str, ...]:
    return tuple(re.split(r"[><=~!\[ ;]", each)[0] for each in requirements)


def test_the_tables_are_those_of_the_package() -> None:
    with (ROOT / "pyproject.toml").open("rb") as stream:
        project = tomllib.load(stream)["project"]
    extras = {name: names(each) for name, each in project["optional-dependencies"].items() if name != "dev"}
    assert {name: tuple(sorted(each)) for name, each in EXTRAS.items()} == extras
    assert sorted(BASE) == sorted(names(project["dependencies"]))
    assert set(ENGINES) == set(RUNTIMES)
    assert set(ENGINES.values()) <= {*BASE, *EXTRAS["openvino"], *EXTRAS["torch"]}


def test_the_weights_have_the_hashes_that_are_kept_beside_them() -> None:
    assert packaged_hashes() == {path.name: weights_hash(path) for path in packaged_weights()}


def test_damaged_weights_are_told(tmp_path: Path) -> None:
    expected = packaged_hashes()["refiner.onnx"]
    path = Path(shutil.copy(refiner_weights(), tmp_path / "refiner.onnx"))
    assert check_weights(path, expected).state == "ok"
    assert check_weights(path, None).state == "error"  # nothing to compare with
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    check = check_weights(path, expected)
    assert check.state == "error" and check.found.startswith(f"{path}: expected sha256 {expected[:16]}, got ")
    assert "install anymask again" in check.cure
    path.unlink()
    check = check_weights(path, expected)
    assert check.state == "error" and check.found == f"{path}: No such file or directory"


@pytest.mark.parametrize(
    ("place", "state", "said"),
    [
        ("full", "ok", r"full: 0\.0 MB, [\d.]+ GB free"),
        ("full/inner/cache", "ok", r"cache: not made yet, [\d.]+ GB free"),
        ("full/file", "error", r"file: cannot be written \(.*full.file is a file\)"),
        ("full/file/inner", "error", r"inner: cannot be written \(.*full.file is a file\)"),
    ],
)
def test_a_folder_is_written_into_or_told(tmp_path: Path, place: str, state: str, said: str) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("1234")
    check = check_folder("cache", tmp_path / place, "ANYMASK_CACHE")
    # A full disk is worth a note
    assert check.state in ((state, "note") if state == "ok" else (state,)) and re.search(said, check.found)
    assert (check.cure == "set ANYMASK_CACHE to a folder that can be written") == (state == "error")
    assert [path.name for path in tmp_path.rglob("*")] == ["full", "file"]  # nothing is left, nothing made
    assert folder_size(tmp_path) == 4


def test_missing_packages_are_told() -> None:
    packages = ("numpy", "no-such-package")
    optional = check_packages("extra x", packages, extra="x")
    assert (optional.state, optional.found) == ("note", "not installed: no-such-package")
    assert optional.cure == 'pip install "anymask[x]"'
    required = check_packages("packages", packages, required=True)
    assert required.state == "error" and "install anymask again" in required.cure
    assert check_packages("packages", ("numpy",), required=True).state == "ok"


def test_the_machine_is_known() -> None:
    assert cores() >= 1
    assert all(name.isupper() for name in cpu_features())
    total, available = memory()
    assert total is None or total > 1e8
    assert available is None or (total is not None and 0 < available <= total)


@pytest.mark.parametrize(
    ("content", "part", "state", "said"),
    [
        (None, None, "note", "not fetched, its place is "),
        (None, b"", "note", r"FastSAM-s\.pt$"),  # a server that gave nothing leaves an empty part
        (None, b"half", "note", r"; 0\.0 MB of it lie in .*FastSAM-s\.pt\.part$"),
        (b"right", None, "ok", r"FastSAM-s\.pt: 0\.0 MB, sha256 "),
        (b"wrong", None, "error", "expected 5 bytes of sha256 [0-9a-f]{16}, got others"),
        (b"longer", None, "error", "expected 5 bytes"),
    ],
)
def test_published_weights_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, part: bytes | None, state: str, said: str
) -> None:
    digest = hashlib.sha256(b"right").hexdigest()
    monkeypatch.setitem(PUBLISHED, "fastsam-s", Published("FastSAM-s.pt", 5, digest, ()))
    (tmp_path / "weights").mkdir()
    for name, written in (("FastSAM-s.pt", content), ("FastSAM-s.pt.part", part)):
        if written is not None:
            (tmp_path / "weights" / name).write_bytes(written)
    check = check_published("fastsam-s", tmp_path)
    assert (check.name, check.state) == ("weights fastsam-s", state) and re.search(said, check.found)
    assert bool(check.cure) == (state != "ok")


def test_damaged_conversions_are_counted(tmp_path: Path) -> None:
    assert check_conversions(tmp_path).found == f"0 in {tmp_path / 'models'}"
    (tmp_path / "models").mkdir()
    whole = hashlib.sha256(b"whole").hexdigest()[:32]
    (tmp_path / "models" / f"fastsam1-a-{whole}.onnx").write_bytes(b"whole")
    assert (check_conversions(tmp_path).state, check_conversions(tmp_path).facts["models"]) == ("ok", 1)
    (tmp_path / "models" / f"fastsam1-b-{whole}.onnx").write_bytes(b"hole")
    (tmp_path / "models" / "x.onnx.1.2.part").write_bytes(b"")
    check = check_conversions(tmp_path)
    assert check.state == "note" and check.found.endswith(", 1 damaged, 1 written in part")
    assert check.facts["damaged"] == [f"fastsam1-b-{whole}.onnx"]


@pytest.mark.parametrize("package", ["torch", "openvino"])
def test_a_broken_engine_is_an_error(tmp_path: Path, package: str) -> None:
    """Its version is there, and importing it fails, as where a library of the system is missing."""
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").write_text("raise OSError('lib.so: cannot open shared object file')")
    (tmp_path / f"{package}-9.0.dist-info").mkdir()
    (tmp_path / f"{package}-9.0.dist-info" / "METADATA").write_text(f"Name: {package}\nVersion: 9.0\n")
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        f"from anymask.doctor import check_runtime; check = check_runtime({package!r})\n"
        "print(check.state, check.found, check.cure, sep='|')"
    )
    ended = subprocess.run([sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    state, found, cure = ended.stdout.strip().split("|")
    assert state == "error" and found.startswith(f"{package} 9.0: ") and "lib.so" in found
    assert cure == f"pip install --force-reinstall {package}"


def test_a_missing_runtime_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENGINES, "openvino", "no-such-package")
    check = check_runtime("openvino")
    assert (check.state, check.cure) == ("note", 'pip install "anymask[openvino]"')
    monkeypatch.setitem(ENGINES, "onnx", "no-such-package")
    assert check_runtime("onnx").state == "error"
