from dataclasses import replace

import pytest
import torch

from anymask.network.yolo import Network
from anymask.train.optimiser import average, make_optimiser, take_up
from anymask.train.settings import Settings


def test_average_moves_weights_and_counts(settings: Settings) -> None:
    ema, network = Network(settings.network), Network(settings.network)
    for tensor in ema.state_dict().values():
        tensor.zero_()
    for tensor in network.state_dict().values():
        tensor.fill_(10)
    average(ema, network, 0.75)
    values = {tensor.flatten()[0].item() for tensor in ema.state_dict().values() if tensor.is_floating_point()}
    assert values == {2.5}
    counts = [tensor.item() for name, tensor in ema.state_dict().items() if name.endswith("num_batches_tracked")]
    assert set(counts) == {10}


@pytest.mark.parametrize("optimiser", ["adamw", "muon", "sgd"])
def test_only_kernels_decay(settings: Settings, optimiser: str) -> None:
    network = Network(settings.network)
    kernels, others = make_optimiser(network, replace(settings, optimiser=optimiser)).param_groups
    assert (kernels["weight_decay"], others["weight_decay"]) == (settings.weight_decay, 0.0)
    assert all(parameter.ndim == 4 for parameter in kernels["params"])
    assert all(parameter.ndim == 1 for parameter in others["params"])
    assert len(kernels["params"]) + len(others["params"]) == len(list(network.parameters()))


def test_moments_go_on_at_new_settings(settings: Settings) -> None:
    network = Network(settings.network)
    sgd = replace(settings, optimiser="sgd")
    first = make_optimiser(network, sgd)
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    first.step()
    again = make_optimiser(network, replace(sgd, momentum=0.5, weight_decay=0.25))
    assert take_up(again, first.state_dict(), {"optimiser": "sgd"})
    assert [(group["momentum"], group["weight_decay"]) for group in again.param_groups] == [(0.5, 0.25), (0.5, 0.0)]
    assert len(again.state_dict()["state"]) == len(first.state_dict()["state"]) > 0
    muon = make_optimiser(network, replace(settings, optimiser="muon"))
    assert not take_up(muon, first.state_dict(), {"optimiser": "sgd"})
    other = make_optimiser(network, settings)
    assert not take_up(other, first.state_dict(), {"optimiser": "sgd"})
    assert other.state_dict()["state"] == {}
