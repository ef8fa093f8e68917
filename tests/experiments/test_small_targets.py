"""Targets of 0.4 % of the pixels, in images whose sides don't halve evenly."""

import json

SHORT = [
    *("tracking=none", "data.size=45", "data.samples=60", "data.share=0.004"),
    *("trainer.epochs=12", "trainer.batch_size=6", "model.width=6"),
]


def dice(cli, workdir, name, *overrides):
    outcome = cli("train", *overrides, *SHORT, f"name={name}")
    assert outcome.code == 0, outcome
    (run_dir,) = (workdir / "outputs").glob(f"{name}*")
    assert (run_dir / "plots" / "predictions.png").exists()
    return json.loads((run_dir / "run.json").read_text())["metrics"]["test/dice"]


def test_bce_alone_finds_nothing_where_dice_or_weights_do(cli, workdir):
    assert dice(cli, workdir, "bce", "experiment=small_targets", "loss=bce") < 0.05
    assert dice(cli, workdir, "both", "experiment=small_targets") > 0.3
    weights = ["experiment=small_targets_weights", "data.border_weight=true"]
    assert dice(cli, workdir, "pixels", *weights, "loss.bce.class_weight=null") > 0.15
    assert (
        dice(
            cli, workdir, "classes", "experiment=small_targets_weights", "data.border_weight=false"
        )
        > 0.15
    )
