"""The training loop: batch -> loss -> step -> average, top to bottom."""

import copy
import logging
import math
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader

from anymask.dataset import LabelledPhoto
from anymask.errors import AnymaskError, SettingsError, WeightsError
from anymask.network.checkpoint import fill, load_checkpoint, network_config, save_checkpoint
from anymask.network.trunk import EfficientNetLite, imagenet_state
from anymask.network.yolo import Network
from anymask.train.batches import Batch, Batches
from anymask.train.frozen import FrozenTrunk
from anymask.train.loss import Losses, compute_losses
from anymask.train.settings import Settings

logger = logging.getLogger(__name__)

CHECKPOINT = "last.pt"  # in the folder of a run
SAVE_EVERY_S = 120.0
REPORT_EVERY = 20  # steps


@dataclass(frozen=True)
class Progress:
    """What the loop tells its caller every ``REPORT_EVERY`` steps."""

    step: int
    done: float  # share of this run, in [0, 1]
    eta_s: float
    images_per_s: float
    learning_rate: float
    losses: dict[str, float]  # running means by name


def train(
    photos: list[LabelledPhoto],
    folder: Path,
    settings: Settings,
    *,
    minutes: float | None = None,
    steps: int | None = None,
    device: str = "cpu",
    report: Callable[[Progress], None] = lambda progress: None,
) -> Network:
    """Train for ``minutes`` or ``steps``, going on from ``folder / "last.pt"`` where there is one.

    The learning rate warms up, stays, and falls to ``final_rate`` at the end of every run, so each run ends with
    usable weights and the next one takes up from there. Ctrl-C ends a run early: it saves and returns.

    Args:
        photos: what to learn from.
        folder: where checkpoints live; made if absent. ``last.pt`` is replaced atomically every two minutes.
        settings: the run's settings; a checkpoint is resumed only by those of the same network.
        minutes: length of this run by the clock, above 0.
        steps: length of this run in steps, above 0; the same steps give the same weights on one machine. With both,
            the one that is reached first.
        device: "cpu" or "cuda".
        report: called with the progress.

    Returns:
        The averaged (EMA) network, in eval mode.

    Raises:
        SettingsError: no photo is of a sampled collection, neither minutes nor steps are given or one is not above 0,
            or nothing can be written into ``folder``.
        DatasetError: a photo cannot be read.
        WeightsError: the checkpoint in ``folder`` cannot be read, is of another network, or cannot be written.
        MissingExtraError: the trunk's ImageNet weights are not installed.
        AnymaskError: the loss is no number any more; the last checkpoint is from before.
    """
    check_run(folder, minutes, steps)
    batches = Batches(photos, settings)
    torch.manual_seed(settings.seed)
    checkpoint_file = folder / CHECKPOINT
    state = read_resumable(checkpoint_file, settings) if checkpoint_file.exists() else None
    network = build_network(settings) if state is None else Network(settings.network)
    if state is not None:
        fill(network, state["network"], checkpoint_file)
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    ema = copy.deepcopy(network).requires_grad_(False).eval()

    trunk: nn.Module | FrozenTrunk = network.trunk
    if settings.freeze_trunk:
        network.trunk.requires_grad_(False)
        trunk = FrozenTrunk(network.trunk, device)
    optimiser = make_optimiser(network, settings)
    start = 0
    if state is not None:
        fill(ema, state["ema"], checkpoint_file)
        optimiser.load_state_dict(state["optimiser"])
        start = int(state["step"])
        logger.info("resumed at step %d from %s", start, checkpoint_file)

    loader = DataLoader(
        batches,
        batch_size=None,
        sampler=range(start, 2**31),
        num_workers=settings.workers,
        prefetch_factor=4 if settings.workers else None,
    )
    set_training(network, settings)
    began = saved = time.monotonic()
    running: dict[str, float] = {}
    images_seen, finished = 0, start
    try:
        for step, batch in enumerate(loader, start):
            done = share_done(time.monotonic() - began, step - start, minutes, steps)
            if done >= 1:
                break
            rate = settings.learning_rate * schedule(step - start, done, settings)
            for group in optimiser.param_groups:
                group["lr"] = rate

            batch = Batch(*(tensor.to(device) for tensor in batch))
            images = batch.images.float().div(255).contiguous(memory_format=torch.channels_last)
            generator = torch.Generator().manual_seed(settings.seed * 2**32 + step)
            losses = compute_losses(network.forward_maps(trunk(images)), batch, settings, generator)
            total = losses.total()
            optimiser.zero_grad(set_to_none=True)
            total.backward()  # type: ignore[no-untyped-call]
            norm = nn.utils.clip_grad_norm_((p for p in network.parameters() if p.requires_grad), settings.clip_norm)
            loss = float(total.detach())
            if not math.isfinite(loss + float(norm)):  # one such step would ruin every weight
                raise AnymaskError(
                    f"step {step}: expected a finite loss and gradient, got {loss} and {float(norm)} at the "
                    f"learning rate {rate:g}; lower learning_rate and start again: {checkpoint_file} is from before, "
                    "if this run came to save one"
                )
            optimiser.step()
            average(ema, network, min(settings.ema_decay, (1 + step) / (10 + step)))
            finished = step + 1

            images_seen += len(batch.images)
            follow(running, losses)
            if (finished - start) % REPORT_EVERY == 0:
                elapsed = time.monotonic() - began
                eta = elapsed / max(done, 1e-6) * (1 - done)
                report(Progress(finished, done, eta, images_seen / elapsed, rate, dict(running)))
            if time.monotonic() - saved > SAVE_EVERY_S:
                save_checkpoint(checkpoint_file, network, ema, optimiser, finished, asdict(settings))
                saved = time.monotonic()
    except KeyboardInterrupt:
        logger.info("interrupted after step %d", finished)
    save_checkpoint(checkpoint_file, network, ema, optimiser, finished, asdict(settings))
    return ema


def check_run(folder: Path, minutes: float | None, steps: int | None) -> None:
    """Raise SettingsError where a run has no length, or ``folder`` takes no file: better now than after the run."""
    if minutes is None and steps is None:
        raise SettingsError("the length of the run is missing; give one of minutes and steps")
    if minutes is not None and not 0 < minutes < math.inf:
        raise SettingsError(f"minutes must be above 0, got {minutes}; leave it out to count steps")
    if steps is not None and steps < 1:
        raise SettingsError(f"steps must be at least 1, got {steps}; leave it out to go by minutes")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise SettingsError(f"{folder}: no checkpoint can be written there ({error}); name another folder") from error


def read_resumable(path: Path, settings: Settings) -> dict[str, Any]:
    """The content of a checkpoint that a run with ``settings`` can go on from.

    Raises:
        WeightsError: it cannot be read, or is of another network or of a trunk that was trained where this is frozen.
    """
    state = load_checkpoint(path)
    before = {"network": network_config(state, path), "freeze_trunk": state["settings"].get("freeze_trunk")}
    for name, held in before.items():
        wanted = getattr(settings, name)
        if held != wanted:
            raise WeightsError(
                f"{path}: cannot go on from it, its {name} is {held} and that of the settings is {wanted}; "
                f"give the same {name}, or another folder to begin anew"
            )
    return state


def share_done(elapsed_s: float, step: int, minutes: float | None, steps: int | None) -> float:
    """Share of a run that has passed after ``step`` of its steps: by the clock, by steps, or by what comes first."""
    by_clock = elapsed_s / (60 * minutes) if minutes is not None else 0.0
    return max(by_clock, step / steps if steps is not None else 0.0)


def check_device(device: str) -> None:
    """Raise SettingsError unless torch can compute on the device."""
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:  # AssertionError: a torch that was built without CUDA
        raise SettingsError(f"device {device!r}: torch cannot use it here ({error}); expected cpu or cuda") from error


def build_network(settings: Settings) -> Network:
    """The network of ``settings`` with its trunk at ImageNet weights, where it has a pretrained one."""
    network = Network(settings.network)
    if isinstance(network.trunk, EfficientNetLite):
        network.trunk.load_imagenet(imagenet_state(settings.network.trunk))
    return network


def make_optimiser(network: Network, settings: Settings) -> torch.optim.Optimizer:
    """AdamW; weight decay on convolution kernels only, not on norms and biases."""
    trained = [p for p in network.parameters() if p.requires_grad]
    return torch.optim.AdamW(
        [
            {"params": [p for p in trained if p.ndim > 1], "weight_decay": settings.weight_decay},
            {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
        ],
        lr=settings.learning_rate,
    )


def set_training(network: Network, settings: Settings) -> None:
    """Training mode, except for a frozen trunk, whose batch statistics stay ImageNet's."""
    network.train()
    if settings.freeze_trunk:
        network.trunk.eval()


def schedule(step: int, done: float, settings: Settings) -> float:
    """Share of the learning rate at ``step`` of this run when a share ``done`` of it has passed."""
    warm = min(1.0, (step + 1) / max(1, settings.warmup_steps))
    if done <= settings.decay_from:
        return warm
    phase = (done - settings.decay_from) / (1 - settings.decay_from)
    return warm * (settings.final_rate + (1 - settings.final_rate) * (1 + math.cos(math.pi * phase)) / 2)


@torch.no_grad()
def average(ema: Network, network: Network, decay: float) -> None:
    """ema <- decay * ema + (1 - decay) * network, for weights and batch statistics alike."""
    for mean, value in zip(ema.state_dict().values(), network.state_dict().values(), strict=True):
        if mean.is_floating_point():
            mean.lerp_(value, 1 - decay)
        else:
            mean.copy_(value)


def follow(running: dict[str, float], losses: Losses) -> None:
    """Running means of the losses over about 50 steps."""
    for name, value in losses._asdict().items():
        now = float(value.detach())
        running[name] = now if name not in running else 0.98 * running[name] + 0.02 * now
