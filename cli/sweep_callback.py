"""What Hydra calls before and after a sweep: its record, and what it came to."""

import json
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from ..training.config import TrackingConfig
from ..training.run import typed
from ..training.sweeps import ERRORS, SweepRecord, jobs_of, sweep_key

_record: SweepRecord | None = None  # of the sweep that this process runs


class SweepCallback(Callback):
    """Keeps the record of a sweep, the parent of its jobs' runs."""

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """The sweep begins, or goes on."""
        global _record
        directory = Path(config.hydra.sweep.dir).absolute()
        directory.mkdir(parents=True, exist_ok=True)
        (directory / ERRORS).unlink(missing_ok=True)
        overrides = list(config.hydra.overrides.task)
        tracking: Any = OmegaConf.to_container(config.tracking, resolve=True)
        _record = SweepRecord(directory, typed(TrackingConfig, tracking))
        tags = {"losslab.sweep": " ".join(overrides), "run_dir": str(directory)}
        asked = dict(override.partition("=")[::2] for override in overrides)
        _record.begin(asked, tags, key=sweep_key(overrides), overrides=overrides)

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        """The sweep is over: a table of its jobs."""
        if _record is None:
            return
        failed = errors_of(_record.run_dir)
        _record.journal.artifact(write_table(_record.run_dir))
        state = ("FAILED", f"{len(failed)} jobs failed") if failed else ("FINISHED", "")
        _record.finish(*state)
        _record.wait_until_sent(float(config.tracking.wait))
        _record.close()


def abandon(reason: str) -> None:
    """The sweep was stopped before its end."""
    if _record is not None and _record.summary["status"] == "RUNNING":
        _record.finish("KILLED", reason)
        _record.close()


def keep(path: Path) -> None:
    """Keep a file of the sweep's directory with the sweep's run in MLflow."""
    if _record is not None:
        _record.journal.artifact(path)


def directory() -> Path:
    """Of the sweep that this process runs."""
    assert _record is not None
    return _record.run_dir


def errors_of(sweep_dir: Path) -> list[tuple[str, str]]:
    """The jobs that failed, in whichever process, and why."""
    path = sweep_dir / ERRORS
    if not path.exists():
        return []
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    return [(entry["job"], entry["error"]) for entry in entries]


def write_table(sweep_dir: Path) -> Path:
    """One row per run, as `sweep.csv`: its state, what it was made of that differs, its metrics."""
    import csv

    from ..training.record import flatten
    from ..training.runs import read_config

    rows = []
    for run_dir, summary in jobs_of(sweep_dir):
        config = {key: str(value) for key, value in flatten(read_config(run_dir)).items()}
        rows.append((run_dir.name, summary, config))
    keys = [key for key in (rows[0][2] if rows else {}) if len({r[2].get(key) for r in rows}) > 1]
    metrics = sorted({name for _, summary, _ in rows for name in summary.get("metrics", {})})
    path = sweep_dir / "sweep.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["run", "status", *keys, *metrics])
        for name, summary, config in rows:
            values = summary.get("metrics", {})
            writer.writerow(
                [name, summary["status"], *(config.get(key) for key in keys)]
                + [values.get(metric, "") for metric in metrics]
            )
    return path
