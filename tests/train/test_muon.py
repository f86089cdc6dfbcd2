"""Muon's step: orthogonal for kernels, AdamW's for the rest."""

import pytest
import torch

from anymask.train.muon import RMS, Muon, orthogonal


@pytest.mark.parametrize("shape", [(4, 4), (3, 20), (20, 3), (1, 9), (64, 576)])
def test_singular_values_come_near_one(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonal(matrix))
    assert values.min() > 0.6  # the quintic iteration of five turns keeps them in about [.7, 1.2]
    assert values.max() < 1.3


def test_a_step_does_not_depend_on_the_size_of_the_gradient() -> None:
    matrix = torch.randn(5, 7, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(orthogonal(matrix), orthogonal(1000 * matrix), atol=1e-4)


def test_kernels_step_by_the_promised_length() -> None:
    kernel = torch.nn.Parameter(torch.zeros(16, 8, 3, 3))
    kernel.grad = torch.randn(kernel.shape, generator=torch.Generator().manual_seed(2))
    Muon([{"params": [kernel], "weight_decay": 0.0, "orthogonal": True}], lr=0.1).step()
    length = kernel.detach().square().mean().sqrt().item()
    assert length == pytest.approx(0.1 * RMS, rel=0.2)
    assert (kernel.detach() * kernel.grad).sum() < 0  # downhill


def test_the_rest_steps_as_adamw() -> None:
    ours, theirs = torch.nn.Parameter(torch.ones(6)), torch.nn.Parameter(torch.ones(6))
    muon = Muon([{"params": [ours], "weight_decay": 0.1, "orthogonal": False}], lr=0.01)
    adamw = torch.optim.AdamW([theirs], lr=0.01, weight_decay=0.1)
    generator = torch.Generator().manual_seed(3)
    for _ in range(5):
        ours.grad = torch.randn(6, generator=generator)
        theirs.grad = ours.grad.clone()
        muon.step()
        adamw.step()
    assert torch.allclose(ours, theirs, atol=1e-6)


def test_it_finds_the_least_of_a_square() -> None:
    aim = torch.randn(8, 8, generator=torch.Generator().manual_seed(4))
    x = torch.nn.Parameter(torch.zeros(8, 8))
    muon = Muon([{"params": [x], "weight_decay": 0.0, "orthogonal": True}], lr=0.1)
    for step in range(100):
        muon.param_groups[0]["lr"] = 0.3 * (1 - step / 100)
        muon.zero_grad()
        (x - aim).square().sum().backward()  # type: ignore[no-untyped-call]
        muon.step()
    assert (x.detach() - aim).square().sum() < 0.01 * aim.square().sum()
