"""Masks that a description nearly fits, apart from those that it does."""

import pytest

from anymask import Text
from tests.words.test_answer import Thing, made

# A car; its door, and the same car once more; a car that may be one, on the right; something that hardly is one; a dog
DOUBTFUL: list[Thing] = [
    ("car", (10, 40, 60, 80), "red", 0.9),
    ("car", (20, 50, 40, 70), "red", 0.4),
    ("car", (11, 40, 60, 80), "red", 0.45),
    ("car", (120, 40, 160, 80), "blue", 0.3),
    ("car", (80, 5, 100, 20), "blue", 0.1),
    ("dog", (80, 90, 100, 110), "brown", 0.4),
]


@pytest.mark.parametrize(
    ("text", "chosen", "nearly"),
    [
        ("cars", [0], [3]),
        ("red cars", [0], []),
        ("blue cars", [], [3]),
        ("cars on the right", [], [3]),
        ("dogs", [], [5]),
        ("car or dog", [0], [5, 3]),
        ("the biggest car", [0], []),  # an order asks for no more
        ("two cars", [0], []),
        ("everything red", [0], []),
    ],
)
def test_what_nearly_fits_is_told_apart(text: str, chosen: list[int], nearly: list[int]) -> None:
    found, prompt = made(DOUBTFUL), Text(text)
    answered = prompt.answer(found)
    assert answered.indices.tolist() == chosen
    candidates = prompt.below(found, answered)
    assert [each.index for each in candidates] == nearly
    assert all(0 < each.score < 0.5 and each.name == DOUBTFUL[each.index][0] for each in candidates)
