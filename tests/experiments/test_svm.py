"""Row `svm`: the optimum of an exact solver (scikit-learn 1.9.1), by gradient descent."""

import json

import pytest

SHORT = ["trainer.epochs=60", "tracking=none", "-q"]
PM1 = ["data.labels=pm1", "loss.hinge.labels=pm1"]


def findings(workdir):
    (run_dir,) = (workdir / "outputs").iterdir()
    found = json.loads((run_dir / "answer.json").read_text())["findings"]
    return {finding["name"]: finding for finding in found}


@pytest.mark.parametrize("labels", [[], PM1], ids=["01", "pm1"])
def test_it_reaches_the_exact_optimum(cli, workdir, labels):
    assert cli("train", "experiment=svm", *SHORT, *labels).code == 0
    found = findings(workdir)
    assert 0 <= found["relative_gap"]["value"] <= 0.01
    assert found["relative_gap"]["holds"]
    assert found["terms"]["value"] == "hinge, l2_norm"
    parts = found["hinge_loss"]["value"] + found["norm_loss"]["value"]
    assert parts == pytest.approx(found["objective_loss"]["value"])


@pytest.mark.parametrize("only", PM1, ids=["data", "loss"])
def test_labels_are_never_guessed(cli, only):
    outcome = cli("train", "experiment=svm", *SHORT, only)
    assert outcome.code == 2
    assert "loss.hinge: target out of its domain" in outcome.err


def test_a_deep_net_with_a_penalty_for_each_layer(cli, workdir):
    assert cli("train", "experiment=svm_deep", *SHORT, "trainer.epochs=10").code == 0
    found = findings(workdir)
    assert found["accuracy"]["value"] > 0.9
    assert found["penalty_error"]["holds"]
    assert [name for name in found if name.startswith("layers.")] == [
        "layers.0.weight_loss",
        "layers.3.weight_loss",
        "layers.6.weight_loss",
    ]
