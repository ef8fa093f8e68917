"""Squared, absolute and Huber error: closed forms and torch 2.13."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from losslab.losses import huber, l1, mse
from torch import Tensor

PREDICTION = torch.tensor([[1.0, 5.0], [-2.0, 0.25]]).double()
TARGET = torch.tensor([[1.5, 2.0], [2.0, 0.25]]).double()


def test_values_by_hand() -> None:
    assert mse(PREDICTION, TARGET).tolist() == [[0.25, 9.0], [16.0, 0.0]]
    assert l1(PREDICTION, TARGET).tolist() == [[0.5, 3.0], [4.0, 0.0]]
    assert huber(PREDICTION, TARGET, delta=2.0).tolist() == [[0.125, 4.0], [6.0, 0.0]]


def test_huber_is_delta_times_torchs_smooth_l1() -> None:
    expected = 0.7 * F.smooth_l1_loss(PREDICTION, TARGET, reduction="none", beta=0.7)
    torch.testing.assert_close(huber(PREDICTION, TARGET, delta=0.7), expected)


def test_huber_is_half_of_mse_for_large_delta_and_l1_for_small() -> None:
    torch.testing.assert_close(huber(PREDICTION, TARGET, delta=1e6), mse(PREDICTION, TARGET) / 2)
    small = huber(PREDICTION, TARGET, delta=1e-9) / 1e-9
    torch.testing.assert_close(small, l1(PREDICTION, TARGET), rtol=0, atol=1e-9)


@pytest.mark.parametrize("as_tensor", [False, True], ids=["number", "tensor"])
def test_huber_gradient_is_the_clipped_residual(as_tensor: bool) -> None:
    residual = torch.tensor([-3.0, -1.5, -0.2, 0.0, 0.4, 1.5, 9.0]).double().requires_grad_()
    delta = torch.tensor(1.5).double() if as_tensor else 1.5
    values = huber(residual, torch.zeros(7), delta=delta)
    (gradient,) = torch.autograd.grad(values.sum(), residual, create_graph=True)
    (second,) = torch.autograd.grad(gradient.sum(), residual)
    torch.testing.assert_close(gradient, residual.clamp(-1.5, 1.5))
    assert second[[0, 2, 3, 4, 6]].tolist() == [0, 1, 1, 1, 0]


def test_huber_takes_delta_as_a_tensor() -> None:
    values = huber(PREDICTION, TARGET, delta=torch.tensor(2.0).double())
    torch.testing.assert_close(values, huber(PREDICTION, TARGET, delta=2.0))


@pytest.mark.parametrize(
    ("loss", "statistic"), [(mse, 6.0), (l1, 2.0), (huber, 2.25)], ids=["mean", "median", "between"]
)
def test_the_best_constant_is_the_statistic(
    loss: Callable[[Tensor, Tensor], Tensor], statistic: float
) -> None:
    target = torch.tensor([1.0, 1.5, 2.0, 3.5, 22.0]).double()
    # Huber's clipped residuals at 2.25 are 1, 0.75, 0.25, −1 and −1: they sum to 0.
    constants = torch.linspace(0, 10, 1001).double()
    risk = loss(constants.expand(5, -1), target.unsqueeze(1).expand(5, 1001)).mean(0)
    best = constants[risk.argmin()].item()
    assert best == pytest.approx(statistic, abs=0.01)


@pytest.mark.parametrize("loss", [mse, l1, huber])
def test_integer_targets_are_cast(loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    target = torch.tensor([[1, 2], [2, 0]])
    torch.testing.assert_close(loss(PREDICTION, target), loss(PREDICTION, target.double()))


@pytest.mark.parametrize("loss", [mse, l1, huber])
def test_a_target_without_the_channel_axis_is_an_error(
    loss: Callable[[Tensor, Tensor], Tensor],
) -> None:
    text = r"shaped like the model's answer \(4, 1\), got \(4,\); use target.unsqueeze\(1\)"
    with pytest.raises(ValueError, match=text):
        loss(torch.zeros(4, 1), torch.zeros(4))


@pytest.mark.parametrize("delta", [0.0, -1.0])
def test_huber_needs_a_positive_delta(delta: float) -> None:
    with pytest.raises(ValueError, match=f"delta must be positive; got {delta}"):
        huber(PREDICTION, TARGET, delta=delta)
