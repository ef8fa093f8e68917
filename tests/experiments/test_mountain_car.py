"""The car climbs its hill, by a loss that sees the policy's mu and sigma of this moment."""

import json

import torch
from losslab.cli.compose import compose_config, plain
from losslab.losses.policy import gaussian_log_prob
from losslab.training.config import TrainerConfig
from losslab.training.distributed import World
from losslab.training.report import Report
from losslab.training.run import prepare


def test_the_car_learns_to_climb(cli, workdir):
    short = ["trainer.epochs=5", "data.val=4", "data.test=20", "tracking=none"]
    assert cli("train", "experiment=mountain_car", *short).code == 0
    (run_dir,) = (workdir / "outputs").iterdir()
    found = json.loads((run_dir / "answer.json").read_text())["findings"]
    values = {finding["name"]: finding["value"] for finding in found}
    assert values["return"] > 80  # acting at random: about 40
    assert values["sigma_gap"] < 1e-4
    assert values["asked"] == "mu, log_sigma, action, advantage"


def test_mu_and_sigma_in_the_loss_are_those_of_this_forward_pass():
    config = plain(compose_config(["experiment=mountain_car", "trainer.batch_size=32"]))
    parts = prepare(
        config, TrainerConfig(**config["trainer"]), torch.device("cpu"), World(), Report()
    )
    step, (actor, *_) = parts.step, parts.objective.terms
    batch = next(parts.source.batches("train", 32, seed=0))
    assert not {"mu", "log_sigma", "value"} & set(batch)
    with torch.no_grad():
        outputs = step.outputs(batch)
        # What was kept from playing is what the same weights say now …
        log_prob = gaussian_log_prob(outputs["mu"], outputs["log_sigma"], batch["action"])
        torch.testing.assert_close(log_prob, batch["old_log_prob"])
        # … and once they have moved, the loss follows them.
        for parameter in step.parameters.values():
            parameter += 0.3
        moved = step.outputs(batch)
    log_prob = gaussian_log_prob(moved["mu"], moved["log_sigma"], batch["action"])
    assert not torch.allclose(log_prob, batch["old_log_prob"], atol=0.1)
    value = step.compute(batch, 0.0).values[actor.name]
    torch.testing.assert_close(value.detach(), -(batch["advantage"] * log_prob).mean())
    value.backward()
    of_actor = {n for n, p in step.parameters.items() if p.grad is not None}
    assert "log_sigma" in of_actor
    assert not any(name.startswith("critic") for name in of_actor)
