"""The actor-critic: a policy of either kind, and a critic that shares nothing with it."""

import math

import pytest
import torch
from losslab.models import ActorCritic


def outputs(**options):
    torch.manual_seed(0)
    return ActorCritic(4, 3, **options)(torch.randn(5, 4))


def test_at_first_every_action_is_nearly_as_good_as_another():
    probability = outputs(policy="categorical")["answer"].softmax(1)
    assert (probability - 1 / 3).abs().max() < 0.01


def test_a_gaussian_policy_begins_with_the_sigma_asked_for():
    log_sigma = outputs(policy="gaussian", sigma=0.5)["log_sigma"]
    torch.testing.assert_close(log_sigma, torch.full((5, 3), math.log(0.5)))
    assert "log_sigma" not in outputs(policy="categorical")


def test_actor_and_critic_share_no_weights():
    model = ActorCritic(4, 3, policy="gaussian")
    model(torch.randn(5, 4))["value"].sum().backward()
    assert {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None} == {
        "critic"
    }


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"policy": "gausian"},
            "policy must be one of categorical, gaussian; got gausian. Did",
        ),
        ({"policy": "gaussian", "sigma": 0.0}, "sigma must be positive; got 0.0"),
    ],
    ids=["policy", "sigma"],
)
def test_what_cannot_be_is_refused(options, text):
    with pytest.raises(ValueError, match=text):
        ActorCritic(4, 3, **options)
