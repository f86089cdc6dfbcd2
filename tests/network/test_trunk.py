import pytest
import torch
from torch import Tensor

from anymask.errors import MissingExtraError
from anymask.network.trunk import EfficientNetLite, InvertedResidual, SameConv, imagenet_state


def pretrained(size: str) -> dict[str, Tensor]:
    try:
        return imagenet_state(size)
    except MissingExtraError as error:
        pytest.skip(str(error))


# The EfficientNet table: lite0 is B0, lite1 is B1 (width 1.0, depth 1.1), lite2 is B2 (1.1, 1.2), each with the first
# and the last stage once; repeats of the seven stages, and channels at strides 4, 8, 16, 32.
@pytest.mark.parametrize(
    ("size", "repeats", "channels"),
    [
        ("lite0", (1, 2, 2, 3, 3, 4, 1), (24, 40, 112, 320)),
        ("lite1", (1, 3, 3, 4, 4, 5, 1), (24, 40, 112, 320)),
        ("lite2", (1, 3, 3, 4, 4, 5, 1), (24, 48, 120, 352)),
    ],
)
def test_blocks_and_channels(size: str, repeats: tuple[int, ...], channels: tuple[int, ...]) -> None:
    with torch.device("meta"):
        trunk = EfficientNetLite(size)
    assert len(trunk.blocks) == sum(repeats)
    assert trunk.channels == channels
    ends = [sum(repeats[: stage + 1]) - 1 for stage in (1, 2, 4, 6)]  # last block before each halving
    assert trunk.taps == set(ends)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (64, 96)])
def test_maps_are_at_strides_4_to_32(height: int, width: int) -> None:
    trunk = EfficientNetLite("lite0").eval()
    with torch.no_grad():
        maps = trunk(torch.rand(1, 3, height, width))
    assert [tuple(each.shape) for each in maps] == [
        (1, channels, height // stride, width // stride)
        for channels, stride in zip((24, 40, 112, 320), (4, 8, 16, 32), strict=True)
    ]


@pytest.mark.parametrize("size", ["lite0", "lite1", "lite2"])
def test_imagenet_weights_fill_the_whole_trunk(size: str) -> None:
    state = pretrained(size)
    trunk = EfficientNetLite(size)
    for tensor in trunk.state_dict().values():
        tensor.fill_(77)  # what no weight is: whatever is left was not loaded
    trunk.load_imagenet(state)
    ours = trunk.state_dict()
    assert [name for name, tensor in ours.items() if (tensor == 77).all()] == []
    # and nothing is left over but the classifier
    left = {".".join(part.lstrip("_") for part in name.split(".")) for name in state} - set(ours)
    assert {name.split(".")[0] for name in left} == {"conv_head", "bn1", "fc"}


def test_an_absent_package_is_named_with_its_cure() -> None:
    with pytest.raises(MissingExtraError, match=r"pip install efficientnet-lite7-pytorch-model$"):
        imagenet_state("lite7")


@pytest.mark.parametrize(
    ("kernel", "stride", "expected"),
    [
        # TensorFlow's SAME on 1 2 3 4: of an odd padding the larger part is behind
        (3, 1, [3, 6, 9, 7]),  # 0 | 1 2 3 4 | 0
        (3, 2, [6, 7]),  # 1 2 3 4 | 0
        (5, 2, [10, 9]),  # 0 | 1 2 3 4 | 0 0
        (5, 1, [6, 10, 10, 9]),  # 0 0 | 1 2 3 4 | 0 0
        (1, 1, [1, 2, 3, 4]),
    ],
)
def test_padding_is_that_of_tensorflow(kernel: int, stride: int, expected: list[int]) -> None:
    conv = SameConv(1, 1, kernel, stride)
    row = torch.zeros(1, 1, kernel, kernel)
    row[..., kernel // 2 if stride == 1 else (kernel - stride) // 2, :] = 1.0  # sums along the first row of pixels
    with torch.no_grad():
        conv.weight.copy_(row)
        picture = torch.zeros(1, 1, 4, 4)
        picture[0, 0, 0] = torch.tensor([1.0, 2.0, 3.0, 4.0])
        assert conv(picture)[0, 0, 0].tolist() == expected
        assert conv(picture.transpose(2, 3))[0, 0].shape == (4 // stride, 4 // stride)


@pytest.mark.parametrize(
    ("c_in", "c_out", "stride", "adds"),
    [(8, 8, 1, True), (8, 16, 1, False), (8, 8, 2, False)],
)
def test_a_block_adds_its_input_where_the_shape_allows(c_in: int, c_out: int, stride: int, adds: bool) -> None:
    block = InvertedResidual(c_in, c_out, 3, stride, 6).eval()
    torch.nn.init.zeros_(block.project_conv.weight)
    x = torch.rand(1, c_in, 4, 4)
    with torch.no_grad():
        y = block(x)
    assert torch.equal(y, x if adds else torch.zeros(1, c_out, 4 // stride, 4 // stride))


def test_pixels_are_scaled_as_the_weights_expect() -> None:
    trunk = EfficientNetLite("lite0").eval()
    seen: list[Tensor] = []
    trunk.conv_stem.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        trunk(torch.tensor([0.0, 127 / 255, 1.0]).view(1, 3, 1, 1).expand(1, 3, 32, 32))
    torch.testing.assert_close(seen[0][0, :, 0, 0], torch.tensor([-127 / 128, 0.0, 1.0]), atol=1e-6, rtol=0)
