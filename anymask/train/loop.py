"""The training loop: batch -> loss -> step -> average, top to bottom. What is learnt is a `Lesson`."""

import copy
import logging
import math
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from anymask.errors import AnymaskError, SettingsError
from anymask.network.checkpoint import fill, load_checkpoint, save_checkpoint
from anymask.train.settings import RunSettings
from anymask.train.warm_start import fill_from_onnx, unfold_norms

logger = logging.getLogger(__name__)

SAVE_EVERY_S = 120.0
REPORT_EVERY = 20  # steps

NetworkT = TypeVar("NetworkT", bound=nn.Module)


class Losses(Protocol):
    """A named tuple of scalars, already weighted by their gains."""

    def total(self) -> Tensor: ...

    def _asdict(self) -> dict[str, Tensor]: ...


class Lesson(ABC, Generic[NetworkT]):
    """What is trained, on what, and by which loss.

    settings: the run's settings.
    batches: ``batches[step]`` is the batch of a step, a named tuple of tensors.
    model: the name of what is trained, in the checkpoint.
    checkpoint: the file's name in the folder of a run.
    """

    settings: RunSettings
    batches: Dataset[Any]
    model: str
    checkpoint: str

    @abstractmethod
    def build(self, state: dict[str, Any] | None, path: Path) -> NetworkT:
        """A new network, with pretrained weights where there are any; without, where a checkpoint's will be filled in.

        Raises WeightsError if the checkpoint ``state`` of the file ``path`` is of another network.
        """

    def start_from(self, network: NetworkT, weights: Path) -> None:
        """Put the weights of an exported file into a new network. Raises WeightsError if it is of another one."""
        fill_from_onnx(network, weights)

    @abstractmethod
    def begin(self, network: NetworkT, device: str) -> None:
        """Prepare for steps: training mode, and what stays frozen."""

    @abstractmethod
    def losses(self, network: NetworkT, batch: Any, step: int) -> Losses:
        """The losses of one batch, whose tensors are on the network's device."""


@dataclass(frozen=True)
class Progress:
    """What the loop tells its caller every ``REPORT_EVERY`` steps."""

    step: int
    done: float  # share of this run, in [0, 1]
    eta_s: float
    images_per_s: float
    learning_rate: float
    losses: dict[str, float]  # running means by name


def learn(
    lesson: Lesson[NetworkT],
    folder: Path,
    *,
    minutes: float | None = None,
    steps: int | None = None,
    device: str = "cpu",
    weights: Path | None = None,
    report: Callable[[Progress], None] = lambda progress: None,
) -> NetworkT:
    """Train for ``minutes`` or ``steps``, going on from the lesson's checkpoint in ``folder`` where there is one.

    The learning rate warms up, stays, and falls to ``final_rate`` at the end of every run, so each run ends with
    usable weights and the next one takes up from there. Ctrl-C ends a run early: it saves and returns.

    Args:
        lesson: what to learn.
        folder: where checkpoints live; made if absent. The file is replaced atomically every two minutes.
        minutes: length of this run by the clock, above 0.
        steps: length of this run in steps, above 0; the same steps give the same weights on one machine. With both,
            the one that is reached first.
        device: "cpu" or "cuda".
        weights: an ONNX file that `anymask.export` wrote of such a network, to begin with where there is no checkpoint.
        report: called with the progress.

    Returns:
        The averaged (EMA) network, in eval mode.

    Raises:
        SettingsError: neither minutes nor steps are given or one is not above 0, or nothing can be written into
            ``folder``.
        DatasetError: a photo cannot be read.
        WeightsError: the checkpoint in ``folder`` or ``weights`` cannot be read or is of another network, or the
            checkpoint cannot be written.
        MissingExtraError: the trunk's ImageNet weights are not installed.
        AnymaskError: the loss is no number any more; the last checkpoint is from before.
    """
    check_run(folder, minutes, steps)
    settings = lesson.settings
    torch.manual_seed(settings.seed)
    checkpoint_file = folder / lesson.checkpoint
    state = load_checkpoint(checkpoint_file) if checkpoint_file.exists() else None
    network = lesson.build(state, checkpoint_file)
    if state is not None:
        fill(network, state["network"], checkpoint_file)
    elif weights is not None:
        lesson.start_from(network, weights)
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    lesson.begin(network, device)

    def losses_of(drawn: Any, step: int) -> tuple[Any, Losses]:
        batch = type(drawn)(*(tensor.to(device) for tensor in drawn))
        return batch, lesson.losses(network, batch, step)

    if state is None and weights is not None:
        unfold_norms(network, lambda number: losses_of(lesson.batches[number], number))
        logger.info("began with the weights of %s", weights)
    ema = copy.deepcopy(network).requires_grad_(False).eval()
    optimiser = make_optimiser(network, settings)
    start = 0
    if state is not None:
        fill(ema, state["ema"], checkpoint_file)
        optimiser.load_state_dict(state["optimiser"])
        start = int(state["step"])
        logger.info("resumed at step %d from %s", start, checkpoint_file)
        if weights is not None:
            logger.info("%s is not used: a run lies in %s", weights, folder)

    def save() -> None:
        save_checkpoint(checkpoint_file, network, ema, optimiser, finished, asdict(settings), model=lesson.model)

    loader = DataLoader(
        lesson.batches,
        batch_size=None,
        sampler=range(start, 2**31),
        num_workers=settings.workers,
        prefetch_factor=4 if settings.workers else None,
    )
    began = saved = time.monotonic()
    running: dict[str, float] = {}
    images_seen, finished = 0, start
    try:
        for step, drawn in enumerate(loader, start):
            done = share_done(time.monotonic() - began, step - start, minutes, steps)
            if done >= 1:
                break
            rate = settings.learning_rate * schedule(step - start, done, settings)
            for group in optimiser.param_groups:
                group["lr"] = rate

            batch, losses = losses_of(drawn, step)
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

            images_seen += len(batch[0])
            follow(running, losses)
            if (finished - start) % REPORT_EVERY == 0:
                elapsed = time.monotonic() - began
                eta = elapsed / max(done, 1e-6) * (1 - done)
                report(Progress(finished, done, eta, images_seen / elapsed, rate, dict(running)))
            if time.monotonic() - saved > SAVE_EVERY_S:
                save()
                saved = time.monotonic()
    except KeyboardInterrupt:
        logger.info("interrupted after step %d", finished)
    save()
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


def make_optimiser(network: nn.Module, settings: RunSettings) -> torch.optim.Optimizer:
    """AdamW; weight decay on convolution kernels only, not on norms and biases."""
    trained = [p for p in network.parameters() if p.requires_grad]
    return torch.optim.AdamW(
        [
            {"params": [p for p in trained if p.ndim > 1], "weight_decay": settings.weight_decay},
            {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
        ],
        lr=settings.learning_rate,
    )


def schedule(step: int, done: float, settings: RunSettings) -> float:
    """Share of the learning rate at ``step`` of this run when a share ``done`` of it has passed."""
    warm = min(1.0, (step + 1) / max(1, settings.warmup_steps))
    if done <= settings.decay_from:
        return warm
    phase = (done - settings.decay_from) / (1 - settings.decay_from)
    return warm * (settings.final_rate + (1 - settings.final_rate) * (1 + math.cos(math.pi * phase)) / 2)


@torch.no_grad()
def average(ema: nn.Module, network: nn.Module, decay: float) -> None:
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
