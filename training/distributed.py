"""The ranks of a run that `torchrun` started; a run without it is rank 0 of 1."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class World:
    """Which of how many processes this one is."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    @property
    def is_main(self) -> bool:
        """Whether this process reports, tracks and saves for all."""
        return self.rank == 0


def world() -> World:
    """The world that `torchrun` put this process into, read from its environment."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return World()
    rank, size, local = (int(os.environ[k]) for k in ("RANK", "WORLD_SIZE", "LOCAL_RANK"))
    return World(rank, size, local)


@contextmanager
def process_group(here: World, device: torch.device) -> Iterator[None]:
    """Join the process group for the length of a run; nothing to do for a run of one process."""
    if here.size == 1:
        yield
        return
    backend = "nccl" if device.type == "cuda" else "gloo"
    torch.distributed.init_process_group(backend)
    try:
        yield
    finally:
        torch.distributed.destroy_process_group()


def any_rank(flag: bool, here: World) -> bool:
    """Whether the flag is set on any rank, so that all of them act together."""
    if here.size == 1:
        return flag
    value = torch.tensor(float(flag))
    if torch.distributed.get_backend() == "nccl":
        value = value.cuda()
    torch.distributed.all_reduce(value, torch.distributed.ReduceOp.MAX)
    return bool(value.item())
