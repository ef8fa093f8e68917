"""Many runs as one program: what `run` is for one, this is for runs that differ in numbers only.

Each run keeps its own directory, journal, checkpoints and state, as if it had been trained alone.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from ..data.source import Batch
from .config import ObjectiveConfig, TrainerConfig
from .distributed import World, pick_device
from .memory import bytes_of, half_of_free_bytes
from .pace import CLEARLY, Pace, Slower, measure, seconds
from .report import Report
from .run import Parts, Result, prepare, typed
from .stacked_data import StackedData
from .stacked_group import StackedGroup
from .stacked_optimizer import NotStackable
from .stacked_run import Job

Config = Mapping[str, Any]

_HEAVY = 5e-3  # seconds of a run's step, from which on it is no overhead that is shared


def train_together(
    jobs: Sequence[Job],
    report: Report,
    max_width: int | None = None,
    processes: int = 1,
    compile: bool = False,
) -> list[Result | Exception]:
    """Train runs that differ in numbers only; each one's result, or what ended it.

    Args:
        jobs: alike but for seeds, learning rates, weights and numeric options.
        report: hears what happens.
        max_width: the most runs in one program; None takes what fits into memory.
        processes: how many could train them otherwise; 1 for this process only.
        compile: compile the program, see `VectorizedStep.compile`; so does `trainer.compile`.

    Raises:
        NotStackable: they can't be trained as one program, or it is slower; nothing has been
            written.
        UserError: what the user can put right, found before the first step.
        Stopped: a signal asked the runs to stop.
    """
    config = jobs[0].config
    trainer = typed(TrainerConfig, config["trainer"])
    _check_stackable(config, trainer)
    device = pick_device(trainer.device, World())
    if trainer.threads is not None:
        torch.set_num_threads(trainer.threads)
    threads = torch.get_num_threads()
    try:
        parts = prepare(config, trainer, device, World(), report)
        return _train(jobs, parts, trainer, report, max_width, processes, compile)
    finally:
        torch.set_num_threads(threads)


def _train(
    jobs: Sequence[Job],
    parts: Parts,
    trainer: TrainerConfig,
    report: Report,
    max_width: int | None,
    processes: int,
    compile: bool,
) -> list[Result | Exception]:
    data = StackedData([job.config for job in jobs], parts.source, parts.device)
    width = max_width or max(1, int(half_of_free_bytes(parts.device) / bytes_of(parts, trainer)))
    pace = measure(parts, trainer, processes)

    def group_of(rows: range) -> StackedGroup:
        chosen = [jobs[row] for row in rows]
        return StackedGroup(chosen, parts, data.of(rows), trainer, report, compile)

    results: list[Result | Exception] = []
    for first in range(0, len(jobs), width):
        rows = range(len(jobs))[first : first + width]
        if first == 0 and pace.step > _HEAVY and len(rows) > 2:
            _check_a_pair(group_of(rows[:2]), pace)
        group = group_of(rows)
        if first == 0:
            _check_speed(group, pace, len(jobs))
        elif group.compiles:
            group.compile()
        report.note(f"{len(group.jobs)} runs are trained as one program")
        results += group.train()
    return results


def _check_stackable(config: Config, trainer: TrainerConfig) -> None:
    if trainer.precision != "fp32":
        raise NotStackable(f"trainer.precision={trainer.precision} is not stacked")
    if trainer.accumulate > 1:
        raise NotStackable("trainer.accumulate is not stacked")
    if typed(ObjectiveConfig, config["objective"]).gradient_shares:
        raise NotStackable("objective.gradient_shares is measured run by run")
    if typed(ObjectiveConfig, config["objective"]).curvature_every:
        raise NotStackable("objective.curvature_every is measured run by run")
    if config.get("balance"):
        raise NotStackable("balance looks at the gradients of a run's terms")
    if config.get("answer"):
        raise NotStackable("each run answers its question by itself")


def _check_a_pair(group: StackedGroup, pace: Pace) -> None:
    """See that these few, whose steps are heavy, gain anything by being stacked.

    What is lost by that, as by grouped convolutions on the CPU, a few runs tell at less cost than
    all.

    Raises:
        Slower: they do not.
    """
    _check_step(group, group.tried, pace)


def _check_speed(group: StackedGroup, pace: Pace, runs: int) -> None:
    """See that the program, compiled if it is to be, is faster than its runs otherwise.

    It goes on with as many threads as are best for it.

    Args:
        group: the first.
        pace: of a run alone.
        runs: of all groups.

    Raises:
        Slower: it is not.
    """
    batch = next(group.batches(0))
    threads, best = torch.get_num_threads(), torch.get_num_threads()
    with group.step.leaving_no_trace():
        together = _step_seconds(group, batch)
        if threads > 1 and group.trainer.threads is None and pace.step < _HEAVY:
            # Small steps lose more by waiting for their threads than they gain.
            torch.set_num_threads(1)
            together, best = min((together, threads), (_step_seconds(group, batch), 1))
        if group.compiles:
            torch.set_num_threads(best)
            together = _compare_compiled(group, batch, together)
        torch.set_num_threads(threads)
    _check_step(group, together, pace)
    in_programs = math.ceil(runs / len(group.jobs)) * group.steps * together
    in_processes = pace.in_processes(runs)
    if in_programs > CLEARLY * in_processes:
        raise Slower(
            f"about {in_programs:.3g} s as one program, and "
            f"{in_processes:.3g} s in {pace.processes} processes",
            pace,
        )
    torch.set_num_threads(best)


def _step_seconds(group: StackedGroup, batch: Batch) -> float:
    return seconds(lambda: group.step.train(batch, 0.0), group.device)


def _compare_compiled(group: StackedGroup, batch: Batch, traced: float) -> float:
    """Compile the program, and keep that if it is faster; the seconds of a step."""
    group.compile()
    if not group.compiles:
        return traced
    compiled = _step_seconds(group, batch)
    if compiled < traced:
        return compiled
    group.drop_compiled()
    times = f"a step takes {1e3 * compiled:.3g} ms, and {1e3 * traced:.3g} ms without"
    group.report.note(f"the program goes on as it was: compiled, {times}")
    return traced


def _check_step(group: StackedGroup, together: float, pace: Pace) -> None:
    """Compare a step of all with as many alone."""
    runs = len(group.jobs)
    if together > CLEARLY * runs * pace.step:
        raise Slower(
            f"a step of {runs} takes {1e3 * together:.3g} ms as one program, and "
            f"{1e3 * runs * pace.step:.3g} ms one by one",
            pace,
        )
