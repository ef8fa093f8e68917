"""A search may give a run up after any epoch, alone or among runs trained together."""

import json

import pytest
import torch
from losslab.cli.compose import compose_config, plain
from losslab.training import checkpoint
from losslab.training.pruning import is_watched, watching
from losslab.training.report import Report
from losslab.training.run import run
from losslab.training.stacked_run import Job
from losslab.training.sweeps import identity
from losslab.training.together import train_together
from losslab.training.vectorized import VectorizedStep

pytestmark = [
    pytest.mark.usefixtures("as_one_program"),
    pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning"),
]
TINY = ["model=mlp", "model.width=8", "trainer.epochs=4", "tracking=none", "trainer.device=cpu"]


def job(folder, name, *overrides):
    run_dir = folder / name
    run_dir.mkdir()
    return Job(plain(compose_config([*TINY, *overrides])), run_dir)


class Listener:
    """Hears every epoch, and gives the run up after some."""

    def __init__(self, after):
        self.after = after
        self.heard = []

    def __call__(self, epoch, value):
        self.heard.append((epoch, value))
        return epoch >= self.after


def summary_of(job):
    return json.loads((job.run_dir / "run.json").read_text())


def train_alone(job):
    return run(job.config, job.run_dir)


def train_among_others(job):
    other = Job({**job.config, "seed": 77}, job.run_dir.with_name("other"))
    other.run_dir.mkdir()
    mine, others = train_together([job, other], Report())
    assert others.reason == ""
    assert checkpoint.load(other.run_dir / "checkpoints/last.pt")["progress"]["epoch"] == 4
    return mine


both = pytest.mark.parametrize("train", [train_alone, train_among_others])


@both
def test_a_run_that_is_given_up_ends_there_with_true_numbers(train, tmp_path):
    pruned = job(tmp_path, "pruned")
    listener = Listener(after=2)
    with watching({identity(pruned.config): listener}):
        result = train(pruned)
    assert [epoch for epoch, _ in listener.heard] == [1, 2]
    assert (result.status, result.reason) == ("FINISHED", "pruned after epoch 2")
    summary = summary_of(pruned)
    assert summary["pruned"] is True
    assert summary["reason"] == "pruned after epoch 2"
    assert summary["best"] == max(value for _, value in listener.heard)
    last = checkpoint.load(pruned.run_dir / "checkpoints/last.pt")["progress"]
    assert (last["epoch"], last["pruned"]) == (2, True)


@both
def test_what_ends_anyhow_is_complete_and_not_pruned(train, tmp_path):
    complete = job(tmp_path, "complete")
    listener = Listener(after=4)
    with watching({identity(complete.config): listener}):
        result = train(complete)
    assert [epoch for epoch, _ in listener.heard] == [1, 2, 3, 4]
    assert result.reason == ""
    assert summary_of(complete)["pruned"] is False


@pytest.mark.parametrize("together", [False, True])
def test_a_run_out_of_patience_is_not_pruned(together, tmp_path):
    overrides = ("trainer.patience=1", "trainer.min_delta=10")
    jobs = [job(tmp_path, f"{seed}", f"seed={seed}", *overrides) for seed in (1, 2)]
    listener = Listener(after=2)
    with watching({identity(jobs[0].config): listener}):
        if together:
            train_together(jobs, Report())
        else:
            train_alone(jobs[0])
    assert [epoch for epoch, _ in listener.heard] == [1, 2]
    assert summary_of(jobs[0])["pruned"] is False


def test_of_runs_trained_together_the_best_is_asked_first(tmp_path):
    jobs = [job(tmp_path, f"{rate}", f"optimizer.lr={rate}") for rate in (1e-6, 1e-2, 1e-4)]
    heard = []
    watched = {
        identity(job.config): lambda epoch, value: bool(heard.append((epoch, value)))
        for job in jobs
    }
    with watching(watched):
        train_together(jobs, Report())
    assert [epoch for epoch, _ in heard] == [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]
    assert heard == sorted(heard, key=lambda pair: (pair[0], -pair[1]))


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_the_program_goes_on_without_those_given_up_and_the_others_do_not_feel_it(
    optimizer, tmp_path, monkeypatch
):
    choose = (f"optimizer={optimizer}", "trainer.epochs=5")
    jobs = [
        job(tmp_path, f"{seed}", f"seed={seed}", f"optimizer.lr=0.0{seed}", *choose)
        for seed in range(1, 7)
    ]
    ends = {1: 2, 2: 2, 4: 1, 5: 3}  # the epochs after which runs are given up
    watched = {identity(jobs[i].config): Listener(after=epoch) for i, epoch in ends.items()}
    widths = []
    keep = VectorizedStep.keep
    with monkeypatch.context() as patch, watching(watched):
        patch.setattr(VectorizedStep, "keep", lambda s, r: (widths.append(len(r)), keep(s, r)))
        results = train_together(jobs, Report())
    assert widths == [3]
    assert [r.reason for r in results] == [
        f"pruned after epoch {ends[i]}" if i in ends else "" for i in range(6)
    ]
    for index, together in enumerate(results):
        alone = Job(jobs[index].config, tmp_path / f"alone-{index}")
        alone.run_dir.mkdir()
        with watching({identity(alone.config): Listener(ends[index])} if index in ends else {}):
            expected = run(alone.config, alone.run_dir)
        assert together.name == f"{index + 1}"
        assert together.metrics == pytest.approx(expected.metrics, rel=1e-3, abs=1e-4)
        weights = [
            checkpoint.load(folder / "checkpoints/last.pt")["model"]
            for folder in (jobs[index].run_dir, alone.run_dir)
        ]
        for name, weight in weights[0].items():
            torch.testing.assert_close(weight, weights[1][name], rtol=1e-3, atol=1e-4)


def test_nobody_is_asked_afterwards(tmp_path):
    watched = job(tmp_path, "watched")
    key = identity(watched.config)
    with watching({key: Listener(after=1)}):
        assert is_watched(key)
    assert not is_watched(key)
    assert train_alone(watched).reason == ""


def test_a_pruned_run_that_was_killed_before_its_end_stays_pruned(tmp_path, monkeypatch):
    pruned = job(tmp_path, "pruned")
    monkeypatch.setattr("losslab.training.run._conclude", _interrupt)
    watched = watching({identity(pruned.config): Listener(after=2)})
    with watched, pytest.raises(KeyboardInterrupt):
        train_alone(pruned)
    monkeypatch.undo()
    result = run(pruned.config, pruned.run_dir, resume=True)
    assert result.reason == "pruned after epoch 2"


def _interrupt(*_):
    raise KeyboardInterrupt
