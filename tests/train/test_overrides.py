from typing import Any

import pytest

from anymask.errors import SettingsError
from anymask.network.yolo import NetworkConfig
from anymask.train.overrides import override
from anymask.train.settings import Settings


@pytest.mark.parametrize(
    ("texts", "changed"),
    [
        ([], {}),
        (["learning_rate=1e-3"], {"learning_rate": 1e-3}),
        (["learning_rate=1"], {"learning_rate": 1.0}),
        (["accumulate=4", "accumulate=2"], {"accumulate": 2}),  # the last word counts
        (["precision=bf16"], {"precision": "bf16"}),
        (["zoom=0.5, 1.5"], {"zoom": (0.5, 1.5)}),  # a pair
        (["sides=256:1,640:0.5"], {"sides": {256: 1.0, 640: 0.5}}),  # a mapping, replaced as a whole
        (["sampling=mine:1"], {"sampling": {"mine": 1.0}}),
        (["freeze_trunk=False"], {"freeze_trunk": False}),
        # alone the first would be refused: all change at once
        (
            ["network.trunk=yolo", "freeze_trunk=no", "network.size=s"],
            {"network": NetworkConfig("s", "yolo", quality=True), "freeze_trunk": False},
        ),
    ],
)
def test_settings_change_by_name(texts: list[str], changed: dict[str, Any]) -> None:
    given = override(Settings(), texts)
    assert given == Settings(**changed)
    assert all(type(getattr(given, name)) is type(value) for name, value in changed.items())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seed", "given as name=value, got 'seed'"),
        ("sed=1", "there is no 'sed'; the names are seed, workers"),
        ("seed=1.5", "seed: expected a whole number, got '1.5'"),
        ("learning_rate=fast", "learning_rate: expected a number, got 'fast'"),
        ("freeze_trunk=maybe", "freeze_trunk: expected true or false, got 'maybe'"),
        ("zoom=1", "zoom: expected 2 values with commas, each a number, got '1'"),
        ("sides=256", "sides: expected pairs with commas, each a whole number, a colon and a number, got '256'"),
        ("network=x", r"network: expected network.size=\.\.\. or network.trunk=\.\.\."),
        ("seed.low=1", "seed.low: expected a whole number"),  # nothing lies inside a number
        ("network.depth=3", "there is no 'depth'; the names are size, trunk"),
        ("network.size=q", "size must be one of n, s, m, l, x, got 'q'"),  # what the settings refuse
        ("accumulate=0", "accumulate must be at least 1, got 0"),
        ("precision=fp8", "precision must be one of no, bf16, got 'fp8'"),
    ],
)
def test_what_is_wrong_is_told(text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        override(Settings(), [text])
