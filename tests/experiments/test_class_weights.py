"""Row `class_weights`: the recall of the rare class rises with its weight."""

import json

SWEEP = ["-m", "experiment=class_weights", "tracking=none", "trainer.epochs=8"]


def test_recall_rises_with_the_weight_in_one_program(cli, workdir):
    weights = "{0:1,1:0.5},{0:1,1:2},{0:1,1:9},{0:1,1:50}"
    outcome = cli("train", *SWEEP, f"loss.bce.class_weight={weights}", "seed=1,2")
    assert outcome.code == 0, outcome
    assert "8 runs are trained as one program" in outcome.out
    recalls = {}
    for run_json in (workdir / "outputs").glob("*/*/run.json"):
        recall = json.loads(run_json.read_text())["metrics"]["test/recall"]
        text = (run_json.parent / "config.yaml").read_text()
        weight = float(text.partition("class_weight:\n")[2].splitlines()[1].rpartition(":")[2])
        recalls.setdefault(weight, []).append(recall)
    means = [sum(values) / len(values) for _, values in sorted(recalls.items())]
    assert means == sorted(means)
    assert means[-1] > means[0] + 0.5
