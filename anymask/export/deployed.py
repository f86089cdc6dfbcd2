"""A network as it is exported, and the same as a runtime, which files are compared with."""

import copy
import json
from dataclasses import asdict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from anymask.network.head import predictions
from anymask.network.trunk import EfficientNetLite, fingerprint
from anymask.network.yolo import Network
from anymask.runtimes.base import NETWORK, TRUNK, RawOutput, Runtime


class Deployed(nn.Module):
    """A network that answers with the two tensors of ``anymask.runtimes.base.RawOutput``, then its trunk's features."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """(B, 3, H, W) RGB in [0, 1] -> (B, 4 + C + K, A) predictions, (B, K, H / 4, W / 4) prototypes, features."""
        maps = self.network.trunk(images)
        output = self.network.forward_maps(maps)
        return predictions(output), output.prototypes, *(maps if has_features(self.network) else ())


def deploy(network: Network) -> Deployed:
    """A float32 copy of ``network`` on the CPU in eval mode, which stays as it is."""
    # The wrapper in eval mode too: exporters restore its mode on all parts.
    return Deployed(copy.deepcopy(network)).cpu().float().eval()


def has_features(network: Network) -> bool:
    """Whether the trunk's features are of use to others: those of ImageNet weights are."""
    return isinstance(network.trunk, EfficientNetLite)


def metadata_of(network: Network) -> dict[str, str]:
    """What a file of ``network`` says of itself: how to build it, and whose features its outputs are."""
    trunk = {TRUNK: fingerprint(network.trunk)} if has_features(network) else {}
    return {NETWORK: json.dumps(asdict(network.config)), **trunk}


class TorchNetwork(Runtime):
    """A network itself, as PyTorch runs it."""

    def __init__(self, network: Network) -> None:
        self._deployed = deploy(network)
        self.metadata = metadata_of(network)

    def run(self, batch: NDArray[np.float32]) -> RawOutput:
        """See `Runtime.run`."""
        with torch.no_grad():
            found, prototypes, *_ = self._deployed(torch.from_numpy(self.check_batch(batch)))
        return RawOutput(found.numpy(), prototypes.numpy())

    def features(self, batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """See `Runtime.features`."""
        if TRUNK not in self.metadata:
            return super().features(batch)
        with torch.no_grad():
            return tuple(each.numpy() for each in self._deployed.network.trunk(torch.from_numpy(batch)))
