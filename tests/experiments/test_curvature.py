"""The Hessian is the exact one, and what is estimated of it is true."""

import json


def test_everything_holds_for_a_smaller_net_and_a_shorter_run(cli, workdir):
    words = ["model.width=6", "trainer.epochs=2", "trainer.max_batches=20", "tracking=none"]
    outcome = cli("train", "experiment=curvature", *words)
    assert outcome.code == 0, outcome
    (run_dir,) = (workdir / "outputs").iterdir()
    answer = json.loads((run_dir / "answer.json").read_text())
    findings = {finding["name"]: finding for finding in answer["findings"]}
    judged = {name for name, finding in findings.items() if finding["wanted"]}
    assert judged == {
        "hessian_error", "top_gap", "density_error", "trace_errors", "gauss_newton_lowest"
    }  # fmt: skip
    assert all(findings[name]["holds"] for name in judged), findings
    assert findings["hessian_error"]["value"] < 1e-8
    assert answer["plots"] == ["plots/spectrum.png"]
    logged = (run_dir / "journal.jsonl").read_text()
    assert logged.count('"curvature/top"') == logged.count('"curvature/trace"') == 2
