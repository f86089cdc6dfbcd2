"""The training loop: batch -> loss -> step -> average, top to bottom."""

import copy
import logging
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader

from anymask.dataset import LabelledPhoto
from anymask.network.checkpoint import load_checkpoint, save_checkpoint
from anymask.network.trunk import EfficientNetLite, imagenet_state
from anymask.network.yolo import Network
from anymask.train.batches import Batch, Batches
from anymask.train.frozen import FrozenTrunk
from anymask.train.loss import Losses, compute_losses
from anymask.train.settings import Settings

logger = logging.getLogger(__name__)

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
    usable weights and the next one takes up from there.

    Args:
        photos: what to learn from.
        folder: where checkpoints live; made if absent. ``last.pt`` is replaced atomically every two minutes.
        settings: the run's settings; the network's shape comes from the checkpoint when one is resumed.
        minutes: length of this run by the clock.
        steps: length of this run in steps; the same steps give the same weights on one machine.
        device: "cpu" or "cuda".
        report: called with the progress.

    Returns:
        The averaged (EMA) network, in eval mode.

    Raises:
        SettingsError: no photo is of a sampled collection.
        WeightsError: the checkpoint in ``folder`` cannot be read.
    """
    torch.manual_seed(settings.seed)
    checkpoint_file = folder / "last.pt"
    network, ema = build_network(settings), None
    start, optimiser_state = 0, None
    if checkpoint_file.exists():
        state = load_checkpoint(checkpoint_file)
        network.load_state_dict(state["network"])
        ema = copy.deepcopy(network)
        ema.load_state_dict(state["ema"])
        start, optimiser_state = int(state["step"]), state["optimiser"]
        logger.info("resumed at step %d from %s", start, checkpoint_file)
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    ema = copy.deepcopy(network) if ema is None else ema.to(device)
    ema.requires_grad_(False).eval()

    trunk: nn.Module | FrozenTrunk = network.trunk
    if settings.freeze_trunk:
        network.trunk.requires_grad_(False)
        trunk = FrozenTrunk(network.trunk, device)
    optimiser = make_optimiser(network, settings)
    if optimiser_state is not None:
        optimiser.load_state_dict(optimiser_state)

    loader = DataLoader(
        Batches(photos, settings),
        batch_size=None,
        sampler=range(start, 2**31),
        num_workers=settings.workers,
        prefetch_factor=4 if settings.workers else None,
    )
    set_training(network, settings)
    began = saved = time.monotonic()
    running: dict[str, float] = {}
    images_seen = 0
    for step, batch in enumerate(loader, start):
        elapsed = time.monotonic() - began
        done = elapsed / (60 * minutes) if minutes is not None else (step - start) / max(1, steps or 1)
        if done >= 1:
            break
        rate = settings.learning_rate * schedule(step - start, done, settings)
        for group in optimiser.param_groups:
            group["lr"] = rate

        batch = Batch(*(tensor.to(device) for tensor in batch))
        images = batch.images.float().div(255).contiguous(memory_format=torch.channels_last)
        generator = torch.Generator().manual_seed(settings.seed * 2**32 + step)
        losses = compute_losses(network.forward_maps(trunk(images)), batch, settings, generator)
        optimiser.zero_grad(set_to_none=True)
        losses.total().backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_((p for p in network.parameters() if p.requires_grad), settings.clip_norm)
        optimiser.step()
        average(ema, network, min(settings.ema_decay, (1 + step) / (10 + step)))

        images_seen += len(batch.images)
        follow(running, losses)
        if (step - start + 1) % REPORT_EVERY == 0:
            elapsed = time.monotonic() - began
            eta = elapsed / max(done, 1e-6) * (1 - done)
            report(Progress(step + 1, done, eta, images_seen / elapsed, rate, dict(running)))
        if time.monotonic() - saved > SAVE_EVERY_S:
            save_checkpoint(checkpoint_file, network, ema, optimiser, step + 1, asdict(settings))
            saved = time.monotonic()
    save_checkpoint(checkpoint_file, network, ema, optimiser, step, asdict(settings))
    return ema


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
    warm = min(1.0, (step + 1) / settings.warmup_steps)
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
