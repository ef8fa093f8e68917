"""The policy gets better, and the value of its loss does not tell."""

import json

SHORT = [
    "data.val=4",
    "data.test=20",
    "trainer.epochs=8",
    "trainer.batch_size=8",
    "data.samples=16",
]


def test_the_pole_stays_up_longer_while_the_loss_takes_both_signs(cli, workdir):
    assert cli("train", "experiment=cartpole", *SHORT, "tracking=none").code == 0
    (run_dir,) = (workdir / "outputs").iterdir()
    found = json.loads((run_dir / "answer.json").read_text())
    values = {finding["name"]: finding["value"] for finding in found["findings"]}
    assert values["return"] > 100  # acting at random: about 22
    assert 0 < values["negative_share"] < 1
    assert found["plots"] == ["plots/return_and_loss.png"]
    assert (run_dir / "plots" / "return_and_loss.png").stat().st_size > 0


def test_a_run_that_is_resumed_ends_with_the_same_weights(cli, workdir):
    import torch

    base = ["train", "experiment=cartpole", *SHORT[:2], "trainer.batch_size=4", "data.samples=8"]
    assert cli(*base, "trainer.epochs=2", "tracking=none").code == 0
    assert cli("train", "--resume", "last", "trainer.epochs=3").code == 0
    assert cli(*base, "trainer.epochs=3", "tracking=none").code == 0
    resumed, through = (
        torch.load(run_dir / "checkpoints" / "last.pt", weights_only=True)
        for run_dir in sorted((workdir / "outputs").iterdir(), key=lambda p: p.stat().st_ctime)
    )
    assert resumed["progress"]["epoch"] == 3
    for name, weight in through["model"].items():
        assert torch.equal(weight, resumed["model"][name]), name
