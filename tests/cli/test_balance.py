"""`balance=…` on the command line: what it tells, what it refuses, and beside the others."""

import pytest
from conftest import TINY
from refusals import assert_refused
from small_runs import metrics_in

TWO = ["loss=bce+focal", *TINY]


def test_a_balanced_run_keeps_its_factors_and_draws_them(cli, workdir):
    outcome = cli("train", *TWO, "balance=grad_norm", "balance.alpha=0.5")
    assert outcome.code == 0, outcome
    (folder,) = (workdir / "outputs").iterdir()
    named = {name for name, _ in metrics_in(folder)}
    assert {"balance/bce", "balance/focal"} <= named
    assert (folder / "plots" / "losses.png").exists()


def test_a_sweep_over_balances_ends_in_a_comparison(cli, workdir, monkeypatch):
    monkeypatch.setattr("losslab.training.record.Record.draw_plots", lambda self: [])
    balances = "balance=none,uncertainty,grad_norm,pcgrad"
    words = ["trainer.max_batches=2", "trainer.epochs=1", "hydra/launcher=basic"]
    outcome = cli("train", "-m", balances, *TWO, *words)
    assert outcome.code == 0, outcome
    table = outcome.out[outcome.out.index("4 runs in 4 groups by balance") :]
    groups = {line.split()[0] for line in table.splitlines() if line}
    assert {"none", "Uncertainty", "GradNorm", "PCGrad"} <= groups


def test_the_balances_are_listed(cli):
    outcome = cli("list", "balance")
    assert outcome.code == 0
    for name, words in {
        "none": "keeps the weight that it is given",
        "uncertainty": "A learned scale for each term",
        "grad_norm": "bring the norms of the terms' gradients together",
        "pcgrad": "Takes out of each term's gradient",
    }.items():
        (line,) = (line for line in outcome.out.splitlines() if line.strip().startswith(name))
        assert words in line


@pytest.mark.parametrize(
    ("overrides", "parts"),
    [
        (["balance=pcgard"], ["unknown balance 'pcgard'", "Did you mean pcgrad"]),
        (["balance.alpha=1"], ["alpha", "balance"]),
        (["balance=grad_norm", "balance.alhpa=1"], ["balance.alhpa", "balance.alpha"]),
        (["balance=grad_norm", "balance.alpha=-1"], ["balance: alpha must not be negative"]),
        (["balance=grad_norm", "balance.alpha=x"], ["balance.alpha must be a number; got 'x'"]),
        (["balance=grad_norm", "balance.layer=x"], ["balance: the model has no layer 'x'"]),
        (["balance=uncertainty", "balance.lr=0"], ["balance: lr must be positive; got 0"]),
        (["balance=pcgrad", "loss=bce"], ["balance: it weighs terms of the data", "only bce"]),
        (["balance=pcgrad", "loss=bce+l2_norm"], ["against each other", "only bce"]),
        (["balance=pcgrad", "optimizer=lbfgs"], ["optimizer=lbfgs", "balance=none"]),
        (
            ["balance=pcgrad", "~balance._target_", "+balance.a=1"],
            ["balance is no balance: expected a node with _target_; got {'a': 1}"],
        ),
        (
            ["balance=uncertainty", "balance._target_=torch.nn.ReLU", "~balance.lr"],
            ["balance._target_=torch.nn.ReLU is not a losslab Balance"],
        ),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, list) else None,
)
def test_what_does_not_fit_is_refused_with_a_sentence(cli, workdir, overrides, parts):
    assert_refused(cli("train", *TWO, *overrides), *parts, workdir=workdir)


def test_a_balance_that_is_none_is_refused(cli, workdir):
    cli("train", *TWO, "name=one")
    outcome = cli("train", "--resume", "one", "balance=pcgrad", "trainer.epochs=3")
    assert outcome.code == 2
    assert "balance is no balance: expected a node with _target_; got 'pcgrad'" in outcome.err


def test_a_trace_follows_the_objective_as_it_stands(cli):
    outcome = cli("trace", "loss=bce+focal", "model=linear", "balance=pcgrad")
    assert outcome.code == 2
    assert "balance changes its gradient: set balance=none" in outcome.err
