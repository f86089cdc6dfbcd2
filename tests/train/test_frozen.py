import pytest
import torch

from anymask.models import default_weights
from anymask.network.trunk import EfficientNetLite
from anymask.train.frozen import FrozenDetector, FrozenTrunk


@pytest.mark.parametrize("size", [(1, 3, 32, 32), (2, 3, 96, 64)])  # one export for every size
def test_the_frozen_trunk_agrees_with_torch(size: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    trunk = EfficientNetLite("lite0")
    frozen = FrozenTrunk(trunk, "cpu")
    assert not trunk.training
    images = torch.rand(size)
    with torch.no_grad():
        expected = trunk(images)
    for a, b in zip(frozen(images.contiguous(memory_format=torch.channels_last)), expected, strict=True):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-3)
        assert not a.requires_grad


def test_without_a_session_torch_runs_it() -> None:
    trunk = EfficientNetLite("lite0")
    frozen = FrozenTrunk(trunk, "meta")  # any device but the CPU
    images = torch.rand(1, 3, 32, 32)
    maps = frozen(images)
    assert [each.requires_grad for each in maps] == [False] * 4
    with torch.no_grad():
        assert all(torch.equal(a, b) for a, b in zip(maps, trunk(images), strict=True))


def test_the_frozen_detector_says_the_same_by_torch() -> None:
    by_onnx, by_torch = (FrozenDetector(default_weights(), device) for device in ("cpu", "cpu:0"))
    assert type(by_onnx.runner) is not type(by_torch.runner)
    torch.manual_seed(0)
    images = torch.rand(2, 3, 64, 96)
    expected, got = by_onnx(images), by_torch(images)
    for a, b in zip((*expected[:2], *expected.maps), (*got[:2], *got.maps), strict=True):
        torch.testing.assert_close(a, b, atol=1e-2, rtol=1e-2)
        assert not b.requires_grad
