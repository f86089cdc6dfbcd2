import pytest
import torch
from torch import nn

from anymask.network.blocks import SPPF, Bottleneck, C2f, Conv


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("block", "shape"),
    [
        (Conv(3, 8), (2, 8, 6, 10)),  # 1x1
        (Conv(3, 8, 3), (2, 8, 6, 10)),  # padded
        (Conv(3, 8, 3, 2), (2, 8, 3, 5)),  # half the size
        (Bottleneck(3, shortcut=True), (2, 3, 6, 10)),
        (C2f(3, 8, 2), (2, 8, 6, 10)),
        (SPPF(3, 8), (2, 8, 6, 10)),
    ],
)
def test_shapes(block: nn.Module, shape: tuple[int, ...]) -> None:
    assert block(torch.zeros(2, 3, 6, 10)).shape == shape


@pytest.mark.parametrize(
    ("block", "count"),
    [
        (Conv(2, 4, 3), 2 * 4 * 9 + 2 * 4),  # kernel without bias, scale and shift of the norm
        (Bottleneck(4, shortcut=False), 2 * (4 * 4 * 9 + 8)),
        # 1x1 to 2 halves of 2; one bottleneck of 2; 1x1 from 3 halves
        (C2f(4, 4, 1), (4 * 4 + 8) + 2 * (2 * 2 * 9 + 4) + (6 * 4 + 8)),
        (SPPF(4, 6), (4 * 2 + 4) + (8 * 6 + 12)),
    ],
)
def test_parameters(block: nn.Module, count: int) -> None:
    assert parameters(block) == count


def test_norms_are_those_of_the_public_checkpoints() -> None:
    norms = [module for module in C2f(4, 4, 1).modules() if isinstance(module, nn.BatchNorm2d)]
    assert {(norm.eps, norm.momentum) for norm in norms} == {(1e-3, 0.03)}


@pytest.mark.parametrize(("shortcut", "expected"), [(True, [[1.0, 2.0]]), (False, [[0.0, 0.0]])])
def test_a_shortcut_adds_the_input(shortcut: bool, expected: list[list[float]]) -> None:
    block = Bottleneck(1, shortcut).eval()
    nn.init.zeros_(block.cv2.conv.weight)  # SiLU(0) = 0
    with torch.no_grad():
        assert block(torch.tensor([[[[1.0, 2.0]]]]))[0, 0].tolist() == expected


@pytest.mark.parametrize(("distance", "reached"), [(2, True), (6, True), (7, False)])
def test_sppf_sees_13_cells(distance: int, reached: bool) -> None:
    block = SPPF(2, 2).eval()
    for conv in (block.cv1.conv, block.cv2.conv):
        nn.init.ones_(conv.weight)
    flat, spot = torch.zeros(1, 2, 1, 21), torch.zeros(1, 2, 1, 21)
    spot[..., 10] = 1.0
    with torch.no_grad():
        changed = (block(spot) != block(flat))[0, 0, 0]
    assert bool(changed[10 + distance]) == bool(changed[10 - distance]) == reached
