"""Row `saturated_bce`: NaN by hand, deaf with eps, right from logits."""

import json

import pytest
import torch
from losslab.experiments.saturated_bce import binary_images, by_hand, with_eps
from losslab.losses import bce

FAST = ["experiment=saturated_bce", "tracking=none", "-q", "seed=2", "trainer.epochs=20"]
HERE = "losslab.experiments.saturated_bce"


def test_written_by_hand_it_ends_in_nan(cli):
    outcome = cli("train", *FAST, f"loss={HERE}.by_hand")
    assert outcome.code == 1
    assert "the loss is not finite" in outcome.err


def test_from_logits_it_trains_to_the_end_where_the_other_would_be_nan(cli, workdir):
    assert cli("train", *FAST).code == 0
    (run_dir,) = (workdir / "outputs").iterdir()
    found = json.loads((run_dir / "answer.json").read_text())["findings"]
    assert {f["name"]: f["holds"] for f in found if f["wanted"]} == {
        "not_finite": True,
        "eps_gradient": True,
        "logits_gradient": True,
    }
    assert json.loads((run_dir / "run.json").read_text())["metrics"]["test/dice"] > 0.9


@pytest.mark.parametrize(
    ("loss", "value", "gradient"),
    [(with_eps, 16.118, 0.0), (bce, 30.0, 1.0)],  # −log 1e-7; z and σ(z)
    ids=["eps", "logits"],
)
def test_what_is_surely_wrong(loss, value, gradient):
    z = torch.tensor([[30.0]], requires_grad=True)
    found = loss(z, torch.zeros(1, 1)).sum()
    found.backward()
    assert found.item() == pytest.approx(value, rel=0.02)
    assert z.grad.item() == pytest.approx(gradient, abs=1e-5)


def test_a_right_answer_is_nan_by_hand_once_the_sigmoid_is_1():
    logits, target = torch.tensor([[16.0], [18.0]]), torch.ones(2, 1)
    assert by_hand(logits, target).isfinite().flatten().tolist() == [True, False]


def test_check_finds_the_logarithm_and_proposes_logits(cli):
    outcome = cli("check", f"{HERE}.by_hand", "--json")
    found = json.loads(outcome.out)[0]["findings"][0]
    assert (found["kind"], found["level"]) == ("not finite", "broken")
    assert "first made by log (saturated_bce.py" in found["evidence"]
    assert "bce and cross_entropy of logits" in found["remedy"]


def test_images_are_binary_and_16_by_16():
    source = binary_images(samples=20)
    batch = next(source.batches("train", 14))
    assert batch["input"].shape == batch["target"].shape == (14, 1, 16, 16)
    sides = batch["target"].amax(2).sum(-1)
    assert ((sides >= 3) & (sides <= 8)).all()
