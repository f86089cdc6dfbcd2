import math

import pytest
import torch
from torch import Tensor

from anymask.network.head import (
    HeadOutput,
    SegmentHead,
    cell_centres,
    decode_boxes,
    decode_distances,
    predictions,
)

SURE = 50.0  # a logit beside which the others vanish


def distribution(*weights: float) -> list[float]:
    """The logits of a distribution over the bins; a weight of 0 is a bin that never happens."""
    return [math.log(weight) if weight else -SURE for weight in weights]


@pytest.mark.parametrize(
    ("weights", "distance"),
    [
        ((1, 0, 0, 0), 0.0),  # surely none
        ((0, 0, 0, 1), 3.0),  # surely the farthest
        ((1, 1, 1, 1), 1.5),  # no idea: the middle
        ((0, 1, 1, 0), 1.5),  # between two bins
        ((0, 3, 1, 0), 1.25),
        ((6, 0, 0, 2), 0.75),
    ],
)
def test_a_distance_is_the_mean_of_its_distribution(weights: tuple[float, ...], distance: float) -> None:
    logits = torch.tensor(distribution(*weights)).view(1, 1, 4, 1).expand(1, 4, 4, 1)
    torch.testing.assert_close(decode_distances(logits), torch.full((1, 4, 1), distance))


def output_of(box_logits: Tensor, anchors: list[list[float]], strides: list[float]) -> HeadOutput:
    """One picture, one class, two coefficients."""
    count = len(strides)
    return HeadOutput(
        box_logits,
        torch.zeros(1, 1, count),
        torch.arange(2.0 * count).view(1, 2, count),
        torch.zeros(1, 2, 4, 4),
        torch.tensor(anchors).T,
        torch.tensor(strides),
    )


def certain(distances: list[list[int]]) -> Tensor:
    """(1, 4, 4, A) logits that say these left, top, right, bottom distances of each anchor."""
    logits = torch.full((1, 4, 4, len(distances)), -SURE)
    for anchor, sides in enumerate(distances):
        for side, distance in enumerate(sides):
            logits[0, side, distance, anchor] = SURE
    return logits


def test_boxes_and_predictions_are_in_network_pixels() -> None:
    output = output_of(
        certain([[1, 0, 2, 3], [0, 0, 0, 0], [1, 1, 1, 1]]),
        [[1.5, 0.5], [0.5, 0.5], [0.5, 1.5]],
        [8.0, 16.0, 32.0],
    )
    boxes = [
        [4.0, 4.0, 28.0, 28.0],  # (1.5 - 1, .5 - 0, 1.5 + 2, .5 + 3) in strides of 8
        [8.0, 8.0, 8.0, 8.0],  # no size
        [-16.0, 16.0, 48.0, 80.0],  # may leave the picture
    ]
    torch.testing.assert_close(decode_boxes(output), torch.tensor(boxes).T.unsqueeze(0))
    expected = [
        # cx, cy, w, h, score, coefficients
        [16.0, 16.0, 24.0, 24.0, 0.5, 0.0, 3.0],
        [8.0, 8.0, 0.0, 0.0, 0.5, 1.0, 4.0],
        [16.0, 48.0, 64.0, 64.0, 0.5, 2.0, 5.0],
    ]
    torch.testing.assert_close(predictions(output), torch.tensor(expected).T.unsqueeze(0))


def test_cell_centres_go_row_by_row() -> None:
    expected = [[0.5, 1.5, 2.5, 0.5, 1.5, 2.5], [0.5, 0.5, 0.5, 1.5, 1.5, 1.5]]
    assert cell_centres(torch.zeros(1, 1, 2, 3)).tolist() == expected


@pytest.mark.parametrize(
    ("channels", "reg_max", "widths"),
    [
        ((128, 256, 512), 16, (64, 128, 32)),  # FastSAM-s
        ((320, 640, 640), 26, (104, 320, 80)),  # FastSAM-x: the boxes' distributions need the most
        ((64, 128, 256), 16, (64, 64, 32)),  # n
    ],
)
def test_widths_of_the_branches(channels: tuple[int, int, int], reg_max: int, widths: tuple[int, ...]) -> None:
    with torch.device("meta"):
        head = SegmentHead(channels, 1, reg_max, 32, proto_channels=8)
    for branches, width in zip((head.cv2, head.cv3, head.cv4), widths, strict=True):
        for branch, c_in in zip(branches, channels, strict=True):
            assert [parameter.shape[:2] for parameter in branch.parameters() if parameter.ndim == 4][:2] == [
                (width, c_in),
                (width, width),
            ]


def test_an_untrained_head_expects_little() -> None:
    head = SegmentHead((16, 16, 16), 1, 8, 4, proto_channels=8).eval()
    pyramid = [torch.zeros(1, 16, 64 // stride, 64 // stride) for stride in (8, 16, 32)]
    with torch.no_grad():
        output = head(pyramid, torch.zeros(1, 16, 16, 16))
    # five objects in a picture of 640 x 640, on each level alone
    for stride in (8, 16, 32):
        scores = output.class_logits[0, 0, output.strides == stride].sigmoid()
        assert scores.tolist() == pytest.approx([5 / (640 / stride) ** 2] * (64 // stride) ** 2, rel=0.05)
    torch.testing.assert_close(decode_distances(output.box_logits), torch.full((1, 4, 84), 3.5))


def test_details_reach_the_prototypes_only_where_they_are_wanted() -> None:
    for wanted in (0, 16):
        head = SegmentHead((16, 16, 16), 1, 8, 4, proto_channels=8, detail_channels=wanted).eval()
        p3 = torch.zeros(1, 16, 8, 8)
        with torch.no_grad():
            same = torch.equal(head.proto(p3, torch.zeros(1, 16, 16, 16)), head.proto(p3, torch.ones(1, 16, 16, 16)))
        assert same == (wanted == 0)


def test_a_mask_of_no_quality_scores_nothing() -> None:
    output = output_of(certain([[1, 1, 1, 1]] * 2), [[4.0, 4.0]] * 2, [8.0, 8.0])
    assert predictions(output)[0, 4].tolist() == [0.5, 0.5]
    told = output._replace(quality_logits=torch.tensor([[SURE, 0.0]]))
    assert predictions(told)[0, 4].tolist() == [0.5, 0.25]


def test_an_untrained_head_believes_alike_of_every_mask() -> None:
    pyramid = [torch.rand(2, 16, 64 // stride, 64 // stride) for stride in (8, 16, 32)]
    detail = torch.zeros(2, 16, 16, 16)
    assert SegmentHead((16, 16, 16), 1, 8, 4, proto_channels=8)(pyramid, detail).quality_logits is None
    told = SegmentHead((16, 16, 16), 1, 8, 4, proto_channels=8, quality=True)(pyramid, detail).quality_logits
    assert told.shape == (2, 84)
    assert told.unique().tolist() == [2.0]
