"""The mask head's geometry, and that it learns."""

import pytest
import torch

from anymask.errors import SettingsError
from anymask.network.mask_head import (
    LEAST_MARGIN,
    MARGIN,
    MaskHead,
    MaskHeadConfig,
    grid_points,
    places,
    read,
    windows_of,
)
from anymask.network.trunk import EfficientNetLite


def test_windows_reach_beyond_their_boxes() -> None:
    windows = windows_of(torch.tensor([[10.0, 20.0, 30.0, 60.0]]))
    across, down = MARGIN * 20 + LEAST_MARGIN, MARGIN * 40 + LEAST_MARGIN
    assert windows.tolist() == [[10 - across, 20 - down, 30 + across, 60 + down]]


def test_grid_points_are_the_centres_of_cells() -> None:
    points = grid_points(torch.tensor([[0.0, 10.0, 8.0, 14.0]]), 2)
    assert points.tolist() == [[[[2.0, 11.0], [6.0, 11.0]], [[2.0, 13.0], [6.0, 13.0]]]]


def test_reading_a_map_of_coordinates_gives_the_points_back() -> None:
    rows, columns = torch.meshgrid(torch.arange(12.0), torch.arange(20.0), indexing="ij")
    coordinates = (torch.stack((columns, rows)) + 0.5) * 8  # of the cells' centres, at stride 8: 96 x 160 pixels
    windows = torch.tensor([[[16.0, 24.0, 40.0, 88.0], [100.0, 8.0, 140.0, 60.0]]])
    points = grid_points(windows, 4)
    got = read(coordinates[None], points, (96, 160))  # (1, 2, 2, 4, 4)
    assert torch.allclose(got.permute(0, 1, 3, 4, 2), points, atol=1e-3)


def test_beyond_the_picture_there_is_nothing() -> None:
    points = grid_points(torch.tensor([[[-40.0, -40.0, -20.0, -20.0]]]), 2)
    assert not read(torch.ones(1, 3, 8, 8), points, (64, 64)).any()


def test_a_boxes_edges_are_at_one() -> None:
    boxes = torch.tensor([[[10.0, 20.0, 30.0, 60.0]]])
    corners = torch.tensor([[[[[10.0, 20.0], [30.0, 20.0]], [[10.0, 60.0], [20.0, 40.0]]]]])
    placed = places(corners, boxes)[0, 0]
    assert placed[0].tolist() == [[-1, 1], [-1, 0]]
    assert placed[1].tolist() == [[-1, -1], [1, 0]]


@pytest.mark.parametrize("widths", [(1, 2, 3), (0, 8, 8, 8), (8, 8, 8, 8, 8)])
def test_four_widths_are_needed(widths: tuple[int, ...]) -> None:
    with pytest.raises(SettingsError, match="widths must be four counts from 1 up"):
        MaskHeadConfig(widths=widths)


def test_every_picture_is_read_for_its_own_boxes() -> None:
    torch.manual_seed(0)
    head = MaskHead(MaskHeadConfig(widths=(4, 8, 8, 8))).eval()
    channels = EfficientNetLite("lite0").channels
    maps = [torch.randn(2, c, 64 // s, 96 // s) for c, s in zip(channels, (4, 8, 16, 32), strict=True)]
    boxes = torch.tensor([[[0.0, 0.0, 30.0, 30.0], [20.0, 8.0, 90.0, 60.0]]]).repeat(2, 1, 1)
    hints = torch.randn(4, 1, 16, 24)
    with torch.no_grad():
        both = head(head.pyramid(maps), boxes, hints)
        second = head(head.pyramid([each[1:] for each in maps]), boxes[1:], hints[2:])
    assert both.logits.shape == (4, 56, 56)
    assert torch.allclose(both.logits[2:], second.logits, atol=1e-5)
    assert torch.allclose(both.quality[2:], second.quality, atol=1e-5)
    assert not torch.allclose(both.logits[0], both.logits[2], atol=1e-3)
