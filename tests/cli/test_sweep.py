"""Sweeps: what runs together, what goes on, what is counted, and where it is recorded."""

import csv
import json
import signal
import time

import mlflow
import numpy as np
import pytest
from conftest import TINY

pytestmark = [
    pytest.mark.usefixtures("as_one_program"),
    pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning"),
]


def runs_of(workdir):
    """Each run's summary, by its directory."""
    return {p.parent: json.loads(p.read_text()) for p in workdir.glob("outputs/*/*/run.json")}


def sweeps_in(workdir):
    return sorted(path.parent for path in workdir.glob("outputs/*/sweep.json"))


def losses_in(sweep):
    """The test loss of each of the sweep's runs, sorted."""
    with (sweep / "sweep.csv").open() as file:
        return sorted(float(row["test/loss"]) for row in csv.DictReader(file))


def test_jobs_that_differ_in_numbers_share_a_program(cli, workdir):
    outcome = cli("train", "-m", "optimizer.lr=0.001,0.01", "seed=1,2", "loss=bce,focal", *TINY)
    assert outcome.code == 0, outcome
    assert outcome.out.count("4 runs are trained as one program") == 2
    assert {run["status"] for run in runs_of(workdir).values()} == {"FINISHED"}
    (sweep,) = sweeps_in(workdir)
    rows = (sweep / "sweep.csv").read_text().splitlines()
    assert len(rows) == 9
    assert {"seed", "optimizer.lr", "test/f1"} <= set(rows[0].split(","))
    assert "8 runs of" in outcome.out


def test_a_job_that_is_wrong_does_not_take_its_group_along(cli, workdir):
    words = ["loss=quantile", "data=diabetes", "model=linear", "loss.quantile.level=0.5,90,0.9"]
    outcome = cli("train", "-m", *words, *TINY[1:])
    assert outcome.code == 1
    assert "1 of the sweep's runs failed" in outcome.err
    assert "level" in outcome.err
    assert [run["status"] for run in runs_of(workdir).values()] == ["FINISHED", "FINISHED"]


def test_one_job_alone_is_an_ordinary_run(cli, workdir):
    outcome = cli("train", "-m", "seed=1", *TINY)
    assert outcome.code == 0, outcome
    assert "one program" not in outcome.out
    assert "epoch" in outcome.out


def test_what_cannot_be_stacked_says_why_and_runs_all_the_same(cli, workdir):
    outcome = cli("train", "-m", "seed=1,2", "optimizer=lbfgs", "data=diabetes", "loss=mse", *TINY)
    assert outcome.code == 0, outcome
    assert "2 runs are trained one by one: optimizer LBFGS can't be stacked" in outcome.out
    assert len(runs_of(workdir)) == 2


def test_a_loss_that_asks_for_values_is_trained_one_by_one(cli, workdir):
    (workdir / "mine.py").write_text(
        "def branching(logits, target):\n"
        "    error = (logits - target).square()\n"
        "    return error if error.mean() > 1 else error * 2\n"
    )
    outcome = cli("train", "-m", "seed=1,2", "loss=./mine.py:branching", *TINY)
    assert outcome.code == 0, outcome
    assert "vmap" in outcome.out
    assert "data-dependent control flow" in outcome.out
    assert [run["status"] for run in runs_of(workdir).values()] == ["FINISHED"] * 2


def test_data_that_streams_is_trained_one_by_one(cli, workdir):
    images, masks = workdir / "cells" / "images", workdir / "cells" / "masks"
    for folder in (images, masks):
        folder.mkdir(parents=True)
    for index in range(8):
        np.save(images / f"{index}.npy", np.random.default_rng(index).random((16, 16)))
        np.save(masks / f"{index}.npy", (np.eye(16) > 0).astype(np.uint8))
    streams = ["data=images", "data.path=cells", "data.memory_mb=0", "data.workers=0"]
    small = ["model=unet", "model.width=2", "model.depth=1", "loss=dice", *TINY[1:]]
    outcome = cli("train", "-m", "seed=1,2", *small, *streams)
    assert outcome.code == 0, outcome
    assert "data that is not held in memory is not stacked" in outcome.out
    assert [run["status"] for run in runs_of(workdir).values()] == ["FINISHED"] * 2


def test_what_a_class_is_made_with_is_not_shared(cli, workdir):
    deltas = ["loss=torch.nn.HuberLoss", "+loss.custom.delta=0.01,100"]
    data = ["data=diabetes", "model=linear", *TINY[1:]]
    outcome = cli("train", "-m", *deltas, "seed=1,2", *data)
    assert outcome.code == 0, outcome
    assert outcome.out.count("2 runs are trained as one program") == 2
    alone = cli("train", "-m", *deltas, "seed=1,2", *data, "hydra/launcher=basic", "--fresh")
    assert alone.code == 0, alone
    first, second = (losses_in(sweep) for sweep in sweeps_in(workdir))
    assert first == pytest.approx(second, rel=1e-4)
    assert len(set(first)) == 4


def test_the_same_sweep_again_trains_nothing_again(cli, workdir):
    command = ("train", "-m", "seed=1,2", *TINY)
    cli(*command)
    before = {run_dir: (run_dir / "journal.jsonl").stat() for run_dir in runs_of(workdir)}
    outcome = cli(*command)
    assert outcome.code == 0, outcome
    assert "goes on: what is finished stays; --fresh starts anew" in outcome.err
    after = {run_dir: (run_dir / "journal.jsonl").stat() for run_dir in runs_of(workdir)}
    assert {d: s.st_mtime_ns for d, s in before.items()} == {
        d: s.st_mtime_ns for d, s in after.items()
    }
    assert len(sweeps_in(workdir)) == 1


def test_fresh_starts_anew(cli, workdir):
    command = ("train", "-m", "seed=1,2", *TINY)
    cli(*command)
    outcome = cli(*command, "--fresh")
    assert outcome.code == 0, outcome
    assert len(sweeps_in(workdir)) == 2
    assert len(runs_of(workdir)) == 4


def test_other_words_are_another_sweep(cli, workdir):
    cli("train", "-m", "seed=1,2", *TINY)
    cli("train", "-m", "seed=1,3", *TINY)
    assert len(sweeps_in(workdir)) == 2


def test_a_sweep_that_was_killed_goes_on_where_it_was(start, workdir):
    command = (
        "train", "-m", "hydra/launcher=basic", "seed=1,2,3,4,5", "model=mlp", "tracking=none",
        "trainer.epochs=40", "trainer.threads=1",
    )  # fmt: skip
    process = start(*command)
    end = time.monotonic() + 120
    while True:
        states = [run["status"] for run in runs_of(workdir).values()]
        begun = [d for d in runs_of(workdir) if (d / "checkpoints/last.pt").exists()]
        if states.count("FINISHED") == 2 and states.count("RUNNING") == 1 and len(begun) == 3:
            break
        assert time.monotonic() < end, states
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before = runs_of(workdir)
    finished = [d for d, run in before.items() if run["status"] == "FINISHED"]
    journals = {d: (d / "journal.jsonl").stat().st_mtime_ns for d in finished}
    out, err = start(*command).communicate(timeout=120)
    after = runs_of(workdir)
    assert [run["status"] for run in after.values()] == ["FINISHED"] * 5, (out, err)
    assert before.keys() <= after.keys()
    assert journals == {d: (d / "journal.jsonl").stat().st_mtime_ns for d in finished}
    assert out.count("resumed in epoch") == 1


def test_the_runs_are_nested_under_the_sweeps_own(cli, workdir):
    store = f"sqlite:///{workdir}/mlflow.db"
    arguments = [word for word in TINY if word != "tracking=none"]
    outcome = cli("train", "-m", "seed=1,2", *arguments, f"tracking.uri={store}")
    assert outcome.code == 0, outcome
    client = mlflow.MlflowClient(tracking_uri=store)
    runs = client.search_runs([client.get_experiment_by_name("losslab").experiment_id])
    (parent,) = [run for run in runs if run.info.run_name.startswith("sweep-")]
    children = [run for run in runs if run.info.run_id != parent.info.run_id]
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parent.info.run_id}
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert all("test/f1" in run.data.metrics for run in children)
    assert parent.data.params["seed"] == "1,2"
    assert [a.path for a in client.list_artifacts(parent.info.run_id)] == [
        "config.yaml",
        "plots",
        "sweep.csv",
    ]
