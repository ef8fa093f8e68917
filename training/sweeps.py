"""Sweeps: a directory of runs, with a run of its own in MLflow that is their parent.

A job's identity is the hash of its resolved configuration, so the same sweep started again finds
what it has done.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .record import SUMMARY, Record, follow_together, wait_until_sent
from .tracker import RUN_LOCK, STATE, SWEEP, TRACKER_LOCK, is_held

ERRORS = "errors.jsonl"
_NOT_THE_RUN = ("tracking", "compare", "trace")


class SweepRecord(Record):
    """A sweep's directory and its run in MLflow, under which those of its jobs are nested."""

    summary_file = SWEEP

    def conclude(self, status: str, reason: str, seconds: float) -> str | None:
        """The sweep is over; what keeps its runs from MLflow, or None once all are sent.

        Args:
            status: of the sweep.
            reason: why it ended so.
            seconds: how long to wait for a store that is away.
        """
        self.finish(status, reason)
        self.follow()
        unsent = self.wait_until_sent(seconds)
        for run_dir, _ in jobs_of(self.run_dir):
            if unsent is None and (run_dir / STATE).exists():
                unsent = wait_until_sent(run_dir, seconds, lambda: False)
        self.close()
        return unsent

    def follow(self) -> None:
        """See that a tracker follows the sweep and its jobs."""
        if not is_held(self.run_dir / TRACKER_LOCK):
            follow_together([self])


def identity(config: Mapping[str, Any]) -> str:
    """The hash of a resolved configuration; where it is recorded, and how shown, makes no other.

    >>> identity({"seed": 1, "tracking": {"uri": "here"}}) == identity({"seed": 1})
    True
    """
    own = {k: v for k, v in config.items() if v is not None and k not in _NOT_THE_RUN}
    text = json.dumps(own, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def sweep_key(overrides: Sequence[str]) -> str:
    """The hash of what a sweep was started with, in whatever order."""
    return hashlib.sha256("\n".join(sorted(overrides)).encode()).hexdigest()[:16]


def find_sweep(key: str, runs_dir: Path) -> Path | None:
    """The latest sweep here that was started with the same overrides."""
    found = [
        (summary.get("started", 0.0), path.parent)
        for path in runs_dir.glob(f"*/{SWEEP}")
        if (summary := json.loads(path.read_text())).get("key") == key
    ]
    return max(found)[1] if found else None


def jobs_of(sweep_dir: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Each run of the sweep, with its summary."""
    for path in sorted(sweep_dir.glob(f"*/{SUMMARY}")):
        yield path.parent, json.loads(path.read_text())


def known_run(
    jobs: Iterable[tuple[Path, dict[str, Any]]], config: Mapping[str, Any]
) -> tuple[Path, dict[str, Any]] | None:
    """The run of this configuration that the sweep holds already, unless someone is at it.

    Of several, the one that finished; else one that can be continued. One that failed is no such:
    from its last checkpoint it would fail again, or go on with what was wrong before.

    Args:
        jobs: of the sweep, see `jobs_of`.
        config: resolved, as plain containers.
    """
    wanted = identity(config)
    same = [
        (run_dir, summary)
        for run_dir, summary in jobs
        if summary.get("identity") == wanted and not is_held(run_dir / RUN_LOCK)
    ]
    done = [item for item in same if item[1]["status"] == "FINISHED"]
    begun = [
        item
        for item in same
        if item[1]["status"] != "FAILED" and (item[0] / "checkpoints" / "last.pt").exists()
    ]
    return next(iter([*done, *begun]), None)
