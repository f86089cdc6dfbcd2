import pytest
import torch

from anymask.errors import SettingsError
from anymask.network.refiner import MASKS, PROMPTS, Refiner, RefinerConfig
from anymask.network.trunk import EfficientNetLite

SMALL = RefinerConfig(widths=(8, 8, 16, 16, 16), heads=2)


def test_shapes_and_size() -> None:
    trunk, refiner = EfficientNetLite().eval(), Refiner(SMALL).eval()
    pixels, prompts = torch.rand(2, 3, 64, 64), torch.rand(2, PROMPTS, 64, 64)
    with torch.no_grad():
        output = refiner(pixels, prompts, trunk(pixels))
    assert output.logits.shape == (2, MASKS, 64, 64)
    assert output.quality.shape == (2, MASKS)
    assert sum(p.numel() for p in Refiner(RefinerConfig()).parameters()) < 2e6  # 4 MB as float16


def test_every_prompt_counts() -> None:
    """No map is left unread, and one point reaches the cells at the other end of the window."""
    torch.manual_seed(0)
    trunk, refiner = EfficientNetLite().eval(), Refiner(SMALL).eval()
    pixels, nothing = torch.rand(1, 3, 128, 128), torch.zeros(1, PROMPTS, 128, 128)
    with torch.no_grad():
        maps = trunk(pixels)
        before = refiner(pixels, nothing, maps).logits
        for channel in range(PROMPTS):
            prompts = nothing.clone()
            prompts[0, channel, :8, :8] = 1
            after = refiner(pixels, prompts, maps).logits
            assert (after[..., -8:, -8:] != before[..., -8:, -8:]).any()


def test_the_judge_does_not_pull_at_the_mask() -> None:
    trunk, refiner = EfficientNetLite().eval(), Refiner(SMALL)
    pixels = torch.rand(1, 3, 64, 64)
    output = refiner(pixels, torch.rand(1, PROMPTS, 64, 64), trunk(pixels))
    output.quality.sum().backward()
    assert refiner.masks.weight.grad is None
    assert refiner.judge[0].weight.grad.abs().sum() > 0  # type: ignore[union-attr, operator]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"widths": (8, 8, 8)}, "widths must be 5 counts"),
        ({"widths": (8, 8, 8, 0, 8)}, "widths must be 5 counts"),
        ({"widths": (8, 8, 8, 10, 16)}, "heads must divide"),
        ({"heads": 0}, "from 1 up"),
    ],
)
def test_wrong_settings(config: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        RefinerConfig(**config)  # type: ignore[arg-type]


def test_an_unknown_trunk() -> None:
    with pytest.raises(SettingsError, match="lite0, lite1 or lite2, got 'yolo'"):
        Refiner(RefinerConfig(trunk="yolo"))
