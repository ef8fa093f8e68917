"""`losslab runs`: what is there, and what is left hanging."""

import json
import time

import mlflow
import pytest
from filelock import FileLock
from kept_runs import config, keep_run, keep_sweep
from losslab.cli.runs import complete_run


@pytest.fixture
def outputs(workdir):
    return workdir / "outputs"


def rows(outcome):
    assert outcome.code == 0, outcome
    return [line.split() for line in outcome.out.split("\n\n")[0].splitlines()[1:]]


def summary(directory, name="run.json"):
    return json.loads((directory / name).read_text())


def test_runs_and_sweeps_newest_last(cli, outputs):
    keep_run(outputs / "older", started=time.time() - 7200)
    sweep = keep_sweep(outputs, {0.1: [0.5, 0.6], 0.2: [0.9]})
    keep_run(sweep / "broken", config(9), None)
    keep_run(outputs / "newest", started=time.time() - 5)
    found = rows(cli("runs"))
    assert [row[0] for row in found] == ["sweep-aaaaaa", "older", "newest"]
    assert found[0][1:5] == ["3", "FINISHED,", "1", "FAILED"]
    assert found[0][5:10] == ["bce", "MLP", "digits", "f1", "0.8"]
    assert found[1] == ["older", "FINISHED", "bce", "MLP", "digits", "f1", "0.4", "2h"]


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["sweep-aaaaaa"], ["bce-mlp-0.1-1", "bce-mlp-0.2-1"]),
        (["mlp-0.1"], ["bce-mlp-0.1-1"]),
        (["*-0.2-*"], ["bce-mlp-0.2-1"]),
        (["optimizer.lr=0.2"], ["bce-mlp-0.2-1"]),
        (["loss=bce", "lr=0.1"], ["bce-mlp-0.1-1"]),
        (["--status", "failed"], ["broken"]),
    ],
)
def test_filters_choose(cli, outputs, arguments, names):
    keep_sweep(outputs, {0.1: [0.5], 0.2: [0.6]})
    keep_run(outputs / "broken", config(9, lr=7), None)
    assert sorted(row[0] for row in rows(cli("runs", *arguments))) == names


def test_a_sweep_says_what_became_of_it(cli, outputs):
    sweep = keep_sweep(outputs, {0.1: [0.5]})
    (sweep / "sweep.json").write_text(json.dumps({"status": "KILLED", "started": 1.0}))
    empty = outputs / "sweep-empty"
    empty.mkdir()
    (empty / "sweep.json").write_text(json.dumps({"status": "FAILED", "started": 2.0}))
    first, second = rows(cli("runs"))
    assert first[:4] == ["sweep-aaaaaa", "KILLED:", "1", "FINISHED"]
    assert second[:4] == ["sweep-empty", "FAILED:", "no", "runs"]


@pytest.mark.parametrize("columns", ["80", "120"])
def test_names_are_never_cut(cli, outputs, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    keep_run(outputs / "reconstruction+kl-vae-8881d6", data="a_data_set_with_a_long_name")
    out = cli("runs").out
    assert "reconstruction+kl-vae-8881d6  FINISHED" in out
    assert max(map(len, out.splitlines())) <= int(columns)


def test_json(cli, outputs):
    keep_sweep(outputs, {0.1: [0.5, 0.6]})
    found = json.loads(cli("runs", "--json").out)
    assert [entry["name"] for entry in found] == ["bce-mlp-0.1-1", "bce-mlp-0.1-2"]
    assert found[0]["best"] == 0.4
    assert found[0]["status"] == "FINISHED"


def test_stale_runs_are_shown_marked_and_kept(cli, outputs):
    alive = keep_run(outputs / "alive", config(1), status="RUNNING")
    stale = keep_run(outputs / "stale", config(2), status="RUNNING")
    sweep = keep_sweep(outputs, {0.1: [0.5]})
    (sweep / "sweep.json").write_text(json.dumps({"status": "RUNNING", "started": 1.0}))
    before = {path.relative_to(outputs) for path in outputs.rglob("*")}
    with FileLock(alive / "run.lock"):
        shown = cli("runs")
        assert "losslab runs --clean marks it" in shown.out
        assert [row[1] for row in rows(shown)] == ["STALE:", "RUNNING", "STALE"]
        cleaned = cli("runs", "--clean")
        assert cleaned.code == 0, cleaned
        assert cleaned.out.splitlines()[:3] == [
            "marked 2 stale as KILLED", "  stale", "  sweep-aaaaaa",
        ]  # fmt: skip
        assert "STALE" not in cleaned.out
    assert summary(alive)["status"] == "RUNNING"
    found = summary(stale)
    assert found["status"] == "KILLED"
    assert found["reason"].startswith("the process ended without a word")
    assert found["finished"] == (stale / "journal.jsonl").stat().st_mtime
    assert found["metrics"] == {"test/f1": 0.5, "test/loss": 0.5}
    assert summary(sweep, "sweep.json")["status"] == "KILLED"
    assert before <= {path.relative_to(outputs) for path in outputs.rglob("*")}
    assert "nothing is stale" in rest(cli, alive)


def rest(cli, alive):
    with FileLock(alive / "run.lock"):
        return cli("runs", "--clean").out


def test_cleaning_tells_the_store(cli, outputs, store):
    client = mlflow.MlflowClient(tracking_uri=store)
    experiment = client.create_experiment("losslab")
    run_id = client.create_run(experiment).info.run_id
    stale = keep_run(outputs / "stale", status="RUNNING")
    state = {
        "uri": store, "experiment": "losslab", "name": "stale", "wait": 1.0, "run_id": run_id,
        "experiment_id": experiment, "status": "RUNNING", "error": None,
        "offset": (stale / "journal.jsonl").stat().st_size,
    }  # fmt: skip
    (stale / "tracking.json").write_text(json.dumps(state))
    outcome = cli("runs", "--clean")
    assert outcome.code == 0, outcome
    assert client.get_run(run_id).info.status == "KILLED"


def test_a_store_that_can_not_be_told_is_said(cli, outputs, monkeypatch):
    stale = keep_run(outputs / "stale", status="RUNNING")
    state = {
        "uri": "http://127.0.0.1:9", "experiment": "x", "name": "stale", "wait": 1.0,
        "run_id": "1", "experiment_id": None, "status": "RUNNING", "error": None, "offset": 0,
    }  # fmt: skip
    (stale / "tracking.json").write_text(json.dumps(state))
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    outcome = cli("runs", "--clean")
    assert outcome.code == 0, outcome
    assert "stale, but its store could not be told: MlflowException" in outcome.out
    assert summary(stale)["status"] == "KILLED"


def test_without_runs_it_says_so(cli, outputs):
    assert "there are no runs in outputs/: start one with losslab train" in cli("runs").out
    assert "no runs in outputs/ for x --status failed" in cli("runs", "x", "--status", "failed").out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--status", "done"], "--status must be one of finished, pruned, failed, killed, runn"),
        (["lr=9"], "Error: lr=9 leaves no run: optimizer.lr is 0.01"),
    ],
)
def test_mistakes_are_told_with_exit_code_2(cli, outputs, arguments, message):
    keep_run(outputs / "a")
    outcome = cli("runs", *arguments)
    assert outcome.code == 2
    assert message in outcome.err


def test_names_are_completed(outputs):
    keep_sweep(outputs, {0.1: [0.5]})
    keep_run(outputs / "bce-mlp-1")
    assert complete_run("") == ["last", "best", "bce-mlp-1", "sweep-aaaaaa"]
    assert complete_run("s") == ["sweep-aaaaaa"]
