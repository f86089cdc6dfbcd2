"""An exported ONNX file as the network it was exported from, to write it in another form."""

import json
from pathlib import Path

import torch
from torch import nn

from anymask.errors import SettingsError, WeightsError
from anymask.network.config import NetworkConfig
from anymask.network.trunk import EfficientNetLite, SameConv
from anymask.network.yolo import Network
from anymask.runtimes.base import NETWORK, TRUNK
from anymask.train.warm_start import OPTIONAL, fill_from_onnx, read_model, read_weights

# Which norm of an EfficientNet-Lite stands behind which convolution, where both are parts of one module
NORM_BEHIND = {"conv_stem": "bn0", "expand_conv": "bn0", "depthwise_conv": "bn1", "project_conv": "bn2"}


def load_exported(path: Path) -> Network:
    """The network of an ONNX file that `anymask export` wrote, in eval mode. It computes what the file does.

    The batch norms were folded into the convolutions before them and do nothing here but shift.

    Raises WeightsError where the file cannot be read or is of another network.
    """
    network = Network(config_of(path))
    if isinstance(network.trunk, EfficientNetLite):
        fill_from_onnx(network, path, "trunk.")
        _fill_trunk(network.trunk, path)
    else:
        fill_from_onnx(network, path)
    return network.eval()


@torch.no_grad()
def _fill_trunk(trunk: EfficientNetLite, path: Path) -> None:
    held = read_weights(path)
    for name, module in trunk.named_modules():
        if not isinstance(module, SameConv):
            continue
        parent, _, own = name.rpartition(".")
        norm = trunk.get_submodule(f"{parent}.{NORM_BEHIND[own]}".lstrip("."))
        weight, bias = (held.get(f"trunk.{name}.{part}") for part in ("weight", "bias"))
        if weight is None or bias is None or weight.shape != tuple(module.weight.shape):
            raise WeightsError(
                f"{path}: expected the weights of trunk.{name} with their norm folded in, got others or none; "
                "export from the checkpoint instead"
            )
        assert isinstance(norm, nn.BatchNorm2d)  # noqa: S101  # of the table above
        norm.reset_running_stats()
        norm.weight.fill_((1 + norm.eps) ** 0.5)
        norm.bias.copy_(torch.from_numpy(bias))
        module.weight.copy_(torch.from_numpy(weight))


def config_of(path: Path) -> NetworkConfig:
    """What network an ONNX file is of; the default one for files from before they said so. Raises WeightsError."""
    metadata = {entry.key: entry.value for entry in read_model(path).metadata_props}
    held = metadata.get(NETWORK)
    if held is None and TRUNK not in metadata:
        raise WeightsError(f"{path}: does not say of what network it is; export from the checkpoint that it came from")
    if held is None:
        return NetworkConfig(quality=any(name.startswith(OPTIONAL) for name in read_weights(path)))
    try:
        return NetworkConfig(**json.loads(held))
    except (ValueError, TypeError, SettingsError) as error:
        raise WeightsError(
            f"{path}: expected a network that this version can build, got {held!r} ({error}); export it again"
        ) from error
