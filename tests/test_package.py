"""The wheel: built from this tree, installed into an empty environment elsewhere, and used there."""

import os
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

from anymask import __version__

ROOT = Path(__file__).parent.parent
MEGABYTE = 1e6
WHEEL_LIMIT = 45 * MEGABYTE
INSTALLED_LIMIT = 350 * MEGABYTE
PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
SCRIPTS, EXE = ("Scripts", ".exe") if os.name == "nt" else ("bin", "")


def run(*command: str | Path, cwd: Path) -> str:
    """What a command prints; a failed one fails the test with all that it said."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    finished = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, f"{command}\n{finished.stdout}\n{finished.stderr}"
    return finished.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--outdir", folder, cwd=ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that holds the wheel and what it pulls in; no pip."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=False)
    run(*PIP, "--python", folder, "install", wheel, cwd=folder)
    return folder


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    information = f"anymask-{__version__}.dist-info/"
    assert {name for name in names if not name.startswith(("anymask/", information))} == set()
    assert {"anymask/__init__.py", "anymask/py.typed", "anymask/weights/MODEL_CARD.md"} <= names
    assert {f"{information}licenses/LICENSE", f"{information}licenses/NOTICE"} <= names
    assert any(name.startswith("anymask/weights/") and name.endswith(".onnx") for name in names)


def test_the_wheel_is_small(wheel: Path) -> None:
    assert wheel.stat().st_size <= WHEEL_LIMIT


def test_the_installation_is_small(installed: Path) -> None:
    sizes = {path: path.stat().st_size for path in installed.rglob("*") if path.is_file() and not path.is_symlink()}
    assert sum(sizes.values()) <= INSTALLED_LIMIT


def test_the_installed_command_segments(installed: Path, astronaut: Path, tmp_path: Path) -> None:
    scripts = installed / SCRIPTS
    home = run(scripts / f"python{EXE}", "-c", "import anymask; print(anymask.__file__)", cwd=tmp_path).strip()
    assert Path(home).is_relative_to(installed)
    run(scripts / f"anymask{EXE}", "segment", astronaut, "--format", "coco", "--out", "out", cwd=tmp_path)
    assert any((tmp_path / "out").iterdir())


@pytest.mark.parametrize("platform", ["win_amd64", "macosx_14_0_arm64", "manylinux_2_28_x86_64"])
def test_wheels_of_every_base_dependency_exist(platform: str, tmp_path: Path) -> None:
    with (ROOT / "pyproject.toml").open("rb") as stream:
        dependencies = tomllib.load(stream)["project"]["dependencies"]
    options = ("--dry-run", "--only-binary=:all:", "--platform", platform, "--python-version", "3.11")
    run(*PIP, "install", *options, "--target", tmp_path, *dependencies, cwd=tmp_path)
