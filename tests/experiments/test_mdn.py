"""A mixture density network, and the naive form of its loss."""

import json

import pytest
import torch
from losslab.experiments.mdn import naive_mdn_nll
from losslab.losses import mdn_nll

NAIVE = "losslab.experiments.mdn.naive_mdn_nll"
SHORT = ["experiment=mdn", "tracking=none", "trainer.epochs=25", "data.samples=600"]


def test_where_nothing_underflows_the_two_forms_are_one():
    torch.manual_seed(0)
    tensors = torch.randn(5, 3), torch.randn(5, 3, 2), 0.1 * torch.randn(5, 3, 2), torch.randn(5, 2)
    torch.testing.assert_close(naive_mdn_nll(*tensors), mdn_nll(*tensors))


def test_log_sum_exp_stays_finite_and_draws_lie_on_the_curve(cli, workdir):
    outcome = cli("train", *SHORT)
    assert outcome.code == 0, outcome
    (path,) = workdir.glob("outputs/*/answer.json")
    found = {f["name"]: f for f in json.loads(path.read_text())["findings"]}
    for name in ("finite", "stable_survives", "naive_survives"):
        assert found[name]["holds"], found[name]
    assert found["draws_error"]["value"] < found["mean_error"]["value"]
    assert list(workdir.glob("outputs/*/plots/samples.png"))


@pytest.mark.parametrize("rate", ["0.003", "0"])
def test_the_naive_form_collapses_on_bad_targets_even_at_learning_rate_0(cli, rate):
    bad = [f"loss={NAIVE}", "data.outliers=0.02", f"optimizer.lr={rate}"]
    outcome = cli("train", *SHORT, *bad)
    assert outcome.code == 1
    assert "not finite" in outcome.err


def test_the_stable_form_does_not(cli):
    assert cli("train", *SHORT, "trainer.epochs=2", "data.outliers=0.02").code == 0


def test_check_finds_the_cause(cli):
    outcome = cli("check", NAIVE)
    assert outcome.code == 1
    assert "not finite" in outcome.out
    assert "log" in outcome.out
