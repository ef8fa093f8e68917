"""Memory: what a run takes, and what is free."""

import math
import os
from pathlib import Path

import torch
from torch import Tensor

from .config import TrainerConfig
from .run import Parts

_SAVED = 3  # what is saved for the backward pass, what it makes of that, and what is on its way
_COPIES = 8  # weights, gradients, two moments, the best so far, and room to compute


def bytes_of(parts: Parts, trainer: TrainerConfig) -> float:
    """The memory that training one run takes, by what the backward pass keeps of a tiny batch."""
    weights = {weight.untyped_storage().data_ptr() for weight in parts.step.parameters.values()}
    saved = 0

    def count(tensor: Tensor) -> Tensor:
        nonlocal saved
        if tensor.untyped_storage().data_ptr() not in weights:  # they do not grow with the batch
            saved += tensor.nbytes
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        parts.step.compute(parts.batch, 0.0)
    samples = len(next(iter(parts.batch.values())))
    own = sum(weight.nbytes for weight in parts.step.parameters.values())
    return _SAVED * saved * trainer.batch_size / samples + _COPIES * own


def half_of_free_bytes(device: torch.device) -> float:
    """Half of the memory that is free, which sweeps may use."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free / 2
    return min(_available(), _left_by_the_limit()) / 2


def _available(meminfo: Path = Path("/proc/meminfo")) -> float:
    """What the system could give: with what it only keeps in case it is read again."""
    if meminfo.exists():
        for line in meminfo.read_text().splitlines():
            name, _, amount = line.partition(":")
            if name == "MemAvailable":
                return 1024 * float(amount.split()[0])
    return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))


def _left_by_the_limit(root: Path = Path("/sys/fs/cgroup")) -> float:
    """What the limits of a container, or of a cluster's job, leave; infinite without one."""
    groups = Path("/proc/self/cgroup")
    own = groups.read_text().partition("0::/")[2].strip() if groups.exists() else ""
    left = math.inf
    for folder in (root / own, *(root / own).parents):
        limit, used = folder / "memory.max", folder / "memory.current"
        if limit.exists() and limit.read_text().strip() != "max":
            left = min(left, float(limit.read_text()) - float(used.read_text()) + _cached(folder))
    return max(0.0, left)


def _cached(folder: Path) -> float:
    """Of the memory used, what holds files that can be read again."""
    for line in (folder / "memory.stat").read_text().splitlines():
        name, _, amount = line.partition(" ")
        if name == "inactive_file":
            return float(amount)
    return 0.0
