"""The jobs of a sweep: which can be trained together, and what each came to."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

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
    from ..training.together import Job
    from .compose import plain

    outcomes: list[dict[str, float]] = [{} for _ in jobs]
    groups: dict[str, list[int]] = {}
    configs: list[dict[str, Any] | None] = []
    for index, (config, directory, words) in enumerate(jobs):
        try:
            configs.append(plain(config))
        except Exception as error:
            configs.append(None)
            note_failure(directory, words, error)
            continue
        groups.setdefault(repr(without_numbers(configs[index] or {})), []).append(index)
    for members in groups.values():
        chosen = [Job(configs[i] or {}, jobs[i][1]) for i in members]
        in_words = [jobs[i][2] for i in members]
        for index, metrics in zip(members, _run_group(chosen, in_words, max_width), strict=True):
            outcomes[index] = metrics
    return outcomes


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
                key: _marked(value) if key in names else value
                for key, value in config[group].items()
            }
    return marked


def _marked(value: Any, key: str = "") -> Any:
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
        return [_noted(job, word, error) for job, word in zip(jobs, words, strict=True)]
    finally:
        report.close()
    return [_run_alone(job, word) for job, word in zip(jobs, words, strict=True)]


def _run_alone(job: "Job", words: str) -> dict[str, float]:
    from ..training.run import run
    from ..training.signals import Stopped
    from .console import TerminalReport

    report = TerminalReport()
    try:
        return run(job.config, job.run_dir, report).metrics
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
    if run_dir.is_dir() and not any(run_dir.iterdir()):
        run_dir.rmdir()  # it was made for the job, and nothing came of it


def stop_sweep(stopped: "Stopped") -> NoReturn:
    """A signal stops the whole sweep, not one job of it."""
    from .console import error_line

    error_line(f"{stopped}; the rest of the sweep was not started", "[yellow]Note:[/]")
    raise SystemExit(128 + stopped.signal_number) from None
