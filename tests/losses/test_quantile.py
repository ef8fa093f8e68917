"""Quantile and expectile loss: closed forms, scikit-learn 1.9.1, SciPy 1.17.1."""

from collections.abc import Callable

import pytest
import torch
from losslab.losses import expectile, l1, mse, quantile
from scipy.stats import expectile as scipy_expectile
from sklearn.metrics import mean_pinball_loss
from torch import Tensor

PREDICTION = torch.tensor([[1.0, 5.0], [-2.0, 0.25]]).double()
TARGET = torch.tensor([[1.5, 2.0], [2.0, 0.25]]).double()
SAMPLE = torch.distributions.Gamma(2.0, 1.0)

Loss = Callable[..., Tensor]
LOSSES = pytest.mark.parametrize("loss", [quantile, expectile])


def sample(size: int) -> Tensor:
    torch.manual_seed(0)
    return SAMPLE.sample((size,)).double()


def test_values_by_hand() -> None:
    of_quantile = quantile(PREDICTION, TARGET, level=0.75)
    torch.testing.assert_close(of_quantile, torch.tensor([[0.375, 0.75], [3.0, 0.0]]).double())
    of_expectile = expectile(PREDICTION, TARGET, level=0.75)
    torch.testing.assert_close(of_expectile, torch.tensor([[0.1875, 2.25], [12, 0.0]]).double())


def test_at_level_one_half_they_are_half_of_l1_and_of_mse() -> None:
    torch.testing.assert_close(quantile(PREDICTION, TARGET), l1(PREDICTION, TARGET) / 2)
    torch.testing.assert_close(expectile(PREDICTION, TARGET), mse(PREDICTION, TARGET) / 2)


@pytest.mark.parametrize("level", [0.05, 0.5, 0.9])
def test_quantile_is_scikit_learns_pinball_loss(level: float) -> None:
    expected = mean_pinball_loss(TARGET.numpy(), PREDICTION.numpy(), alpha=level)
    value = quantile(PREDICTION, TARGET, level=level).mean().item()
    assert value == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_the_best_constant_is_the_quantile(level: float) -> None:
    target = sample(1001)
    risk = quantile(target.expand(1001, -1), target.unsqueeze(1).expand(1001, 1001), level=level)
    assert target[risk.mean(0).argmin()] == target.quantile(level)


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_at_the_expectile_the_gradients_balance(level: float) -> None:
    target = sample(200)
    best = torch.tensor(scipy_expectile(target.numpy(), alpha=level)).requires_grad_()
    risk = expectile(best.expand(200), target, level=level).mean()
    (gradient,) = torch.autograd.grad(risk, best)
    assert gradient.item() == pytest.approx(0, abs=1e-8)


def test_the_cheapest_stock_is_the_quantile_of_the_ratio_of_costs() -> None:
    demand = sample(1001)
    too_little, too_much = 3.0, 1.0
    excess = demand - demand.unsqueeze(1)  # stock × demand
    cost = (too_little * excess.clamp(min=0) + too_much * (-excess).clamp(min=0)).mean(1)
    assert demand[cost.argmin()] == demand.quantile(too_little / (too_little + too_much))


@LOSSES
def test_several_levels_are_the_mean_of_each(loss: Loss) -> None:
    levels = [0.1, 0.5, 0.9]
    prediction = torch.stack([PREDICTION, PREDICTION + 1, PREDICTION + 2], -1)
    each = [loss(prediction[..., i], TARGET, level=level) for i, level in enumerate(levels)]
    together = loss(prediction, TARGET, level=levels)
    assert together.shape == TARGET.shape
    torch.testing.assert_close(together, torch.stack(each).mean(0))
    torch.testing.assert_close(loss(prediction, TARGET, level=torch.tensor(levels)), together)


@LOSSES
def test_one_level_in_a_list_keeps_its_axis_on_the_prediction(loss: Loss) -> None:
    of_list = loss(PREDICTION.unsqueeze(-1), TARGET, level=[0.3])
    torch.testing.assert_close(of_list, loss(PREDICTION, TARGET, level=0.3))


def test_the_quantile_gradient_is_the_level_whatever_the_distance() -> None:
    prediction = torch.tensor([-1e6, -0.1, 0.1, 1e6]).double().requires_grad_()
    values = quantile(prediction, torch.zeros(4), level=0.9)
    (gradient,) = torch.autograd.grad(values.sum(), prediction)
    torch.testing.assert_close(gradient, torch.tensor([-0.9, -0.9, 0.1, 0.1]).double())


def test_the_expectile_gradient_is_steeper_on_one_side() -> None:
    prediction = torch.tensor([-2.0, 0.0, 2.0]).double().requires_grad_()
    values = expectile(prediction, torch.zeros(3), level=0.9)
    (gradient,) = torch.autograd.grad(values.sum(), prediction)
    torch.testing.assert_close(gradient, torch.tensor([-3.6, 0.0, 0.4]).double())


@LOSSES
@pytest.mark.parametrize("level", [0.0, 1.0, -0.5, [0.5, 1.5]])
def test_a_level_outside_the_unit_interval_is_an_error(loss: Loss, level: object) -> None:
    with pytest.raises(ValueError, match=r"level must be in \(0, 1\); got"):
        loss(PREDICTION, TARGET, level=level)


@LOSSES
def test_a_prediction_without_the_axis_of_levels_is_an_error(loss: Loss) -> None:
    text = r"level \[0.1, 0.9\] needs .* last axis, shape \(2, 2, 2\); got \(2, 2\)"
    with pytest.raises(ValueError, match=text):
        loss(PREDICTION, TARGET, level=[0.1, 0.9])


@LOSSES
def test_no_level_is_an_error(loss: Loss) -> None:
    with pytest.raises(ValueError, match=r"level \[\] needs a prediction with one entry"):
        loss(torch.zeros(4, 1, 0), torch.zeros(4, 1), level=[])


@LOSSES
def test_a_target_without_the_channel_axis_is_an_error(loss: Loss) -> None:
    with pytest.raises(ValueError, match=r"got \(4,\); use target.unsqueeze\(1\)"):
        loss(torch.zeros(4, 1), torch.zeros(4))
