"""The training loop: batch -> loss -> step -> average, top to bottom. What is learnt is a `Lesson`."""

import copy
import logging
import math
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from anymask.errors import AnymaskError, SettingsError
from anymask.network.checkpoint import fill, load_checkpoint, save_checkpoint
from anymask.train.interrupt import Interrupt, ignore_interrupts
from anymask.train.metrics import Metrics
from anymask.train.optimiser import average, make_optimiser, take_up
from anymask.train.processes import Processes
from anymask.train.schedule import Plan, check_length, schedule, share_done, steps_of
from anymask.train.settings import RunSettings
from anymask.train.warm_start import fill_from_onnx, unfold_norms

logger = logging.getLogger(__name__)

REPORT_EVERY = 20  # steps

NetworkT = TypeVar("NetworkT", bound=nn.Module)


class Losses(Protocol):
    """A named tuple of scalars, already weighted by their gains."""

    def total(self) -> Tensor: ...

    def _asdict(self) -> dict[str, Tensor]: ...


class Lesson(ABC, Generic[NetworkT]):
    """What is trained, on what, and by which loss.

    settings: the run's settings.
    batches: ``batches[number]`` is a batch, a named tuple of tensors, the same one for the same number. A process alone
        takes one a step; several, or several a step, share the numbers out.
    batches_per_epoch: so many show as many pictures as there are.
    model: the name of what is trained, in the checkpoint.
    checkpoint: the file's name in the folder of a run.
    """

    settings: RunSettings
    batches: Dataset[Any]
    batches_per_epoch: float
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
    def losses(self, network: NetworkT, batch: Any, number: int) -> Losses:
        """The losses of one batch, whose tensors are on the network's device.

        What is random in them comes from the seed and the batch's ``number`` alone, so that a resumed run is exact.
        """


class LossModule(nn.Module, Generic[NetworkT]):
    """The losses of a network as a module: whatever parts of it a lesson calls, processes share its gradients."""

    def __init__(self, lesson: Lesson[NetworkT], network: NetworkT) -> None:
        super().__init__()
        self.lesson, self.network = lesson, network

    def forward(self, batch: Any, number: int) -> Losses:
        return self.lesson.losses(self.network, batch, number)


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
    epochs: float | None = None,
    device: str = "cpu",
    weights: Path | None = None,
    report: Callable[[Progress], None] = lambda progress: None,
) -> NetworkT:
    """Train for ``minutes``, ``steps`` or ``epochs``, going on from the checkpoint in ``folder`` where there is one.

    The learning rate warms up, stays, and falls to ``final_rate`` at the end of every run, so each run ends with
    usable weights and the next one takes up from there. A run by steps or epochs that was stopped or killed goes on
    exactly when it is asked for again: on one machine's CPU its weights equal those of an unbroken run. A run by the
    clock begins anew. Ctrl-C ends a run after the step: it saves and returns.

    Started by torchrun, the processes train one network together, each on batches of its own; the first one writes.

    Args:
        lesson: what to learn.
        folder: where checkpoints live; made if absent. The file is replaced atomically as often as the settings say;
            beside it lie the metrics and the curves, see `anymask.train.metrics`.
        minutes: length of this run by the clock, above 0.
        steps: length of this run in steps, above 0; the same steps give the same weights on one machine.
        epochs: length of this run as passes over the photos, above 0, instead of steps. With minutes too, what is
            reached first.
        device: "cpu" or "cuda".
        weights: an ONNX file that `anymask.export` wrote of such a network, to begin with where there is no checkpoint.
        report: called with the progress, in the main process.

    Returns:
        The averaged (EMA) network, in eval mode.

    Raises:
        SettingsError: no length is given or one is not above 0, or nothing can be written into ``folder``.
        DatasetError: a photo cannot be read.
        WeightsError: the checkpoint in ``folder`` or ``weights`` cannot be read or is of another network, or a file
            of the run cannot be written.
        MissingExtraError: the trunk's ImageNet weights are not installed.
        AnymaskError: the loss is no number any more; the last checkpoint is from before.
    """
    check_run(folder, minutes, steps, epochs)
    settings = lesson.settings
    processes = Processes(device)
    per_step = settings.accumulate * processes.count  # batches
    if epochs is not None:
        steps = steps_of(epochs, lesson.batches_per_epoch, per_step)
    torch.manual_seed(settings.seed)
    checkpoint_file = folder / lesson.checkpoint
    state = load_checkpoint(checkpoint_file) if checkpoint_file.exists() else None
    network = lesson.build(state, checkpoint_file)
    if state is not None:
        fill(network, state["network"], checkpoint_file)
    elif weights is not None:
        lesson.start_from(network, weights)
    network = processes.join_norms(network)
    network.to(processes.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    lesson.begin(network, str(processes.device))

    def on_device(drawn: Any) -> Any:
        return type(drawn)(*(tensor.to(processes.device) for tensor in drawn))

    if state is None and weights is not None:
        unfold_norms(network, lambda number: lesson.losses(network, on_device(lesson.batches[number]), number))
        logger.info("began with the weights of %s", weights)
    ema = copy.deepcopy(network).requires_grad_(False).eval()
    optimiser = make_optimiser(network, settings)
    finished, plan = 0, None
    running: dict[str, float] = {}
    if state is not None:
        fill(ema, state["ema"], checkpoint_file)
        if not take_up(optimiser, state["optimiser"], state["settings"]):
            logger.info("the optimiser is another one now: its moments begin anew")
        finished = int(state["step"])
        logger.info("resumed at step %d from %s", finished, checkpoint_file)
        for change in changes(state["settings"], asdict(settings)):
            logger.info("goes on with another setting: %s", change)
        held = state["run"] or {"plan": None, "means": {}}
        running = dict(held["means"])
        if held["plan"] is not None and minutes is None:
            before = Plan(**held["plan"])
            plan = before if before.is_continued_by(steps, processes.count, finished) else None
            if plan is None and finished < before.start + before.steps:
                logger.info("the run of %d steps that lies there is not continued: this is another", before.steps)
        if weights is not None:
            logger.info("%s is not used: a run lies in %s", weights, folder)
    if plan is None and steps is not None and minutes is None:
        plan = Plan(finished, steps, processes.count)
    start = plan.start if plan is not None else finished  # of the schedule
    resumed, left = finished, None if steps is None else start + steps - finished
    warmup = settings.warmup_steps
    if settings.warmup_epochs > 0:
        warmup = steps_of(settings.warmup_epochs, lesson.batches_per_epoch, per_step)

    metrics = Metrics(folder, lesson.model, finished) if processes.is_main else None

    def save() -> None:
        if metrics is not None:
            run = {"plan": asdict(plan) if plan is not None else None, "means": running}
            given = asdict(settings)
            save_checkpoint(checkpoint_file, network, ema, optimiser, finished, given, model=lesson.model, run=run)
            metrics.draw()

    taught = processes.join(LossModule(lesson, network))
    loader = DataLoader(
        lesson.batches,
        batch_size=None,
        sampler=range(finished * per_step + processes.rank, 2**31, processes.count),
        num_workers=settings.workers,
        prefetch_factor=4 if settings.workers else None,
        worker_init_fn=ignore_interrupts,
    )
    batches = zip(loader.sampler, loader, strict=True)
    began = saved = time.monotonic()
    images_seen = 0
    with Interrupt() as interrupt:
        while True:
            done = share_done(time.monotonic() - began, finished - start, minutes, steps)
            done, stopped = processes.agree(done, interrupt.asked)
            if done >= 1 or stopped:
                break
            rate = settings.learning_rate * schedule(finished - start, done, settings, warmup)
            for group in optimiser.param_groups:
                group["lr"] = rate

            optimiser.zero_grad(set_to_none=True)
            loss, means = 0.0, dict[str, float]()
            for turn in range(settings.accumulate):
                number, drawn = next(batches)
                with processes.own_gradients(taught, turn + 1 < settings.accumulate):
                    losses = taught(on_device(drawn), number)
                    total = losses.total() / settings.accumulate
                    total.backward()
                loss += float(total.detach())
                for name, value in losses._asdict().items():
                    means[name] = means.get(name, 0.0) + float(value.detach()) / settings.accumulate
                images_seen += len(drawn[0]) * processes.count
            norm = nn.utils.clip_grad_norm_((p for p in network.parameters() if p.requires_grad), settings.clip_norm)
            if not math.isfinite(loss + float(norm)):  # one such step would ruin every weight
                raise AnymaskError(
                    f"step {finished}: expected a finite loss and gradient, got {loss} and {float(norm)} at the "
                    f"learning rate {rate:g}; lower learning_rate and start again: {checkpoint_file} is from before, "
                    "if this run came to save one"
                )
            optimiser.step()
            average(ema, network, min(settings.ema_decay, (1 + finished) / (10 + finished)))
            finished += 1

            follow(running, means)
            if metrics is not None and finished % REPORT_EVERY == 0:
                elapsed = time.monotonic() - began
                speed = images_seen / elapsed
                done_now = share_done(elapsed, finished - resumed, minutes, left)
                eta = elapsed / max(done_now, 1e-6) * (1 - done_now)
                report(Progress(finished, done, eta, speed, rate, dict(running)))
                metrics.add({"step": finished, "learning_rate": rate, "images_per_s": round(speed, 2), **running})
            if time.monotonic() - saved > 60 * settings.save_minutes or finished % settings.save_steps == 0:
                save()
                saved = time.monotonic()
    if stopped:
        logger.info("interrupted after step %d", finished)
    save()
    if metrics is not None:
        metrics.close()
    processes.wait()
    return ema


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Each setting that a run had otherwise before, as "name: old -> new"; one that it did not know yet is left out."""
    return [f"{name}: {before[name]} -> {now[name]}" for name in now if name in before and before[name] != now[name]]


def check_run(folder: Path, minutes: float | None, steps: int | None, epochs: float | None = None) -> None:
    """Raise SettingsError where a run has no length, or ``folder`` takes no file: better now than after the run."""
    check_length(minutes, steps, epochs)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise SettingsError(f"{folder}: no checkpoint can be written there ({error}); name another folder") from error


def check_device(device: str) -> None:
    """Raise SettingsError unless torch can compute on the device."""
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:  # AssertionError: a torch that was built without CUDA
        raise SettingsError(f"device {device!r}: torch cannot use it here ({error}); expected cpu or cuda") from error


def follow(running: dict[str, float], means: dict[str, float]) -> None:
    """Running means of the losses over about 50 steps."""
    for name, now in means.items():
        running[name] = now if name not in running else 0.98 * running[name] + 0.02 * now
