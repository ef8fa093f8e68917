"""Exact zeros, those of scikit-learn 1.9.1."""

import json

import pytest
from losslab.training.answer import ANSWER

SHORT = ["experiment=lasso", "tracking=none"]


def findings(workdir):
    (path,) = workdir.glob(f"outputs/*/{ANSWER}")
    return {f["name"]: f for f in json.loads(path.read_text())["findings"]}


def test_coefficients_zeros_and_likelihood_are_those_of_the_exact_solver(cli, workdir):
    outcome = cli("train", *SHORT)
    assert outcome.code == 0, outcome
    found = findings(workdir)
    assert all(f["holds"] is not False for f in found.values())
    assert found["zeros"]["value"] == 4
    assert found["coefficient_error"]["value"] < 1e-5
    assert found["log_likelihood"]["value"] == pytest.approx(-131.3, abs=0.1)
    assert found["drawn_zeros"]["value"] == 0


def test_plain_gradient_steps_give_no_zero(cli, workdir):
    outcome = cli(
        *("train", *SHORT, "optimizer=sgd", "optimizer.lr=0.1", "optimizer.momentum=0"),
        *("optimizer.nesterov=false", "trainer.epochs=100"),
    )
    assert outcome.code == 0, outcome
    found = findings(workdir)
    assert found["zeros"]["value"] == 0
    assert found["zeros"]["holds"] is False
