"""Targets of 0.6 % of the pixels, in images whose sides don't halve evenly."""

import json

SHORT = [
    *("tracking=none", "data.size=61", "data.samples=100", "data.share=0.006"),
    *("trainer.epochs=8", "trainer.batch_size=8"),
]
WEIGHTS = "experiment=small_targets_weights"


def dice(cli, workdir, name, *overrides):
    outcome = cli("train", *overrides, *SHORT, f"name={name}")
    assert outcome.code == 0, outcome
    (run_dir,) = (workdir / "outputs").glob(f"{name}*")
    assert (run_dir / "plots" / "predictions.png").exists()
    return json.loads((run_dir / "run.json").read_text())["metrics"]["test/dice"]


def test_bce_alone_finds_nothing_where_dice_does(cli, workdir):
    assert dice(cli, workdir, "bce", "experiment=small_targets", "loss=bce") < 0.05
    assert dice(cli, workdir, "dice", "experiment=small_targets", "loss=dice") > 0.5


def test_weights_of_classes_or_pixels_let_bce_find_targets(cli, workdir):
    pixels = ["data.border_weight=true", "loss.bce.class_weight={0:1,1:1}"]
    assert dice(cli, workdir, "classes", WEIGHTS, "data.border_weight=false") > 0.3
    assert dice(cli, workdir, "pixels", WEIGHTS, *pixels) > 0.2
