"""Writing models to files that run elsewhere. Each export is run against torch before it is accepted."""

from anymask.export.mask_head_to_onnx import export_mask_head
from anymask.export.refiner_to_onnx import export_refiner
from anymask.export.to_onnx import export_onnx, write_metadata

__all__ = ["export_mask_head", "export_onnx", "export_refiner", "write_metadata"]
