import pytest
import torch

from anymask.errors import SettingsError
from anymask.network.yolo import Network, NetworkConfig


def plain(size: str, reg_max: int = 16) -> Network:
    """The published network with one class, without numbers in it."""
    with torch.device("meta"):
        return Network(NetworkConfig(size, "yolo", classes=1, reg_max=reg_max, detail=False))


def parameters(network: Network) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(
    ("size", "reg_max", "published"),
    [("s", 16, 11_790_483), ("s", 26, 12_315_253), ("x", 16, 71_751_811), ("x", 26, 72_234_149)],
)
def test_parameters_are_the_published_ones(size: str, reg_max: int, published: int) -> None:
    # the published count holds the numbers 0, 1, ... of the bins, which are no weights here
    assert parameters(plain(size, reg_max)) + reg_max == published


@pytest.mark.parametrize(("size", "millions"), [("n", 3.26), ("m", 27.24), ("l", 45.94)])
def test_parameters_of_the_other_sizes(size: str, millions: float) -> None:
    assert round(parameters(plain(size)) / 1e6, 2) == millions


@pytest.mark.parametrize(("size", "published"), [("s", 417), ("x", 657)])
def test_tensors_are_as_many_as_published(size: str, published: int) -> None:
    assert len(plain(size).state_dict()) + 1 == published  # and the bins


@pytest.mark.parametrize(
    ("size", "widths"),
    [
        ("n", (16, 32, 64, 128, 256)),
        ("s", (32, 64, 128, 256, 512)),
        ("m", (48, 96, 192, 384, 576)),
        ("l", (64, 128, 256, 512, 512)),
        ("x", (80, 160, 320, 640, 640)),
    ],
)
def test_widths(size: str, widths: tuple[int, ...]) -> None:
    config = NetworkConfig(size)
    assert tuple(config.width(channels) for channels in (64, 128, 256, 512, 1024)) == widths


@pytest.mark.parametrize(("sizes", "repeats"), [("ns", (1, 2)), ("m", (2, 4)), ("lx", (3, 6))])
def test_repeats(sizes: str, repeats: tuple[int, int]) -> None:
    for size in sizes:
        assert (NetworkConfig(size).repeats(3), NetworkConfig(size).repeats(6)) == repeats


@pytest.mark.parametrize(
    ("config", "height", "width"),
    [
        (NetworkConfig("n", "yolo"), 32, 32),  # the smallest picture: one cell at stride 32
        (NetworkConfig("n", "yolo", detail=False), 64, 96),
        (NetworkConfig("n", "lite0"), 96, 64),
        (NetworkConfig("n", "lite1", classes=3, reg_max=8, coefficients=5), 64, 32),
    ],
)
def test_shapes(config: NetworkConfig, height: int, width: int) -> None:
    network = Network(config).eval()
    with torch.no_grad():
        output = network(torch.rand(2, 3, height, width))
    anchors = height * width // 64 + height * width // 256 + height * width // 1024
    assert output.box_logits.shape == (2, 4, config.reg_max, anchors)
    assert output.class_logits.shape == (2, config.classes, anchors)
    assert output.coefficients.shape == (2, config.coefficients, anchors)
    assert output.prototypes.shape == (2, config.coefficients, height // 4, width // 4)
    # anchors: inside the picture, finest level first, each where its cell is
    assert output.strides.tolist() == [s for s in (8, 16, 32) for _ in range(height * width // s**2)]
    centres = output.anchors * output.strides
    assert centres[:, 0].tolist() == [4.0, 4.0]
    assert centres[:, -1].tolist() == [width - 16.0, height - 16.0]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"size": "xl"}, "size must be one of n, s, m, l, x, got 'xl'"),
        ({"trunk": "lite9"}, "trunk must be yolo or one of lite0, lite1, lite2, got 'lite9'"),
        ({"classes": 0}, "classes must be at least 1, got 0"),
        ({"reg_max": 1}, "reg_max must be at least 2, got 1"),  # one bin is no distance
    ],
)
def test_a_wrong_config_is_refused(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        NetworkConfig(**wrong)  # type: ignore[arg-type]
