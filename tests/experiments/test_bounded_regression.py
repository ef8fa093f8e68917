"""A bounded head beside a linear one."""

import json

SHORT = [
    *("experiment=bounded_regression", "tracking=none", "data.samples=120", "data.size=16"),
    *("model.width=4", "trainer.epochs=4"),
]


def findings(workdir):
    path = max(workdir.glob("outputs/*/answer.json"), key=lambda p: p.stat().st_mtime_ns)
    return {f["name"]: f for f in json.loads(path.read_text())["findings"]}


def test_no_answer_of_the_bounded_head_is_impossible_and_the_linear_ones_are(cli, workdir):
    assert cli("train", *SHORT).code == 0
    found = findings(workdir)
    assert found["outside"]["value"] == found["outside_noise"]["value"] == 0
    assert found["outside"]["holds"]
    assert found["outside_noise"]["holds"]
    assert cli("train", *SHORT, "model.bounds=null").code == 0
    found = findings(workdir)
    assert found["outside_noise"]["value"] > 0
    assert found["outside_noise"]["holds"] is None


def test_both_heads_are_compared_by_one_command(cli):
    outcome = cli("train", "-m", *SHORT, "seed=1,2", "trainer.epochs=1")
    assert outcome.code == 0, outcome
    assert "4 runs in 2 groups by model.bounds" in outcome.out
