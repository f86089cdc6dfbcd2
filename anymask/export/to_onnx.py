"""Network -> ONNX: input ``images``; outputs ``output0`` (predictions) and ``output1`` (prototypes), any size.

An EfficientNet-Lite's features are outputs too, and the metadata name the trunk: the refiner reads them.
"""

import io
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from torch import Tensor, nn

from anymask.errors import WeightsError
from anymask.export.agreement import TOLERANCE, Difference, check, noise
from anymask.export.deployed import TorchNetwork, deploy, has_features, metadata_of
from anymask.files import replace_file
from anymask.network.yolo import Network
from anymask.runtimes.base import FEATURES, INPUT, OUTPUTS
from anymask.runtimes.onnx_runtime import OnnxRuntime

OPSET = 17
SMALLEST_HALVED = 256  # values; smaller tensors (biases, constants of shape arithmetic) stay as they are


def export_onnx(
    network: Network, path: Path, *, half: bool = True, batch: NDArray[np.float32] | None = None
) -> Difference:
    """Write ``network`` to ``path`` and check it against torch.

    Args:
        network: stays as it is, on its device and in its mode.
        path: replaced only by a file that passed the check.
        half: store weights as float16 (half the size); the arithmetic stays float32.
        batch: (B, 3, H, W) to compare on; noise when None.

    Returns:
        The largest differences to torch.

    Raises:
        WeightsError: the exported file differs by more than ``TOLERANCE``, or cannot be written.
    """
    content = onnx_bytes(network, half=half)
    images = noise() if batch is None else batch
    found = check(path, TorchNetwork(network), OnnxRuntime(content), images, TOLERANCE)
    replace_file(path, lambda stream: stream.write(content))
    return found


def onnx_bytes(network: Network, *, half: bool = True) -> bytes:
    """``network`` as the content of an ONNX file, which nothing was compared with yet; see ``export_onnx``."""
    features = FEATURES if has_features(network) else ()
    axes = {
        INPUT: {0: "batch", 2: "height", 3: "width"},
        OUTPUTS[0]: {0: "batch", 2: "anchors"},
        OUTPUTS[1]: {0: "batch", 2: "rows", 3: "columns"},
        **{name: {0: "batch", 2: f"rows_{name}", 3: f"columns_{name}"} for name in features},
    }
    example = (torch.zeros(1, 3, 64, 64),)
    names = [*OUTPUTS, *features]
    return model_bytes(deploy(network), example, [INPUT], names, axes, metadata_of(network), half=half)


def model_bytes(
    module: nn.Module,
    inputs: tuple[Tensor, ...],
    input_names: list[str],
    output_names: list[str],
    axes: Mapping[str, Mapping[int, str]],
    metadata: Mapping[str, str],
    *,
    half: bool = True,
) -> bytes:
    """A module as the content of an ONNX file, traced as in ``to_model``; nothing was compared with it yet."""
    model = to_model(module, inputs, input_names, output_names, axes)
    helper.set_model_props(model, dict(metadata))
    if half:
        store_half(model)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


def write_checked(path: Path, content: bytes, largest: float) -> None:
    """Write the bytes of a model whose largest difference to torch is ``largest``, of the largest output.

    Raises:
        WeightsError: that is not below ``TOLERANCE``, and nothing is written; or ``path`` cannot be written.
    """
    if not largest < TOLERANCE:
        raise WeightsError(
            f"{path}: the exported model differs from torch by {largest:.1e} of the largest output, "
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


def write_metadata(path: Path, metadata: Mapping[str, str]) -> None:
    """Add to what an ONNX file says of itself; a name that is there already gets the new value."""
    model = onnx.load(path)
    kept = {entry.key: entry.value for entry in model.metadata_props}
    helper.set_model_props(model, {**kept, **metadata})
    replace_file(path, lambda stream: stream.write(model.SerializeToString()))
