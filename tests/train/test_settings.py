from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pytest
import torch

from anymask.errors import SettingsError
from anymask.network.yolo import NetworkConfig
from anymask.train.settings import SAMPLING, UNLABELLED_WEIGHT, Settings


def test_the_recipe_draws_from_every_collection() -> None:
    assert sum(SAMPLING.values()) == pytest.approx(1)
    assert all(share > 0 for share in SAMPLING.values())
    assert UNLABELLED_WEIGHT == {"all": 1.0, "most": 0.6, "some": 0.0}


def test_settings_go_through_a_checkpoint(tmp_path: Path) -> None:
    torch.save(asdict(Settings()), tmp_path / "settings")
    held = torch.load(tmp_path / "settings", weights_only=True)
    assert Settings(**{**held, "network": NetworkConfig(**held["network"])}) == Settings()
    assert set(held) == {field.name for field in fields(Settings)}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"sides": {}}, "sides must be multiples of 32"),
        ({"sides": {64: 1.0, 100: 1.0}}, r"multiples of 32, at least one, got \[64, 100\]"),
        ({"sides": {0: 1.0}}, "multiples of 32"),
        ({"seed": -1}, "seed must be from 0"),
        ({"network": NetworkConfig(classes=2)}, "of one class"),
        (
            {"network": NetworkConfig(trunk="yolo")},
            "set freeze_trunk=False",
        ),  # frozen random weights would learn nothing
    ],
)
def test_what_the_loop_cannot_work_with_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        Settings(**wrong)
