"""A run's directory: its configuration, its state, its journal, and the tracker that follows it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

from filelock import FileLock, Timeout

from ..errors import UserError
from .config import TrackingConfig
from .journal import Journal, NoJournal
from .tracker import (
    JOURNAL,
    RUN_LOCK,
    STATE,
    TRACKER_LOCK,
    State,
    is_held,
    store_path,
    write_json,
    write_text,
)

if TYPE_CHECKING:
    from .progress import Progress

CONFIG = "config.yaml"
SUMMARY = "run.json"
EXAMPLES = "examples.npz"
DATA = "data.json"
DEFAULT_URI = "sqlite:///mlflow.db"
_SCHEMES = ("sqlite", "http", "https", "postgresql", "mysql", "mssql", "databricks")


def store_uri(config: TrackingConfig) -> str:
    """The MLflow store in use, checked for what can be checked without it.

    Raises:
        UserError: a scheme MLflow can't use, or a SQLite file that can't be written.
    """
    uri = config.uri or os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_URI
    scheme = urlparse(uri).scheme.split("+")[0]
    if scheme not in _SCHEMES:
        raise UserError(
            f"tracking.uri={uri} is no store that MLflow writes runs to: expected "
            "sqlite:///FILE.db or the http:// address of an MLflow server"
        )
    if scheme == "sqlite":
        path = store_path(uri)
        _check_writable(path, uri)
        return f"sqlite:///{path}"
    return uri


def _check_writable(path: Path, uri: str) -> None:
    if not path.parent.is_dir():
        raise UserError(f"tracking.uri={uri} can't be written: there is no folder {path.parent}")
    if path.is_dir():
        raise UserError(f"tracking.uri={uri} can't be written: {path} is a folder, not a file")
    for what in (path, path.parent) if path.exists() else (path.parent,):
        if not os.access(what, os.W_OK):
            raise UserError(
                f"tracking.uri={uri} can't be written: no permission to write {what}. "
                "Choose another with tracking.uri=sqlite:///PATH, or tracking=none"
            )
    if path.exists() and path.stat().st_size:
        with path.open("rb") as file:
            if file.read(15) != b"SQLite format 3":
                raise UserError(f"tracking.uri={uri} can't be used: {path} is no SQLite database")


class Record:
    """Everything a run keeps on disk, and the process that carries it to MLflow.

    Args:
        run_dir: an existing directory of the run's own.
        tracking: where the run is recorded.

    Raises:
        UserError: another process is training this run.
    """

    summary_file = SUMMARY

    def __init__(self, run_dir: Path, tracking: TrackingConfig) -> None:
        self.run_dir = run_dir
        self.name = name = run_dir.name
        self._made_for_this = not any(run_dir.iterdir())
        self.resumed = (run_dir / self.summary_file).exists()
        state = json.loads((run_dir / STATE).read_text()) if (run_dir / STATE).exists() else {}
        uri = (state.get("uri") or store_uri(tracking)) if tracking.enabled else None
        self._lock = FileLock(run_dir / RUN_LOCK)
        try:
            self._lock.acquire(timeout=2 if self.resumed else 0)
        except Timeout:
            raise UserError(f"run {name} is being trained by another process") from None
        self.summary: dict[str, Any] = {"name": name}
        if self.resumed:
            self.summary = json.loads((run_dir / self.summary_file).read_text())
        self.journal: Journal = Journal(run_dir / JOURNAL)
        self._process: subprocess.Popen[bytes] | None = None
        self._tracking: dict[str, Any] | None = None
        if uri is not None:
            self._tracking = {
                "uri": uri,
                "experiment": tracking.experiment,
                "name": name,
                "wait": tracking.wait,
                "run_id": None,
                "experiment_id": None,
                "status": None,
                "offset": 0,
                "error": None,
            }

    def begin(
        self,
        config: Mapping[str, Any],
        tags: Mapping[str, str],
        *,
        follow: bool = True,
        **summary: Any,
    ) -> None:
        """Preflight has passed: from here on there is a run.

        Args:
            config: resolved, as plain containers.
            tags: what the run is marked with.
            follow: start its tracker; see also `follow_together`.
            summary: more to keep in the run's summary.
        """
        import yaml

        path = self.run_dir / CONFIG
        dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # in C, ten times as fast
        text = yaml.dump(dict(config), Dumper=dumper, sort_keys=False, allow_unicode=True)
        write_text(path, text)
        self.journal.start({} if self.resumed else flatten(config), tags)
        self.journal.artifact(path)
        started = self.summary.get("started", time.time())
        self.update(status="RUNNING", started=started, **summary)
        if self._tracking is not None:
            if not (self.run_dir / STATE).exists():  # from then on the file is the tracker's
                write_json(self.run_dir / STATE, self._tracking)
            # A tracker that still follows the run from before goes on; this one then waits for it.
            if follow:
                follow_together([self])

    def keep_data(self, text: str) -> None:
        """Keep what new data are prepared by, see `losslab.data.kept`."""
        write_text(self.run_dir / DATA, text)

    def update(self, **values: Any) -> None:
        """Change the run's summary on disk."""
        self.summary |= values
        write_json(self.run_dir / self.summary_file, self.summary)

    def finish(self, status: str, reason: str = "") -> None:
        """The run is over: FINISHED, FAILED or KILLED, and why."""
        self.update(status=status, reason=reason, finished=time.time())
        self.journal.end(status, reason)

    def complete(self, metrics: Mapping[str, float], progress: "Progress") -> None:
        """The run reached its end: its metrics, its checkpoints, and how it stands."""
        self.journal.metrics((name, value, progress.step) for name, value in metrics.items())
        for name in ("best", "last"):
            if self.checkpoint(name).exists():
                self.journal.artifact(self.checkpoint(name), "checkpoints")
        best, pruned = progress.best, progress.pruned
        self.update(metrics=metrics, best=best, best_epoch=progress.best_epoch, pruned=pruned)
        self.finish("FINISHED", progress.reason)

    def wait_until_sent(self, seconds: float) -> str | None:
        """Wait for the tracker; the error that keeps it from its work, or None once all is sent.

        While the store answers, this waits as long as there is something to send.
        """
        process = self._process
        if process is None:
            return None
        return wait_until_sent(self.run_dir, seconds, lambda: process.poll() is None)

    @property
    def run_id(self) -> str | None:
        """The MLflow run's id, once it has one."""
        return State(self.run_dir).values["run_id"] if self._process else None

    @property
    def uri(self) -> str | None:
        """The MLflow store in use; None if the run is not tracked."""
        return str(State(self.run_dir).values["uri"]) if self._process else None

    def checkpoint(self, name: str) -> Path:
        """Where the checkpoint `last` or `best` stands."""
        return self.run_dir / "checkpoints" / f"{name}.pt"

    def draw_plots(self) -> list[Path]:
        """Draw the run's plots from what it has written down.

        In a process of its own: Matplotlib would otherwise stay in the memory of every training
        process.
        """
        command = [sys.executable, "-m", "losslab.analysis.plots", str(self.run_dir)]
        with (self.run_dir / "plots.log").open("wb") as log:
            subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False)
        return sorted((self.run_dir / "plots").glob("*.png"))

    def close(self) -> None:
        """Let go of the run; the tracker ends by itself."""
        self.journal.close()
        self._lock.release()

    def discard(self) -> None:
        """The run never began: leave nothing behind."""
        import shutil

        self.close()
        if self._made_for_this:
            shutil.rmtree(self.run_dir)
        elif not self.resumed:  # a folder of the user's: take back only what was put there
            for name in (JOURNAL, RUN_LOCK):
                (self.run_dir / name).unlink(missing_ok=True)


class NoRecord(Record):
    """Keeps nothing: for a dry run, and for the ranks that do not report."""

    def __init__(self, run_dir: Path, tracking: TrackingConfig) -> None:
        self.run_dir = run_dir
        self.name = run_dir.name
        self.resumed = False
        self.summary = {"status": None}
        self.journal: Journal = NoJournal()
        self._tracking = None
        self._process = None
        if tracking.enabled:
            store_uri(tracking)  # a dry run, too, says that the store can't be written

    def begin(
        self,
        config: Mapping[str, Any],
        tags: Mapping[str, str],
        *,
        follow: bool = True,
        **summary: Any,
    ) -> None:
        """Nothing on disk."""
        self.update(status="RUNNING", **summary)

    def keep_data(self, text: str) -> None:
        """Nothing on disk."""

    def update(self, **values: Any) -> None:
        """Nothing on disk."""
        self.summary |= values

    def draw_plots(self) -> list[Path]:
        """No plots."""
        return []

    def close(self) -> None:
        """Nothing to let go of."""

    def discard(self) -> None:
        """Nothing to discard."""


def wait_until_sent(run_dir: Path, seconds: float, begins: Callable[[], bool]) -> str | None:
    """Wait for the tracker of a run; see `Record.wait_until_sent`.

    Args:
        run_dir: the run's directory.
        seconds: how long to wait for a store that is away.
        begins: whether a tracker may still be on its way.
    """
    size = (run_dir / JOURNAL).stat().st_size
    away_since: float | None = None
    while True:
        state = State(run_dir).values
        if state["offset"] == size:
            return None
        gone = not begins() and not is_held(run_dir / TRACKER_LOCK)
        if gone and State(run_dir).values["offset"] < size:
            return str(state["error"] or f"the tracker stopped: see {run_dir}/tracker.log")
        if state["error"] is None:
            away_since = None
        else:
            away_since = away_since or time.monotonic()
            if time.monotonic() - away_since >= seconds:
                return str(state["error"])
        time.sleep(0.02)


def follow_together(records: Sequence[Record]) -> None:
    """Start one tracker for the runs that are tracked: a process that no Ctrl-C here reaches.

    That of a sweep follows its jobs too.
    """
    tracked = [
        record
        for record in records
        if record._tracking is not None and not _is_followed(record.run_dir.parent)
    ]
    if not tracked:
        return
    with (tracked[0].run_dir / "tracker.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "losslab.training.tracker", *(str(r.run_dir) for r in tracked)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    for record in tracked:
        record._process = process


def _is_followed(sweep_dir: Path) -> bool:
    """Whether the folder is a sweep's, and a tracker follows it."""
    return (sweep_dir / STATE).exists() and is_held(sweep_dir / TRACKER_LOCK)


def flatten(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """A nested mapping as one level of dotted keys.

    >>> flatten({"loss": {"dice": {"weight": 1.0}}, "seed": 0})
    {'loss.dice.weight': 1.0, 'seed': 0}
    """
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
