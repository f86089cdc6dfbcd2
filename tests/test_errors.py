import ast
import pickle
import re
from pathlib import Path

import numpy as np
import pytest

from anymask import errors
from anymask.errors import ImageError, ShapeError, check_shape, printable

CLASSES = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)]


def test_the_tree_in_the_docstring_is_the_real_one() -> None:
    drawn = re.findall(r"── (\w+)(?: +\((\w+)\))?", errors.__doc__ or "")
    assert drawn[0][0] == "AnymaskError"
    assert sorted(name for name, _ in drawn) == sorted(each.__name__ for each in CLASSES)
    for name, builtin in drawn[1:]:
        bases = [base.__name__ for base in getattr(errors, name).__bases__]
        assert bases == ["AnymaskError", *filter(None, [builtin])]


def test_all_names_every_public_definition() -> None:
    body = ast.parse(Path(errors.__file__).read_text("utf-8")).body
    names = [node.name for node in body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    assert errors.__all__ == sorted(name for name in names if not name.startswith("_"))


def test_image_error_carries_the_name_also_to_another_process() -> None:
    error = pickle.loads(pickle.dumps(ImageError("a.png: is empty", name="a.png")))
    assert (type(error), str(error), error.name) == (ImageError, "a.png: is empty", "a.png")
    assert ImageError("no picture").name == ""


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((7, 4), "N 4"),
        ((0, 4), "N 4"),  # nothing is a number of boxes
        ((5,), "N"),
        ((), ""),  # a number
        ((3, 3), "N N"),
        ((2, 3, 2), "A B A"),
        ((1, 3, 640, 640), "1 3 S S"),
    ],
)
def test_check_shape_takes(shape: tuple[int, ...], expected: str) -> None:
    check_shape(np.zeros(shape), expected, "boxes")


@pytest.mark.parametrize(
    ("shape", "expected", "message"),
    [
        ((4,), "N 4", "boxes must have shape (N, 4), got (4,)"),  # an axis short
        ((1, 7, 4), "N 4", "boxes must have shape (N, 4), got (1, 7, 4)"),  # an axis too many
        ((7, 5), "N 4", "boxes must have shape (N, 4), got (7, 5)"),  # another number
        ((2, 3), "N N", "boxes must have shape (N, N), got (2, 3)"),  # one letter, two sizes
        ((2,), "3", "boxes must have shape (3,), got (2,)"),
        ((2,), "", "boxes must have shape (), got (2,)"),
    ],
)
def test_check_shape_refuses(shape: tuple[int, ...], expected: str, message: str) -> None:
    with pytest.raises(ShapeError) as caught:
        check_shape(np.zeros(shape), expected, "boxes")
    assert str(caught.value) == message


def test_check_shape_refuses_a_list() -> None:
    with pytest.raises(ShapeError, match=re.escape("boxes must be an array of shape (N, 4), got list: wrap it in")):
        check_shape([[0, 0, 1, 1]], "N 4", "boxes")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "longest", "expected"),
    [
        ("fine  name.png", None, "fine  name.png"),
        ("two\nlines", None, "two lines"),
        ("\x1b]0;title\x07\x1b[31mred", None, "\\x1b]0;title\\x07\\x1b[31mred"),
        ("\x9b31m", None, "\\x9b31m"),  # the same in one character
        ("a\u202egnp.exe", None, "a\\u202egnp.exe"),  # read as aexe.png
        ("\udc80", None, "\\udc80"),  # a byte of a file's name that is no text
        ("日本\u3000語 👨\u200d👩", None, "日本\u3000語 👨\u200d👩"),
        ("abcdef", 3, "abc..."),
        (ValueError("x"), 3, "x"),
    ],
)
def test_what_is_said_does_not_control_a_terminal(text: object, longest: int | None, expected: str) -> None:
    assert printable(text, longest) == expected
