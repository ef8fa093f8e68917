"""Metrics and parameters straight into MLflow's SQLite store.

`MlflowClient.log_batch` makes an object of every value, and takes a tenth of a second for a short
run: longer than a stacked sweep takes to train one. What is written here is what MLflow writes, and
a test compares the two. It is done only where the tables are those that MLflow has had since 2.0;
elsewhere, and on servers, the client is used.
"""

import math
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

Point = tuple[str, float, int, int]
"""A metric: name, value, step, and when it was measured, in ms."""

_LARGEST = 1.7976931348623157e308  # what MLflow writes for infinity
_COLUMNS = {
    "metrics": {"key", "value", "timestamp", "run_uuid", "step", "is_nan"},
    "latest_metrics": {"key", "value", "timestamp", "run_uuid", "step", "is_nan"},
    "params": {"key", "value", "run_uuid"},
}
_LATEST = """
INSERT INTO latest_metrics (run_uuid, key, value, is_nan, step, timestamp)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (run_uuid, key) DO UPDATE SET
    value = excluded.value, is_nan = excluded.is_nan,
    step = excluded.step, timestamp = excluded.timestamp
WHERE (excluded.step, excluded.timestamp, excluded.value) > (step, timestamp, value)
"""
_METRIC = """
INSERT OR IGNORE INTO metrics (run_uuid, key, value, is_nan, step, timestamp)
VALUES (?, ?, ?, ?, ?, ?)
"""


def can_write(store: Path) -> bool:
    """Whether the store has the tables that are known here, column by column."""
    with _open(store) as database:
        return all(
            {row[1] for row in database.execute(f"PRAGMA table_info({table})")} == columns
            for table, columns in _COLUMNS.items()
        )


def write(
    store: Path, run_id: str, points: Iterable[Point] = (), params: Mapping[str, str] | None = None
) -> None:
    """Write metrics and parameters of one run in one transaction; what is there already stays.

    Raises:
        sqlite3.Error: the store is locked for longer than a minute, or is none.
        LookupError: it has no such run, or the run was deleted.
    """
    rows = [(run_id, name, *_stored(value), step, when) for name, value, step, when in points]
    newest: dict[str, tuple[str, str, float, bool, int, int]] = {}
    for row in rows:
        key, order = row[1], (row[4], row[5], row[2])
        if key not in newest or order > (newest[key][4], newest[key][5], newest[key][2]):
            newest[key] = row
    with _open(store) as database, database:
        found = database.execute(
            "SELECT 1 FROM runs WHERE run_uuid = ? AND lifecycle_stage = 'active'", (run_id,)
        )
        if found.fetchone() is None:
            raise LookupError(f"{store} has no active run {run_id}")
        database.executemany(_METRIC, rows)
        database.executemany(_LATEST, newest.values())
        database.executemany(
            "INSERT OR IGNORE INTO params (run_uuid, key, value) VALUES (?, ?, ?)",
            [(run_id, key, value) for key, value in (params or {}).items()],
        )


@contextmanager
def _open(store: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(store, timeout=60)) as database:
        yield database


def _stored(value: float) -> tuple[float, bool]:
    """As MLflow stores it: value, and whether it is NaN."""
    if math.isnan(value):
        return 0.0, True
    return max(-_LARGEST, min(_LARGEST, value)), False
