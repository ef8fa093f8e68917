"""Poisson, gamma and Tweedie deviance: closed forms, torch 2.13.0 and scikit-learn 1.9.1."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from losslab.losses import gamma, poisson, tweedie
from losslab.losses.domains import AMOUNT
from sklearn._loss.loss import HalfGammaLoss, HalfPoissonLoss, HalfTweedieLoss
from sklearn.metrics import mean_tweedie_deviance
from torch import Tensor
from torch.func import vmap

Loss = Callable[[Tensor, Tensor], Tensor]
LOG_MEAN = torch.tensor([[-3.0, 0.5, 1.5], [4.0, 0.3, -1.0]]).double()
AMOUNTS = torch.tensor([[0.1, 1.0, 2.5], [90.0, 0.4, 7.0]]).double()
COUNTS = torch.tensor([[0, 1, 2], [90, 0, 7]])


def each(deviance: Callable[..., float], target: Tensor) -> Tensor:
    """Half of scikit-learn's deviance, element by element."""
    pairs = zip(target.flatten().tolist(), LOG_MEAN.exp().flatten().tolist(), strict=True)
    return torch.tensor([deviance([y], [m]) / 2 for y, m in pairs], dtype=torch.double).reshape(
        2, 3
    )


@pytest.mark.parametrize(
    ("loss", "power", "target"),
    [
        (poisson, 1.0, COUNTS),
        (gamma, 2.0, AMOUNTS),
        (tweedie, 1.5, COUNTS),
        (partial(tweedie, power=1.0), 1.0, COUNTS),
        (partial(tweedie, power=1.2), 1.2, COUNTS),
        (partial(tweedie, power=2.0), 2.0, AMOUNTS),
        (partial(tweedie, power=3.0), 3.0, AMOUNTS),
    ],
    ids=["poisson", "gamma", "tweedie", "1", "1.2", "2", "3"],
)
def test_it_is_half_of_scikit_learns_deviance(loss: Loss, power: float, target: Tensor) -> None:
    expected = each(partial(mean_tweedie_deviance, power=power), target)
    torch.testing.assert_close(loss(LOG_MEAN, target), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("loss", "peer", "target"),
    [
        (poisson, HalfPoissonLoss(), COUNTS),
        (gamma, HalfGammaLoss(), AMOUNTS),
        (tweedie, HalfTweedieLoss(power=1.5), COUNTS),
    ],
    ids=["poisson", "gamma", "tweedie"],
)
def test_gradient_is_that_of_scikit_learns_losses(loss: Loss, peer: object, target: Tensor) -> None:
    log_mean = LOG_MEAN.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(log_mean, target).sum(), log_mean)
    raw = np.ascontiguousarray(LOG_MEAN.flatten().numpy())
    of_peer = peer.gradient(target.double().flatten().numpy(), raw)  # type: ignore[attr-defined]
    torch.testing.assert_close(gradient.flatten(), torch.from_numpy(of_peer))


def test_poisson_is_torchs_likelihood_and_a_constant_of_the_target() -> None:
    y = COUNTS.double()
    likelihood = F.poisson_nll_loss(LOG_MEAN, y, log_input=True, reduction="none")
    torch.testing.assert_close(poisson(LOG_MEAN, COUNTS), likelihood + torch.xlogy(y, y) - y)


def test_gamma_in_closed_form() -> None:
    ratio = AMOUNTS / LOG_MEAN.exp()
    torch.testing.assert_close(gamma(LOG_MEAN, AMOUNTS), ratio - 1 - ratio.log())


def test_tweedie_near_its_relatives_is_near_them() -> None:
    for power, relative in ((1.0, poisson), (2.0, gamma)):
        near = tweedie(LOG_MEAN, AMOUNTS, power=power + 1e-9)
        torch.testing.assert_close(near, relative(LOG_MEAN, AMOUNTS), rtol=1e-6, atol=1e-7)
        assert torch.equal(
            tweedie(LOG_MEAN, AMOUNTS, power=power).isfinite(), torch.ones(2, 3).bool()
        )


@pytest.mark.parametrize("loss", [poisson, gamma, tweedie])
def test_the_best_constant_is_the_logarithm_of_the_mean(loss: Loss) -> None:
    target = torch.tensor([1.0, 2.0, 2.0, 3.0, 12.0]).double()
    constants = torch.linspace(0, 3, 3001).double()
    risk = loss(constants.expand(5, -1), target.unsqueeze(1).expand(5, 3001)).mean(0)
    assert constants[risk.argmin()].exp().item() == pytest.approx(4.0, abs=0.01)


@pytest.mark.parametrize("loss", [poisson, gamma, tweedie, partial(tweedie, power=3.0)])
def test_it_is_zero_and_least_at_the_target(loss: Loss) -> None:
    log_mean = AMOUNTS.log().requires_grad_()
    values = loss(log_mean, AMOUNTS)
    (gradient,) = torch.autograd.grad(values.sum(), log_mean)
    torch.testing.assert_close(values, torch.zeros(2, 3).double(), rtol=0, atol=1e-12)
    torch.testing.assert_close(gradient, torch.zeros(2, 3).double(), rtol=0, atol=1e-12)
    assert (loss(LOG_MEAN, AMOUNTS) > 0).all()


@pytest.mark.parametrize(
    ("loss", "power"),
    [(poisson, 1.0), (gamma, 2.0), (tweedie, 1.5), (partial(tweedie, power=3.0), 3.0)],
    ids=["poisson", "gamma", "tweedie", "3"],
)
def test_near_the_target_it_is_a_squared_error_of_the_logarithm(loss: Loss, power: float) -> None:
    near = AMOUNTS.log() + 1e-4
    expected = 0.5 * AMOUNTS ** (2 - power) * 1e-8
    torch.testing.assert_close(loss(near, AMOUNTS), expected, rtol=1e-3, atol=0)


def test_the_targets_unit_shifts_the_answer_of_gamma_and_nothing_else() -> None:
    shift = torch.tensor(1000.0).double().log()
    torch.testing.assert_close(gamma(LOG_MEAN + shift, 1000 * AMOUNTS), gamma(LOG_MEAN, AMOUNTS))


def test_a_small_error_in_a_large_count_is_not_lost_in_single_precision() -> None:
    log_mean, count = torch.tensor([1e6]).log() + 0.001, torch.tensor([1e6])
    ahead = log_mean.double() - count.double().log()  # what single precision makes of 0.001
    expected = (count.double() * (ahead.expm1() - ahead)).item()
    assert poisson(log_mean, count).item() == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize(
    ("loss", "log_mean", "target"),
    [
        *((poisson, 80.0, 3.0), (poisson, -1e4, 3.0), (poisson, 80.0, 0.0)),
        *((gamma, -80.0, 3.0), (gamma, 1e4, 3.0)),
        *((tweedie, 80.0, 0.0), (tweedie, -80.0, 3.0)),
    ],
)
def test_it_is_finite_wherever_its_value_can_be_held(
    loss: Loss, log_mean: float, target: float
) -> None:
    z = torch.tensor([log_mean], requires_grad=True)
    value = loss(z, torch.tensor([target]))
    (gradient,) = torch.autograd.grad(value.sum(), z)
    assert value.isfinite().all()
    assert gradient.isfinite().all()


@pytest.mark.parametrize("power", [2.0, 3.0])
def test_where_zero_is_impossible_its_price_is_infinite(power: float) -> None:
    z = torch.tensor([0.5], requires_grad=True)
    for given in (power, torch.tensor(power)):
        value = tweedie(z, torch.zeros(1), power=given)  # type: ignore[arg-type]
        (gradient,) = torch.autograd.grad(value.sum(), z)
        assert value.item() == torch.inf
        assert gradient.isfinite().all()
    assert gamma(z, torch.zeros(1)).item() == torch.inf


def test_runs_of_different_power_are_a_loop() -> None:
    powers = torch.tensor([1.0, 1.3, 1.7, 2.0, 2.5]).double()
    together = vmap(lambda p: tweedie(LOG_MEAN, AMOUNTS, power=p))(powers)
    loop = torch.stack([tweedie(LOG_MEAN, AMOUNTS, power=p) for p in powers.tolist()])
    torch.testing.assert_close(together, loop)
    z = LOG_MEAN.clone().requires_grad_()
    values = vmap(lambda p: tweedie(z, COUNTS, power=p))(powers[:3])
    (gradient,) = torch.autograd.grad(values.sum(), z)
    assert gradient.isfinite().all()


def test_with_power_two_zero_is_outside_the_domain() -> None:
    assert AMOUNT.violation(COUNTS, {"power": 1.5}) is None
    assert AMOUNT.violation(COUNTS, {"power": 2}) == (
        "2 of 6 values are not non-negative finite numbers (with power ≥ 2 positive): 0"
    )


@pytest.mark.parametrize("loss", [poisson, gamma, tweedie])
def test_a_target_without_the_channel_axis_is_an_error(loss: Loss) -> None:
    text = r"shaped like the model's answer \(4, 1\), got \(4,\); use target.unsqueeze\(1\)"
    with pytest.raises(ValueError, match=text):
        loss(torch.zeros(4, 1), torch.ones(4))


def test_a_power_below_one_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"power must be at least 1; got 0\.5"):
        tweedie(LOG_MEAN, AMOUNTS, power=0.5)
