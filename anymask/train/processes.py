"""The processes that train one network together: one, or those that torchrun or `accelerate launch` started."""

import os
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs
from torch import nn

ModuleT = TypeVar("ModuleT", bound=nn.Module)


class Processes:
    """What `accelerate` knows about this process and the others.

    device: "cpu" or "cuda"; of several processes on "cuda", each takes a GPU of its own.
    """

    def __init__(self, device: str) -> None:
        launched = "LOCAL_RANK" in os.environ
        self._accelerator = Accelerator(
            cpu=device == "cpu" or not launched,  # a process alone places its tensors itself
            mixed_precision="no",  # the lessons say what is computed in bfloat16, so that losses are not
            # A batch without objects teaches some branches nothing. It also keeps gradients in the same buckets from
            # the first step on, so that they are summed in one order before and after a resume.
            kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
        )
        self.count: int = self._accelerator.num_processes
        self.rank: int = self._accelerator.process_index
        self.device = self._accelerator.device if launched else torch.device(device)

    @property
    def is_main(self) -> bool:
        """Whether this is the one that writes files and talks."""
        return self.rank == 0

    def main_first(self) -> AbstractContextManager[None]:
        """The main process goes through the block before the others."""
        first: AbstractContextManager[None] = self._accelerator.main_process_first()
        return first

    def join_norms(self, network: ModuleT) -> ModuleT:
        """Batch norms of all GPUs share their statistics. On CPUs each process has its own; the first's are kept."""
        if self.count == 1 or self.device.type != "cuda":
            return network
        joined: ModuleT = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
        return joined

    def join(self, module: nn.Module) -> nn.Module:
        """The module, whose gradients are then the mean over all processes (DistributedDataParallel)."""
        joined: nn.Module = self._accelerator.prepare_model(module, device_placement=False)
        return joined

    def own_gradients(self, joined: nn.Module, wanted: bool) -> AbstractContextManager[None]:
        """Where ``wanted``, a backward inside keeps its gradients here: the last batch of a step shares them."""
        return self._accelerator.no_sync(joined) if wanted and self.count > 1 else nullcontext()

    def agree(self, done: float, stop: bool) -> tuple[float, bool]:
        """What the main process believes is done, and whether any process wants to stop: the same for all."""
        if self.count == 1:
            return done, stop
        told = torch.tensor([done if self.is_main else 0.0, float(stop)], dtype=torch.float64, device=self.device)
        both: torch.Tensor = self._accelerator.reduce(told, "sum")
        return float(both[0]), bool(both[1] > 0)

    def wait(self) -> None:
        """Until every process is here."""
        self._accelerator.wait_for_everyone()

    def leave(self) -> None:
        """The end of the program: let the others go."""
        self._accelerator.end_training()
