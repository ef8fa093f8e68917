"""Real studies over real, tiny runs: what is searched, pruned, continued, shown and written."""

import json
import subprocess
import sys

import mlflow
import pytest
import yaml
from losslab.errors import UserError

from hydra_plugins.losslab.study import Pruner, build_sampler

optuna = pytest.importorskip("optuna")
pytestmark = [
    pytest.mark.usefixtures("as_one_program"),
    pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning"),
]
TINY = ["model=mlp", "model.width=8", "tracking=none", "trainer.device=cpu"]
SEARCH = ["train", "-m", "hydra/sweeper=optuna", *TINY]
RATE = "optimizer.lr=tag(log,interval(1e-6,1e-1))"


def of_sweeper(**options):
    return [f"hydra.sweeper.{name}={value}" for name, value in options.items()]


def runs_of(workdir):
    return [json.loads(p.read_text()) for p in sorted(workdir.glob("outputs/*/*/run.json"))]


def results_of(workdir):
    (path,) = workdir.glob("outputs/*/optimization_results.yaml")
    return yaml.safe_load(path.read_text())


def study_in(workdir, name="s"):
    return optuna.load_study(study_name=name, storage=f"sqlite:///{workdir}/optuna.db")


def states(study):
    return [trial.state.name for trial in study.trials]


def test_a_search_finds_shows_and_writes_the_best(cli, workdir):
    outcome = cli(
        *SEARCH, "trainer.epochs=1", RATE, "optimizer.weight_decay=range(0,1,step=0.25)",
        "loss=bce,focal", *of_sweeper(n_trials=6, n_jobs=3),
    )  # fmt: skip
    assert outcome.code == 0, outcome
    runs = {run["name"]: run for run in runs_of(workdir)}
    assert len(runs) == 6
    results = results_of(workdir)
    (best,) = results["best"]
    assert results["metrics"] == {"val/f1": "max"}
    assert results["trials"] == {"complete": 6, "pruned": 0, "failed": 0}
    assert best["values"]["val/f1"] == max(run["best"] for run in runs.values())
    assert best["values"]["val/f1"] == runs[best["run"]]["best"]
    assert set(best["parameters"]) == {"optimizer.lr", "optimizer.weight_decay", "loss"}
    (sweep,) = workdir.glob("outputs/*/sweep.csv")
    config = yaml.safe_load((sweep.parent / best["run"] / "config.yaml").read_text())
    assert config["optimizer"]["lr"] == best["parameters"]["optimizer.lr"]
    assert [*config["loss"]] == [best["parameters"]["loss"]]
    importance = json.loads((sweep.parent / "importance.json").read_text())
    assert sum(importance.values()) == pytest.approx(1)
    assert (sweep.parent / "importance.png").read_bytes().startswith(b"\x89PNG")
    assert all(f"trial {number}" in outcome.out for number in range(6))
    assert "6 complete trials of study sweep-" in outcome.out


def test_trials_of_a_batch_are_trained_as_one_program(cli, workdir):
    outcome = cli(*SEARCH, "trainer.epochs=1", RATE, *of_sweeper(n_trials=8, n_jobs=4))
    assert outcome.out.count("4 runs are trained as one program") == 2, outcome


def test_the_same_seed_searches_the_same_and_trains_nothing_again(cli, workdir):
    command = (*SEARCH, "trainer.epochs=1", RATE, *of_sweeper(n_trials=4, n_jobs=2))
    cli(*command)
    first = results_of(workdir)
    outcome = cli(*command)
    assert outcome.code == 0, outcome
    assert results_of(workdir) == first
    assert len(runs_of(workdir)) == 4


def test_equal_trials_are_one_run(cli, workdir):
    outcome = cli(
        *SEARCH, "trainer.epochs=1", "seed=1,2", *of_sweeper(n_trials=5, n_jobs=5, sampler="random")
    )
    assert outcome.code == 0, outcome
    assert len(runs_of(workdir)) <= 2
    assert results_of(workdir)["trials"]["complete"] == 5


def test_a_study_goes_on_and_what_it_holds_counts(cli, workdir):
    kept = of_sweeper(storage="sqlite:///optuna.db", study_name="s", sampler="random")
    cli(*SEARCH, "trainer.epochs=1", RATE, *kept, "hydra.sweeper.n_trials=2")
    outcome = cli(*SEARCH, "trainer.epochs=1", RATE, *kept, "hydra.sweeper.n_trials=5", "--fresh")
    assert outcome.code == 0, outcome
    study = study_in(workdir)
    assert states(study) == ["COMPLETE"] * 5
    assert len({trial.params["optimizer.lr"] for trial in study.trials}) == 5
    assert len(runs_of(workdir)) == 5


def test_an_interrupted_trial_is_continued(cli, workdir, monkeypatch):
    kept = of_sweeper(storage="sqlite:///optuna.db", study_name="s", n_trials=3)
    command = (*SEARCH, "trainer.epochs=2", RATE, *kept)
    with monkeypatch.context() as patch:
        patch.setattr("losslab.training.run._conclude", _interrupt)
        outcome = cli(*command)
    assert outcome.code == 130
    assert states(study_in(workdir)) == ["RUNNING"]
    outcome = cli(*command)
    assert outcome.code == 0, outcome
    assert states(study_in(workdir)) == ["COMPLETE"] * 3
    assert len(runs_of(workdir)) == 3


def _interrupt(*_):
    raise KeyboardInterrupt


def test_a_failed_trial_does_not_end_the_search(cli, workdir):
    outcome = cli(
        *SEARCH, "trainer.epochs=1", "optimizer=sgd", "optimizer.lr=0.01,1e30",
        *of_sweeper(n_trials=6, sampler="random"),
    )  # fmt: skip
    assert outcome.code == 1, outcome
    assert "of the sweep's runs failed" in outcome.err
    counts = results_of(workdir)["trials"]
    assert counts["failed"] + counts["complete"] == 6
    assert min(counts["failed"], counts["complete"]) > 0
    assert results_of(workdir)["best"][0]["parameters"] == {"optimizer.lr": 0.01}


@pytest.mark.parametrize("launcher", ["vectorized", "basic"])
def test_pruned_trials_stop_early(launcher, cli, workdir):
    outcome = cli(
        *SEARCH, "trainer.epochs=5", RATE, f"hydra/launcher={launcher}",
        *of_sweeper(n_trials=8, n_jobs=2, pruner="median", pruner_options="{n_startup_trials:2}"),
    )  # fmt: skip
    assert outcome.code == 0, outcome
    runs = runs_of(workdir)
    pruned = [run for run in runs if run["pruned"]]
    assert pruned
    assert {run["status"] for run in runs} == {"FINISHED"}
    assert all(run["reason"].startswith("pruned after epoch") for run in pruned)
    counts = results_of(workdir)["trials"]
    assert counts == {"complete": 8 - len(pruned), "pruned": len(pruned), "failed": 0}
    for run in pruned:
        (journal,) = workdir.glob(f"outputs/*/{run['name']}/journal.jsonl")
        assert journal.read_text().count('"val/loss"') < 5


def test_halving_prunes_within_a_group(cli, workdir):
    outcome = cli(
        *SEARCH, "trainer.epochs=4", RATE,
        *of_sweeper(n_trials=6, n_jobs=6, pruner="successive_halving"),
    )  # fmt: skip
    assert outcome.code == 0, outcome
    assert "6 runs are trained as one program" in outcome.out
    pruned = [run["best"] for run in runs_of(workdir) if run["pruned"]]
    others = [run["best"] for run in runs_of(workdir) if not run["pruned"]]
    assert pruned
    assert max(others) >= max(pruned)


def test_a_pruned_search_repeated_is_the_same(cli, workdir):
    command = (
        *SEARCH, "trainer.epochs=4", RATE, "hydra/launcher=basic",
        *of_sweeper(n_trials=6, n_jobs=2, pruner="median", pruner_options="{n_startup_trials:2}"),
    )  # fmt: skip
    cli(*command)
    first = results_of(workdir)
    assert first["trials"]["pruned"]
    cli(*command)
    assert results_of(workdir) == first
    assert len(runs_of(workdir)) == 6


def test_several_objectives_have_a_front(cli, workdir):
    outcome = cli(
        *SEARCH, "trainer.epochs=2", RATE, *of_sweeper(n_trials=6, n_jobs=3, metric="[f1,val/loss]")
    )
    assert outcome.code == 0, outcome
    results = results_of(workdir)
    assert results["metrics"] == {"val/f1": "max", "val/loss": "min"}
    front = [(t["values"]["val/f1"], t["values"]["val/loss"]) for t in results["best"]]
    for f1, loss in front:
        assert not any(
            other[0] >= f1 and other[1] <= loss and other != (f1, loss) for other in front
        )
    assert "best" in outcome.out


def test_the_sweeps_run_keeps_the_results(cli, workdir, store):
    arguments = [word for word in SEARCH if word != "tracking=none"]
    outcome = cli(
        *arguments, "trainer.epochs=1", RATE, "seed=1,2", f"tracking.uri={store}",
        *of_sweeper(n_trials=4, n_jobs=4),
    )  # fmt: skip
    assert outcome.code == 0, outcome
    client = mlflow.MlflowClient(tracking_uri=store)
    runs = client.search_runs([client.get_experiment_by_name("losslab").experiment_id])
    (parent,) = [run for run in runs if run.info.run_name.startswith("sweep-")]
    assert [a.path for a in client.list_artifacts(parent.info.run_id)] == [
        "config.yaml",
        "importance.json",
        "importance.png",
        "optimization_results.yaml",
        "plots",
        "sweep.csv",
    ]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "nothing to search"),
        (["hydra.sweeper.n_trials=0"], r"hydra.sweeper.n_trials must be at least 1; got 0"),
        (["hydra.sweeper.sampler=tp"], "unknown hydra.sweeper.sampler=tp. Did you mean tpe?"),
        (["hydra.sweeper.pruner=mean"], "unknown hydra.sweeper.pruner=mean. Did you mean median?"),
        (
            ["hydra.sweeper.pruner=median", "hydra.sweeper.pruner_options={n_warm:2}"],
            "hydra.sweeper.pruner_options: ",
        ),
        (
            ["hydra.sweeper.pruner=median", "hydra.sweeper.metric=[f1,loss]"],
            "can't judge by several metrics",
        ),
        (["hydra.sweeper.direction=up"], "hydra.sweeper.direction must be min or max for each"),
        (["hydra.sweeper.metric=[f1,loss]", "hydra.sweeper.direction=min"], "for each metric"),
        (["hydra.sweeper.storage=nowhere"], "hydra.sweeper.storage=nowhere can't be used"),
        (["hydra.sweeper.metric=f2"], "val/f2 is not measured here: there are test/accuracy"),
        (["model.depths=1"], "unknown key model.depths. Did you mean model.depth?"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
def test_what_the_user_can_put_right(arguments, text, cli, workdir):
    search = [RATE] if arguments else []
    outcome = cli(*SEARCH, "trainer.epochs=1", *search, "hydra.sweeper.n_trials=1", *arguments)
    assert outcome.code == 2, outcome
    assert text in outcome.err


@pytest.mark.parametrize("option", ["n_jobs=0", "sampler=tp", "pruner=mean"])
def test_options_that_are_none_leave_nothing_behind(option, cli, workdir):
    outcome = cli("train", "-m", "hydra/sweeper=optuna", f"hydra.sweeper.{option}", RATE)
    assert outcome.code == 2, outcome
    assert not any(workdir.iterdir())


def test_another_direction_is_another_study(cli, workdir):
    kept = of_sweeper(storage="sqlite:///optuna.db", study_name="s", n_trials=1)
    cli(*SEARCH, "trainer.epochs=1", RATE, *kept)
    outcome = cli(*SEARCH, "trainer.epochs=1", RATE, *kept, "hydra.sweeper.metric=loss")
    assert outcome.code == 2
    assert "is to maximize its metrics, and this search to minimize" in outcome.err


def test_other_choices_are_another_study(cli, workdir):
    kept = of_sweeper(storage="sqlite:///optuna.db", study_name="s")
    cli(*SEARCH, "trainer.epochs=1", "seed=1,2", *kept, "hydra.sweeper.n_trials=1")
    outcome = cli(*SEARCH, "trainer.epochs=1", "seed=1,3", *kept, "hydra.sweeper.n_trials=2")
    assert outcome.code == 2, outcome
    assert "study s can't go on with this search" in outcome.err


def test_pruning_in_other_processes_needs_a_storage(cli, workdir):
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    outcome = cli(
        *SEARCH, "trainer.epochs=1", RATE, "hydra/launcher=joblib", "hydra.sweeper.pruner=median"
    )
    assert outcome.code == 2
    assert "hydra.sweeper.pruner needs hydra.sweeper.storage=sqlite:///optuna.db" in outcome.err


def test_without_optuna_it_says_what_to_install(cli, workdir, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    outcome = cli(*SEARCH, RATE)
    assert outcome.code == 2
    assert "needs Optuna: pip install 'losslab[optuna]'" in outcome.err


def test_a_sampler_whose_package_is_missing_says_which(monkeypatch):
    monkeypatch.setitem(sys.modules, "cmaes", None)
    with pytest.raises(UserError, match="sampler=cmaes needs its package: pip install cmaes"):
        build_sampler("cmaes", {}, 0)


@pytest.mark.parametrize("sampler", ["gp", "nsgaii", "random", "tpe"])
def test_each_sampler_asks_for_batches(sampler):
    study = optuna.create_study(sampler=build_sampler(sampler, {}, 0))
    space = {"k": optuna.distributions.FloatDistribution(0, 1)}
    for _ in range(6):
        for trial in [study.ask(space) for _ in range(2)]:
            study.tell(trial, trial.params["k"])
    assert len({trial.params["k"] for trial in study.trials}) == 12


def test_hyperband_knows_how_long_a_run_is():
    assert Pruner("hyperband").build(27)._max_resource == 27


def test_a_plain_run_imports_no_optuna():
    code = "import sys; from losslab.cli.compose import register; register(); print(*sys.modules)"
    words = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "optuna" not in words.stdout.split()
