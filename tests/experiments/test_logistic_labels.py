"""Row `logistic_labels`: two spellings, one function; coefficients of scikit-learn 1.9.1."""

import json

import pytest
import torch
from losslab.experiments.logistic_labels import for_signs, for_zero_and_one
from losslab.losses import bce, logistic

PM1 = ["loss=logistic+l2_norm", "data.labels=pm1", "loss.logistic.labels=pm1"]


@pytest.mark.parametrize("spelling", [[], PM1], ids=["01", "pm1"])
def test_coefficients_are_an_exact_solvers(cli, workdir, spelling):
    outcome = cli("train", "experiment=logistic_labels", *spelling, "tracking=none", "-q")
    assert outcome.code == 0, outcome
    (run_dir,) = (workdir / "outputs").iterdir()
    found = json.loads((run_dir / "answer.json").read_text())["findings"]
    values = {finding["name"]: finding["value"] for finding in found}
    assert values["coefficient_gap"] < 1e-3
    assert values["value_error"] < 1e-9
    assert values["gradient_error"] < 1e-9


def test_every_spelling_has_the_same_value_and_gradient():
    z = torch.linspace(-9, 9, 37, dtype=torch.double).unsqueeze(1).requires_grad_()
    y = (torch.arange(37) % 2).double().unsqueeze(1)
    spelt = [
        for_zero_and_one(z, y),
        for_signs(z, 2 * y - 1),
        bce(z, y),
        logistic(z, 2 * y - 1, labels="pm1"),
    ]
    for values in spelt[1:]:
        torch.testing.assert_close(values, spelt[0], rtol=1e-9, atol=1e-12)
        (slope,) = torch.autograd.grad(values.sum(), z, retain_graph=True)
        torch.testing.assert_close(slope, z.sigmoid() - y, rtol=1e-9, atol=1e-12)
