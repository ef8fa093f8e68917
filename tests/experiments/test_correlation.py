"""Ranks that are brought into one order by gradient."""

import json

import pytest
import torch
from losslab.experiments.correlation import TwoLists, hard_spearman, spearman

SHORT = ["tracking=none", "trainer.epochs=150", "optimizer.lr=0.1"]


def test_the_lists_by_hand():
    model = TwoLists(items=2, features=2)
    with torch.no_grad():
        model.column.copy_(torch.tensor([[1.0], [2.0]]))
        model.rows.copy_(torch.tensor([[1.0, 0.0], [4.0, 4.0]]))
    lists = model(torch.tensor([[0, 1]]))
    assert lists["prediction"].item() == (1 + 0) * (4 + 8)
    assert lists["target"].item() == -5.0


@pytest.mark.parametrize("name", ["correlation", "correlation_pearson"])
def test_the_order_is_reached_through_what_has_a_gradient(cli, workdir, name):
    outcome = cli("train", f"experiment={name}", *SHORT)
    assert outcome.code == 0, outcome
    (path,) = workdir.glob("outputs/*/answer.json")
    found = {f["name"]: f for f in json.loads(path.read_text())["findings"]}
    assert found["spearman_before"]["value"] < 0.9
    assert found["spearman"]["value"] >= 0.99
    assert found["hard_gradient"]["value"] == "no"


def test_the_hard_form_is_spearmans_correlation():
    torch.manual_seed(0)
    first, second = torch.randn(30, 1), torch.randn(30, 1)
    wanted = spearman({"prediction": first, "target": second})
    assert 1 - hard_spearman(first, second).item() == pytest.approx(wanted, abs=1e-5)


def test_check_tells_why_hard_ranks_do_not_train(cli):
    outcome = cli("check", "losslab.experiments.correlation.hard_spearman")
    assert outcome.code == 1
    words = " ".join(outcome.out.split())
    assert "gradient cut" in words
    assert "cut by argsort" in words
    assert "soft_spearman" in words
