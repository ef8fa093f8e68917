"""The jobs of a sweep: which can be trained together, and what each came to."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .alone import Outcome, Task, most_processes, run_each, run_here
from .failures import leave, note_failure, stop_sweep

if TYPE_CHECKING:
    from ..training.pace import Pace


def run_jobs(
    jobs: Sequence[tuple[dict[str, Any], Path, str]],
    max_width: int | None = None,
    workers: int | None = 1,
    compile: bool = False,
) -> list[dict[str, float]]:
    """Train the jobs, those that differ in numbers only as one program; the metrics of each.

    Args:
        jobs: of each its configuration, its directory, and its overrides in words.
        max_width: the most runs in one program; None takes what fits into memory.
        workers: processes for what is not stacked; 1 trains it here, None takes what is faster.
        compile: compile what is trained as one program.
    """
    from ..training.sweeps import jobs_of

    outcomes: list[dict[str, float]] = [{} for _ in jobs]
    begun = list(jobs_of(jobs[0][1].parent)) if jobs else []
    tasks = []
    for place, (config, directory, words) in enumerate(jobs):
        try:
            task = _task(config, directory, words, place, begun)
        except Exception as error:
            note_failure(directory, words, error)
            continue
        if isinstance(task, Task):
            tasks.append(task)
        else:
            outcomes[place] = task
    for task, metrics in _run_tasks(tasks, max_width, workers, compile):
        outcomes[task.place] = metrics
    return outcomes


def _task(
    values: dict[str, Any],
    directory: Path,
    words: str,
    place: int,
    begun: Sequence[tuple[Path, dict[str, Any]]],
) -> Task | dict[str, float]:
    """What is to be trained; of a job among those begun that the sweep has done, its metrics."""
    from ..training.stacked_run import Job
    from ..training.sweeps import known_run

    known = known_run(begun, values)
    if known is None:
        return Task(Job(values, directory), words, place)
    return _going_on(known, values, directory, words, place)


def _going_on(
    known: tuple[Path, dict[str, Any]],
    config: Mapping[str, Any],
    fresh_dir: Path,
    words: str,
    place: int,
) -> Task | dict[str, float]:
    from ..training.stacked_run import Job

    run_dir, summary = known
    leave(fresh_dir)
    if summary["status"] == "FINISHED":
        metrics: dict[str, float] = summary["metrics"]
        return metrics
    return Task(Job(config, run_dir), words, place, resume=True)


def go_on(
    known: tuple[Path, dict[str, Any]], config: Mapping[str, Any], fresh_dir: Path, words: str
) -> dict[str, float]:
    """The metrics of a job that the sweep has done, or has begun and now completes."""
    task = _going_on(known, config, fresh_dir, words, 0)
    if isinstance(task, Task):
        return next(run_here([task]))[1]
    return task


def _run_tasks(
    tasks: Sequence[Task], max_width: int | None, workers: int | None, compile: bool
) -> Iterator[Outcome]:
    """Each task with its metrics, in any order: first what is stacked, then the rest."""
    from ..training.alike import without_numbers

    processes = most_processes(tasks) if workers is None else workers
    groups: dict[str, list[Task]] = {}
    for task in tasks:
        alone = task.resume or max_width == 1
        key = str(task.place) if alone else repr(without_numbers(task.job.config))
        groups.setdefault(key, []).append(task)
    if going_on := sum(task.resume for task in tasks):
        from ..data.messages import counted
        from .console import TerminalReport

        runs = counted(going_on, "run")
        TerminalReport().note(f"continued where stopped, one by one and not stacked: {runs}")
    rest: list[Task] = []
    paces: dict[str, Pace] = {}  # of what was too slow as one program
    for members in groups.values():
        kind = repr([members[0].job.config[key] for key in ("model", "data", "trainer")])
        if len(members) == 1 or kind in paces:
            rest += members
            continue
        outcomes, pace = _run_group(members, max_width, processes, compile)
        yield from outcomes
        rest += [] if outcomes else members
        if pace is not None:
            paces[kind] = pace
    always = workers is not None
    yield from run_each(rest, processes, next(iter(paces.values()), None), always=always)


def _run_group(
    tasks: Sequence[Task], max_width: int | None, processes: int, compile: bool
) -> "tuple[list[Outcome], Pace | None]":
    """Train them as one program where that can be done and is faster.

    Returns:
        What each came to, or nothing where they are still to be trained; and the pace of one alone
        where that was found to be faster.
    """
    from ..training.pace import Slower
    from ..training.signals import Stopped
    from ..training.stacked_optimizer import NotStackable
    from ..training.together import train_together
    from .console import TerminalReport

    report = TerminalReport()
    jobs = [task.job for task in tasks]
    try:
        results = train_together(jobs, report, max_width, processes, compile)
        return [(task, _noted(task, r)) for task, r in zip(tasks, results, strict=True)], None
    except NotStackable as reason:
        how = "not stacked" if processes > 1 else "trained one by one"
        report.note(f"{len(jobs)} runs are {how}: {reason}")
        return [], reason.pace if isinstance(reason, Slower) else None
    except Stopped as stopped:
        stop_sweep(stopped)
    except Exception as error:
        if any(any(job.run_dir.iterdir()) for job in jobs):  # they had begun
            return [(task, _noted(task, error)) for task in tasks], None
        return [], None  # one of them is at fault: alone, each gets its own answer
    finally:
        report.close()


def _noted(task: Task, outcome: Any) -> dict[str, float]:
    """The metrics of a run, or none where it failed."""
    if isinstance(outcome, Exception):
        note_failure(task.job.run_dir, task.words, outcome)
        return {}
    metrics: dict[str, float] = outcome.metrics
    return metrics
