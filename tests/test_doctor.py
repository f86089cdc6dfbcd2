"""What `anymask doctor` finds in what is whole and in what is broken."""

import re
import shutil
import tomllib
from pathlib import Path

import pytest

from anymask.doctor import (
    BASE,
    ENGINES,
    EXTRAS,
    check_folder,
    check_packages,
    check_runtime,
    check_weights,
)
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


def test_a_missing_runtime_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENGINES, "openvino", "no-such-package")
    check = check_runtime("openvino")
    assert (check.state, check.cure) == ("note", 'pip install "anymask[openvino]"')
    monkeypatch.setitem(ENGINES, "onnx", "no-such-package")
    assert check_runtime("onnx").state == "error"
