r"""Run the project's tasks on any system, without make. Standard library only.

python3 scripts/make.py demo|test|compare|soak|clean  (Windows: py scripts\make.py demo)

demo     segment the example photograph into demo/
test     ruff, mypy and every fast test
compare  hold what FastSAM's weights find here to what ultralytics finds, on the labelled photographs
soak     the long tests
clean    remove what the other tasks made

The packages go into .venv beside this folder, made on the first run and used again while pyproject.toml and the
files in constraints stay as they are.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PHOTO = Path("examples") / "astronaut.jpg"
DEMO = ROOT / "demo"
CLICK = "400,420"  # on the helmet
CONSTRAINTS = Path("constraints") / "ci.txt"
COMPARED = Path("constraints") / "ultralytics.txt"
PHOTOS = Path(os.environ.get("ANYMASK_PHOTOS", ROOT.parent / "shared" / "photos"))

VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
STAMP = VENV / "made-by-anymask.json"  # task -> fingerprint of what was installed for it; its presence says "ours"

OLDEST_PYTHON = (3, 11)
TEST_LIMIT_S = 15 * 60
IN_PARALLEL = ["-n", "auto", "--maxprocesses", "4", "--dist", "loadfile"]  # a file's tests share what they made
NO_TESTS_COLLECTED = 5  # pytest's exit code


class TaskError(Exception):
    """Ends the run with one line on stderr and exit code 1."""


def main(arguments: list[str]) -> int:
    tasks = {"demo": demo, "test": test, "compare": compare, "soak": soak, "clean": clean}
    if len(arguments) != 1 or arguments[0] not in tasks:
        print(f"usage: make.py {'|'.join(tasks)}", file=sys.stderr)
        return 2
    try:
        tasks[arguments[0]]()
    except TaskError as error:
        print(f"make.py {arguments[0]}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


# Tasks


def demo() -> None:
    install("demo", [["-e", "."]])
    command = [str(PYTHON), "-m", "anymask", "segment", str(PHOTO)]
    check([*command, "--format", "overlay,coco", "--out", DEMO.name])
    check([*command, "--point", CLICK, "--format", "cutout", "--out", DEMO.name])


def test() -> None:
    install_test_packages()
    install_editor_checks()
    checks = {
        "ruff check": [str(PYTHON), "-m", "ruff", "check", "."],
        "ruff format": [str(PYTHON), "-m", "ruff", "format", "--check", "."],
        "mypy": [str(PYTHON), "-m", "mypy", "--strict"],
        "pytest": [str(PYTHON), "-m", "pytest", "-q", "--durations=10", *IN_PARALLEL],
    }
    failed = [name for name, command in checks.items() if run(command, TEST_LIMIT_S) != 0]
    if failed:
        raise TaskError(f"failed: {', '.join(failed)}")


def compare() -> None:
    if not PHOTOS.is_dir():
        say("compare: skipped, the labelled photographs are not here; set ANYMASK_PHOTOS to their folder")
        return
    install_test_packages()
    program = VENV / "ultralytics"  # apart from the packages of the tests, which must not find it
    install("compare", [["--upgrade", "--no-deps", "--target", str(program), "-r", str(COMPARED)]])
    kept, ours, theirs = Path("data") / "fastsam_n.xz", VENV / "fastsam_n.pt", VENV / "ultralytics_n.pt"
    scripts = Path("scripts")
    check([str(PYTHON), str(scripts / "coarse_weights.py"), "unpack", str(kept), str(ours)])
    of_program = ["--ultralytics", str(program)]
    writer = str(scripts / "write_ultralytics_checkpoint.py")
    check([str(PYTHON), writer, str(ours), *of_program, "--to", str(theirs)])
    measured = ["--photos", str(PHOTOS), "--image-size", "320", "--conf", ".05"]
    check([str(PYTHON), str(scripts / "compare_fastsam.py"), str(theirs), *of_program, *measured])


def soak() -> None:
    install_test_packages()
    install_editor_checks()
    if run([str(PYTHON), "-m", "pytest", "-m", "soak"]) not in (0, NO_TESTS_COLLECTED):
        raise TaskError("failed: pytest -m soak")


def clean() -> None:
    folders = [ROOT / name for name in ("build", "dist", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache")]
    folders.append(ROOT / "tests" / "editor" / "node_modules")
    for package in ("anymask", "scripts", "tests"):
        folders += (ROOT / package).rglob("__pycache__")
    if STAMP.exists():
        folders.append(VENV)
    for folder in filter(Path.is_dir, folders):
        say(f"removing {folder.relative_to(ROOT)}")
        shutil.rmtree(folder)

    # The demo folder may hold files of the user's: only what the demo wrote goes.
    for file in DEMO.glob(f"{PHOTO.stem}*"):
        file.unlink()
    if DEMO.is_dir() and not any(DEMO.iterdir()):
        DEMO.rmdir()


# The virtual environment


def install_test_packages() -> None:
    # torch first and alone, so that its constraint decides which build it is
    install(
        "test",
        [["-c", str(CONSTRAINTS), "torch"], ["-c", str(CONSTRAINTS), "-e", ".[train,evaluate,openvino,serve,dev]"]],
    )


def install_editor_checks() -> None:
    """TypeScript and axe-core, which check the editor; without npm their tests are skipped."""
    npm, folder = shutil.which("npm"), ROOT / "tests" / "editor"
    if npm is None or (folder / "node_modules").is_dir():
        return
    if run([npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder)]) != 0:
        say("npm could not install what checks the editor's types and its accessibility: those tests are skipped")


def install(task: str, pip_installs: list[list[str]]) -> None:
    """Run ``pip install`` with each list of arguments in .venv, unless it was done before for the same files."""
    make_venv()
    stamps = json.loads(STAMP.read_text())
    wanted = fingerprint()
    if stamps.get(task) == wanted:
        return
    say("installing into .venv, the first run takes a while")
    for arguments in pip_installs:
        check([str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments])
    STAMP.write_text(json.dumps({**stamps, task: wanted}))


def make_venv() -> None:
    """Make .venv, or make it again where it is ours and broken; refuse to touch somebody else's."""
    if sys.version_info < OLDEST_PYTHON:
        found = ".".join(map(str, sys.version_info[:3]))
        wanted = ".".join(map(str, OLDEST_PYTHON))
        raise TaskError(f"Python {wanted} or newer is needed, this is {found}; run it with a newer one: python{wanted}")
    if STAMP.exists() and venv_works():
        return
    if VENV.exists() and not STAMP.exists():
        raise TaskError(".venv was not made by this script and stays as it is; move it away, then run this again")
    if any(importlib.util.find_spec(module) is None for module in ("venv", "ensurepip")):
        raise TaskError(f"{sys.executable} has no venv module; on Debian and Ubuntu: apt-get install python3-venv")
    if VENV.exists():
        shutil.rmtree(VENV)
    VENV.mkdir()
    STAMP.write_text("{}")
    check([sys.executable, "-m", "venv", str(VENV)])


def venv_works() -> bool:
    if not PYTHON.exists():
        return False
    program = f"import pip, sys; sys.exit(sys.version_info < {OLDEST_PYTHON})"
    return subprocess.run([str(PYTHON), "-c", program], stderr=subprocess.DEVNULL, check=False).returncode == 0


def fingerprint() -> str:
    """A hash of all that decides what is installed: the lists of packages and where this folder is."""
    lists = [(ROOT / name).read_bytes() for name in ("pyproject.toml", CONSTRAINTS, COMPARED)]
    parts = [*lists, str(ROOT).encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


# Commands


def check(command: list[str]) -> None:
    code = run(command)
    if code != 0:
        raise TaskError(f"the command above ended with exit code {code}")


def run(command: list[str], limit_s: float | None = None) -> int:
    """Print a command, run it in the repository's root and return its exit code; 124 after ``limit_s`` seconds."""
    root = str(ROOT) + os.sep
    say("$ " + subprocess.list2cmdline(part.replace(root, "") for part in command))
    environment = {**os.environ, "PYTHONUTF8": "1"}
    try:
        process = subprocess.run(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, timeout=limit_s, check=False
        )
    except subprocess.TimeoutExpired:
        say(f"stopped: it took more than {limit_s:.0f} s")
        return 124
    return process.returncode


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
