"""House rules that hold for every file of the repository."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILE_LIMIT = 17_000_000  # bytes
PYTHON_LIMIT = 400  # lines

# Written in two parts, so that this file does not break its own rule.
REGISTRY_HOSTS = [
    "".join(parts)
    for parts in [
        ("pypi.", "org"),
        ("python", "hosted.org"),
        ("npmjs.", "org"),
        ("npmjs.", "com"),
        ("deb.", "debian.org"),
        ("download.", "pytorch.org"),
        ("conda.", "anaconda.org"),
    ]
]
MACHINE_PATH = re.compile(rb"(?<![\w.])/(?:work|root|home|farm|Users|tmp|opt)/\w")


def files() -> list[Path]:
    """Every file that is or would be committed."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    finished = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=False)
    if finished.returncode != 0:
        pytest.skip("this is no git checkout")
    return [path for name in finished.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def names_of(paths: list[Path]) -> list[str]:
    return [path.relative_to(ROOT).as_posix() for path in paths]


def breaks_host_rule(content: bytes) -> bool:
    return any(host.encode() in content.lower() for host in REGISTRY_HOSTS)


def test_no_file_names_a_registry_host() -> None:
    assert names_of([path for path in files() if breaks_host_rule(path.read_bytes())]) == []
    assert breaks_host_rule(f"pip install --index-url https://{REGISTRY_HOSTS[0]}/simple".encode())


def test_no_file_holds_a_path_of_one_machine() -> None:
    assert names_of([path for path in files() if MACHINE_PATH.search(path.read_bytes())]) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"open('/" + b"home/me/photo.jpg')", True),
        (b"/" + b"root/x", True),
        (b"anymask/work/x", False),  # a relative path
        (b"https://example.com/home/x", False),  # an address
    ],
)
def test_what_counts_as_a_path_of_one_machine(text: bytes, found: bool) -> None:
    assert bool(MACHINE_PATH.search(text)) == found


def test_no_file_is_large() -> None:
    assert names_of([path for path in files() if path.stat().st_size > FILE_LIMIT]) == []


def test_python_files_fit_in_a_head() -> None:
    python = [path for path in files() if path.suffix == ".py"]
    assert names_of([path for path in python if len(path.read_text("utf-8").splitlines()) > PYTHON_LIMIT]) == []


@pytest.mark.parametrize(
    "path", [".venv/pyvenv.cfg", "demo/a.png", "dist/a.whl", "anymask/__pycache__/a.pyc", ".mypy_cache/a"]
)
def test_made_files_are_ignored(path: str) -> None:
    files()  # skips outside a git checkout
    assert subprocess.run(["git", "check-ignore", "--quiet", path], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("document", ["CONTRIBUTING.md", "README.md"])
def test_every_path_a_document_names_exists(document: str) -> None:
    text = (ROOT / document).read_text("utf-8")
    named = set(re.findall(r"`((?:anymask|tests|scripts|examples|constraints|data|docs)/[\w./-]*)`", text))
    named |= set(re.findall(r"\]\(([\w./-]+)\)", text))  # links and pictures
    assert named
    assert sorted(name for name in named if not (ROOT / name).exists()) == []
