"""Which runs are meant."""

import json

import pytest
from filelock import FileLock
from kept_runs import config, keep_run, keep_sweep
from losslab.analysis.collect import collect
from losslab.errors import UserError


def names(selection):
    return [run.name for run in selection.runs]


@pytest.fixture
def outputs(workdir):
    return workdir / "outputs"


def test_last_is_the_latest_sweep_and_says_what_is_newer(outputs):
    keep_sweep(outputs, {0.1: [0.5]}, "sweep-aaaaaa")
    keep_run(outputs / "sweep-bbbbbb" / "one", config(50))
    keep_run(outputs / "single", config(99))
    found = collect()
    assert found.title == "sweep-bbbbbb"
    assert names(found) == ["one"]
    assert found.notes == ["runs newer than sweep-bbbbbb, no part of it: single"]


def test_without_a_sweep_last_is_what_can_be_compared_with_the_last_run(outputs):
    keep_run(outputs / "a", config(1))
    keep_run(outputs / "b", config(2), data="other")
    keep_run(outputs / "c", config(3))
    found = collect(["last"])
    assert found.title == "runs on digits"
    assert names(found) == ["a", "c"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param(["sweep-aaaaaa"], ["bce-mlp-0.1-1", "bce-mlp-0.1-2"], id="sweep"),
        pytest.param(["sweep-a"], ["bce-mlp-0.1-1", "bce-mlp-0.1-2"], id="prefix"),
        pytest.param(["outputs/sweep-aaaaaa"], ["bce-mlp-0.1-1", "bce-mlp-0.1-2"], id="folder"),
        pytest.param(["single"], ["single"], id="run"),
        pytest.param(["outputs/single"], ["single"], id="run-folder"),
        pytest.param(["bce-*-2", "single"], ["bce-mlp-0.1-2", "single"], id="pattern"),
        pytest.param(["sweep-*"], ["bce-mlp-0.1-1", "bce-mlp-0.1-2"], id="pattern-of-sweeps"),
    ],
)
def test_by_name(outputs, words, expected):
    keep_sweep(outputs, {0.1: [0.5, 0.6]})
    keep_run(outputs / "single", config(9))
    assert names(collect(words)) == expected


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("sweep-", "2 sweeps begin with 'sweep-': sweep-aaaaaa, sweep-aaaaab. Give more"),
        ("sweep-b", r"no sweep 'sweep-b' in outputs/.*The latest is"),
        ("nothing-*", r"no run or sweep in outputs/ is called 'nothing-\*'"),
        ("nothing", "no run 'nothing' in outputs/"),
    ],
)
def test_a_name_of_nothing_is_an_error(outputs, word, message):
    keep_sweep(outputs, {0.1: [0.5]})
    keep_run(outputs / "sweep-aaaaab" / "earlier", config(0))
    with pytest.raises(UserError, match=message):
        collect([word])


def test_without_runs_it_says_so(outputs):
    with pytest.raises(UserError, match="there are no runs in outputs/: start one"):
        collect()


def test_a_running_run_is_stale_once_nobody_holds_its_lock(outputs):
    directory = keep_run(outputs / "a", status="RUNNING")
    assert collect(["a"]).runs[0].status == "STALE"
    with FileLock(directory / "run.lock"):
        assert collect(["a"]).runs[0].status == "RUNNING"


def test_a_run_that_a_search_gave_up_did_not_finish(outputs):
    keep_run(outputs / "a", pruned=True)
    assert collect(["a"]).runs[0].status == "PRUNED"


def test_jobs_that_never_became_runs_are_told(outputs):
    sweep = keep_sweep(outputs, {0.1: [0.5]})
    keep_run(sweep / "failed", config(2), None, reason="NonFiniteLoss: not finite at step 6")
    lines = [
        {"job": "seed=2", "error": "not finite at step 6"},
        {"job": ["model=unet", "seed=3"], "error": "the model needs images\nand more"},
    ]
    (sweep / "errors.jsonl").write_text("\n".join(map(json.dumps, lines)))
    found = collect(["sweep-aaaaaa"])
    assert found.unborn == [("model=unet seed=3", "the model needs images")]
    assert [run.status for run in found.runs] == ["FINISHED", "FAILED"]


def test_values_on_the_validation_data_are_of_the_best_epoch(outputs):
    keep_run(outputs / "a", curve=[0.2, 0.9, 0.4], best_epoch=2)
    (run,) = collect(["a"]).runs
    assert run.value("val/f1") == 0.9
    assert run.value("train/loss") == 1 / 3
    assert run.value("test/f1") == 0.5
    assert run.value("test/none") is None


def test_a_folder_without_a_configuration_is_an_error(outputs):
    directory = keep_run(outputs / "a")
    (directory / "config.yaml").unlink()
    with pytest.raises(UserError, match=r"outputs/a holds no config.yaml"):
        collect(["a"])
