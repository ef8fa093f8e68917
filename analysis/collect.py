"""The runs that are asked for, as they were kept in their directories.

A sweep is a directory of runs, `outputs/sweep-xxxxxx/`; a single run is a directory by itself.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..training.journal import Curve, read_curves, read_entries
from ..training.record import CONFIG, SUMMARY
from ..training.runs import RUNS_DIR, all_runs, find_run
from ..training.sweeps import ERRORS
from ..training.tracker import JOURNAL, RUN_LOCK, SWEEP, is_held

STALE = "STALE"
"""What a run is whose record says RUNNING though its process has gone."""

_PATTERN = set("*?[")


@dataclass(frozen=True, eq=False)
class RunData:
    """What one run left behind.

    Args:
        name: the run's name.
        status: FINISHED, FAILED, KILLED, RUNNING, PRUNED or STALE.
        config: resolved, as plain containers.
        metrics: the values it ended with, `test/…` and the best of the monitored metric.
        reason: why it did not finish.
        monitor: the metric that chose its best epoch.
        best_epoch: that epoch, from 1.
        data: name, counts and fingerprint of its data.
        started: seconds since 1970.
        curves: gives every metric's curve by name; reads them when called.
    """

    name: str
    status: str
    config: Mapping[str, Any]
    metrics: Mapping[str, float]
    reason: str = ""
    monitor: str | None = None
    best_epoch: int | None = None
    data: Mapping[str, str] = field(default_factory=dict)
    started: float = 0.0
    curves: Callable[[], Mapping[str, Curve]] = dict

    def value(self, metric: str) -> float | None:
        """The metric's value: of the best epoch for `val/…`, else the last; None without one."""
        if metric in self.metrics:
            return self.metrics[metric]
        values = self.curves().get(metric, ([], []))[1]
        best = self.best_epoch if metric.startswith("val/") else None
        if best is not None and best <= len(values):
            return values[best - 1]
        return values[-1] if values else None


@dataclass(frozen=True)
class Selection:
    """What was asked for.

    Args:
        title: in a few words, `sweep-7b581a`.
        runs: the runs, oldest first.
        unborn: jobs of a sweep that failed before they were runs: the job, and why.
        notes: what is worth knowing about the choice.
    """

    title: str
    runs: Sequence[RunData]
    unborn: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = ()


def collect(words: Sequence[str] = (), runs_dir: Path = RUNS_DIR) -> Selection:
    """The runs that the words name.

    Args:
        words: each the name, directory or unique prefix of a sweep or a run, a MLflow id, a pattern
            such as `dice-*`, `best`, or `last`: the latest sweep; where there is no sweep, all runs
            on the data of the last run. Nothing means `last`.
        runs_dir: where to look.

    Raises:
        UserError: nothing, or several things, have that name.
    """
    found: dict[Path, dict[str, Any]] = {}
    unborn: list[tuple[str, str]] = []
    notes: list[str] = []
    titles = []
    everything = sorted(all_runs(runs_dir), key=lambda item: item[1].get("started", 0.0))
    for word in words or ["last"]:
        sweep = _sweep(word, everything, runs_dir)
        if sweep is not None:
            titles.append(sweep.name)
            found |= {path.parent: _read(path) for path in sweep.glob(f"*/{SUMMARY}")}
            unborn += _unborn(sweep)
            if word == "last":
                notes += _newer(sweep, everything)
        elif word == "last" and everything:
            titles.append(f"runs on {everything[-1][1].get('data')}")
            found |= _like_the_last(everything)
        elif _PATTERN & set(word):
            titles.append(word)
            found |= _matching(word, everything, runs_dir)
        else:
            directory = find_run(word, runs_dir)
            titles.append(directory.name)
            found[directory] = _read(directory / SUMMARY)
    ordered = sorted(found.items(), key=lambda item: (item[1].get("started", 0.0), item[0].name))
    runs = [read_run(directory, summary) for directory, summary in ordered]
    return Selection(" + ".join(dict.fromkeys(titles)), runs, unborn, notes)


def _sweep(
    word: str, everything: Sequence[tuple[Path, dict[str, Any]]], runs_dir: Path
) -> Path | None:
    """The sweep of that name, by a unique prefix too; None if the word names none."""
    if not _PATTERN & set(word) and _is_sweep(Path(word)):
        return Path(word)
    begun = [directory.parent for directory, _ in reversed(everything)]
    sweeps = [sweep for sweep in dict.fromkeys(begun) if sweep != runs_dir]
    if word == "last":
        return sweeps[0] if sweeps else None
    sweeps += [path.parent for path in runs_dir.glob(f"*/{SWEEP}") if path.parent not in sweeps]
    if any(word == directory.name for directory, _ in everything):
        return None
    exact = [sweep for sweep in sweeps if sweep.name == word]
    matches = exact or [sweep for sweep in sweeps if sweep.name.startswith(word)]
    if len(matches) > 1 and not any(d.name.startswith(word) for d, _ in everything):
        names = ", ".join(sweep.name for sweep in matches[:5])
        raise UserError(
            f"{len(matches)} sweeps begin with '{word}': {names}. Give more of the name"
        )
    if not matches and word.startswith("sweep") and not _PATTERN & set(word):
        there = [sweep.name for sweep in sweeps]
        near = get_close_matches(word, there, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        latest = f" The latest is {there[0]}" if there else " Start one with losslab train -m"
        raise UserError(f"no sweep '{word}' in {runs_dir}/.{hint}{latest}")
    return matches[0] if len(matches) == 1 else None


def _is_sweep(directory: Path) -> bool:
    return not (directory / SUMMARY).exists() and (
        (directory / SWEEP).exists() or any(directory.glob(f"*/{SUMMARY}"))
    )


def _newer(sweep: Path, everything: Sequence[tuple[Path, dict[str, Any]]]) -> list[str]:
    """Say so if runs were started after the sweep, as they are no part of it."""
    own = [s.get("started", 0.0) for d, s in everything if d.parent == sweep]
    newer = [d.name for d, s in everything if own and s.get("started", 0.0) > max(own)]
    if not newer:
        return []
    return [f"runs newer than {sweep.name}, no part of it: {in_short(newer)}"]


def _like_the_last(everything: Sequence[tuple[Path, dict[str, Any]]]) -> dict[Path, dict[str, Any]]:
    last = everything[-1][1]
    same = (last.get("monitor"), last.get("data"))
    return {d: s for d, s in everything if (s.get("monitor"), s.get("data")) == same}


def _matching(
    pattern: str, everything: Sequence[tuple[Path, dict[str, Any]]], runs_dir: Path
) -> dict[Path, dict[str, Any]]:
    """The runs whose name, or whose sweep's, has the pattern."""
    found = {
        d: s
        for d, s in everything
        if fnmatchcase(d.name, pattern)
        or (d.parent != runs_dir and fnmatchcase(d.parent.name, pattern))
    }
    if not found:
        raise UserError(f"no run or sweep in {runs_dir}/ is called '{pattern}'")
    return found


def _unborn(sweep: Path) -> list[tuple[str, str]]:
    """The sweep's jobs that failed and left no run to count."""
    path = sweep / ERRORS
    if not path.exists():
        return []
    reasons = [str(_read(run).get("reason") or "") for run in sweep.glob(f"*/{SUMMARY}")]
    without = []
    for entry in map(json.loads, path.read_text().splitlines()):
        job, error = entry["job"], (str(entry["error"]).splitlines() or [""])[0]
        of_a_run = next((reason for reason in reasons if error and error in reason), None)
        if of_a_run is not None:
            reasons.remove(of_a_run)
        else:
            without.append((job if isinstance(job, str) else " ".join(job), error))
    return without


def _read(path: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(path.read_text())
    return values


def read_run(directory: Path, summary: Mapping[str, Any]) -> RunData:
    """A run from its directory."""
    return RunData(
        name=directory.name,
        status=state_of(directory, summary),
        config=_config(directory),
        metrics=summary.get("metrics") or {},
        reason=str(summary.get("reason") or ""),
        monitor=summary.get("monitor"),
        best_epoch=summary.get("best_epoch"),
        data=_data_tags(directory / JOURNAL),
        started=float(summary.get("started") or 0.0),
        curves=cache(lambda: read_curves(directory / JOURNAL)),
    )


def state_of(directory: Path, summary: Mapping[str, Any]) -> str:
    """The true state of a run or sweep: STALE if it says RUNNING and nobody is at it.

    PRUNED is a run that a search gave up: what it came to is not what it would have come to.
    """
    status = str(summary.get("status"))
    if status == "FINISHED" and summary.get("pruned"):
        return "PRUNED"
    if status != "RUNNING":
        return status
    lock = directory / RUN_LOCK
    try:
        return "RUNNING" if lock.exists() and is_held(lock) else STALE
    except OSError:  # a folder that may not be written to: nobody can tell
        return "RUNNING"


def _config(directory: Path) -> dict[str, Any]:
    import yaml

    path = directory / CONFIG
    if not path.exists():
        raise UserError(f"{directory} holds no {CONFIG}: it is no run's directory")
    # Hundreds of files: libyaml's loader, where it is there, reads them ten times as fast.
    config: dict[str, Any] = yaml.load(
        path.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    )
    return config


def _data_tags(journal: Path) -> dict[str, str]:
    """What the run was told to be marked with about its data: in the journal's first entry."""
    if not journal.exists():
        return {}
    entry: Mapping[str, Any] = next((entry for entry, _ in read_entries(journal)), {})
    return data_tags(entry.get("tags", {}))


def data_tags(tags: Mapping[str, Any]) -> dict[str, str]:
    """Those of a run's tags that tell of its data.

    >>> data_tags({"loss": "bce", "data.name": "digits"})
    {'name': 'digits'}
    """
    return {key.removeprefix("data."): str(v) for key, v in tags.items() if key.startswith("data.")}


def in_short(names: Sequence[str], most: int = 5) -> str:
    """The first few names, and how many more there are.

    >>> in_short(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
