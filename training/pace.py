r"""How long a run takes on this CPU, and what a few processes would make of many runs.

The model of the cost is deliberately small. A run is its steps and a constant rest; processes add
a constant start. With $n$ runs of $s$ steps and $w$ processes,

$$T_\text{one by one} = n (r + s t), \qquad
T_\text{processes} = b + c \lceil n / w \rceil (r + s t_w)$$

where $t$ is a step's time with all of torch's threads and $t_w$ with a process's share of them:
both are measured here, the latter while the other cores rest, hence the factor $c$. $r$ and $b$ are
not measured, as they only matter for short sweeps, which are short either way. As all this is not
exact, another way than one by one must promise to take `CLEARLY` of its time at most.
"""

import itertools
import math
import time as clock
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from .config import TrainerConfig
from .distributed import World, pick_device
from .memory import bytes_of, half_of_free_bytes
from .report import Report
from .run import Parts, prepare, typed
from .stacked_optimizer import NotStackable

CLEARLY = 0.85
_REST = 1.6  # seconds of a run beside its steps: preflight, evaluation, plots in a process
_START = 4.0  # seconds until a process trains: an interpreter, torch, the first batch
_CROWDED = 1.15  # how much slower all is where the processes share memory and cache
_PROCESS_BYTES = 500e6  # of an interpreter with torch
_TRIES = 4
_ENOUGH = 0.5  # seconds of measuring one way, if so few tries take as long
_SOON = 0.05  # seconds of measuring quick steps, which others on the machine may disturb


@dataclass(frozen=True)
class Pace:
    """What a run takes: measured in a few steps.

    Args:
        steps: of the whole run.
        step: seconds of one with all of torch's threads.
        step_in_process: seconds of one with a process's share of them.
        processes: how many can train beside each other; 1 where that is not wanted.
        threads: of each of them.
    """

    steps: int
    step: float
    step_in_process: float
    processes: int
    threads: int = 1

    def one_by_one(self, runs: int) -> float:
        """Seconds of so many runs in this process.

        >>> Pace(steps=100, step=0.03, step_in_process=0.04, processes=2).one_by_one(8)
        36.8
        """
        return runs * (_REST + self.steps * self.step)

    def in_processes(self, runs: int) -> float:
        """Seconds of so many runs in processes; infinite where there is only one.

        >>> round(Pace(steps=100, step=0.03, step_in_process=0.04, processes=2).in_processes(8), 2)
        29.76
        """
        if self.processes < 2 or runs < 2:
            return math.inf
        rounds = math.ceil(runs / self.processes)
        return _START + _CROWDED * rounds * (_REST + self.steps * self.step_in_process)

    def prefers_processes(self, runs: int) -> bool:
        """Whether they are clearly faster for so many runs than one by one."""
        return self.in_processes(runs) < CLEARLY * self.one_by_one(runs)


class Slower(NotStackable):
    """The runs can be trained together, but another way is faster.

    Args:
        reason: in words.
        pace: of one of the runs.
    """

    def __init__(self, reason: str, pace: Pace) -> None:
        super().__init__(reason)
        self.pace = pace


def seconds(call: Callable[[], Any], device: torch.device) -> float:
    """The shortest of some calls, after one that prepares: two at least where they are slow."""
    best, begin = math.inf, clock.perf_counter()
    for count in itertools.count():
        started = clock.perf_counter()
        if count > 1 and started > begin + (_ENOUGH if count < _TRIES else _SOON):
            break
        call()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        best = min(best, clock.perf_counter() - started)
    return best


def measure(parts: Parts, trainer: TrainerConfig, most: int) -> Pace:
    """The pace of a run, from a few of its steps.

    Args:
        parts: what the run is made of; its weights move.
        trainer: how it trains.
        most: the most processes that are wanted, of one thread each.
    """
    source = parts.source
    batch = next(iter(source.batches("train", trainer.batch_size, seed=0)))
    batches = math.ceil(source.size("train") / trainer.batch_size)
    steps = trainer.epochs * min(batches, trainer.max_batches or batches)

    def call() -> None:
        parts.step.train(batch, 0.0)

    step = seconds(call, parts.device)
    most //= trainer.threads or 1
    processes = 1 if parts.device.type != "cpu" else min(most, _that_fit(parts, trainer))
    all_threads = torch.get_num_threads()
    if processes < 2:
        return Pace(steps, step, step, 1, all_threads)
    threads = trainer.threads or max(1, all_threads // processes)
    torch.set_num_threads(threads)
    try:
        return Pace(steps, step, seconds(call, parts.device), processes, threads)
    finally:
        torch.set_num_threads(all_threads)


def pace_of(config: Mapping[str, Any], most: int) -> Pace | None:
    """The pace of a run, from a few steps that leave nothing behind; None if it can't be tried.

    Args:
        config: of the run, resolved, as plain containers.
        most: the most processes that are wanted.
    """
    trainer = typed(TrainerConfig, config["trainer"])
    trainer = replace(trainer, compile=False)  # a minute, for every run anew
    try:
        device = pick_device(trainer.device, World())
        if device.type != "cpu":
            return None
        return measure(prepare(config, trainer, device, World(), Report()), trainer, most)
    except Exception:  # whatever is wrong with this run, it says itself when it begins
        return None


def cores() -> int:
    """The cores at hand: what torch would take, and the system grants."""
    # It knows of affinity and of a container's quota.
    from joblib import cpu_count  # type: ignore[import-untyped]  # it has no types

    return min(int(cpu_count()), torch.get_num_threads())


def _that_fit(parts: Parts, trainer: TrainerConfig) -> int:
    one = _PROCESS_BYTES + bytes_of(parts, trainer)
    return max(1, int(half_of_free_bytes(parts.device) / one))
