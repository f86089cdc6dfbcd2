"""What is not trained, run by ONNX Runtime: measured twice as fast on a CPU as torch's own inference. On a GPU torch
itself runs it.
"""

import io
import warnings
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from anymask.errors import REINSTALL
from anymask.export.deployed import Deployed, deploy
from anymask.runtimes.onnx_runtime import OnnxRuntime
from anymask.runtimes.onnx_session import open_session
from anymask.train.exported import load_exported


class FrozenTrunk:
    """Calls like the trunk it was made from, without gradients."""

    def __init__(self, trunk: nn.Module, device: str) -> None:
        self.trunk = trunk.eval()
        self.session = None
        if device == "cpu":
            # Idle threads that spin would steal the cores from torch between two calls
            self.session = open_session(self._export(), torch.get_num_threads(), REINSTALL, spin=False)

    def _export(self) -> bytes:
        stream = io.BytesIO()
        names = ["c2", "c3", "c4", "c5"]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the TorchScript exporter announces its own retirement
            torch.onnx.export(
                self.trunk,
                (torch.zeros(1, 3, 64, 64),),
                stream,  # type: ignore[arg-type]  # this exporter also writes to a stream
                dynamo=False,
                input_names=["images"],
                output_names=names,
                dynamic_axes={name: {0: "batch", 2: "height", 3: "width"} for name in ["images", *names]},
            )
        return stream.getvalue()

    def __call__(self, images: Tensor) -> list[Tensor]:
        if self.session is None:
            with torch.no_grad():
                maps: list[Tensor] = self.trunk(images)
                return maps
        arrays = self.session.run(None, {"images": images.contiguous().numpy()})
        return [torch.from_numpy(array).contiguous(memory_format=torch.channels_last) for array in arrays]


class Detected(NamedTuple):
    """What a detector says of B canvases, and what its trunk saw."""

    predictions: Tensor  # (B, 4 + C + K, A), see `anymask.runtimes.base.RawOutput`
    prototypes: Tensor  # (B, K, H / 4, W / 4)
    maps: list[Tensor]  # (B, C_i, H / s, W / s) for s = 4, 8, 16, 32


class FrozenDetector:
    """The detector of an exported file that gives its trunk's features, without gradients.

    Raises WeightsError where the file cannot be read or is of another network.
    """

    def __init__(self, file: Path, device: str) -> None:
        self.runner: OnnxRuntime | Deployed
        if device == "cpu":
            self.runner = OnnxRuntime(file, torch.get_num_threads(), spin=False)
        else:
            self.runner = deploy(load_exported(file)).to(device)

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Detected:
        """images: (B, 3, H, W) float RGB in [0, 1], on the device."""
        if isinstance(self.runner, Deployed):
            predictions, prototypes, *maps = self.runner(images)
            return Detected(predictions, prototypes, maps)
        raw, features = self.runner.run_with_features(images.numpy())
        maps = [torch.from_numpy(each).contiguous(memory_format=torch.channels_last) for each in features]
        return Detected(torch.from_numpy(raw.predictions), torch.from_numpy(raw.prototypes), maps)
