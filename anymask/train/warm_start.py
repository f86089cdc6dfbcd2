"""Going on from an exported model: its ONNX weights back into the network that they were exported from.

The exporter folds each batch norm into the convolution before it. Here the norm is unfolded: it gets the mean and the
variance that its input really has, and the scale and shift that make its output what it was. So training can go on with
batch norms as if it had never stopped.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn

from anymask.errors import WeightsError
from anymask.network.blocks import Conv
from anymask.network.trunk import EfficientNetLite, fingerprint
from anymask.runtimes.base import TRUNK

ROOT = "network"  # what the exported wrappers call the network inside
BATCHES = 8  # whose statistics the norms get
PARTS = ("conv.weight", "bn.weight", "bn.bias")  # what a Conv learns; the norm's is folded in the file
OPTIONAL = "head.quality."  # what a file may lack: it is learnt anew


def fill_from_onnx(network: nn.Module, path: Path, skip: str = "") -> None:
    """Put the weights of the ONNX file that `anymask.export` wrote of such a network into ``network``.

    Its batch norms then do nothing but shift, see ``unfold_norms``. Parts whose name begins with ``skip`` stay as they
    are, if it is not empty.

    Raises:
        WeightsError: the file cannot be read, or is of another network; or there are norms outside of `Conv` and they
            are not skipped: those of an EfficientNet-Lite that is trained, too.
    """
    held = read_weights(path)
    convs = {f"{name}.bn" for name, module in network.named_modules() if isinstance(module, Conv)}
    for name, module in network.named_modules():
        if isinstance(module, nn.BatchNorm2d) and name not in convs and not (skip and name.startswith(skip)):
            raise WeightsError(
                f"{path}: the norm {name} was folded away when it was exported and cannot be taken out again; "
                "keep the trunk frozen (freeze_trunk=True), or go on from a checkpoint"
            )
    done: set[str] = set()
    with torch.no_grad():
        for name, module in network.named_modules():
            if isinstance(module, Conv) and not (skip and name.startswith(skip)):
                _copy(module.conv.weight, held, f"{name}.conv.weight", path)
                _copy(module.bn.bias, held, f"{name}.conv.bias", path)
                module.bn.reset_running_stats()
                module.bn.weight.fill_((1 + module.bn.eps) ** 0.5)
                done.update(f"{name}.{part}" for part in PARTS)
        for name, parameter in network.named_parameters():
            absent = name.startswith(OPTIONAL) and name not in held
            if name not in done and not absent and not (skip and name.startswith(skip)):
                _copy(parameter, held, name, path)


def check_trunk(path: Path, trunk: EfficientNetLite) -> None:
    """Raise WeightsError where the file at ``path`` was exported with another trunk than this one, which is frozen."""
    expected, got = fingerprint(trunk), {entry.key: entry.value for entry in read_model(path).metadata_props}.get(TRUNK)
    if got != expected:
        raise WeightsError(
            f"{path}: expected weights that were trained on the trunk {expected!r}, got some of {got!r}; "
            "give a file of the same trunk, or train anew"
        )


def read_model(path: Path) -> onnx.ModelProto:
    """An ONNX file. Raises WeightsError if it cannot be read."""
    try:
        return onnx.load(path)
    except Exception as error:  # onnx and protobuf raise a handful of kinds
        raise WeightsError(f"{path}: expected an ONNX file that anymask export wrote, got {error}") from error


def read_weights(path: Path) -> dict[str, NDArray[np.float32]]:
    """The weights of an ONNX file by the names that torch gives them. Raises WeightsError if it cannot be read."""
    graph = read_model(path).graph
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    stored |= {name.removesuffix(".half"): values for name, values in stored.items() if name.endswith(".half")}
    for node in graph.node:
        if node.op_type == "Identity" and node.input[0] in stored:  # equal weights are stored once
            stored[node.output[0]] = stored[node.input[0]]
    held = {name.removeprefix(f"{ROOT}."): values for name, values in stored.items()}
    for node in graph.node:  # what was folded or transposed lost its name, but its node tells where it stood
        if node.op_type in ("Conv", "ConvTranspose", "MatMul") and node.input[1] in stored:
            values = stored[node.input[1]]
            module = module_name(node.name)
            held.setdefault(f"{module}.weight", values.T if node.op_type == "MatMul" else values)
            if len(node.input) > 2 and node.input[2] in stored:
                held.setdefault(f"{module}.bias", stored[node.input[2]])
    return {name: values.astype(np.float32) for name, values in held.items() if values.dtype.kind == "f"}


def module_name(node: str) -> str:
    """The torch module that an ONNX node came from: "/network/up/up.0/conv/Conv" is of "up.0.conv"."""
    parts: list[str] = []
    for part in node.split("/")[1:-1]:
        if parts and part.startswith(f"{parts[-1]}."):  # an element of a list bears its list's name again
            parts.pop()
        parts.append(part)
    return ".".join(parts[1:] if parts[:1] == [ROOT] else parts)


def _copy(parameter: Tensor, held: dict[str, NDArray[np.float32]], name: str, path: Path) -> None:
    values = held.get(name)
    if values is None or values.shape != tuple(parameter.shape):
        got = "none" if values is None else f"one of {values.shape}"
        raise WeightsError(
            f"{path}: expected a weight {name} of {tuple(parameter.shape)}, got {got}; "
            "give a file that anymask export wrote from such a network, or the FastSAM checkpoint itself"
        )
    parameter.copy_(torch.from_numpy(np.ascontiguousarray(values)))


@torch.no_grad()
def unfold_norms(network: nn.Module, forward: Callable[[int], object]) -> None:
    """Give the batch norms that ``fill_from_onnx`` left without statistics those of ``BATCHES`` batches.

    forward: runs the network on the batch of a number. What the network computes in eval mode stays the same.
    """
    norms = [
        module.bn for module in network.modules() if isinstance(module, Conv) and not module.bn.num_batches_tracked
    ]
    if not norms:  # the weights came with their norms
        return
    sums: dict[nn.Module, Tensor] = {norm: torch.zeros(3, norm.num_features, dtype=torch.float64) for norm in norms}

    def watch(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        x = inputs[0].double()  # (B, C, h, w)
        count = torch.full_like(x[0, :, 0, 0], x[:, 0].numel())
        sums[norm] += torch.stack((count, x.sum((0, 2, 3)), (x * x).sum((0, 2, 3)))).cpu()

    modes = {module: module.training for module in network.modules()}
    hooks = [norm.register_forward_pre_hook(watch) for norm in norms]
    network.eval()
    for number in range(BATCHES):
        forward(number)
    for hook in hooks:
        hook.remove()
    for module, mode in modes.items():
        module.training = mode
    for norm in norms:
        count, total, squares = sums[norm]
        if norm.running_mean is None or norm.running_var is None or not count.min() > 0:
            continue  # nothing came by
        mean = total / count
        variance = (squares / count - mean**2).clamp(min=1e-8)
        scale = norm.weight.cpu() / (norm.running_var.cpu() + norm.eps).sqrt()
        norm.bias.add_((scale * (mean - norm.running_mean.cpu())).to(norm.bias))
        norm.weight.copy_(scale * (variance + norm.eps).sqrt())
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
