"""Sweeps on other engines: two jobs through each, in processes of its own."""

import json

import pytest
from conftest import TINY

pytestmark = pytest.mark.filterwarnings("ignore")  # the engines' own
RATE = "optimizer.lr=tag(log,interval(1e-6,1e-1))"
ENGINES = {
    "joblib": ("hydra_plugins.hydra_joblib_launcher", ["hydra.launcher.n_jobs=2"]),
    "submitit_local": ("hydra_plugins.hydra_submitit_launcher", ["hydra.launcher.timeout_min=5"]),
    "ray": ("hydra_plugins.hydra_ray_launcher", ["+hydra.launcher.ray.init.num_cpus=2"]),
}


@pytest.fixture(params=ENGINES)
def engine(request):
    """The overrides that choose an engine."""
    package, options = ENGINES[request.param]
    pytest.importorskip(package)
    return [f"hydra/launcher={request.param}", *options]


def runs_of(workdir):
    return [json.loads(p.read_text()) for p in workdir.glob("outputs/*/*/run.json")]


def test_two_jobs(engine, start, workdir):
    process = start("train", "-m", *engine, "seed=1,2", *TINY)
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, (out, err)
    assert [run["status"] for run in runs_of(workdir)] == ["FINISHED"] * 2
    assert "2 runs of sweep-" in out


def test_a_job_that_fails_is_counted(engine, start, workdir):
    process = start("train", "-m", *engine, "optimizer.lr=0.01,1e30", "optimizer=sgd", *TINY)
    out, err = process.communicate(timeout=240)
    assert process.returncode == 1, (out, err)
    assert "1 of the sweep's runs failed" in err
    assert "optimizer.lr=1e+30" in err or "optimizer.lr=1e30" in err


def test_a_search_that_prunes(engine, start, workdir):
    optuna = pytest.importorskip("optuna")
    process = start(
        "train", "-m", "hydra/sweeper=optuna", *engine, *TINY, "trainer.epochs=4", RATE,
        "hydra.sweeper.n_trials=6", "hydra.sweeper.n_jobs=2", "hydra.sweeper.study_name=s",
        "hydra.sweeper.storage=sqlite:///optuna.db", "hydra.sweeper.pruner=median",
        "hydra.sweeper.pruner_options={n_startup_trials:2}",
    )  # fmt: skip
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, (out, err)
    study = optuna.load_study(study_name="s", storage=f"sqlite:///{workdir}/optuna.db")
    states = [trial.state.name for trial in study.trials]
    assert len(states) == 6
    assert states.count("PRUNED") == sum(run["pruned"] for run in runs_of(workdir)) > 0
