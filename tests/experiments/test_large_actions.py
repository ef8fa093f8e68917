"""One gradient in two forms, over 2,908 actions."""

import json

import pytest
import torch
from losslab.experiments.large_actions import as_cross_entropy, as_gradient
from losslab.losses import policy_gradient

SHORT = ["data.test=512", "data.val=64", "trainer.epochs=3", "data.samples=4096", "tracking=none"]


def test_two_values_and_one_gradient():
    torch.manual_seed(0)
    logits = torch.randn(64, 2908, dtype=torch.double, requires_grad=True)
    action, advantage = torch.randint(2908, (64,)), torch.randn(64, dtype=torch.double)
    values, gradients = {}, {}
    for form in (as_gradient, as_cross_entropy, policy_gradient):
        values[form] = form(logits, action, advantage)
        (gradients[form],) = torch.autograd.grad(values[form].sum(), logits)
    assert not torch.allclose(values[as_gradient], values[as_cross_entropy])
    torch.testing.assert_close(gradients[as_gradient], gradients[as_cross_entropy])
    torch.testing.assert_close(gradients[as_gradient], gradients[policy_gradient])
    # By hand, for one sample: A (π − e_a).
    by_hand = advantage[0] * logits[0].detach().softmax(0)
    by_hand[action[0]] -= advantage[0]
    torch.testing.assert_close(gradients[as_cross_entropy][0], by_hand)


@pytest.fixture
def trained(cli, workdir):
    def train(form):
        target = f"loss.policy_gradient._target_=losslab.experiments.large_actions.{form}"
        assert cli("train", "experiment=large_actions", target, f"name={form}", *SHORT).code == 0
        (run_dir,) = (workdir / "outputs").glob(f"{form}*")
        found = json.loads((run_dir / "answer.json").read_text())["findings"]
        return {finding["name"]: finding["value"] for finding in found}

    return train


def test_either_form_learns_the_same(trained):
    values, others = trained("as_cross_entropy"), trained("as_gradient")
    assert values["gradient_gap"] < 1e-5
    assert values["library_gap"] < 1e-5
    assert values["reward"] == pytest.approx(others["reward"], abs=0.05)
    assert values["reward"] > values["chance"] + 0.3
    assert abs(values["chance"]) < 0.2
    assert 3 < values["best"] < 4
