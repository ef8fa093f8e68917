"""The jobs of a sweep: which can be trained together, and what each came to."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from ..training.sweeps import ERRORS, SWEEP

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from ..training.signals import Stopped
    from ..training.together import Job

failures: list[tuple[str, Exception]] = []  # jobs of this process that failed, and why
_OPTIMIZER_NUMBERS = ("lr", "weight_decay", "momentum", "betas")
_NUMBER = "a number"


def run_jobs(
    jobs: "Sequence[tuple[DictConfig, Path, str]]", max_width: int | None
) -> list[dict[str, float]]:
    """Train the jobs, those that differ in numbers only as one program; the metrics of each.

    Args:
        jobs: of each its configuration, its directory, and its overrides in words.
        max_width: the most runs in one program; None takes what fits into memory.
    """
    from ..training.sweeps import known_run
    from ..training.together import Job
    from .compose import plain

    outcomes: list[dict[str, float]] = [{} for _ in jobs]
    groups: dict[str, list[int]] = {}
    made: dict[int, Job] = {}
    for index, (config, directory, words) in enumerate(jobs):
        try:
            job = made[index] = Job(plain(config), directory)
        except Exception as error:
            note_failure(directory, words, error)
            continue
        known = known_run(directory.parent, job.config)
        if known is None:
            groups.setdefault(repr(without_numbers(job.config)), []).append(index)
        else:
            outcomes[index] = go_on(known, job.config, directory, words)
    for members in groups.values():
        chosen = [made[i] for i in members]
        in_words = [jobs[i][2] for i in members]
        for index, metrics in zip(members, _run_group(chosen, in_words, max_width), strict=True):
            outcomes[index] = metrics
    return outcomes


def go_on(
    known: tuple[Path, dict[str, Any]], config: Mapping[str, Any], fresh_dir: Path, words: str
) -> dict[str, float]:
    """The metrics of a job that the sweep has done, or has begun and now completes."""
    from ..training.together import Job

    run_dir, summary = known
    if fresh_dir.is_dir() and not any(fresh_dir.iterdir()):
        fresh_dir.rmdir()
    if summary["status"] == "FINISHED":
        metrics: dict[str, float] = summary["metrics"]
        return metrics
    return _run_alone(Job(config, run_dir), words, resume=True)


def without_numbers(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with a mark in place of every number in which stacked runs may differ.

    >>> without_numbers({"seed": 1, "loss": {"bce": {"weight": 0.5, "reduce": "mean"}}})
    {'seed': 'a number', 'loss': {'bce': {'weight': 'a number', 'reduce': 'mean'}}}
    """
    marked = dict(config)
    if "seed" in marked:
        marked["seed"] = _NUMBER
    marked["loss"] = {name: _marked(term) for name, term in (config.get("loss") or {}).items()}
    for group, names in (("optimizer", _OPTIMIZER_NUMBERS), ("data", ("split_seed",))):
        if config.get(group):
            marked[group] = {
                key: _marked(value, key) if key in names else value
                for key, value in config[group].items()
            }
    return marked


def _marked(value: Any, key: str = "") -> Any:
    if key in ("weight", "lr"):  # a number at each time, whichever schedule gives it
        return _NUMBER
    if isinstance(value, Mapping):
        return {name: _marked(item, name) for name, item in value.items()}
    if key == "ignore_index":
        return value
    if isinstance(value, (list, tuple)):
        return [_marked(item) for item in value]
    return _NUMBER if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _run_group(
    jobs: "Sequence[Job]", words: Sequence[str], max_width: int | None
) -> list[dict[str, float]]:
    """As one program where that can be done and is faster, else one by one."""
    from ..training.signals import Stopped
    from ..training.stacked_optimizer import NotStackable
    from ..training.together import train_together
    from .console import TerminalReport

    report = TerminalReport()
    try:
        if len(jobs) > 1:
            results = train_together(jobs, report, max_width)
            return [
                _noted(job, word, result)
                for job, word, result in zip(jobs, words, results, strict=True)
            ]
    except NotStackable as reason:
        report.note(f"{len(jobs)} runs are trained one by one: {reason}")
    except Stopped as stopped:
        stop_sweep(stopped)
    except Exception as error:
        if any(any(job.run_dir.iterdir()) for job in jobs):  # they had begun
            return [_noted(job, word, error) for job, word in zip(jobs, words, strict=True)]
        # One of them is at fault: alone, each gets its own answer.
    finally:
        report.close()
    return [_run_alone(job, word) for job, word in zip(jobs, words, strict=True)]


def _run_alone(job: "Job", words: str, *, resume: bool = False) -> dict[str, float]:
    from ..training.run import run
    from ..training.signals import Stopped
    from .console import TerminalReport

    report = TerminalReport()
    try:
        return run(job.config, job.run_dir, report, resume=resume).metrics
    except Stopped as stopped:
        stop_sweep(stopped)
    except Exception as error:
        return _noted(job, words, error)
    finally:
        report.close()


def _noted(job: "Job", words: str, outcome: Any) -> dict[str, float]:
    """The metrics of a run, or none where it failed."""
    if isinstance(outcome, Exception):
        note_failure(job.run_dir, words, outcome)
        return {}
    metrics: dict[str, float] = outcome.metrics
    return metrics


def note_failure(run_dir: Path, words: str, error: Exception) -> None:
    """Keep what ended a job; the others go on."""
    failures.append((words or run_dir.name, error))
    if (run_dir.parent / SWEEP).exists():  # for the process that started the sweep
        line = json.dumps({"job": words or run_dir.name, "error": str(error)})
        with (run_dir.parent / ERRORS).open("a") as file:
            file.write(line + "\n")
    if run_dir.is_dir() and not any(run_dir.iterdir()):
        run_dir.rmdir()  # it was made for the job, and nothing came of it


def stop_sweep(stopped: "Stopped") -> NoReturn:
    """A signal stops the whole sweep, not one job of it."""
    from .console import error_line

    error_line(f"{stopped}; the rest of the sweep was not started", "[yellow]Note:[/]")
    raise SystemExit(128 + stopped.signal_number) from None
