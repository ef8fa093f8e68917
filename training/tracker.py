"""The tracker: carries a run's journal to MLflow, in a process of its own.

`python -m losslab.training.tracker RUN_DIR` follows the journal until the run has ended, then
exits. It is a process and not a thread because importing MLflow takes as long as importing torch,
and would take that time from training through the interpreter's lock. Each run directory has two
locks: `run.lock` is held by the training process while it lives, `tracker.lock` by the tracker.
Whoever gets both has found a run that nobody looks after.

What could not be sent stays in the journal; the next tracker that starts beside it sends it.
Sending the same entry twice does no harm: a metric carries its own time, and MLflow keeps one of
two equal ones.
"""

import json
import logging
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from . import bulk
from .journal import read_entries

JOURNAL = "journal.jsonl"
STATE = "tracking.json"
RUN_LOCK = "run.lock"
TRACKER_LOCK = "tracker.lock"
SWEEP = "sweep.json"  # in the directory of a sweep, whose jobs are runs below it
_POLL = 0.25  # seconds between two looks at the journal
_GRACE = 2.0  # seconds that training has for its first steps
_RETRY = 1.0  # seconds between two tries at a store that is away
_METRICS_PER_CALL = 1000  # MLflow's own limit on log_batch
_PARAMS_PER_CALL = 100
_UNFIT = re.compile(r"[^\w/.\- :]")  # what MLflow does not take in a name
_LOST = "the process ended without a word (killed, or out of memory)"

log = logging.getLogger("losslab.tracker")


class State:
    """What has been sent of one journal, kept beside it in `tracking.json`."""

    def __init__(self, run_dir: Path) -> None:
        self._path = run_dir / STATE
        self.values: dict[str, Any] = json.loads(self._path.read_text())

    def update(self, **values: Any) -> None:
        """Change values on disk, atomically."""
        self.values |= values
        write_json(self._path, self.values)


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write a small JSON file, see `write_text`."""
    write_text(path, json.dumps(values, indent=1))


def write_text(path: Path, text: str) -> None:
    """Write a small file so that a reader sees the old one or the new one, never half."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.write_text(text)
    temporary.replace(path)


def is_held(lock: Path) -> bool:
    """Whether a living process holds the lock."""
    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True


class Tracker:
    """Sends one run's journal to its MLflow store.

    Args:
        run_dir: the run's directory, with its journal and `tracking.json`.
    """

    def __init__(self, run_dir: Path) -> None:
        self.run_dir = run_dir
        self.state = State(run_dir)
        self._client: Any = None
        self._bulk: Path | None = None

    def send_new(self) -> None:
        """Send what the journal holds beyond what was sent; raises what the store raises."""
        rows: list[tuple[str, float, int, int]] = []
        offset = self.state.values["offset"]
        for entry, after in read_entries(self.run_dir / JOURNAL, offset):
            if entry["kind"] == "metrics" and len(rows) + len(entry["rows"]) <= _METRICS_PER_CALL:
                rows += entry["rows"]
            else:
                self._send_metrics(rows)
                rows = []
                self._send(entry)
            offset = after
            if not rows:
                self.state.update(offset=offset)
        if rows:
            self._send_metrics(rows)
            self.state.update(offset=offset)

    def _send(self, entry: Mapping[str, Any]) -> None:
        kind = entry["kind"]
        if kind == "start":
            self._start(entry)
        elif kind == "metrics":
            self._send_metrics(entry["rows"])
        elif kind == "artifact":
            path = self.run_dir / entry["path"]
            if path.exists():
                self.client.log_artifact(self.run_id, str(path), entry["folder"] or None)
        elif kind == "end":
            self.finish(entry["status"], entry["reason"], entry["time"])

    @property
    def run_id(self) -> str:
        """The MLflow run's id."""
        return str(self.state.values["run_id"])

    @property
    def client(self) -> Any:
        """The MLflow client; made, with the store and the experiment, when first asked for."""
        if self._client is None:
            self._client, experiment_id = connect(
                self.state.values["uri"], self.state.values["experiment"]
            )
            self.state.update(experiment_id=experiment_id)
            uri = self.state.values["uri"]
            if uri.startswith("sqlite:") and bulk.can_write(store_path(uri)):
                self._bulk = store_path(uri)
        return self._client

    def _start(self, entry: Mapping[str, Any]) -> None:
        client = self.client
        if self.state.values.get("run_id") is None:
            run = client.create_run(
                self.state.values["experiment_id"],
                start_time=entry["time"],
                run_name=self.state.values["name"],
                tags=entry["tags"] | self._parent(),
            )
            self.state.update(run_id=run.info.run_id)
        else:
            client.update_run(self.run_id, status="RUNNING")
            self._set_tags(entry["tags"])
        self._send_params(
            {
                _UNFIT.sub("_", key.lstrip("+")): str(value)  # +schedule@loss.kl.weight
                for key, value in entry["params"].items()
            }
        )
        self.state.update(status="RUNNING")

    def _send_params(self, params: Mapping[str, str]) -> None:
        from mlflow.entities import Param

        if self._bulk is not None:
            bulk.write(self._bulk, self.run_id, params=params)
            return
        entities = [Param(key, value) for key, value in params.items()]
        for first in range(0, len(entities), _PARAMS_PER_CALL):
            self.client.log_batch(self.run_id, params=entities[first : first + _PARAMS_PER_CALL])

    def _parent(self) -> dict[str, str]:
        """The tag that nests a job's run under that of its sweep.

        Raises:
            RuntimeError: the sweep's run is still to be made; the job is sent again later.
        """
        parent = self.run_dir.parent
        if not (parent / STATE).exists():
            return {}
        run_id = State(parent).values["run_id"]
        if run_id is None:
            raise RuntimeError(f"the run of {parent.name} is not there yet")
        return {"mlflow.parentRunId": run_id}

    def _set_tags(self, tags: Mapping[str, str]) -> None:
        from mlflow.entities import RunTag

        self.client.log_batch(
            self.run_id, tags=[RunTag(key, str(value)) for key, value in tags.items()]
        )

    def _send_metrics(self, rows: list[tuple[str, float, int, int]]) -> None:
        from mlflow.entities import Metric

        if not rows:
            return
        points = [
            (_UNFIT.sub("_", name), float(value), step, when) for name, value, step, when in rows
        ]
        client = self.client
        if self._bulk is not None:
            bulk.write(self._bulk, self.run_id, points)
            return
        for first in range(0, len(points), _METRICS_PER_CALL):
            part = points[first : first + _METRICS_PER_CALL]
            metrics = [Metric(name, value, when, step) for name, value, step, when in part]
            client.log_batch(self.run_id, metrics=metrics)

    def finish(self, status: str, reason: str, when: int | None = None) -> None:
        """Close the MLflow run with its true state."""
        if reason:
            self._set_tags({"losslab.reason": reason})
        self.client.set_terminated(self.run_id, status, end_time=when)
        self.state.update(status=status)


@cache
def connect(uri: str, experiment: str) -> tuple[Any, str]:
    """A client for the store, and the experiment's id; both are created once, under a lock.

    Several processes that open a fresh SQLite store at the same time would otherwise ruin it.
    """
    import mlflow
    from mlflow.exceptions import MlflowException

    with _store_lock(uri):
        client = mlflow.MlflowClient(tracking_uri=uri)
        found = client.get_experiment_by_name(experiment)
        if found is not None:
            return client, found.experiment_id
        try:
            location = None
            if uri.startswith("sqlite:"):
                location = (store_path(uri).parent / "mlartifacts" / experiment).as_uri()
            return client, client.create_experiment(experiment, artifact_location=location)
        except MlflowException:
            found = client.get_experiment_by_name(experiment)
            if found is None:
                raise
            return client, found.experiment_id  # another machine was faster


@contextmanager
def _store_lock(uri: str) -> Iterator[None]:
    if not uri.startswith("sqlite:"):
        yield
        return
    path = store_path(uri)
    with FileLock(path.with_name(f"{path.name}.lock")):
        yield


def store_path(uri: str) -> Path:
    """The file of a `sqlite:///` store."""
    return Path(uri.removeprefix("sqlite:///")).absolute()


class Follower:
    """Sends one run's journal while its process lives, and what is left when it has gone.

    Args:
        run_dir: the run's directory.
        wait: seconds to go on trying, after the process has gone, while the store is away.
    """

    def __init__(self, run_dir: Path, wait: float) -> None:
        self.run_dir = run_dir
        self.wait = wait
        self.tracker = Tracker(run_dir)
        self.tracker.state.update(error=None)
        self.error: Exception | None = None
        self._gone_since: float | None = None

    def poll(self) -> bool:
        """Send what is new; whether there is nothing more to do."""
        alive = is_held(self.run_dir / RUN_LOCK)  # looked at first: nothing is written once free
        state = self.tracker.state
        try:
            self.tracker.send_new()
            if not alive and state.values["status"] == "RUNNING":
                self.tracker.finish("KILLED", _LOST)
            if self.error is not None:
                self.error = None
                state.update(error=None)
        except Exception as caught:  # the store is away, or refuses: say it once, keep on trying
            if str(caught) != str(self.error):
                log.warning("%s: %s", type(caught).__name__, caught)
                state.update(error=f"{type(caught).__name__}: {caught}")
            self.error = caught
        if alive:
            self._gone_since = None
            return False
        self._gone_since = self._gone_since or time.monotonic()
        return self.error is None or time.monotonic() - self._gone_since >= self.wait


def follow(run_dirs: Sequence[Path], wait: float) -> None:
    """Follow the runs until all have ended and are sent; see `Follower`.

    A run that is a sweep has jobs, whose runs are followed as they appear.
    """
    followers = {run_dir: Follower(run_dir, wait) for run_dir in run_dirs}
    sweeps = [run_dir for run_dir in run_dirs if (run_dir / SWEEP).exists()]
    locks: dict[Path, FileLock] = {}  # of the jobs
    while followers:
        watched = [sweep for sweep in sweeps if sweep in followers]
        for run_dir, follower in list(followers.items()):
            if follower.poll():
                del followers[run_dir]
                if run_dir in locks:
                    locks.pop(run_dir).release()
        new = {job: lock for sweep in watched for job, lock in _unfollowed_jobs(sweep)}
        locks |= new
        followers |= {job: Follower(job, wait) for job in new}
        if followers and not new:
            time.sleep(_RETRY if any(f.error for f in followers.values()) else _POLL)


def _unfollowed_jobs(sweep: Path) -> Iterator[tuple[Path, FileLock]]:
    """The runs of a sweep that are not all sent and that nobody follows, each now locked."""
    for path in sweep.glob(f"*/{STATE}"):
        lock = FileLock(path.parent / TRACKER_LOCK)
        if not _is_sent(path.parent):
            with suppress(Timeout):
                lock.acquire(timeout=0)
                yield path.parent, lock


def _is_sent(run_dir: Path) -> bool:
    """Whether the run has ended, and all that it told has been sent."""
    state = State(run_dir).values
    all_sent = state["offset"] == (run_dir / JOURNAL).stat().st_size
    return bool(all_sent and state["status"] != "RUNNING")


def let_training_begin(run_dir: Path) -> None:
    """Wait for the first metrics, a moment at most: importing MLflow would slow the first steps."""
    end = time.monotonic() + (0 if (run_dir / SWEEP).exists() else _GRACE)
    while time.monotonic() < end and is_held(run_dir / RUN_LOCK):
        if '"rows"' in (run_dir / JOURNAL).read_text():
            return
        time.sleep(_POLL)


def send_orphans(runs_dir: Path) -> None:
    """Send what earlier runs in the same folder could not, where nobody looks after them."""
    states = [*runs_dir.glob(f"*/{STATE}"), *runs_dir.glob(f"*/*/{STATE}")]
    for run_dir in [state.parent for state in states]:
        try:
            if _is_sent(run_dir) or is_held(run_dir / RUN_LOCK):
                continue
            with FileLock(run_dir / TRACKER_LOCK, timeout=0):
                follow([run_dir], wait=0)
        except Exception as error:  # an old run's trouble must not harm the new one
            log.warning("%s: %s: %s", run_dir.name, type(error).__name__, error)


def main(run_dirs: Sequence[Path]) -> None:
    """Follow the runs, with the jobs of one that is a sweep; then look for orphans beside them."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    if hasattr(os, "nice"):
        os.nice(10)  # training comes first
    with ExitStack() as held:
        mine = []
        for run_dir in run_dirs:
            with suppress(Timeout):  # another tracker has it
                held.enter_context(FileLock(run_dir / TRACKER_LOCK, timeout=60))
                mine.append(run_dir)
        if not mine:
            return
        let_training_begin(mine[0])
        follow(mine, State(mine[0]).values["wait"])
    sweep = (mine[0].parent / STATE).exists()
    send_orphans(mine[0].parent.parent if sweep else mine[0].parent)


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
