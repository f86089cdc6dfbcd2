"""Imports inside the package go to a lower tier; torch stays where it is used; some packages are never imported."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = "anymask"

# A module or folder may import those of a lower tier. Inside one tier an import is allowed where it makes no cycle.
TIERS = (
    {"errors", "boxes", "files", "stretches"},
    {
        "image",
        "rle",
        "nms",
        "overlap",
        "forest",
        "maskset",
        "models",
        "interpolation",
        "strip",
        "rules",
        "datasets",
        "sample",
        "machine",
    },
    {"letterbox", "runtimes", "network", "fastsam"},
    {"postprocess", "graft", "mask_head", "classifier", "snap", "words"},
    {"prompts", "outputs"},
    {"refine"},
    {"segment"},
    {"compat", "evaluate", "export", "doctor", "recipe"},
    {"train", "serve"},
    {"cli", "__main__"},
)
TIER_OF = {name: tier for tier, names in enumerate(TIERS) for name in names}

# Which folder, or single file, may import what only extras bring: first part of a module's name -> places
ALLOWED_IN = {
    # To train and to export, and as a runtime that one chooses by name
    "torch": {"network", "train", "export", "runtimes.torch_runtime"},
    "onnx": {"network", "train", "export"},
    # The one place for each that turns its telemetry off
    "onnxruntime": {"runtimes.onnx_session"},
    "openvino": {"runtimes.openvino_engine"},
    "scipy": {"evaluate"},
    "skimage": {"evaluate"},
    **{key: {"serve"} for key in ("fastapi", "starlette", "pydantic", "prometheus_client")},
    "uvicorn": {"cli.serve", "serve.connections"},
}
NEVER_IMPORTED = {"cv2", "matplotlib", "torchvision", "ultralytics"}

# The package root only re-exports; inside the package it is good for this one name.
ROOT_NAMES = {"__version__"}


def module_name(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_modules(path: Path, name: str, modules: set[str]) -> Iterator[tuple[str, int]]:
    """Every (module, line) that a file imports, also inside functions and under TYPE_CHECKING."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                # `from package import module` imports the module, `from module import name` the module that holds it
                inner = f"{source}.{alias.name}"
                if source != PACKAGE or alias.name not in ROOT_NAMES:
                    yield (inner if inner in modules else source), node.lineno


def violations(root: Path) -> list[str]:
    """What is wrong with the imports of the package under `root`, one line each; empty when nothing is."""
    files = {module_name(path, root): path for path in sorted((root / PACKAGE).rglob("*.py"))}
    wrong = []
    graph: dict[str, set[str]] = {}
    for name, path in files.items():
        if name == PACKAGE:
            continue
        top = name.split(".")[1]
        if top not in TIER_OF:
            wrong.append(f"{name}: has no tier; add {top!r} to TIERS in tests/test_layers.py")
            continue
        for imported, line in imported_modules(path, name, set(files)):
            first, _, rest = imported.partition(".")
            place = f"{path.relative_to(root).as_posix()}:{line}"
            if first in NEVER_IMPORTED:
                wrong.append(f"{place}: imports {first}, which no file here may")
            elif first in ALLOWED_IN and not {top, name.removeprefix(f"{PACKAGE}.")} & ALLOWED_IN[first]:
                wrong.append(f"{place}: imports {first} outside {', '.join(sorted(ALLOWED_IN[first]))}")
            elif imported == PACKAGE:
                wrong.append(f"{place}: imports the package root; import from the module that holds the name")
            elif first == PACKAGE:
                target = rest.split(".")[0]
                if TIER_OF.get(target, -1) > TIER_OF[top]:
                    wrong.append(f"{place}: {top} (tier {TIER_OF[top]}) imports {target} (tier {TIER_OF[target]})")
                if imported != name:
                    graph.setdefault(name, set()).add(imported)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        wrong.append("cycle: " + " -> ".join(error.args[1]))
    return wrong


def test_imports_go_to_a_lower_tier() -> None:
    assert violations(ROOT) == []


def test_every_row_of_the_table_exists() -> None:
    package = ROOT / PACKAGE
    assert [name for name in TIER_OF if not (package / name).is_dir() and not (package / f"{name}.py").is_file()] == []


@pytest.mark.parametrize(
    ("files", "reported"),
    [
        ({"nms.py": "from anymask.boxes import iou\n"}, ""),  # down
        ({"nms.py": "from anymask.segment import Segmenter\n"}, "nms (tier 1) imports segment (tier 6)"),  # up
        ({"nms.py": "import anymask.segment\n"}, "nms (tier 1) imports segment (tier 6)"),
        ({"nms.py": "def f():\n    from anymask import segment\n"}, "nms (tier 1) imports segment (tier 6)"),  # hidden
        ({"prompts/point.py": "from ..cli import main\n"}, "prompts (tier 4) imports cli (tier 9)"),  # relative
        ({"nms.py": "import anymask.rle\n", "rle.py": "import anymask.maskset\n"}, ""),  # sideways, no cycle
        ({"nms.py": "import anymask.rle\n", "rle.py": "import anymask.nms\n"}, "cycle: "),  # sideways and back
        ({"prompts/a.py": "from . import b\n", "prompts/b.py": "from .a import A\n"}, "cycle: "),  # in one folder
        ({"nms.py": "def f():\n    import torch.nn\n"}, "imports torch outside"),
        ({"network/head.py": "from torch import nn\n"}, ""),  # one of the places for torch
        ({"runtimes/torch_runtime.py": "def f():\n    import torch\n"}, ""),  # a place that is one file
        ({"runtimes/base.py": "import torch\n"}, "imports torch outside"),  # and not its whole folder
        ({"runtimes/openvino_runtime.py": "import openvino\n"}, "imports openvino outside runtimes.openvino_engine"),
        ({"fastsam/a.py": "from onnx import helper\n"}, "imports onnx outside"),
        ({"train/data.py": "import cv2\n"}, "imports cv2"),
        ({"evaluate/a.py": "from scipy import sparse\n"}, ""),  # the one place for scipy
        ({"nms.py": "def f():\n    import skimage.draw\n"}, "imports skimage outside evaluate"),
        ({"cli.py": "from anymask import __version__\n"}, ""),
        ({"cli.py": "from anymask import Segmenter\n"}, "imports the package root"),
        ({"helpers.py": "\n"}, "add 'helpers' to TIERS"),  # a file the table does not know
    ],
)
def test_the_checker_reports(tmp_path: Path, files: dict[str, str], reported: str) -> None:
    # every module that a row names must exist, as in a real package
    for name in ("__init__", "boxes", "cli", "maskset", "nms", "rle", "segment", "prompts/__init__"):
        (tmp_path / PACKAGE / f"{name}.py").parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / PACKAGE / f"{name}.py").write_text("")
    for file, content in files.items():
        (tmp_path / PACKAGE / file).parent.mkdir(exist_ok=True)
        (tmp_path / PACKAGE / file).write_text(content)
    found = violations(tmp_path)
    assert len(found) == bool(reported)
    assert all(reported in line for line in found)
