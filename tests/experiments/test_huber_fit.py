"""Outliers, and the losses that they lead or don't."""

import json

import pytest
from losslab.experiments.huber_fit import huber_gradients

SHORT = ["trainer.epochs=150", "optimizer.lr.duration=150", "optimizer.lr.start=1", "tracking=none"]


def findings(workdir):
    (path,) = workdir.glob("outputs/*/answer.json")
    return {f["name"]: f for f in json.loads(path.read_text())["findings"]}


@pytest.mark.parametrize(("loss", "recovers"), [("huber", True), ("l1", True), ("mse", False)])
def test_huber_and_l1_recover_the_parameters_and_the_square_does_not(cli, workdir, loss, recovers):
    outcome = cli("train", "experiment=huber_fit", f"loss={loss}", *SHORT)
    assert outcome.code == 0, outcome
    found = findings(workdir)
    assert found["loss_gap"]["holds"]  # each is at the optimum of its own loss
    assert found["theta_error"]["holds"] is recovers
    if not recovers:
        assert found["theta_error"]["value"] > 0.5


@pytest.mark.parametrize("delta", [0.5, 1.0, 3.0])
def test_hubers_gradient_is_the_residual_cut_at_delta_on_both_sides(delta):
    taken = {at: gradient for at, (gradient, _) in huber_gradients(delta).items()}
    expected = {-2.0: -delta, -0.5: -0.5 * delta, 0.5: 0.5 * delta, 2.0: delta}
    assert taken == pytest.approx(expected)
