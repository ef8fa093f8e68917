"""What is written straight into the store is what MLflow writes."""

import math
import sqlite3

import pytest
from losslab.training import bulk

POINTS = [
    ("train/loss", 0.5, 1, 1000),
    ("train/loss", 0.25, 2, 1001),
    ("train/loss", 0.25, 2, 1001),  # told twice
    ("train/loss", 0.75, 1, 2000),  # later, of an earlier step
    ("val/loss", math.nan, 2, 1001),
    ("val/f1", math.inf, 2, 1001),
    ("val/r2", -math.inf, 2, 1001),
]
PARAMS = {"optimizer.lr": "0.001", "seed": "3"}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    import mlflow

    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{path}")
    client.search_experiments()  # makes the tables
    return client, path


def rows_of(path, table, run_id):
    with sqlite3.connect(path) as database:
        columns = sorted(bulk._COLUMNS[table] - {"run_uuid"})
        found = database.execute(
            f"SELECT {', '.join(columns)} FROM {table} WHERE run_uuid = ?", (run_id,)
        )
        return sorted(found.fetchall(), key=repr)


def test_it_is_what_the_client_writes(client):
    from mlflow.entities import Metric, Param

    client, path = client
    assert bulk.can_write(path)
    ours, theirs = (client.create_run("0").info.run_id for _ in range(2))
    bulk.write(path, ours, POINTS[:2], PARAMS)
    bulk.write(path, ours, POINTS[2:])
    metrics = [Metric(name, value, when, step) for name, value, step, when in POINTS]
    params = [Param(key, value) for key, value in PARAMS.items()]
    client.log_batch(theirs, metrics[:2], params)
    client.log_batch(theirs, metrics[2:])
    for table in ("metrics", "latest_metrics", "params"):
        written = rows_of(path, table, ours)
        assert written == rows_of(path, table, theirs)
        assert written
    assert client.get_run(ours).data.metrics["train/loss"] == 0.25  # of the last step


def test_a_deleted_run_is_not_written_to(client):
    client, path = client
    run_id = client.create_run("0").info.run_id
    client.delete_run(run_id)
    with pytest.raises(LookupError, match=f"no active run {run_id}"):
        bulk.write(path, run_id, POINTS)


def test_tables_that_are_not_known_are_left_alone(tmp_path):
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE metrics (key, value, timestamp, run_uuid, step, new)")
    assert not bulk.can_write(path)
