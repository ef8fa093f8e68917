"""Policy gradients and PPO: torch 2.13's distributions, loops written out, closed forms."""

import math
from pathlib import Path

import pytest
import torch
from losslab import conf
from losslab.losses import (
    categorical_log_prob,
    confidence_penalty,
    cross_entropy,
    deterministic_policy_gradient,
    gaussian_entropy,
    gaussian_log_prob,
    gaussian_policy_gradient,
    gaussian_ppo_clip,
    policy_gradient,
    ppo_clip,
    ppo_value,
)
from losslab.training.assemble import build_objective
from omegaconf import OmegaConf
from torch import Tensor
from torch.distributions import Categorical, Normal

GENERATOR = torch.Generator().manual_seed(0)
LOGITS = torch.randn(6, 3, generator=GENERATOR, dtype=torch.double)
ACTION = torch.tensor([0, 1, 2, 0, 1, 2])
ADVANTAGE = torch.randn(6, generator=GENERATOR, dtype=torch.double)
MU = torch.randn(6, 2, generator=GENERATOR, dtype=torch.double)
LOG_SIGMA = 0.3 * torch.randn(6, 2, generator=GENERATOR, dtype=torch.double)
MOVE = torch.randn(6, 2, generator=GENERATOR, dtype=torch.double)


# Policy gradients


def test_log_probabilities_are_torchs() -> None:
    torch.testing.assert_close(
        categorical_log_prob(LOGITS, ACTION), Categorical(logits=LOGITS).log_prob(ACTION)
    )
    torch.testing.assert_close(
        gaussian_log_prob(MU, LOG_SIGMA, MOVE), Normal(MU, LOG_SIGMA.exp()).log_prob(MOVE).sum(1)
    )


def test_policy_gradients_are_the_log_probability_times_the_advantage() -> None:
    torch.testing.assert_close(
        policy_gradient(LOGITS, ACTION, ADVANTAGE),
        -Categorical(logits=LOGITS).log_prob(ACTION) * ADVANTAGE,
    )
    torch.testing.assert_close(
        gaussian_policy_gradient(MU, LOG_SIGMA, MOVE, ADVANTAGE),
        -Normal(MU, LOG_SIGMA.exp()).log_prob(MOVE).sum(1) * ADVANTAGE,
    )


def test_with_an_advantage_of_one_it_is_cross_entropy() -> None:
    torch.testing.assert_close(
        policy_gradient(LOGITS, ACTION, torch.ones(6)), cross_entropy(LOGITS, ACTION)
    )


def test_steps_stand_behind_the_actions() -> None:
    steps = LOGITS.reshape(2, 3, 3).transpose(1, 2)  # [batch, actions, steps]
    values = policy_gradient(steps, ACTION.reshape(2, 3), ADVANTAGE.reshape(2, 3))
    torch.testing.assert_close(values.flatten(), policy_gradient(LOGITS, ACTION, ADVANTAGE))


def test_the_gradient_is_the_advantage_times_policy_minus_action() -> None:
    logits = LOGITS.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(policy_gradient(logits, ACTION, ADVANTAGE).sum(), logits)
    expected = ADVANTAGE[:, None] * (LOGITS.softmax(1) - torch.eye(3).double()[ACTION])
    torch.testing.assert_close(gradient, expected)


def test_a_bad_action_that_is_unlikely_already_is_still_pushed_away() -> None:
    logits = torch.tensor([[0.0, -40.0]], requires_grad=True)
    value = policy_gradient(logits, torch.tensor([1]), torch.tensor([-2.0]))
    (gradient,) = torch.autograd.grad(value.sum(), logits)
    assert gradient.tolist() == [[-2.0, 2.0]]


def test_its_mean_gradient_is_that_of_the_expected_return() -> None:
    logits = torch.tensor([[0.3, -0.2, 0.5]], dtype=torch.double, requires_grad=True)
    reward = torch.tensor([1.0, -2.0, 0.5], dtype=torch.double)
    expected = torch.autograd.grad(-(logits.softmax(1) @ reward).sum(), logits)
    values = policy_gradient(logits.expand(3, 3), torch.arange(3), reward)
    on_average = torch.autograd.grad((logits.softmax(1).detach() * values).sum(), logits)
    torch.testing.assert_close(on_average, expected)


def test_no_gradient_flows_into_what_comes_with_the_batch() -> None:
    logits, advantage, old = (
        t.clone().requires_grad_() for t in (LOGITS, ADVANTAGE, ADVANTAGE - 1)
    )
    value = ppo_clip(logits, ACTION, old, advantage) + policy_gradient(logits, ACTION, advantage)
    gradients = torch.autograd.grad(value.sum(), (logits, advantage, old), allow_unused=True)
    assert [g is None for g in gradients] == [False, True, True]


def test_for_fixed_praise_the_minimum_is_the_weighted_share_of_actions() -> None:
    logits = torch.zeros(1, 3, dtype=torch.double, requires_grad=True)
    praise = torch.tensor([1.0, 2.0, 3.0, 1.0, 2.0, 3.0]).double()
    optimizer = torch.optim.LBFGS([logits], max_iter=100, tolerance_grad=1e-10)

    def closure() -> Tensor:
        optimizer.zero_grad()
        total = policy_gradient(logits.expand(6, 3), ACTION, praise).sum()
        total.backward()
        return total

    optimizer.step(closure)
    torch.testing.assert_close(
        logits.detach().softmax(1), torch.tensor([[2.0, 4.0, 6.0]]).double() / 12
    )


def test_as_configured_actor_critic_and_entropy_are_a2c() -> None:
    """Mnih et al. 2016: −A log π + ½ (R − V)² − 0.01 H, with torch's distributions."""
    folder = Path(conf.__file__).parent / "loss"
    names = ("a2c_actor", "a2c_critic", "entropy")
    files = [OmegaConf.load(folder / f"{name}.yaml") for name in names]
    objective = build_objective({"loss": OmegaConf.to_container(OmegaConf.merge(*files))})
    value, returns = MU[:, 0], MOVE[:, 0]
    batch = {"action": ACTION, "advantage": ADVANTAGE, "returns": returns}
    objective.bind(list(batch), ["logits", "value"], "logits")
    total = objective({"logits": LOGITS, "value": value, **batch}, 0.0).total
    policy = Categorical(logits=LOGITS)
    expected = -policy.log_prob(ACTION) * ADVANTAGE + 0.5 * (returns - value).square()
    torch.testing.assert_close(total, (expected - 0.01 * policy.entropy()).mean())


def test_gaussian_gradients_are_those_of_the_docstring() -> None:
    leaves = MU.clone().requires_grad_(), LOG_SIGMA.clone().requires_grad_()
    values = gaussian_policy_gradient(*leaves, MOVE, ADVANTAGE)
    of_mu, of_sigma = torch.autograd.grad(values.sum(), leaves)
    z, advantage = (MOVE - MU) / LOG_SIGMA.exp(), ADVANTAGE.unsqueeze(1)
    torch.testing.assert_close(of_mu, -advantage * z / LOG_SIGMA.exp())
    torch.testing.assert_close(of_sigma, advantage * (1 - z.square()))


# Entropy


def test_negative_entropies_are_torchs() -> None:
    torch.testing.assert_close(confidence_penalty(LOGITS), -Categorical(logits=LOGITS).entropy())
    torch.testing.assert_close(
        gaussian_entropy(LOG_SIGMA), -Normal(MU, LOG_SIGMA.exp()).entropy().sum(1)
    )


def test_minimising_it_widens_the_policy() -> None:
    log_sigma = LOG_SIGMA.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(gaussian_entropy(log_sigma).sum(), log_sigma)
    assert (gradient == -1).all()


# A critic's slope


def test_the_deterministic_gradient_reaches_the_actor_through_the_action() -> None:
    actor = torch.nn.Linear(1, 1, bias=False)
    state = torch.tensor([[2.0]])
    action = actor(state)
    value = 3.0 - (action - 1.0).square()  # the best action is 1
    deterministic_policy_gradient(value).sum().backward()
    assert actor.weight.grad.item() == pytest.approx(2 * (action.item() - 1) * 2.0)


# PPO


def _old() -> Tensor:
    return categorical_log_prob(LOGITS, ACTION)


@pytest.mark.parametrize(
    ("ratio", "advantage", "value", "moves"),
    [
        (1.0, 1.0, -1.0, True),
        (1.1, 1.0, -1.1, True),
        (1.5, 1.0, -1.2, False),
        (0.5, 1.0, -0.5, True),
        (0.9, -1.0, 0.9, True),
        (0.5, -1.0, 0.8, False),
        (1.5, -1.0, 1.5, True),
    ],
)
def test_ppo_stops_where_the_step_is_taken(
    ratio: float, advantage: float, value: float, moves: bool
) -> None:
    logits = torch.tensor([[0.4, -0.3]], dtype=torch.double, requires_grad=True)
    action = torch.tensor([0])
    old = categorical_log_prob(logits, action).detach() - math.log(ratio)
    values = ppo_clip(logits, action, old, torch.tensor([advantage]).double())
    (gradient,) = torch.autograd.grad(values.sum(), logits)
    assert values.item() == pytest.approx(value)
    assert bool(gradient.any()) == moves


def test_at_the_old_policy_the_gradient_is_the_policy_gradient() -> None:
    logits = LOGITS.clone().requires_grad_()
    of_ppo = torch.autograd.grad(ppo_clip(logits, ACTION, _old(), ADVANTAGE).sum(), logits)
    plain = torch.autograd.grad(policy_gradient(logits, ACTION, ADVANTAGE).sum(), logits)
    torch.testing.assert_close(of_ppo, plain)
    mu = MU.clone().requires_grad_()
    old = gaussian_log_prob(MU, LOG_SIGMA, MOVE)
    values = gaussian_ppo_clip(mu, LOG_SIGMA, MOVE, old, ADVANTAGE)
    of_ppo = torch.autograd.grad(values.sum(), mu)
    plain = torch.autograd.grad(gaussian_policy_gradient(mu, LOG_SIGMA, MOVE, ADVANTAGE).sum(), mu)
    torch.testing.assert_close(of_ppo, plain)


def test_ppo_is_the_formula_written_out() -> None:
    old = _old() + 0.5 * torch.linspace(-1, 1, 6).double()
    ratio = (_old() - old).exp()
    expected = [
        -min(r * a, min(max(r, 0.8), 1.2) * a)
        for r, a in zip(ratio.tolist(), ADVANTAGE.tolist(), strict=True)
    ]
    values = ppo_clip(LOGITS, ACTION, old, ADVANTAGE)
    assert values.tolist() == pytest.approx(expected)


@pytest.mark.parametrize(("advantage", "value"), [(1.5, -1.8), (0.0, 0.0)])
def test_a_ratio_too_large_to_hold_is_clipped_and_pulls_on_nothing(
    advantage: float, value: float
) -> None:
    mu, log_sigma = torch.zeros(1, 1).requires_grad_(), torch.zeros(1, 1).requires_grad_()
    old = torch.tensor([-200.0])  # the ratio is e^199
    values = gaussian_ppo_clip(mu, log_sigma, torch.ones(1, 1), old, torch.tensor([advantage]))
    gradients = torch.autograd.grad(values.sum(), (mu, log_sigma))
    assert values.item() == pytest.approx(value)
    assert [g.item() for g in gradients] == [0, 0]


def test_a_wide_clip_is_none() -> None:
    old = _old() - 0.7
    expected = -math.exp(0.7) * ADVANTAGE
    torch.testing.assert_close(ppo_clip(LOGITS, ACTION, old, ADVANTAGE, clip=1e6), expected)


VALUE = torch.tensor([1.0, 1.0, -1.0], dtype=torch.double)
OLD = torch.zeros(3, dtype=torch.double)
RETURNS = torch.tensor([2.0, -2.0, 0.1], dtype=torch.double)


@pytest.mark.parametrize(
    ("mode", "values", "gradient"),
    [
        ("none", [0.5, 4.5, 0.605], [-1.0, 3.0, -1.1]),
        ("clipped", [1.62, 2.42, 0.045], [0.0, 0.0, 0.0]),
        ("max", [1.62, 4.5, 0.605], [0.0, 3.0, -1.1]),
    ],
)
def test_the_modes_of_the_value_loss(mode: str, values: list[float], gradient: list[float]) -> None:
    value = VALUE.clone().requires_grad_()
    of_value = ppo_value(value, OLD, RETURNS, mode=mode)
    (of_gradient,) = torch.autograd.grad(of_value.sum(), value)
    assert of_value.tolist() == pytest.approx(values)
    assert of_gradient.tolist() == pytest.approx(gradient)


def test_with_a_wide_clip_every_mode_is_half_the_squared_error() -> None:
    for mode in ("none", "clipped", "max"):
        torch.testing.assert_close(
            ppo_value(VALUE, OLD, RETURNS, mode=mode, clip=100.0), (VALUE - RETURNS).square() / 2
        )


# What does not fit


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: policy_gradient(LOGITS, ACTION.double(), ADVANTAGE),
            r"\(6, 3\), .* need integer actions .* got torch.float64 of shape \(6,\)",
        ),
        (
            lambda: policy_gradient(LOGITS, ACTION[:, None], ADVANTAGE),
            r"got torch.int64 of shape \(6, 1\)",
        ),
        (
            lambda: policy_gradient(LOGITS, ACTION, ADVANTAGE[:, None]),
            r"expected advantage of shape \(6,\), one for each action; got \(6, 1\)",
        ),
        (
            lambda: ppo_clip(LOGITS, ACTION, ADVANTAGE[:, None], ADVANTAGE),
            r"expected old_log_prob of shape \(6,\)",
        ),
        (
            lambda: gaussian_policy_gradient(MU, LOG_SIGMA[:1], MOVE, ADVANTAGE),
            r"of one shape .* got \(6, 2\), \(1, 2\) and \(6, 2\)",
        ),
        (lambda: gaussian_entropy(LOG_SIGMA[0]), r"expected log_sigma of shape .* got \(2,\)"),
        (
            lambda: deterministic_policy_gradient(torch.tensor(1.0)),
            "expected one value per sample, .* got a single number",
        ),
        (lambda: ppo_clip(LOGITS, ACTION, _old(), ADVANTAGE, clip=0.0), "clip must be positive"),
        (lambda: ppo_value(VALUE, OLD, RETURNS, clip=-1), "clip must be positive; got -1"),
        (
            lambda: ppo_value(VALUE, OLD, RETURNS, mode="min"),
            "mode must be one of max, clipped, none; got min",
        ),
        (
            lambda: ppo_value(VALUE[:, None], OLD, RETURNS),
            r"of one shape; got \(3, 1\), \(3,\) and \(3,\)",
        ),
    ],
    ids=lambda value: None if callable(value) else value.split()[-1],
)
def test_what_does_not_fit_is_an_error(call: object, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        call()
