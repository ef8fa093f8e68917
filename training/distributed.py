"""Where a run computes: its device, and its place among the ranks that `torchrun` started."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from ..errors import UserError


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
    if device.type == "cuda":
        torch.cuda.set_device(device)
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


def pick_device(name: str, here: World) -> torch.device:
    """The device that `trainer.device` asks for; `auto` takes the first accelerator there is.

    Raises:
        UserError: it is not there.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", here.local_rank)
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        if name == "cuda" and here.size > 1:
            device = torch.device("cuda", here.local_rank)
    except RuntimeError:
        raise UserError(
            f"trainer.device={name} is no device: auto, cpu, cuda, cuda:1, mps"
        ) from None
    there = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if not there.get(device.type, False):
        raise UserError(f"trainer.device={name}: torch finds no such device here; use auto or cpu")
    return device
