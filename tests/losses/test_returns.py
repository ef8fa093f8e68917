"""Returns and advantages against loops written out in numpy, and by hand."""

import numpy as np
import pytest
import torch
from losslab.losses import discounted_returns, gae, n_step_returns, standardise
from torch import Tensor

GENERATOR = torch.Generator().manual_seed(0)
SHAPE = (4, 12)
REWARD, VALUE, NEXT = (torch.randn(SHAPE, generator=GENERATOR, dtype=torch.double) for _ in "abc")
TERMINATED, TRUNCATED = (torch.rand(SHAPE, generator=GENERATOR) < 0.2 for _ in "ab")
ENDS = TERMINATED | TRUNCATED
GAMMA, LAMBDA = 0.9, 0.7


def lambda_returns(lambda_: float, gamma: float = GAMMA) -> np.ndarray:
    """Each episode on its own, each step's advantage summed forwards from there."""
    reward, value, following = (t.numpy() for t in (REWARD, VALUE, NEXT))
    advantage = np.zeros(SHAPE)
    for row in range(SHAPE[0]):
        for start in range(SHAPE[1]):
            factor = 1.0
            for t in range(start, SHAPE[1]):
                after = 0.0 if TERMINATED[row, t] else following[row, t]
                advantage[row, start] += factor * (reward[row, t] + gamma * after - value[row, t])
                factor *= gamma * lambda_
                if ENDS[row, t]:
                    break
    return advantage


def n_steps(steps: int) -> np.ndarray:
    returns = np.zeros(SHAPE)
    for row in range(SHAPE[0]):
        for start in range(SHAPE[1]):
            factor = 1.0
            for t in range(start, min(start + steps, SHAPE[1])):
                returns[row, start] += factor * REWARD[row, t].item()
                factor *= GAMMA
                if ENDS[row, t]:
                    break
            returns[row, start] += 0.0 if TERMINATED[row, t] else factor * NEXT[row, t].item()
    return returns


@pytest.mark.parametrize("lambda_", [0.0, LAMBDA, 1.0])
def test_gae_is_the_sum_written_out(lambda_: float) -> None:
    advantage = gae(REWARD, VALUE, TERMINATED, TRUNCATED, NEXT, gamma=GAMMA, lambda_=lambda_)
    np.testing.assert_allclose(advantage.numpy(), lambda_returns(lambda_), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("steps", [1, 2, 5, 12, 100])
def test_n_step_returns_are_the_sum_written_out(steps: int) -> None:
    returns = n_step_returns(REWARD, TERMINATED, TRUNCATED, NEXT, steps=steps, gamma=GAMMA)
    np.testing.assert_allclose(returns.numpy(), n_steps(steps), rtol=1e-12, atol=1e-12)


def test_returns_are_n_step_returns_of_the_whole_window() -> None:
    returns = discounted_returns(REWARD, TERMINATED, TRUNCATED, NEXT, gamma=GAMMA)
    np.testing.assert_allclose(returns.numpy(), n_steps(SHAPE[1]), rtol=1e-12, atol=1e-12)


def _consistent() -> Tensor:
    """The next value where the episode goes on is the value of the next column."""
    ahead = torch.cat([VALUE[:, 1:], NEXT[:, -1:]], 1)
    return torch.where(ENDS, NEXT, ahead)


def test_gae_with_lambda_one_is_the_return_minus_the_value() -> None:
    following = _consistent()
    advantage = gae(REWARD, VALUE, TERMINATED, TRUNCATED, following, gamma=GAMMA, lambda_=1.0)
    returns = discounted_returns(REWARD, TERMINATED, TRUNCATED, following, gamma=GAMMA)
    torch.testing.assert_close(advantage + VALUE, returns)


def test_gae_with_lambda_zero_is_one_step() -> None:
    advantage = gae(REWARD, VALUE, TERMINATED, TRUNCATED, NEXT, gamma=GAMMA, lambda_=0.0)
    one_step = n_step_returns(REWARD, TERMINATED, TRUNCATED, NEXT, steps=1, gamma=GAMMA)
    torch.testing.assert_close(advantage + VALUE, one_step)


def test_truncation_bootstraps_and_termination_does_not() -> None:
    reward, no = torch.ones(1, 4), torch.zeros(1, 4, dtype=torch.bool)
    end = torch.tensor([[False, True, False, False]])
    value = torch.full((1, 4), 10.0)
    over = discounted_returns(reward, end, no, value, gamma=0.5)
    cut = discounted_returns(reward, no, end, value, gamma=0.5)
    assert over.tolist() == [[1.5, 1.0, 4.0, 6.0]]
    assert cut.tolist() == [[4.0, 6.0, 4.0, 6.0]]
    assert discounted_returns(reward, end, end, value, gamma=0.5).tolist() == over.tolist()


@pytest.mark.parametrize("flag", ["terminated", "truncated"])
def test_nothing_of_the_next_episode_comes_in(flag: str) -> None:
    flags = dict.fromkeys(("terminated", "truncated"), torch.zeros(1, 4, dtype=torch.bool))
    flags[flag] = torch.tensor([[False, True, False, False]])
    one, other = torch.ones(1, 4), torch.tensor([[1.0, 1.0, 99.0, 99.0]])
    zeros = torch.zeros(1, 4)
    for function in (
        lambda r: discounted_returns(r, **flags, next_value=zeros),
        lambda r: n_step_returns(r, **flags, next_value=zeros, steps=3),
        lambda r: gae(r, zeros, **flags, next_value=zeros),
    ):
        assert torch.equal(function(one)[:, :2], function(other)[:, :2])


def test_the_value_after_the_end_may_be_anything() -> None:
    spoilt = NEXT.masked_fill(TERMINATED, torch.nan)
    for function in (
        lambda v: discounted_returns(REWARD, TERMINATED, TRUNCATED, v),
        lambda v: n_step_returns(REWARD, TERMINATED, TRUNCATED, v, steps=3),
        lambda v: gae(REWARD, VALUE, TERMINATED, TRUNCATED, v),
    ):
        assert torch.equal(function(spoilt), function(NEXT))


def test_a_fair_critic_sees_no_advantage() -> None:
    value = torch.full((1, 5), 10.0)
    no = torch.zeros(1, 5, dtype=torch.bool)
    advantage = gae(torch.ones(1, 5), value, no, no, value, gamma=0.9)  # V = r / (1 − γ)
    torch.testing.assert_close(advantage, torch.zeros(1, 5), rtol=0, atol=1e-5)


def test_half_precision_is_summed_in_single() -> None:
    reward, no = torch.ones(1, 4000, dtype=torch.float16), torch.zeros(1, 4000)
    returns = discounted_returns(reward, no, no, torch.zeros_like(reward), gamma=1.0)
    assert returns.dtype == torch.float32
    assert returns[0, 0] == 4000


def test_they_run_under_vmap_and_the_compiler() -> None:
    tensors = (REWARD, VALUE, TERMINATED, TRUNCATED, NEXT)
    expected = gae(*tensors)
    rows = torch.func.vmap(lambda *t: gae(*(x[None] for x in t))[0])(*tensors)
    torch.testing.assert_close(rows, expected)
    compiled = torch.compile(gae, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(*tensors), expected)


# Standardising


def test_the_mean_is_zero_and_the_deviation_one() -> None:
    x = standardise(3 + 5 * REWARD)
    assert x.mean().item() == pytest.approx(0, abs=1e-12)
    assert x.std(correction=0).item() == pytest.approx(1)


def test_what_does_not_count_is_zero_and_has_no_influence() -> None:
    weight = (~TERMINATED).float()
    spoilt = REWARD.masked_fill(TERMINATED, torch.nan)
    x = standardise(spoilt, weight)
    assert (x[TERMINATED] == 0).all()
    torch.testing.assert_close(x[~TERMINATED], standardise(REWARD[~TERMINATED]))


def test_a_weight_per_row_weighs_rows_and_its_scale_does_not_matter() -> None:
    weight = torch.tensor([1.0, 0.0, 2.0, 1.0])
    torch.testing.assert_close(standardise(REWARD, weight), standardise(REWARD, 3 * weight))
    repeated = standardise(REWARD[[0, 2, 2, 3]])
    torch.testing.assert_close(standardise(REWARD, weight)[[0, 2, 2, 3]], repeated)


def test_numbers_that_are_all_the_same_stay_finite() -> None:
    assert standardise(torch.full((3, 2), 0.1)).abs().max() < 10
    assert standardise(torch.ones(1, 1)).item() == 0
    assert (standardise(torch.ones(2, 2), torch.zeros(2, 2)) == 0).all()


# What does not fit

FLAGS = {"terminated": TERMINATED, "truncated": TRUNCATED}


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: discounted_returns(REWARD, TERMINATED[:, :1], TRUNCATED, NEXT),
            r"one shape \[batch, time\]; got reward \(4, 12\), terminated \(4, 1\)",
        ),
        (
            lambda: gae(REWARD, VALUE[0], **FLAGS, next_value=NEXT),
            r"value \(12,\), terminated \(4, 12\)",
        ),
        (
            lambda: n_step_returns(*(t[0] for t in (REWARD, *FLAGS.values(), NEXT)), steps=1),
            r"got reward \(12,\)",
        ),
        (
            lambda: discounted_returns(*[torch.zeros(2, 0)] * 4),
            r"got reward \(2, 0\)",
        ),
        (
            lambda: discounted_returns(REWARD, **FLAGS, next_value=NEXT, gamma=1.1),
            r"gamma must be in \[0, 1\]; got 1.1",
        ),
        (
            lambda: gae(REWARD, VALUE, **FLAGS, next_value=NEXT, lambda_=-1),
            r"lambda_ must be in \[0, 1\]; got -1",
        ),
        (
            lambda: gae(REWARD, VALUE, **FLAGS, next_value=NEXT, gamma=2),
            r"gamma must be in \[0, 1\]; got 2",
        ),
        (
            lambda: n_step_returns(REWARD, **FLAGS, next_value=NEXT, steps=0),
            "steps must be a whole number, at least 1; got 0",
        ),
        (
            lambda: n_step_returns(REWARD, **FLAGS, next_value=NEXT, steps=1, gamma=-1),
            r"gamma must be in \[0, 1\]; got -1",
        ),
        (
            lambda: standardise(REWARD, torch.ones(12)),
            r"a weight of shape \(12,\) does not fit \(4, 12\)",
        ),
        (lambda: standardise(REWARD, eps=0.0), "eps must be positive; got 0.0"),
    ],
    ids=lambda value: None if callable(value) else value.split()[-1],
)
def test_what_does_not_fit_is_an_error(call: object, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        call()
