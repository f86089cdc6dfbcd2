"""Network -> ONNX: input ``images``; outputs ``output0`` (predictions) and ``output1`` (prototypes), any size.

An EfficientNet-Lite's features are outputs too, and the metadata name the trunk: the refiner reads them.
"""

import copy
import io
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn

from anymask.errors import WeightsError
from anymask.files import replace_file
from anymask.network.head import predictions
from anymask.network.trunk import EfficientNetLite, fingerprint
from anymask.network.yolo import Network
from anymask.runtimes.base import TRUNK
from anymask.runtimes.onnx_runtime import FEATURES, INPUT, OUTPUTS, OnnxRuntime

OPSET = 17
SMALLEST_HALVED = 256  # values; smaller tensors (biases, constants of shape arithmetic) stay as they are

# Half-precision storage alone moves an output by about 1e-3 of its largest magnitude.
TOLERANCE = 2e-2


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


def has_features(network: Network) -> bool:
    """Whether the trunk's features are of use to others: those of ImageNet weights are."""
    return isinstance(network.trunk, EfficientNetLite)


def export_onnx(network: Network, path: Path, *, half: bool = True) -> float:
    """Write ``network`` to ``path`` and check it against torch.

    Args:
        network: stays as it is, on its device and in its mode.
        path: replaced only by a file that passed the check.
        half: store weights as float16 (half the size); the arithmetic stays float32.

    Returns:
        The largest difference to torch over a picture of noise, see ``largest_difference``.

    Raises:
        WeightsError: the exported file differs by more than ``TOLERANCE``, or cannot be written.
    """
    # The wrapper in eval mode too: the exporter restores its mode on all parts.
    deployed = Deployed(copy.deepcopy(network)).cpu().float().eval()
    features = FEATURES if has_features(network) else ()
    axes = {
        INPUT: {0: "batch", 2: "height", 3: "width"},
        OUTPUTS[0]: {0: "batch", 2: "anchors"},
        OUTPUTS[1]: {0: "batch", 2: "rows", 3: "columns"},
        **{name: {0: "batch", 2: f"rows_{name}", 3: f"columns_{name}"} for name in features},
    }
    model = to_model(deployed, (torch.zeros(1, 3, 64, 64),), [INPUT], [*OUTPUTS, *features], axes)
    if features:
        helper.set_model_props(model, {TRUNK: fingerprint(network.trunk)})
    if half:
        store_half(model)
    onnx.checker.check_model(model)
    content = model.SerializeToString()
    difference = largest_difference(deployed, content)
    write_checked(path, content, difference)
    return difference


def write_checked(path: Path, content: bytes, difference: float) -> None:
    """Write the bytes of a model whose largest difference to torch is ``difference``.

    Raises:
        WeightsError: that is not below ``TOLERANCE``, and nothing is written; or ``path`` cannot be written.
    """
    if not difference < TOLERANCE:
        raise WeightsError(
            f"{path}: the exported model differs from torch by {difference:.1e} of the largest output, "
            f"expected below {TOLERANCE:.0e}; nothing was written"
        )
    replace_file(path, lambda stream: stream.write(content))


def to_model(
    module: nn.Module,
    inputs: tuple[Tensor, ...],
    input_names: list[str],
    output_names: list[str],
    axes: Mapping[str, Mapping[int, str]],
) -> onnx.ModelProto:
    """Trace a module with example inputs; ``axes`` names the sizes that may change."""
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the TorchScript exporter announces its own retirement
        torch.onnx.export(
            module,
            inputs,
            stream,  # type: ignore[arg-type]  # this exporter also writes to a stream
            dynamo=False,
            opset_version=OPSET,
            input_names=input_names,
            output_names=output_names,
            dynamic_axes={name: dict(sizes) for name, sizes in axes.items()},
        )
    return onnx.load_from_string(stream.getvalue())


def store_half(model: onnx.ModelProto) -> None:
    """Store large float32 weights as float16, each behind a Cast that the runtime folds away when it loads."""
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT or np.prod(tensor.dims) < SMALLEST_HALVED:
            continue
        name, values = tensor.name, numpy_helper.to_array(tensor)
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT))
    for node in reversed(casts):
        model.graph.node.insert(0, node)


def largest_difference(deployed: Deployed, content: bytes) -> float:
    """Largest difference between torch and the ONNX bytes, on a 96 x 160 picture of seeded noise.

    Boxes, scores, coefficients and prototypes are compared one by one, for boxes count hundreds of pixels and would
    drown the others. Each difference is relative to the largest magnitude of its kind; that of scores is 1.
    """
    images = torch.rand(1, 3, 96, 160, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        predicted, prototypes, *_ = (tensor.numpy() for tensor in deployed(images))
    got = OnnxRuntime(content).run(images.numpy())
    ends = [4, 4 + deployed.network.config.classes]  # boxes | scores | coefficients
    expected = [*np.split(predicted, ends, axis=1), prototypes]
    found = [*np.split(got.predictions, ends, axis=1), got.prototypes]
    magnitudes = [1.0 if kind == 1 else np.abs(values).max() for kind, values in enumerate(expected)]
    # numpy's maximum hands on a NaN, which Python's may drop
    return float(np.max([np.abs(a - b).max() / m for a, b, m in zip(expected, found, magnitudes, strict=True)]))


def write_metadata(path: Path, metadata: Mapping[str, str]) -> None:
    """Add to what an ONNX file says of itself; a name that is there already gets the new value."""
    model = onnx.load(path)
    kept = {entry.key: entry.value for entry in model.metadata_props}
    helper.set_model_props(model, {**kept, **metadata})
    replace_file(path, lambda stream: stream.write(model.SerializeToString()))
