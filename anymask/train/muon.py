"""Muon: momentum whose step is made orthogonal, for every matrix of weights; AdamW for norms and biases.

Matrices are the kernels of convolutions and of linear layers, output layers too: of one row the orthogonal step is the
normalised one. Networks here have no kernels of one input channel but in a trunk, which is frozen.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

MOMENTUM = 0.95
BETAS = (0.9, 0.999)
EPS = 1e-8
RMS = 0.2  # of a step's entries, as AdamW's are in practice (arXiv 2502.16982, section 2.2): the same rates fit both
TURNS = 5
COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the quintic iteration


class Muon(torch.optim.Optimizer):
    """Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks", scaled as in arXiv 2502.16982.

    The gradient of a kernel is mostly a few directions; made orthogonal, the step goes as far in all of them. In groups
    whose ``orthogonal`` is False, values are stepped as AdamW does. Weight decay is decoupled in both.

    groups: as torch's optimisers take them, each with ``weight_decay`` and ``orthogonal``.
    """

    def __init__(self, groups: Iterable[dict[str, Any]], lr: float) -> None:
        super().__init__(groups, {"lr": lr, "weight_decay": 0.0, "orthogonal": False})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One step with the gradients at hand."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                moments, grad = self.state[parameter], parameter.grad
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                change = along(moments, grad) if group["orthogonal"] else adaptive(moments, grad)
                parameter.add_(change, alpha=-group["lr"])


def along(moments: dict[str, Any], grad: Tensor) -> Tensor:
    """The orthogonal step of a kernel of two or more dimensions, with Nesterov's momentum."""
    if "momentum" not in moments:
        moments["momentum"] = torch.zeros_like(grad)
    moments["momentum"].lerp_(grad, 1 - MOMENTUM)
    step = orthogonal(grad.lerp(moments["momentum"], MOMENTUM).flatten(1))
    scaled: Tensor = step * (RMS * max(step.shape) ** 0.5)
    return scaled.reshape(grad.shape)


def orthogonal(matrix: Tensor) -> Tensor:
    """(m, n) -> the same with all singular values near 1, by five turns of Newton and Schulz's iteration."""
    x: Tensor = matrix / (matrix.norm() + 1e-7)
    wide = x.shape[0] <= x.shape[1]
    x = x if wide else x.T
    a, b, c = COEFFICIENTS
    for _ in range(TURNS):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x if wide else x.T


def adaptive(moments: dict[str, Any], grad: Tensor) -> Tensor:
    """AdamW's step."""
    if "step" not in moments:
        moments.update(step=0, mean=torch.zeros_like(grad), square=torch.zeros_like(grad))
    moments["step"] += 1
    moments["mean"].lerp_(grad, 1 - BETAS[0])
    moments["square"].mul_(BETAS[1]).addcmul_(grad, grad, value=1 - BETAS[1])
    mean: Tensor = moments["mean"] / (1 - BETAS[0] ** moments["step"])
    square: Tensor = moments["square"] / (1 - BETAS[1] ** moments["step"])
    return mean / (square.sqrt() + EPS)
