"""The editor's modules without a browser: their own tests under Node, and their types under tsc."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from anymask.words.vocabulary import ORDERS, PLACES, RELATIONS, SIZES

HERE = Path(__file__).parent
EDITOR = HERE.parent.parent / "anymask" / "serve" / "editor"
TYPESCRIPT = HERE / "node_modules" / "typescript" / "bin" / "tsc"
MOST_LINES = 400
OLDEST_NODE = 20

node = shutil.which("node")


def needs_node() -> str:
    if node is None:
        pytest.skip("needs Node.js")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.lstrip("v").split(".")[0]) < OLDEST_NODE:
        pytest.skip(f"needs Node.js {OLDEST_NODE} or newer, got {version.strip()}")
    return node


def test_the_modules_pass_their_own_tests() -> None:
    ran = subprocess.run(
        [needs_node(), "--test", *sorted(map(str, HERE.glob("*.test.mjs")))], capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout[-4000:]


def test_the_types_hold() -> None:
    if not TYPESCRIPT.exists():
        pytest.skip("needs TypeScript: npm install --prefix tests/editor")
    ran = subprocess.run(
        [needs_node(), str(TYPESCRIPT), "-p", str(HERE / "tsconfig.json")], capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout[-4000:]


def test_the_cases_are_what_pycocotools_makes() -> None:
    pytest.importorskip("scipy", reason="the cases are made with SciPy: pip install 'anymask[evaluate]'")
    from tests.editor.make_cases import cases

    assert json.loads((HERE / "cases.json").read_text()) == cases()


def test_words_of_lists_are_those_of_the_parser() -> None:
    text = (EDITOR / "vocabulary.js").read_text(encoding="utf-8")
    for name, words in (("SIZES", SIZES), ("PLACES", PLACES), ("RELATIONS", RELATIONS), ("ORDERS", ORDERS)):
        held = re.search(rf"export const {name} = (\[.*\]);", text)
        assert held is not None and json.loads(held[1]) == list(words), name


def test_files_are_short_and_the_page_holds_no_script_style_or_foreign_address() -> None:
    files = [path for path in EDITOR.rglob("*") if path.suffix in (".js", ".css", ".html")]
    assert len(files) > 20
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert text.count("\n") <= MOST_LINES, path
        assert "innerHTML" not in text, path
        assert not re.findall(r"https?://(?!www\.w3\.org)", text), path
    page = (EDITOR / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"\sstyle=|\son\w+=|<style|<script(?![^>]*src=)", page)


def test_the_example_is_the_packages_photograph() -> None:
    assert (EDITOR / "sample.jpg").read_bytes() == (HERE.parent.parent / "examples" / "astronaut.jpg").read_bytes()
