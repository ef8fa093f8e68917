"""The journal: what a run has to tell, one JSON line at a time, on disk before anyone reads it.

The training process only appends to the journal. The tracker, a process of its own, reads it and
writes to MLflow. So training never waits for a store, nothing is lost when the store is away, and a
run whose process was killed can still be closed truthfully.
"""

import json
import math
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

Row = tuple[str, float, int]
"""A metric: name, value, step."""

Curve = tuple[list[int], list[float]]
"""A metric's steps and values."""


class Journal:
    """Appends to a run's journal; opened again for a resumed run, it never repeats a metric.

    Steps behind the checkpoint that a run is resumed from are done again, on a CPU with the very
    same values. They were told before, and MLflow can't take a metric back, so the first telling
    stands, also if the run was resumed with other options.

    Args:
        path: the journal's file; created if it is not there.
    """

    def __init__(self, path: Path) -> None:
        self._last_step = _mend(path) if path.exists() else {}
        self._file = path.open("a", encoding="utf-8")

    def start(self, params: Mapping[str, Any], tags: Mapping[str, str]) -> None:
        """The run begins, or goes on: its parameters and tags."""
        self._write({"kind": "start", "params": dict(params), "tags": dict(tags), "time": _now()})

    def metrics(self, rows: Iterable[Row]) -> None:
        """Metrics; a row at or before the last step of its name is known already and is dropped."""
        now = _now()
        new = []
        for name, value, step in rows:
            if step > self._last_step.get(name, -1):
                self._last_step[name] = step
                new.append((name, value if math.isfinite(value) else str(value), step, now))
        if new:
            self._write({"kind": "metrics", "rows": new})

    def artifact(self, path: Path, folder: str = "") -> None:
        """A file to keep with the run, under `folder`; the path is relative to the journal's."""
        relative = path.relative_to(Path(self._file.name).parent)
        self._write({"kind": "artifact", "path": str(relative), "folder": folder})

    def end(self, status: str, reason: str = "") -> None:
        """The run is over: FINISHED, FAILED or KILLED, and why."""
        self._write({"kind": "end", "status": status, "reason": reason, "time": _now()})

    def close(self) -> None:
        """No more will be told."""
        self._file.close()

    def _write(self, entry: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(entry, separators=(",", ":")) + "\n")
        self._file.flush()


class NoJournal(Journal):
    """Keeps nothing: for the ranks of a distributed run that do not report."""

    def __init__(self) -> None:
        pass

    def artifact(self, path: Path, folder: str = "") -> None:
        """Nothing."""

    def metrics(self, rows: Iterable[Row]) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""

    def _write(self, entry: Mapping[str, Any]) -> None:
        pass


def read_entries(path: Path, offset: int = 0) -> Iterable[tuple[dict[str, Any], int]]:
    """Each whole entry after byte `offset`, with the offset behind it."""
    with path.open("rb") as file:
        file.seek(offset)
        for line in file:
            if not line.endswith(b"\n"):
                return  # still being written
            offset += len(line)
            yield json.loads(line), offset


def read_curves(path: Path) -> dict[str, Curve]:
    """Every metric in the journal; none if there is no journal."""
    curves: dict[str, Curve] = {}
    for entry, _ in read_entries(path) if path.exists() else ():
        for name, value, step, _ in entry.get("rows", ()):
            steps, values = curves.setdefault(name, ([], []))
            steps.append(step)
            values.append(float(value))
    return curves


def _mend(path: Path) -> dict[str, int]:
    """Cut off a half-written last line; return the last step of every metric."""
    last_step: dict[str, int] = {}
    end = 0
    for entry, after in read_entries(path):
        end = after
        for name, _, step, _ in entry.get("rows", ()):
            last_step[name] = max(step, last_step.get(name, -1))
    with path.open("r+b") as file:
        file.truncate(end)
    return last_step


def _now() -> int:
    return time.time_ns() // 1_000_000
