"""The optimiser, and the average of the weights that is the model in the end."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from anymask.train.muon import Muon
from anymask.train.settings import RunSettings

KINDS: Mapping[str, type[torch.optim.Optimizer]] = {"adamw": torch.optim.AdamW, "muon": Muon, "sgd": torch.optim.SGD}


def make_optimiser(network: nn.Module, settings: RunSettings) -> torch.optim.Optimizer:
    """AdamW, Muon or SGD with Nesterov's momentum; weight decay on kernels only, not on norms and biases."""
    trained = [p for p in network.parameters() if p.requires_grad]
    groups: list[dict[str, Any]] = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    if settings.optimiser == "sgd":
        return torch.optim.SGD(groups, lr=settings.learning_rate, momentum=settings.momentum, nesterov=True)
    if settings.optimiser == "muon":
        groups[0]["orthogonal"] = True
        return Muon(groups, lr=settings.learning_rate)
    return torch.optim.AdamW(groups, lr=settings.learning_rate)


def take_up(optimiser: torch.optim.Optimizer, held: dict[str, Any], before: Mapping[str, Any]) -> bool:
    """Go on with the moments ``held`` in a checkpoint, at the settings that the optimiser was made with.

    Returns:
        False, and nothing changed, if the optimiser ``before`` was of another kind.
    """
    if not isinstance(optimiser, KINDS[before.get("optimiser", "adamw")]):
        return False
    made_with = [{key: value for key, value in group.items() if key != "params"} for group in optimiser.param_groups]
    optimiser.load_state_dict(held)
    for group, values in zip(optimiser.param_groups, made_with, strict=True):
        group.update(values)
    return True


@torch.no_grad()
def average(ema: nn.Module, network: nn.Module, decay: float) -> None:
    """ema <- decay * ema + (1 - decay) * network, for weights and batch statistics alike."""
    for mean, value in zip(ema.state_dict().values(), network.state_dict().values(), strict=True):
        if mean.is_floating_point():
            mean.lerp_(value, 1 - decay)
        else:
            mean.copy_(value)
