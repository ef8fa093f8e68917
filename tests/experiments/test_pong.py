"""Real frames, a discount table that begins anew at each point, and blame that works."""

import json

import pytest
import torch
from losslab.experiments.pong import discount_table, move_cost


def test_the_discount_table_begins_anew_at_each_point():
    reward = torch.tensor([0.0, 0.0, -1.0, 0.0, 1.0, 0.0])
    assert discount_table(reward, 0.5).tolist() == [-0.25, -0.5, -1, 0.5, 1, 0]


def test_moving_is_dear():
    logits = torch.tensor([[0.0, 0.0, 0.0, 0.0], [100.0, 0.0, 0.0, 0.0]], requires_grad=True)
    cost = move_cost(logits)
    assert cost.tolist() == pytest.approx([0.75, 0])
    (gradient,) = torch.autograd.grad(cost.sum(), logits)
    assert gradient[0, 0] < 0 < gradient[0, 1]  # descent makes staying likelier


def test_real_frames_real_updates_and_lost_points_are_blamed(cli, workdir):
    short = ["data.max_steps=220", "data.environments=1", "trainer.batch_size=1", "data.samples=2"]
    short += ["data.val=1", "data.test=1", "trainer.epochs=1", "model.width=16", "tracking=none"]
    outcome = cli("train", "experiment=pong", *short)
    assert outcome.code == 0, outcome
    (run_dir,) = (workdir / "outputs").iterdir()
    answer = json.loads((run_dir / "answer.json").read_text())
    values = {finding["name"]: finding["value"] for finding in answer["findings"]}
    assert values["frames"] == 220
    assert values["updates"] == 2
    assert values["lost_points"] >= 1
    assert values["discount_gap"] < 1e-5
    assert values["blamed_share"] == 1
    assert (run_dir / "plots" / "discount.png").stat().st_size > 0
