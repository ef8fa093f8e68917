"""Row `one_hot_heads`: four heads on one-hot targets, and the pairs that don't fit."""

import json

import pytest
import torch
from losslab.experiments.one_hot_heads import sigmoid_bce
from losslab.losses import bce

HERE = "losslab.experiments.one_hot_heads"
SWEEP = ["-m", "experiment=one_hot_heads", "tracking=none"]


def test_the_heads_are_compared_over_seeds(cli, workdir):
    outcome = cli("train", *SWEEP, "seed=1,2", "trainer.epochs=2", "data.imbalance={0:0.5}")
    assert outcome.code == 0, outcome
    assert "test/accuracy · 8 runs in 4 groups" in outcome.out
    summaries = [json.loads(p.read_text()) for p in (workdir / "outputs").glob("*/*/run.json")]
    assert all(run["metrics"]["test/accuracy"] > 0.2 for run in summaries)  # chance is 0.1


def test_bce_of_a_sigmoid_is_bce_with_logits():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(5, 10, generator=generator, dtype=torch.double)
    target = torch.eye(10, dtype=torch.double)[:5]
    torch.testing.assert_close(sigmoid_bce(logits, target), bce(logits, target))


@pytest.mark.parametrize(
    ("words", "kind", "evidence"),
    [
        ([f"{HERE}.sigmoid_before_bce_with_logits"], "double activation", "with_logits"),
        ([f"{HERE}.softmax_before_cross_entropy"], "double activation", "cross_entropy"),
        (["experiment=one_hot_heads", "loss=crammer_singer"], "refused", "target.argmax(1)"),
    ],
    ids=["sigmoid before BCE with logits", "softmax before cross-entropy", "one-hot for indices"],
)
def test_check_tells_which_pairs_do_not_fit(cli, words, kind, evidence):
    outcome = cli("check", *words, "--json")
    assert outcome.code == 1
    found = json.loads(outcome.out)[0]["findings"][0]
    assert (found["kind"], found["level"]) == (kind, "broken")
    assert evidence in found["evidence"]
