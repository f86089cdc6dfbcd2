"""Writing models to files that run elsewhere. Each is run against what it was made from before it is accepted."""

from collections.abc import Callable, Mapping
from pathlib import Path

from anymask.export import to_onnx, to_openvino, to_torchscript
from anymask.export.classifier_to_onnx import export_classifier
from anymask.export.mask_head_to_onnx import export_mask_head
from anymask.export.refiner_to_onnx import export_refiner
from anymask.export.to_onnx import export_onnx
from anymask.export.to_openvino import export_openvino
from anymask.export.to_torchscript import export_torchscript

__all__ = [
    "export_classifier",
    "export_mask_head",
    "export_onnx",
    "export_openvino",
    "export_refiner",
    "export_torchscript",
    "write_metadata",
]

# suffix of a model's file -> what adds to its metadata
METADATA: Mapping[str, Callable[[Path, Mapping[str, str]], None]] = {
    ".onnx": to_onnx.write_metadata,
    ".xml": to_openvino.write_metadata,
    ".torchscript": to_torchscript.write_metadata,
}


def write_metadata(path: Path, metadata: Mapping[str, str]) -> None:
    """Add to what an exported file, of any of the kinds above, says of itself."""
    METADATA[path.suffix.lower()](path, metadata)
