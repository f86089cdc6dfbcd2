"""What `import anymask` offers, and what it does not load."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import anymask
from anymask import errors

# Names that users rely on; they stay.
PROMISED = {"AnymaskError", "Box", "MaskSet", "Point", "Segmenter", "__version__", "load_image"}
HEAVY = ("torch", "onnxruntime", "cv2", "matplotlib")


def test_all_is_sorted_and_holds_what_is_promised() -> None:
    assert anymask.__all__ == sorted(anymask.__all__)
    assert set(anymask.__all__) >= PROMISED
    assert dir(anymask) == sorted(anymask.__all__)


@pytest.mark.parametrize("name", anymask.__all__)
def test_each_name_is_there_with_a_docstring(name: str) -> None:
    value = getattr(anymask, name)
    if callable(value):
        # a dataclass without a docstring gets one that merely repeats its signature
        assert value.__doc__ and not value.__doc__.startswith(f"{name}(")


def test_every_error_is_public() -> None:
    found = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert found <= set(anymask.__all__)
    assert found <= set(errors.__all__)


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(anymask.__file__).read_text(encoding="utf-8"))
    imports = [node for block in tree.body if isinstance(block, ast.If) for node in block.body]
    seen = {alias.name: node.module for node in imports if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert set(seen) == set(anymask.__all__) - {"__version__"}
    for name, module in seen.items():
        assert getattr(anymask, name) is getattr(importlib.import_module(str(module)), name)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'anymask' has no attribute 'Segmentor'"):
        anymask.Segmentor  # type: ignore[attr-defined]  # noqa: B018


def output_of(program: str) -> list[str]:
    """The words that a fresh Python prints."""
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()


def test_importing_leaks_nothing() -> None:
    assert output_of("import anymask; print(*(n for n in vars(anymask) if n[0] != '_'))") == []


def test_importing_loads_nothing_heavy() -> None:
    assert output_of(f"import anymask, sys; print(*(m for m in {HEAVY} if m in sys.modules))") == []


def test_using_every_name_loads_no_torch() -> None:
    program = "import anymask, sys; [getattr(anymask, n) for n in anymask.__all__]; print('torch' in sys.modules)"
    assert output_of(program) == ["False"]
