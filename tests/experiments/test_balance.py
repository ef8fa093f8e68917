"""Preset `balance`: two targets in unlike units, one of which hides the other."""

import pytest
import torch
from losslab.cli.compose import compose_config, plain
from losslab.experiments.balance import angle, power
from losslab.training.config import TrainerConfig
from losslab.training.distributed import World
from losslab.training.report import Report
from losslab.training.run import prepare


def test_errors_are_in_per_cent_and_radians():
    prediction, target = torch.tensor([[0.5, 0.3], [1.0, -1.0]]), torch.tensor([[0.4, 0.1], [1, 1]])
    assert power(prediction, target).tolist() == pytest.approx([100, 0])
    assert angle(prediction, target).tolist() == pytest.approx([0.04, 4])


def prepared(*overrides):
    config = plain(compose_config(["experiment=balance", "data.samples=32", *overrides]))
    trainer = TrainerConfig(**config["trainer"])
    return prepare(config, trainer, torch.device("cpu"), World(), Report())


def test_at_first_the_power_is_nearly_all_of_the_gradient():
    parts = prepared()
    shares = parts.step.gradient_shares(next(parts.source.batches("train", 16)), 0.0)
    assert shares["angle"] < 0.01


def test_grad_norm_makes_the_angle_felt():
    parts = prepared("balance=grad_norm", "balance.alpha=0", "balance.lr=0.1")
    batch = next(parts.source.batches("train", 16))
    for _ in range(150):
        parts.step.train(batch, 0.0)
    measured = parts.step.gradient_measures(batch, 0.0)
    assert 0.2 < measured["gradient_shares/angle"] < 0.8
