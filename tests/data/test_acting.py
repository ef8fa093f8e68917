"""How a policy acts: what is drawn, how likely it was, and what the environment gets."""

import math

import pytest
import torch
from losslab.data.acting import Actions

CHOICE = Actions(3)
NUMBERS = Actions(2, torch.tensor([-1.0, 0.0]), torch.tensor([1.0, math.inf]))


def test_a_choice_is_drawn_as_often_as_the_policy_says():
    logits = torch.tensor([0.5, 0.3, 0.2]).log().expand(20_000, 3)
    action, log_prob = CHOICE.draw({"logits": logits}, torch.Generator().manual_seed(0))
    shares = action.bincount(minlength=3) / len(action)
    torch.testing.assert_close(shares, torch.tensor([0.5, 0.3, 0.2]), atol=0.01, rtol=0)
    torch.testing.assert_close(log_prob, logits[0][action])


def test_numbers_are_drawn_from_the_policys_gaussian():
    outputs = {
        "mu": torch.tensor([1.0, -2.0]).expand(20_000, 2),
        "log_sigma": torch.tensor([0.0, 1.0]).expand(20_000, 2),
    }
    action, log_prob = NUMBERS.draw(outputs, torch.Generator().manual_seed(0))
    torch.testing.assert_close(action.mean(0), torch.tensor([1.0, -2.0]), atol=0.05, rtol=0)
    torch.testing.assert_close(action.std(0), torch.tensor([1.0, math.e]), atol=0.05, rtol=0)
    normal = torch.distributions.Normal(outputs["mu"], outputs["log_sigma"].exp())
    torch.testing.assert_close(log_prob, normal.log_prob(action).sum(1))


def test_the_likeliest_is_the_largest_logit_or_mu():
    action, log_prob = CHOICE.likeliest({"logits": torch.tensor([[0.0, math.log(2), 0.0]])})
    assert (action.tolist(), log_prob.item()) == ([1], pytest.approx(math.log(0.5)))
    mu = torch.tensor([[0.5, 3.0]])
    action, log_prob = NUMBERS.likeliest({"mu": mu, "log_sigma": torch.zeros(1, 2)})
    assert torch.equal(action, mu)
    assert log_prob.item() == pytest.approx(-math.log(2 * math.pi))


def test_at_random_every_choice_is_as_likely():
    action, log_prob = CHOICE.at_random(9_000, torch.Generator().manual_seed(0))
    assert (action.bincount() / 3_000 - 1).abs().max() < 0.05
    assert log_prob.exp().tolist() == pytest.approx([1 / 3] * 9_000)


def test_at_random_numbers_fill_their_bounds():
    action, log_prob = NUMBERS.at_random(5_000, torch.Generator().manual_seed(0))
    assert action.amin(0).tolist() == pytest.approx([-1, 0], abs=0.01)
    assert action.amax(0).tolist() == pytest.approx([1, 1], abs=0.01)  # ∞ stands for 1
    assert log_prob.exp().unique().tolist() == [0.5]  # the area is 2 × 1


def test_at_random_a_space_bounded_on_one_side_is_kept_to():
    above = Actions(1, torch.tensor([2.0]), torch.tensor([math.inf]))
    below = Actions(1, torch.tensor([-math.inf]), torch.tensor([-3.0]))
    for actions, low, high in ((above, 2, 3), (below, -4, -3)):
        action, log_prob = actions.at_random(200, torch.Generator().manual_seed(0))
        assert low <= action.min() < action.max() <= high
        assert log_prob.tolist() == [0.0] * 200  # evenly over a length of 1


def test_the_environment_gets_what_is_within_its_bounds():
    action = torch.tensor([[-3.0, -3.0], [0.5, 9.0]])
    assert NUMBERS.within_bounds(action).tolist() == [[-1, 0], [0.5, 9]]
    assert CHOICE.within_bounds(torch.tensor([2])).tolist() == [2]


@pytest.mark.parametrize(
    ("actions", "outputs", "text"),
    [
        pytest.param(
            CHOICE,
            {"prediction": torch.zeros(1, 3)},
            "a policy for discrete actions must give logits; the model gives prediction. Choose "
            "model=actor_critic",
            id="no logits",
        ),
        pytest.param(
            NUMBERS,
            {"mu": torch.zeros(1, 2)},
            "a policy for continuous actions must give mu and log_sigma; the model gives mu",
            id="no sigma",
        ),
        pytest.param(
            CHOICE,
            {"logits": torch.zeros(1, 2)},
            r"the policy's logits must have shape \[batch, 3\]; got \[1, 2\]",
            id="channels",
        ),
    ],
)
def test_a_policy_that_cannot_act_is_refused(actions, outputs, text):
    with pytest.raises(ValueError, match=text):
        actions.check(outputs)


def test_a_policy_that_can_act_is_not():
    NUMBERS.check({"mu": torch.zeros(1, 2), "log_sigma": torch.zeros(1, 2)})
