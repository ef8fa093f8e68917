"""Runs of a MLflow store, through the real store."""

import mlflow
import pytest
from kept_runs import config
from losslab.analysis.compare import compare
from losslab.analysis.from_mlflow import collect_from_mlflow, nested, read
from losslab.errors import UserError
from losslab.training.record import flatten
from mlflow.entities import Metric, Param, RunTag


@pytest.fixture
def client(store):
    return mlflow.MlflowClient(tracking_uri=store)


@pytest.fixture
def experiment(client):
    return client.create_experiment("mine")


def log(client, experiment, name, made_from, curve, status="FINISHED", **tags):
    run_id = client.create_run(experiment, run_name=name).info.run_id
    params = [Param(key, str(value)) for key, value in flatten(made_from).items()]
    metrics = [Metric("val/f1", value, 1000 + step, step) for step, value in enumerate(curve)]
    metrics += [Metric("val/accuracy", value / 2, 1000, 0) for value in curve[:1]]
    metrics += [Metric("val/auroc", value / 2, 1000, 0) for value in curve[:1]]
    metrics += [Metric("test/f1", value, 2000, 9) for value in curve[-1:]]
    tags = {"data.name": "digits", "data.fingerprint": "f00d", **tags}
    tags = [RunTag(key, value) for key, value in tags.items()]
    client.log_batch(run_id, metrics=metrics, params=params, tags=tags)
    client.set_terminated(run_id, status)
    return run_id


@pytest.fixture
def two_groups(client, experiment):
    parent = client.create_run(experiment, run_name="sweep-aaaaaa").info.run_id
    for lr in (0.1, 0.2):
        for seed in (1, 2):
            log(client, experiment, f"run-{lr}-{seed}", config(seed, lr), [lr, lr + seed / 10],
                **{"mlflow.parentRunId": parent})  # fmt: skip
    log(client, experiment, "lost", config(3, 0.2), [], "FAILED", **{"losslab.reason": "NaN"})
    client.create_run(experiment, run_name="foreign")


def test_the_same_table_as_from_disk(two_groups):
    found = compare(collect_from_mlflow(experiment="mine"), baseline="0.1")
    assert found.metric == "test/f1"
    assert [(g.name, g.of) for g in found.groups] == [("lr=0.2", 3), ("lr=0.1", 2)]
    assert found.groups[0].values == pytest.approx([0.3, 0.4])
    assert found.left_out == [("lost", "FAILED", "NaN")]
    assert found.notes[0] == "without a configuration of losslab, left out: foreign"


def test_validation_values_are_of_the_best_epoch_and_curves_are_there(client, experiment):
    log(client, experiment, "a", config(), [0.2, 0.9, 0.4])
    (run,) = collect_from_mlflow(experiment="mine").runs
    assert run.monitor == "val/f1"
    assert run.value("val/f1") == 0.9
    assert run.value("test/f1") == 0.4
    assert run.curves()["val/f1"] == ([0, 1, 2], [0.2, 0.9, 0.4])
    assert run.curves().get("none") is None
    assert run.config == {**config(), "tracking": {"enabled": False}}


def test_what_the_run_says_it_monitors_counts(client, experiment):
    log(client, experiment, "a", config(trainer={"monitor": "accuracy"}), [0.2])
    log(client, experiment, "b", config(2), [0.2], monitor="val/auroc")
    runs = collect_from_mlflow(experiment="mine").runs
    assert {run.name: run.monitor for run in runs} == {"a": "val/accuracy", "b": "val/auroc"}


@pytest.mark.parametrize(
    ("word", "count"), [("sweep-aaaaaa", 4), ("sweep-a", 4), ("run-0.1-1", 1), ("los", 1)]
)
def test_by_name(two_groups, word, count):
    assert len(collect_from_mlflow([word], experiment="mine").runs) == count


@pytest.mark.parametrize(
    ("word", "message"),
    [("run-0.1", r"several are called 'run-0\.1…'"), ("lots", "no run or sweep 'lots' .* lost")],
)
def test_a_name_of_nothing_is_an_error(two_groups, word, message):
    with pytest.raises(UserError, match=message):
        collect_from_mlflow([word], experiment="mine")


def test_an_unknown_experiment_is_an_error(experiment):
    with pytest.raises(UserError, match=r"no experiment 'mien' in .* Did you mean mine\?"):
        collect_from_mlflow(experiment="mien")


def test_an_experiment_without_runs_is_an_error(experiment):
    with pytest.raises(UserError, match=r"experiment 'mine' in .* holds no runs of losslab"):
        collect_from_mlflow(experiment="mine")


def test_a_store_that_is_not_there_is_an_error(workdir):
    with pytest.raises(UserError, match=r"there is no store .*mlflow\.db: name it with --uri"):
        collect_from_mlflow()


def test_a_store_that_is_away_is_an_error(workdir, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(UserError, match=r"the store http://127.0.0.1:9 can't be read"):
        collect_from_mlflow(uri="http://127.0.0.1:9")


def test_parameters_become_the_configuration_again():
    made_from = {**config(), "x": {"betas": [0.9, 0.999], "on": True, "path": "a/b c"}}
    assert nested({k: read(str(v)) for k, v in flatten(made_from).items()}) == made_from


def test_the_command_reads_the_store(cli, two_groups):
    outcome = cli("compare", "--experiment", "mine")
    assert outcome.code == 0, outcome
    assert "experiment mine  test/f1 · 4 runs in 2 groups" in outcome.out
