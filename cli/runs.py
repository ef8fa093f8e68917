"""`losslab runs`: the runs and sweeps here, what became of them, and which are left hanging."""

import json
import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UserError

if TYPE_CHECKING:
    from ..analysis.collect import RunData

_STATES = ("FINISHED", "PRUNED", "FAILED", "KILLED", "RUNNING", "STALE")
_STYLES = {"FINISHED": "green", "FAILED": "red", "STALE": "red", "RUNNING": "cyan"}
_ONE_LINE = 1000  # columns, where nobody looks


@dataclass(frozen=True)
class _Entry:
    """A run, or a sweep with its runs."""

    directory: Path
    status: str
    loss: str
    model: str
    data: str
    monitor: str
    best: float | None
    started: float
    reason: str = ""
    runs: Sequence["_Entry"] = ()


def runs_command(
    filters: Sequence[str], status: str | None = None, *, clean: bool = False, as_json: bool = False
) -> int:
    """List what there is, newest last; the exit code."""
    from ..training.runs import RUNS_DIR

    if status is not None and status.upper() not in _STATES:
        raise UserError(f"--status must be one of {', '.join(_STATES).lower()}; got {status}")
    if clean:
        _clean(RUNS_DIR)
    entries = _entries(filters, RUNS_DIR)
    if status is not None:
        entries = [e for e in _unfolded(entries) if e.status == status.upper()]
    elif filters:
        entries = _unfolded(entries)
    if as_json:
        print(json.dumps([_as_data(e) for e in _unfolded(entries)], indent=2, ensure_ascii=False))
        return 0
    if not entries:
        asked = [*filters, *([f"--status {status}"] if status else [])]
        print(
            f"no runs in {RUNS_DIR}/ for {' '.join(asked)}"
            if asked
            else f"there are no runs in {RUNS_DIR}/: start one with losslab train"
        )
        return 0
    _show(entries)
    return 0


def _entries(filters: Sequence[str], runs_dir: Path) -> list[_Entry]:
    """Runs and sweeps that pass the filters, newest last."""
    from ..analysis.collect import read_run
    from ..analysis.compare import filtered
    from ..training.runs import all_runs
    from ..training.tracker import SWEEP

    names = [text for text in filters if "=" not in text]
    directories = {}
    read = []
    for directory, summary in all_runs(runs_dir):
        if all(_named(directory, name, runs_dir) for name in names):
            run = read_run(directory, summary)
            directories[id(run)] = (directory, summary)
            read.append(run)
    kept = filtered(read, [text for text in filters if "=" in text], flag="")
    singles: list[_Entry] = []
    sweeps: dict[Path, list[_Entry]] = {}
    for run in kept:
        directory, summary = directories[id(run)]
        entry = _entry(directory, run, summary)
        in_sweep = directory.parent != runs_dir
        (sweeps.setdefault(directory.parent, []) if in_sweep else singles).append(entry)
    if not filters:  # sweeps of which no job has begun
        for path in runs_dir.glob(f"*/{SWEEP}"):
            sweeps.setdefault(path.parent, [])
    folded = [_sweep_entry(directory, runs) for directory, runs in sweeps.items()]
    return sorted([*singles, *folded], key=lambda entry: entry.started)


def _named(directory: Path, name: str, runs_dir: Path) -> bool:
    """Whether the run, or its sweep, has that in its name."""
    own = (
        [directory.name]
        if directory.parent == runs_dir
        else [directory.name, directory.parent.name]
    )
    if set("*?[") & set(name):
        return any(fnmatchcase(each, name) for each in own)
    return any(name in each for each in own)


def _entry(directory: Path, run: "RunData", summary: Mapping[str, Any]) -> _Entry:
    from ..analysis.varying import labels

    return _Entry(
        directory,
        run.status,
        str(summary.get("loss") or labels("loss", [run.config])[0]),
        labels("model", [run.config])[0],
        str(summary.get("data") or run.data.get("name") or labels("data", [run.config])[0]),
        run.monitor or "",
        summary.get("best"),
        run.started,
        run.reason,
    )


def _sweep_entry(directory: Path, runs: Sequence[_Entry]) -> _Entry:
    """A sweep on one line: what its runs have in common, or the several."""
    from ..analysis.collect import state_of
    from ..training.metrics_mode import mode_of
    from ..training.tracker import SWEEP

    runs = sorted(runs, key=lambda run: run.started)
    path = directory / SWEEP
    summary = json.loads(path.read_text()) if path.exists() else {}
    monitors = {run.monitor for run in runs}
    values = [run.best for run in runs if run.best is not None]
    best = None
    if values and len(monitors) == 1:
        best = min(values) if mode_of(runs[0].monitor) == "min" else max(values)
    return _Entry(
        directory,
        state_of(directory, summary) if summary else _common_state(runs),
        _several(run.loss for run in runs),
        _several(run.model for run in runs),
        _several(run.data for run in runs),
        monitors.pop() if len(monitors) == 1 else "",
        best,
        float(summary.get("started") or min((run.started for run in runs), default=0.0)),
        str(summary.get("reason") or ""),
        runs,
    )


def _common_state(runs: Sequence[_Entry]) -> str:
    """Of a sweep without a record of its own: the state that weighs most among its runs."""
    states = {run.status for run in runs}
    order = ("RUNNING", "STALE", "FAILED", "KILLED", "FINISHED")
    return next((state for state in order if state in states), "")


def _several(values: Any) -> str:
    found = list(dict.fromkeys(value for value in values if value))
    return ", ".join(found) if len(found) <= 3 else f"{len(found)} kinds"


def _unfolded(entries: Sequence[_Entry]) -> list[_Entry]:
    """Sweeps as their runs; one without runs stays."""
    return [run for entry in entries for run in (entry.runs or [entry])]


def _clean(runs_dir: Path) -> None:
    """Mark what says RUNNING though its process has gone; nothing is deleted."""
    from ..analysis.collect import STALE, state_of
    from ..training.record import SUMMARY
    from ..training.runs import all_runs
    from ..training.tracker import SWEEP

    hanging = [(d, SUMMARY) for d, s in all_runs(runs_dir) if state_of(d, s) == STALE]
    for path in runs_dir.glob(f"*/{SWEEP}"):
        if state_of(path.parent, json.loads(path.read_text())) == STALE:
            hanging.append((path.parent, SWEEP))
    marked = [directory for directory, name in hanging if mark_killed(directory, name)]
    print(f"marked {len(marked)} stale as KILLED" if marked else "nothing is stale")
    for directory in marked:
        unsent = _tell_the_store(directory)
        print(
            f"  {directory.name}"
            + (f", but its store could not be told: {unsent}" if unsent else "")
        )


def mark_killed(directory: Path, name: str) -> bool:
    """Write KILLED into the summary; meanwhile the run's lock keeps others from taking it up."""
    from filelock import FileLock, Timeout

    from ..training.tracker import JOURNAL, RUN_LOCK, write_json

    try:
        with FileLock(directory / RUN_LOCK, timeout=0):
            path, journal = directory / name, directory / JOURNAL
            summary = json.loads(path.read_text())
            if summary.get("status") != "RUNNING":
                return False
            last = journal if journal.exists() else path
            summary["status"] = "KILLED"
            summary["reason"] = "the process ended without a word (killed, or out of memory)"
            summary["finished"] = last.stat().st_mtime
            write_json(path, summary)
            return True
    except Timeout:
        return False  # it has just been resumed


def _tell_the_store(directory: Path) -> str:
    """Close the MLflow run as its tracker would have; what kept it from that, if anything."""
    from filelock import FileLock, Timeout

    from ..training.tracker import STATE, TRACKER_LOCK, State, follow

    if not (directory / STATE).exists():
        return ""
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    with suppress(Timeout), FileLock(directory / TRACKER_LOCK, timeout=0):
        follow([directory], wait=0)
        return str(State(directory).values.get("error") or "")
    return ""  # a tracker is at it


def _show(entries: Sequence[_Entry]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from .trimmed import trimmed

    console = Console(highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _ONE_LINE
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("name", no_wrap=True, overflow="fold")
    table.add_column("status", no_wrap=True)
    for title in ("loss", "model", "data"):
        table.add_column(title, overflow="ellipsis")
    table.add_column("best", no_wrap=True)
    table.add_column("age", no_wrap=True, justify="right")
    now = time.time()
    for entry in entries:
        table.add_row(
            Text(entry.directory.name, style="bold" if _is_sweep(entry) else ""),
            _status(entry),
            Text(entry.loss),
            Text(entry.model),
            Text(entry.data),
            Text(_best(entry)),
            age(now - entry.started),
        )
    with trimmed(console):
        console.print(table)
        stale = [e for entry in entries for e in (entry, *entry.runs) if e.status == "STALE"]
        if stale:
            console.print(
                "\nSTALE: it says RUNNING, but its process has gone; losslab runs --clean marks it"
            )


def _is_sweep(entry: _Entry) -> bool:
    return bool(entry.runs) or (entry.directory / "sweep.json").exists()


def _status(entry: _Entry) -> Any:
    from rich.text import Text

    if not _is_sweep(entry):
        return Text(entry.status, style=_STYLES.get(entry.status, ""))
    counts = Counter(run.status for run in entry.runs)
    told = ", ".join(f"{n} {state}" for state in _STATES if (n := counts[state]))
    if entry.status not in counts:  # the sweep's own: it was stopped, or is under way
        told = f"{entry.status}: {told or 'no runs'}"
    worst = [s for s in ("STALE", "FAILED", "RUNNING") if counts[s] or entry.status == s]
    return Text(told, style=_STYLES.get((worst or [entry.status])[0], ""))


def _best(entry: _Entry) -> str:
    from .console import number

    if entry.best is None:
        return ""
    return f"{entry.monitor.removeprefix('val/')} {number(entry.best)}"


def age(seconds: float) -> str:
    """How long ago, in its largest unit.

    >>> age(42), age(3700), age(200_000)
    ('42s', '1h', '2d')
    """
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{max(0, int(seconds))}s"


def _as_data(entry: _Entry) -> dict[str, Any]:
    return {
        "name": entry.directory.name,
        "directory": str(entry.directory),
        "status": entry.status,
        "reason": entry.reason or None,
        "loss": entry.loss,
        "model": entry.model,
        "data": entry.data,
        "monitor": entry.monitor or None,
        "best": entry.best,
        "started": entry.started,
    }


def complete_run(incomplete: str) -> list[str]:
    """The runs and sweeps whose name begins so, and the words that stand for one."""
    from ..training.runs import RUNS_DIR

    names = [path.parent.name for path in RUNS_DIR.glob("*/run.json")]
    names += {path.parent.parent.name for path in RUNS_DIR.glob("*/*/run.json")}
    return [name for name in ["last", "best", *sorted(names)] if name.startswith(incomplete)]
