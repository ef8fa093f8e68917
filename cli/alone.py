"""Jobs of a sweep that are not stacked: one by one in this process, or in several."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .failures import note_failure, stop_sweep

if TYPE_CHECKING:
    from ..training.pace import Pace
    from ..training.stacked_run import Job


@dataclass
class Task:
    """A job of a sweep that is still to be trained.

    Args:
        job: its configuration and its directory.
        words: its overrides.
        place: among the sweep's jobs.
        resume: whether its directory holds what it is to go on from.
    """

    job: "Job"
    words: str
    place: int = 0
    resume: bool = False


Outcome = tuple[Task, dict[str, float]]
"""A task and its metrics, none where it failed."""


def most_processes(tasks: Sequence[Task]) -> int:
    """How many processes could train them beside each other, each with one thread."""
    from ..training.pace import cores
    from ..training.pruning import watcher_of

    if len(tasks) < 2 or any(watcher_of(task.job.config) for task in tasks):
        return 1  # who watches a run, to give it up, does so in this process
    return min(cores(), len(tasks))


def run_each(
    tasks: Sequence[Task], processes: int, pace: "Pace | None", *, always: bool
) -> Iterator[Outcome]:
    """Train each by itself, in whatever way is faster.

    Args:
        tasks: what is to be trained.
        processes: the most that may train them.
        pace: of one of them, if it is known already.
        always: take the processes without measuring whether that is faster.
    """
    from .console import TerminalReport, span
    from .workers import run_in_processes

    if min(processes, len(tasks)) < 2:
        yield from run_here(tasks)
        return
    count, threads, why = min(processes, len(tasks)), 0, ""
    if not always:
        pace = pace or _pace_of(tasks[0], count)
        if pace is None or not pace.prefers_processes(len(tasks)):
            yield from run_here(tasks)
            return
        count, threads = min(pace.processes, len(tasks)), pace.threads
        times = span(pace.in_processes(len(tasks))), span(pace.one_by_one(len(tasks)))
        why = f": about {times[0]}, against {times[1]} one by one"
    TerminalReport().note(f"{len(tasks)} runs in {count} processes{why}")
    yield from run_in_processes(tasks, count, threads)


def run_here(tasks: Sequence[Task]) -> Iterator[Outcome]:
    """Train one after another in this process."""
    from ..training.signals import Stopped
    from .console import TerminalReport

    for task in tasks:
        report = TerminalReport()
        try:
            metrics = run_alone(task, report)
        except Stopped as stopped:
            stop_sweep(stopped)
        finally:
            report.close()
        yield task, metrics


def run_alone(task: Task, report: Any) -> dict[str, float]:
    """Train it by itself; its metrics, or none where it failed.

    Raises:
        Stopped: by a signal.
    """
    from ..training.run import run
    from ..training.signals import Stopped

    try:
        result = run(task.job.config, task.job.run_dir, report, resume=task.resume)
        return result.metrics
    except Stopped:
        raise
    except Exception as error:
        note_failure(task.job.run_dir, task.words, error)
        return {}


def _pace_of(task: Task, processes: int) -> "Pace | None":
    from ..training.pace import pace_of

    return pace_of(task.job.config, processes)
