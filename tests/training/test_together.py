"""Runs trained as one program are, each of them, the run that it would have been alone."""

import json

import pytest
import torch
from losslab.cli.compose import compose_config, plain
from losslab.errors import UserError
from losslab.training import checkpoint
from losslab.training.alike import without_numbers
from losslab.training.report import Report
from losslab.training.run import run
from losslab.training.stacked_optimizer import NotStackable
from losslab.training.stacked_run import Job
from losslab.training.together import train_together
from small_runs import config_of, job, metrics_in

pytestmark = [
    pytest.mark.usefixtures("as_one_program"),
    pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning"),
]


def progress_of(run_dir):
    return checkpoint.load(run_dir / "checkpoints" / "last.pt")["progress"]


SWEEPS = {
    "rate_schedules": [
        ["schedule@optimizer.lr=linear", "optimizer.lr.start=0.01", f"optimizer.lr.end={end}"]
        for end in (0.001, 0.005)
    ],
    "rates": [["optimizer.lr=0.001"], ["optimizer.lr=0.01"]],
    "rate_or_schedule": [
        ["optimizer.lr=0.01"],
        ["schedule@optimizer.lr=cosine", "optimizer.lr.start=0.01", "optimizer.lr.end=0.001"],
    ],
    "weight_decays": [["optimizer.weight_decay=0"], ["optimizer.weight_decay=0.1"]],
    "betas": [["optimizer.betas=[0.9,0.999]"], ["optimizer.betas=[0.5,0.9]"]],
    "momenta": [["optimizer=sgd", f"optimizer.momentum={m}"] for m in (0.5, 0.9)],
    "loss_options": [
        ["loss=focal+l2_norm", f"loss.focal.gamma={gamma}", f"loss.l2_norm.weight={weight}"]
        for gamma, weight in ((0.0, 0.1), (2.0, 0.001))
    ],
    "seeds": [["seed=1"], ["seed=2"]],
    "splits": [["data.split_seed=1"], ["data.split_seed=2"]],
    "splits_in_units": [
        ["data=diabetes", "loss=mse", f"data.split_seed={seed}"] for seed in (1, 2)
    ],
    "class_weights": [["loss.bce.class_weight=[1,1]"], ["loss.bce.class_weight=[1,9]"]],
    "schedules": [
        ["schedule@loss.bce.weight=linear", "loss.bce.weight.end=1.0"],
        ["schedule@loss.bce.weight=linear", "loss.bce.weight.end=0.5"],
    ],
    "kinds_of_schedule": [
        ["loss.bce.weight=0.7"],
        ["schedule@loss.bce.weight=cyclical", "loss.bce.weight.period=1"],
    ],
}


@pytest.mark.parametrize("name", SWEEPS)
def test_a_sweep_over_numbers_is_one_group(name):
    assert len({repr(without_numbers(config_of(*own))) for own in SWEEPS[name]}) == 1


@pytest.mark.parametrize("name", SWEEPS)
def test_each_run_is_what_it_is_alone(name, tmp_path):
    jobs = [job(tmp_path, f"together-{i}", *own) for i, own in enumerate(SWEEPS[name])]
    results = train_together(jobs, Report())
    for index, (own, result) in enumerate(zip(SWEEPS[name], results, strict=True)):
        alone = tmp_path / f"alone-{index}"
        alone.mkdir()
        expected = run(config_of(*own), alone)
        assert result.metrics == pytest.approx(expected.metrics, rel=1e-4, abs=1e-6)
        here, there = metrics_in(result.run_dir), metrics_in(alone)
        assert here.keys() == there.keys()
        assert here == pytest.approx(there, rel=1e-4, abs=1e-6)
        states = [checkpoint.load(d / "checkpoints" / "last.pt") for d in (result.run_dir, alone)]
        torch.testing.assert_close(states[0]["model"], states[1]["model"], rtol=1e-4, atol=1e-5)
        assert states[0]["progress"]["step"] == states[1]["progress"]["step"]
        assert json.loads((result.run_dir / "run.json").read_text())["status"] == "FINISHED"


def test_a_run_can_be_continued_alone(tmp_path):
    jobs = [job(tmp_path, f"{i}", f"seed={i}") for i in range(2)]
    train_together(jobs, Report())
    longer = config_of("seed=1", "trainer.epochs=3")
    result = run(longer, tmp_path / "1", resume=True)
    whole = tmp_path / "whole"
    whole.mkdir()
    expected = run(longer, whole)
    assert result.metrics == pytest.approx(expected.metrics, rel=1e-3, abs=1e-5)


@pytest.mark.parametrize("metrics", ["null", "[sklearn.metrics.brier_score_loss]"])
def test_a_run_that_turns_nan_harms_no_other(metrics, tmp_path):
    rates = ["optimizer.lr=0.001", "optimizer.lr=1e30"]
    jobs = [
        job(tmp_path, f"{i}", "optimizer=sgd", f"trainer.metrics={metrics}", rate)
        for i, rate in enumerate(rates)
    ]
    good, bad = train_together(jobs, Report())
    assert "not finite" in str(bad)
    summary = json.loads((jobs[1].run_dir / "run.json").read_text())
    assert summary["status"] == "FAILED"
    assert "not finite" in summary["reason"]
    alone = tmp_path / "alone"
    alone.mkdir()
    expected = run(config_of("optimizer=sgd", f"trainer.metrics={metrics}", rates[0]), alone)
    assert good.metrics == pytest.approx(expected.metrics, rel=1e-4, abs=1e-6)


def test_each_run_stops_when_its_own_patience_is_over(tmp_path):
    early = ["trainer.epochs=6", "trainer.patience=1", "trainer.monitor=val/loss", "optimizer=sgd"]
    rates = [["optimizer.lr=1e-30"], ["optimizer.lr=0.1"], ["optimizer.lr=1.0"]]
    jobs = [job(tmp_path, f"{i}", *early, *rate) for i, rate in enumerate(rates)]
    train_together(jobs, Report())
    ended = [progress_of(j.run_dir) for j in jobs]
    for index, rate in enumerate(rates):
        alone = tmp_path / f"alone-{index}"
        alone.mkdir()
        run(config_of(*early, *rate), alone)
        expected = progress_of(alone)
        assert [ended[index][key] for key in ("epoch", "best_epoch", "step", "stale")] == [
            expected[key] for key in ("epoch", "best_epoch", "step", "stale")
        ]
    assert len({progress["epoch"] for progress in ended}) > 1


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["optimizer=lbfgs"], "optimizer LBFGS can't be stacked"),
        (["trainer.precision=bf16"], "trainer.precision=bf16 is not stacked"),
        (["trainer.accumulate=2"], "trainer.accumulate is not stacked"),
        (["objective.gradient_shares=true"], "measured run by run"),
        (["objective.curvature_every=1"], "curvature_every is measured run by run"),
        (["loss=bce+focal", "balance=pcgrad"], "balance looks at the gradients of a run's terms"),
    ],
)
def test_what_cannot_be_stacked_is_refused_before_anything_is_written(overrides, message, tmp_path):
    jobs = [job(tmp_path, f"{i}", *overrides, f"seed={i}") for i in range(2)]
    with pytest.raises(NotStackable, match=message):
        train_together(jobs, Report())
    assert not any(any(j.run_dir.iterdir()) for j in jobs)


def test_a_loss_that_branches_on_values_is_refused_with_the_reason(workdir):
    (workdir / "mine.py").write_text(
        "def branching(logits, target):\n"
        "    error = (logits - target).square()\n"
        "    return error if error.mean() > 1 else error * 2\n"
    )
    jobs = [job(workdir, f"{i}", "loss=./mine.py:branching", f"seed={i}") for i in range(2)]
    with pytest.raises(NotStackable, match="vmap"):
        train_together(jobs, Report())


def leaving_torch(folder, values):
    """Jobs of a loss that takes its target's values out of torch, by that way."""
    (folder / "mine.py").write_text(
        "import torch\n"
        "def weighted(logits, target):\n"
        f"    truth = torch.tensor({values})\n"
        "    return (1 + truth) * (logits - truth).square()\n"
    )
    rates = ["optimizer.lr=0.001", "optimizer.lr=0.01"]
    return [job(folder, f"{i}", "loss=./mine.py:weighted", rate) for i, rate in enumerate(rates)]


def test_a_loss_that_leaves_torch_sees_every_batch(workdir):
    jobs = leaving_torch(workdir, "target.tolist()")
    together = [result.metrics for result in train_together(jobs, Report())]
    alone = [
        run(one.config, job(workdir, f"alone-{i}").run_dir).metrics for i, one in enumerate(jobs)
    ]
    for here, there in zip(together, alone, strict=True):
        assert here == pytest.approx(there, rel=1e-4, abs=1e-6)


def test_a_loss_in_numpy_is_not_stacked(workdir):
    with pytest.raises(NotStackable, match="Cannot access data pointer"):
        train_together(leaving_torch(workdir, "target.numpy()"), Report())


def test_a_model_of_a_file_is_stacked(workdir):
    (workdir / "net.py").write_text(
        "from torch import nn\n"
        "class Net(nn.Linear):\n"
        "    def __init__(self, in_features: int, outputs: int):\n"
        "        super().__init__(in_features, outputs)\n"
    )
    words = ["loss=bce", "data=breast_cancer", "trainer.epochs=1", "tracking=none"]
    configs = [compose_config(["model=./net.py:Net", *words, f"seed={i}"]) for i in range(2)]
    jobs = [Job(plain(config), workdir / f"{i}") for i, config in enumerate(configs)]
    for one in jobs:
        one.run_dir.mkdir()
    assert len(train_together(jobs, Report())) == 2


@pytest.mark.parametrize(
    "overrides", [[], ["trainer.epochs=5", "trainer.patience=1"]], ids=["all", "early"]
)
def test_a_metric_that_one_run_cannot_compute_harms_no_other(overrides, workdir):
    (workdir / "mine.py").write_text(
        "def good(y_true, y_pred):\n"
        "    return 1 / int(len(y_true) < 40 or (y_true == y_pred).mean() > 0.7)\n"
    )
    own = ["trainer.metrics=[./mine.py:good]", "trainer.monitor=val/loss", *overrides]
    rates = ["optimizer.lr=0.01", "optimizer.lr=1e-12"]  # the second stays as it begins: a guess
    jobs = [job(workdir, f"{i}", *own, rate) for i, rate in enumerate(rates)]
    fine, failed = train_together(jobs, Report())
    assert fine.status == "FINISHED"
    assert fine.metrics["test/good"] == 1
    assert "trainer.metrics.good can't be computed: division by zero" in str(failed)


def test_no_more_runs_than_asked_for_share_a_program(tmp_path):
    notes = []

    class Notes(Report):
        def note(self, text):
            notes.append(text)

    jobs = [job(tmp_path, f"{i}", f"seed={i}") for i in range(3)]
    assert len(train_together(jobs, Notes(), max_width=2)) == 3
    assert notes == ["2 runs are trained as one program", "1 runs are trained as one program"]


def test_no_more_runs_than_fit_into_memory_share_a_program(tmp_path, monkeypatch):
    notes = []

    class Notes(Report):
        def note(self, text):
            notes.append(text)

    monkeypatch.setattr("losslab.training.together.bytes_of", lambda *_: 1000.0)
    monkeypatch.setattr("losslab.training.together.half_of_free_bytes", lambda _: 2999.0)
    jobs = [job(tmp_path, f"{i}", f"seed={i}") for i in range(4)]
    assert len(train_together(jobs, Notes())) == 4
    assert notes == ["2 runs are trained as one program"] * 2


def test_a_metric_that_is_not_measured_is_refused(tmp_path):
    jobs = [job(tmp_path, f"{i}", f"seed={i}", "trainer.monitor=val/dice") for i in range(2)]
    with pytest.raises(UserError, match="val/dice is not measured here"):
        train_together(jobs, Report())
    assert not any(any(j.run_dir.iterdir()) for j in jobs)
