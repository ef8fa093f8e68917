"""64 samples in one call, each with the gradient that it has alone."""

import json


def test_every_sample_has_its_own_gradient_and_its_parts_are_complete(cli, workdir):
    words = ["model.width=32", "trainer.epochs=3", "tracking=none"]
    outcome = cli("train", "experiment=attribute", *words)
    assert outcome.code == 0, outcome
    (run_dir,) = (workdir / "outputs").iterdir()
    answer = json.loads((run_dir / "answer.json").read_text())
    findings = {finding["name"]: finding for finding in answer["findings"]}
    exact = ["loss_error", "logit_error", "probability_error", "plane_error"]
    judged = [*exact, "completeness_error", "shuffled"]
    assert all(findings[name]["holds"] for name in judged), findings
    assert findings["completeness_error"]["value"] < 0.01
    assert findings["logit_cost"]["value"] > 0  # the times of a busy machine are not judged
    assert answer["plots"] == ["plots/attribution.png"]
    assert (run_dir / "plots" / "attribution.png").stat().st_size > 10_000
