"""The KL weight's schedule: logged, and compared by what the model is worth at weight 1."""

import json

import pytest
from losslab.training.journal import read_curves
from losslab.training.tracker import JOURNAL

SHORT = ["experiment=vae", "tracking=none", "trainer.epochs=4", "model.width=32"]


def found(run_dir):
    return {
        f["name"]: f["value"] for f in json.loads((run_dir / "answer.json").read_text())["findings"]
    }


def test_the_schedule_is_logged_and_the_elbo_is_that_at_weight_1(cli, workdir):
    short = ["loss.kl.weight.duration=2", "trainer.batch_size=128"]
    assert cli("train", *SHORT, *short).code == 0
    (run_dir,) = (workdir / "outputs").iterdir()
    steps, weights = read_curves(run_dir / JOURNAL)["weights/kl"]
    per_epoch = (steps[-1] + 1) / 4
    for step, weight in zip(steps, weights, strict=True):
        assert weight == pytest.approx(min(1.0, step / per_epoch / 2), abs=2 / per_epoch)
    values = found(run_dir)
    assert values["elbo"] == pytest.approx(-values["reconstruction_loss"] - values["kl"])
    metrics = json.loads((run_dir / "run.json").read_text())["metrics"]
    assert values["kl"] == pytest.approx(metrics["test/terms/kl"], rel=1e-4)
    assert (run_dir / "plots" / "latents.png").exists()


def test_a_kl_weight_that_is_too_large_makes_the_latents_collapse(cli, workdir):
    constant = ["schedule@loss.kl.weight=constant"]
    values = []
    for name, weight in (("light", 0.1), ("heavy", 100.0)):
        options = [f"name={name}", f"loss.kl.weight.value={weight}"]
        assert cli("train", *SHORT, *constant, *options).code == 0
        (run_dir,) = (workdir / "outputs").glob(f"{name}*")
        values.append(found(run_dir))
    light, heavy = values
    assert heavy["active"] == 0 < light["active"]
    assert heavy["kl"] < 0.1 < light["kl"]


def test_schedules_are_swept_and_compared_by_the_elbo(cli):
    outcome = cli("train", "-m", *SHORT, "trainer.epochs=1", "trainer.max_batches=2", "seed=1")
    assert outcome.code == 0, outcome
    assert "answer/elbo · 4 runs in 4 groups by loss.kl.weight" in outcome.out
