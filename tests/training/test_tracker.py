"""The tracker against a real SQLite store."""

import json
import multiprocessing
import subprocess
import sys
import time
from pathlib import Path

import mlflow
import pytest
from losslab.training.config import TrackingConfig
from losslab.training.record import Record
from losslab.training.tracker import State, connect, is_held


def record_in(folder, store, **tracking) -> Record:
    run_dir = folder / "outputs" / "run-1"
    run_dir.mkdir(parents=True, exist_ok=True)
    return Record(run_dir, TrackingConfig(uri=store, **tracking))


def finish(record: Record, status="FINISHED", reason="") -> mlflow.entities.Run:
    record.finish(status, reason)
    assert record.wait_until_sent(5.0) is None
    run_id = record.run_id
    record.close()
    return mlflow.MlflowClient(tracking_uri=record.uri).get_run(run_id)


def test_a_run_arrives_whole(workdir, store):
    record = record_in(workdir, store)
    record.begin({"loss": {"dice": {"smooth": 1.0}}, "seed": 3}, {"git.commit": "abc"})
    rows = [("train/loss", 1 / step, step) for step in range(1, 2501)]
    record.journal.metrics(rows)
    run = finish(record)
    client = mlflow.MlflowClient(tracking_uri=store)
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "run-1"
    assert run.data.params == {"loss.dice.smooth": "1.0", "seed": "3"}
    assert run.data.tags["git.commit"] == "abc"
    history = client.get_metric_history(run.info.run_id, "train/loss")
    assert [(m.value, m.step) for m in history] == [(v, s) for _, v, s in rows]
    assert [f.path for f in client.list_artifacts(run.info.run_id)] == ["config.yaml"]
    assert str(workdir) in run.info.artifact_uri


@pytest.mark.parametrize(("status", "reason"), [("FAILED", "NaN at step 3"), ("KILLED", "SIGTERM")])
def test_the_state_is_true_and_says_why(workdir, store, status, reason):
    record = record_in(workdir, store)
    record.begin({}, {})
    run = finish(record, status, reason)
    assert run.info.status == status
    assert run.data.tags["losslab.reason"] == reason


def test_nan_is_a_metric_too(workdir, store):
    record = record_in(workdir, store)
    record.begin({}, {})
    record.journal.metrics([("loss", float("nan"), 1)])
    run = finish(record)
    assert run.data.metrics["loss"] != run.data.metrics["loss"]


def test_a_name_that_mlflow_does_not_take_is_mended(workdir, store):
    record = record_in(workdir, store)
    record.begin({}, {})
    record.journal.metrics([("val/mae_price (€)", 2.0, 1), ("val/mae", 1.0, 1)])
    assert finish(record).data.metrics == {"val/mae_price ___": 2.0, "val/mae": 1.0}


def test_what_a_sweep_was_asked_for_is_a_parameter_too(workdir, store):
    record = record_in(workdir, store)
    record.begin({"+schedule@loss.kl.weight": "constant,linear"}, {})
    assert finish(record).data.params == {"schedule_loss.kl.weight": "constant,linear"}


def test_more_than_a_hundred_parameters_arrive(workdir, store):
    record = record_in(workdir, store)
    record.begin({f"p{i}": i for i in range(230)}, {})
    assert len(finish(record).data.params) == 230


def test_a_process_that_dies_leaves_a_killed_run(workdir, store):
    code = f"""
import os, pathlib, signal
from losslab.training.config import TrackingConfig
from losslab.training.record import Record
run_dir = pathlib.Path("outputs/run-1"); run_dir.mkdir(parents=True)
record = Record(run_dir, TrackingConfig(uri={store!r}))
record.begin({{}}, {{}})
record.journal.metrics([("loss", 1.0, 1)])
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", code], check=False)
    state = wait_for(lambda: State(workdir / "outputs/run-1").values, "status", "KILLED")
    run = mlflow.MlflowClient(tracking_uri=store).get_run(state["run_id"])
    assert run.info.status == "KILLED"
    assert "without a word" in run.data.tags["losslab.reason"]
    assert run.data.metrics == {"loss": 1.0}


def wait_for(read, key, value, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        values = read()
        if values.get(key) == value:
            return values
        time.sleep(0.1)
    raise AssertionError(f"{key} did not become {value}: {read()}")


def test_a_run_that_never_began_leaves_nothing(workdir, store):
    record = record_in(workdir, store)
    record.discard()
    assert not (workdir / "outputs" / "run-1").exists()
    assert mlflow.MlflowClient(tracking_uri=store).search_runs(["0"]) == []


def test_what_could_not_be_sent_is_sent_by_the_next_run(workdir, store):
    away = "http://127.0.0.1:9"  # nothing listens on the discard port
    first = record_in(workdir, away)
    first.begin({}, {})
    first.finish("FINISHED")
    assert "Max retries" in first.wait_until_sent(0.1)
    first.close()
    wait_for(lambda: {"held": is_held(first.run_dir / "tracker.lock")}, "held", False)
    state = State(first.run_dir)
    state.update(uri=store)  # the store is back
    run_dir = workdir / "outputs" / "run-2"
    run_dir.mkdir()
    second = Record(run_dir, TrackingConfig(uri=store))
    second.begin({}, {})
    finish(second)
    values = wait_for(lambda: State(first.run_dir).values, "status", "FINISHED")
    assert (
        mlflow.MlflowClient(tracking_uri=store).get_run(values["run_id"]).info.status == "FINISHED"
    )


def _connect(uri, queue):
    queue.put(connect(uri, "shared")[1])


def test_processes_that_open_a_fresh_store_together_share_it(workdir):
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    uri = f"sqlite:///{workdir}/fresh.db"
    workers = [context.Process(target=_connect, args=(uri, queue)) for _ in range(3)]
    for worker in workers:
        worker.start()
    ids = {queue.get(timeout=60) for _ in workers}
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    assert len(ids) == 1


def _track(folder, index):
    run_dir = Path(folder) / "outputs" / f"run-{index}"
    run_dir.mkdir(parents=True)
    record = Record(run_dir, TrackingConfig(uri=f"sqlite:///{folder}/mlflow.db"))
    record.begin({"index": index}, {})
    record.journal.metrics([("loss", float(index), 1)])
    record.finish("FINISHED")
    unsent = record.wait_until_sent(60.0)
    record.close()
    assert unsent is None, unsent


def track_together(folder, processes=8):
    """The states of as many runs that begin at once, in a folder without a store."""
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_track, args=(str(folder), i)) for i in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * processes
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{folder}/mlflow.db")
    runs = client.search_runs([client.get_experiment_by_name("losslab").experiment_id])
    assert sorted(run.data.metrics["loss"] for run in runs) == list(range(processes))
    return [run.info.status for run in runs]


def test_processes_that_begin_their_first_runs_together_are_all_tracked(workdir):
    assert track_together(workdir) == ["FINISHED"] * 8


def test_a_run_resumed_before_its_tracker_has_gone_is_followed_on(workdir):
    away = "http://127.0.0.1:9"  # its tracker keeps on trying
    first = record_in(workdir, away, wait=60)
    first.begin({}, {})
    wait_for(lambda: {"held": is_held(first.run_dir / "tracker.lock")}, "held", True)
    first.finish("KILLED")
    first.close()
    second = record_in(workdir, away, wait=60)
    second.begin({}, {})  # must not wait for the tracker, which waits for this very process
    second.finish("FINISHED")
    assert second.wait_until_sent(0.1) is not None
    second.close()
    for record in (first, second):
        record._process.terminate()
        record._process.wait()


def test_only_one_process_trains_a_run(workdir, store):
    from losslab.errors import UserError

    record = record_in(workdir, store)
    with pytest.raises(UserError, match="being trained by another process"):
        record_in(workdir, store)
    record.discard()


def test_state_is_replaced_whole(workdir, store):
    record = record_in(workdir, store)
    record.begin({}, {})
    assert json.loads((record.run_dir / "tracking.json").read_text())["offset"] == 0
    assert not list(record.run_dir.glob("*.tmp"))
    finish(record)
