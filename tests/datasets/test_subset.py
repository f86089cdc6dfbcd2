"""Laws of the subset, and its published values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anymask.datasets import in_subset

NAMES = st.text(st.characters(exclude_characters="/", exclude_categories=["Cs", "Cc"]), min_size=1)
SHARES = st.floats(0, 1, exclude_min=True)


@pytest.mark.parametrize(
    ("name", "seed", "share", "inside"),
    [
        # printf 0:sa_223750.jpg | sha256sum begins with 7f2c99ae8538ebd4, which is 0.49677 of 2^64
        ("sa_223750.jpg", 0, 0.4968, True),
        ("sa_223750.jpg", 0, 0.4967, False),
        ("sa_000020/sa_223750.jpg", 0, 0.4968, True),  # the folder does not matter
        ("sa_223750.jpg", 0, 1.0, True),
        ("sa_1.jpg", 0, 0.592, False),  # 9799489dfed16b6e, 0.59218
        ("sa_1.jpg", 0, 0.593, True),
    ],
)
def test_published_values(name: str, seed: int, share: float, inside: bool) -> None:
    assert in_subset(name, share, seed) == inside


@given(NAMES, SHARES, SHARES, st.integers(0, 2**31 - 1))
def test_a_smaller_share_is_a_part_of_a_larger_one(name: str, one: float, other: float, seed: int) -> None:
    smaller, larger = sorted((one, other))
    assert in_subset(name, larger, seed) or not in_subset(name, smaller, seed)
    assert in_subset(name, 1.0, seed)


def test_the_two_forms_of_an_accent_are_one_name() -> None:
    shares = [number / 100 for number in range(1, 101)]
    composed, decomposed = "caf\u00e9.jpg", "cafe\u0301.jpg"
    assert [in_subset(composed, share, 0) for share in shares] == [in_subset(decomposed, share, 0) for share in shares]


def test_about_the_share_is_taken_and_seeds_differ() -> None:
    names = [f"sa_{number}.jpg" for number in range(20_000)]
    first, second = ({name for name in names if in_subset(name, 0.02, seed)} for seed in (0, 1))
    assert 340 < len(first) < 460  # 400, and three standard deviations of 20 to both sides
    assert len(first & second) < 25  # 8 by chance
