from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pytest
import torch

from anymask.errors import SettingsError
from anymask.network.yolo import NetworkConfig
from anymask.train.settings import PRESETS, SAMPLING, UNLABELLED_WEIGHT, Settings, preset


def test_the_recipe_draws_from_every_collection() -> None:
    assert sum(SAMPLING.values()) == pytest.approx(1)
    assert all(share > 0 for share in SAMPLING.values())
    assert UNLABELLED_WEIGHT == {"all": 1.0, "most": 0.6, "some": 0.0}


@pytest.mark.parametrize("name", PRESETS)
def test_settings_go_through_a_checkpoint(tmp_path: Path, name: str) -> None:
    torch.save(asdict(preset(name)), tmp_path / "settings")
    held = torch.load(tmp_path / "settings", weights_only=True)
    assert Settings(**{**held, "network": NetworkConfig(**held["network"])}) == preset(name)
    assert set(held) == {field.name for field in fields(Settings)}


def test_the_paper_s_recipe() -> None:
    recipe = preset("paper")
    assert (recipe.network.size, recipe.network.trunk, recipe.network.reg_max) == ("x", "yolo", 26)
    assert (recipe.sides, recipe.epochs, recipe.optimiser, recipe.momentum) == ({1024: 1.0}, 100, "sgd", 0.9)
    assert 8 * recipe.pixels_per_step == 32 * 1024**2  # a batch of 32 on the paper's 8 GPUs
    assert preset("default") == Settings()
    with pytest.raises(SettingsError, match="preset must be one of default, gpu, paper, got 'papr'"):
        preset("papr")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"sides": {}}, "sides must be multiples of 32"),
        ({"sides": {64: 1.0, 100: 1.0}}, r"multiples of 32, at least one, got \[64, 100\]"),
        ({"sides": {0: 1.0}}, "multiples of 32"),
        ({"seed": -1}, "seed must be from 0"),
        ({"optimiser": "adam"}, "optimiser must be one of adamw, muon, sgd, got 'adam'"),
        ({"accumulate": 0}, "accumulate must be at least 1, got 0"),
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
