"""FastSAM's checkpoints as a `Network`, and back."""

from collections.abc import Mapping
from pathlib import Path

import torch

from anymask.errors import WeightsError
from anymask.fastsam.archive import Array
from anymask.fastsam.checkpoint import our_weights, read_checkpoint, write_weights
from anymask.files import replace_file
from anymask.network.checkpoint import fill
from anymask.network.yolo import Network


def fill_from_published(network: Network, path: Path) -> None:
    """Put the weights of a FastSAM checkpoint into ``network``.

    Raises:
        WeightsError: the file cannot be read, or is of another network.
    """
    read = read_checkpoint(path)
    if read.config != network.config:
        raise WeightsError(
            f"{path}: expected the weights of {network.config}, got those of {read.config}; name another file"
        )
    fill_renamed(network, read.weights, path)


def fill_renamed(network: Network, weights: Mapping[str, Array], path: Path) -> None:
    """Put ``weights``, by their published names, into the network they are of."""
    fill(network, {name: torch.from_numpy(value) for name, value in our_weights(weights).items()}, path)


def load_published(path: Path) -> Network:
    """The network of a FastSAM checkpoint, in eval mode.

    Raises:
        WeightsError: see `anymask.fastsam.checkpoint.read_checkpoint`.
    """
    read = read_checkpoint(path)
    network = Network(read.config)
    fill_renamed(network, read.weights, path)
    return network.eval()


def save_published(network: Network, path: Path) -> None:
    """Write ``network`` as a checkpoint in FastSAM's structure, numbers as float16.

    Raises:
        WeightsError: it is not YOLOv8-seg alone, a weight is no finite float16, or ``path`` cannot be written.
    """
    if network.config.trunk != "yolo" or network.config.detail or network.config.quality:
        raise WeightsError(
            f"{path}: only a network whose trunk is YOLOv8's own, without detail and quality, has a place in such a "
            f"file, got {network.config}; export it as ONNX"
        )
    ours = {name: value.detach().cpu().numpy() for name, value in network.state_dict().items()}
    for name, value in ours.items():
        if not torch.isfinite(torch.from_numpy(value).half()).all():
            raise WeightsError(f"{path}: {name} does not fit float16; export the network as ONNX")
    replace_file(path, lambda stream: write_weights(stream, network.config, ours))
