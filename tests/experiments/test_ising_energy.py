"""A term on the energy of the model's answer, and the same number cut off from it."""

import json

import pytest
import torch
from losslab.data.ising import energy_per_spin
from losslab.experiments import ising_energy
from losslab.training.checkpoint import load

SHORT = [
    *("experiment=ising_energy", "tracking=none", "data.samples=1000", "data.sweeps=100"),
    *("trainer.epochs=24", "trainer.batch_size=35", "optimizer.lr=0.03"),
    *("loss.energy.weight.begin=8", "loss.energy.weight.duration=8"),
]


def train(cli, workdir, name, *overrides):
    outcome = cli("train", *SHORT, f"name={name}", *overrides)
    assert outcome.code == 0, outcome
    (run_dir,) = (workdir / "outputs").glob(f"{name}*")
    found = json.loads((run_dir / "answer.json").read_text())["findings"]
    assert (run_dir / "plots" / "energies.png").exists()
    return run_dir, {finding["name"]: finding for finding in found}


DETACHED = "loss.energy._target_=losslab.experiments.ising_energy.detached_energy_gap"


def test_the_energy_moves_only_where_its_term_has_a_gradient(cli, workdir):
    _, live = train(cli, workdir, "live")
    _, cut = train(cli, workdir, "cut", DETACHED)
    assert live["sampled"]["holds"]
    assert live["gradient"]["value"] > 0 == cut["gradient"]["value"]
    assert live["histogram_gap"]["value"] < 0.6 * cut["histogram_gap"]["value"]


def test_a_detached_energy_changes_the_number_and_nothing_else(cli, workdir):
    short = ["trainer.epochs=2", DETACHED, "loss.energy.weight="]
    (cut, _), (bare, _) = (
        train(cli, workdir, name, *short[:2], short[2] + weight)
        for name, weight in (("cut", "10"), ("bare", "0"))
    )
    losses = [
        json.loads((run / "run.json").read_text())["metrics"]["test/loss"] for run in (cut, bare)
    ]
    assert losses[0] > losses[1] + 0.1
    weights = [load(run / "checkpoints" / "last.pt")["model"] for run in (cut, bare)]
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[1])


def test_check_says_that_a_detached_energy_teaches_nothing(cli):
    outcome = cli("check", "losslab.experiments.ising_energy.detached_energy_gap")
    assert outcome.code == 1
    assert "detach" in outcome.out
    assert cli("check", "losslab.experiments.ising_energy.energy_gap").code == 0


def test_the_expected_energy_is_that_of_spins_drawn_one_by_one():
    torch.manual_seed(0)
    logits = torch.randn(1, 8)
    draws = 2.0 * (torch.rand(200_000, 8) < logits.sigmoid()) - 1
    expected = float(ising_energy.expected_energy(logits))
    assert float(energy_per_spin(draws).mean()) == pytest.approx(expected, abs=0.003)
