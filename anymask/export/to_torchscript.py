"""Network -> TorchScript: ``forward`` gives predictions, prototypes and the trunk's features, ``features`` these alone.

The metadata are a JSON object in the extra file ``anymask.json``. Weights are float32.
"""

import io
import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anymask.export.agreement import SAME_WEIGHTS, Difference, check, noise
from anymask.export.deployed import Deployed, TorchNetwork, deploy, has_features, metadata_of
from anymask.files import replace_file
from anymask.network.yolo import Network
from anymask.runtimes.base import Runtime
from anymask.runtimes.torch_runtime import ABOUT, FEATURES_METHOD, TorchRuntime, load_script


class Scripted(Deployed):
    """A deployed network whose features are a method of their own too, for they are wanted without the rest."""

    def features(self, images: Tensor) -> tuple[Tensor, ...]:
        """Of the same images, four maps of the trunk."""
        return tuple(self.network.trunk(images))


def export_torchscript(
    network: Network,
    path: Path,
    *,
    metadata: Mapping[str, str] | None = None,
    ours: Runtime | None = None,
    batch: NDArray[np.float32] | None = None,
) -> Difference:
    """Write ``network`` to ``path`` and check it.

    Args:
        network: stays as it is, on its device and in its mode.
        path: replaced only by a file that passed the check.
        metadata: besides what the network says of itself.
        ours: what to compare with; the network itself when None.
        batch: (B, 3, H, W) to compare on; noise when None.

    Returns:
        The largest differences.

    Raises:
        WeightsError: the exported file differs by more than ``SAME_WEIGHTS``, or cannot be written.
    """
    scripted = Scripted(deploy(network).network).eval()
    example = torch.zeros(1, 3, 64, 96)
    methods = {"forward": example, **({FEATURES_METHOD: example} if has_features(network) else {})}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # TorchScript announces its own retirement
        module = torch.jit.trace_module(scripted, methods, check_trace=False)  # type: ignore[no-untyped-call]
    content = script_bytes(module, {**metadata_of(network), **(metadata or {})})
    reference = TorchNetwork(network) if ours is None else ours
    images = noise() if batch is None else batch
    found = check(path, reference, TorchRuntime(content), images, SAME_WEIGHTS)
    replace_file(path, lambda stream: stream.write(content))
    return found


def write_metadata(path: Path, metadata: Mapping[str, str]) -> None:
    """Add to what a TorchScript file says of itself; a name that is there already gets the new value."""
    module, kept = load_script(path)
    content = script_bytes(module, {**kept, **metadata})
    replace_file(path, lambda stream: stream.write(content))


def script_bytes(module: Any, metadata: Mapping[str, str]) -> bytes:
    """The content of a TorchScript file."""
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(module, stream, _extra_files={ABOUT: json.dumps(metadata)})
    return stream.getvalue()
