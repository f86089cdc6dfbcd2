"""Random weights under their published names, and a file of them. Nothing here needs torch."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from anymask.fastsam.archive import Array
from anymask.fastsam.checkpoint import BINS, our_weights, write_weights
from anymask.fastsam.modules import named_tensors
from anymask.fastsam.yolov8_seg import published_model
from anymask.network.config import NetworkConfig

CONFIG = NetworkConfig("n", "yolo", reg_max=5, coefficients=6, detail=False)


def random_weights(config: NetworkConfig) -> dict[str, Array]:
    """Weights by their published names, as a file holds them.

    They are as training leaves them: layers keep the size of numbers, and norms are not those of a new network.
    """
    rng = np.random.default_rng(0)
    found: dict[str, Array] = {}
    for name, tensor in named_tensors(published_model(config)).items():
        if tensor.storage.kind == "LongStorage":
            found[name] = np.array(7)
            continue
        if name == BINS:
            drawn: Array = np.arange(config.reg_max).reshape(tensor.shape)
        elif name.endswith("running_var") or (name.endswith("weight") and len(tensor.shape) == 1):
            drawn = rng.uniform(0.5, 1.5, tensor.shape)
        elif name.endswith(("bias", "running_mean")):
            drawn = rng.normal(0, 0.2, tensor.shape)
        else:
            drawn = rng.standard_normal(tensor.shape, np.float32) / np.prod(tensor.shape[1:]) ** 0.5
        found[name] = drawn.astype(np.float16)
    return found


def write_checkpoint(path: Path, weights: Mapping[str, Array] | None = None) -> Path:
    """A checkpoint of the network `CONFIG`."""
    with path.open("wb") as stream:
        write_weights(stream, CONFIG, our_weights(random_weights(CONFIG) if weights is None else weights))
    return path
