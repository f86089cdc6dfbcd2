"""scripts/replace_weights.py, run as a user runs it, in a folder of its own."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
FILES = [
    *("anymask/weights/default.onnx", "anymask/weights/mask_head.onnx", "anymask/weights/refiner.onnx"),
    *("anymask/weights/classifier.onnx", "anymask/weights/MODEL_CARD.md", "anymask/weights/SHA256SUMS"),
    *("docs/evaluation.json", "docs/prompts.json", "docs/words.json", "docs/demo.png", "README.md"),
    "anymask/words/nouns.json.gz",
]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The script, the files it replaces, and in place of the package one that writes a file and then fails."""
    (tmp_path / "scripts").mkdir()
    for name in ("replace_weights.py", "write_hashes.py"):
        shutil.copy(ROOT / "scripts" / name, tmp_path / "scripts")
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"old {name}")
    (tmp_path / "anymask" / "__init__.py").touch()
    (tmp_path / "anymask" / "__main__.py").write_text(
        "import pathlib, sys\n"
        "if '--to' in sys.argv:\n"
        "    pathlib.Path(sys.argv[sys.argv.index('--to') + 1]).write_text('new')\n"
        "sys.exit('--prompts' in sys.argv)\n"
    )
    for name in ("last.pt", "mask_head.pt", "refiner.pt", "classifier.pt", "photos"):
        (tmp_path / name).touch()
    return tmp_path


def replace(clone: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(clone / "scripts" / "replace_weights.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=clone)


@pytest.mark.parametrize(
    ("arguments", "first"),
    [
        ((), []),  # only measured again
        # what is fitted to the detector is trained anew
        (("--detector", "last.pt"), ["export last.pt", "train", "export classifier.pt"]),
        (("--refiner", "refiner.pt"), ["export refiner.pt"]),
        (("--classifier", "classifier.pt"), ["export classifier.pt"]),
        (("--wordnet", "photos"), ["make_noun_table", "train", "export classifier.pt"]),
        (
            ("--mask-head", "mask_head.pt", "--refiner", "refiner.pt", "--classifier", "classifier.pt"),
            ["export mask_head.pt", "export refiner.pt", "export classifier.pt"],
        ),
    ],
)
def test_each_step_is_told(clone: Path, arguments: tuple[str, ...], first: list[str]) -> None:
    lines = replace(clone, "photos", *arguments, "--dry-run").stdout.splitlines()
    done = [*first, "write_hashes", "evaluate", "evaluate", "evaluate --words", "write_figures", "draw_demo"]
    for words, line in zip(done, lines, strict=True):
        assert all(word in line for word in words.split())
    assert (clone / FILES[0]).read_text() == f"old {FILES[0]}"


def test_a_step_that_fails_leaves_everything_as_it_was(clone: Path) -> None:
    finished = replace(clone, "photos", "--detector", "last.pt", "--refiner", "refiner.pt")
    assert finished.returncode == 1
    assert finished.stderr == "the command above ended with exit code 1; all files are as they were\n"
    assert finished.stdout.splitlines()[-1].split()[4] == "evaluate"
    assert [(clone / name).read_text() for name in FILES] == [f"old {name}" for name in FILES]


def test_what_is_not_there_is_told_first(clone: Path) -> None:
    finished = replace(clone, "photos", "--detector", "none.pt")
    assert finished.returncode == 2
    assert "none.pt: there is no such file or folder" in finished.stderr
