"""Squared and absolute error and what lies between: closed forms, torch 2.13.0, Keras 3.15.1."""

import math
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from losslab.losses import huber, l1, log_cosh, mse, smooth_l1
from torch import Tensor

PREDICTION = torch.tensor([[1.0, 5.0], [-2.0, 0.25]]).double()
TARGET = torch.tensor([[1.5, 2.0], [2.0, 0.25]]).double()


LOSSES = pytest.mark.parametrize("loss", [mse, l1, huber, smooth_l1, log_cosh])


def test_values_by_hand() -> None:
    assert mse(PREDICTION, TARGET).tolist() == [[0.25, 9.0], [16.0, 0.0]]
    assert l1(PREDICTION, TARGET).tolist() == [[0.5, 3.0], [4.0, 0.0]]
    assert huber(PREDICTION, TARGET, delta=2.0).tolist() == [[0.125, 4.0], [6.0, 0.0]]
    assert smooth_l1(PREDICTION, TARGET, beta=2.0).tolist() == [[0.0625, 2.0], [3.0, 0.0]]
    expected = [[math.log(math.cosh(0.5)), math.log(math.cosh(3.0))], [math.log(math.cosh(4)), 0.0]]
    torch.testing.assert_close(log_cosh(PREDICTION, TARGET), torch.tensor(expected).double())


def test_huber_is_delta_times_torchs_smooth_l1() -> None:
    expected = 0.7 * F.smooth_l1_loss(PREDICTION, TARGET, reduction="none", beta=0.7)
    torch.testing.assert_close(huber(PREDICTION, TARGET, delta=0.7), expected)


def test_huber_is_half_of_mse_for_large_delta_and_l1_for_small() -> None:
    torch.testing.assert_close(huber(PREDICTION, TARGET, delta=1e6), mse(PREDICTION, TARGET) / 2)
    small = huber(PREDICTION, TARGET, delta=1e-9) / 1e-9
    torch.testing.assert_close(small, l1(PREDICTION, TARGET), rtol=0, atol=1e-9)


def test_smooth_l1_is_huber_divided_by_delta_and_tends_to_l1() -> None:
    of_huber = huber(PREDICTION, TARGET, delta=0.7) / 0.7
    torch.testing.assert_close(smooth_l1(PREDICTION, TARGET, beta=0.7), of_huber)
    small = smooth_l1(PREDICTION, TARGET, beta=1e-9)
    torch.testing.assert_close(small, l1(PREDICTION, TARGET), rtol=0, atol=1e-9)


def test_smooth_l1_gradient_is_the_residual_over_beta_clipped_to_one() -> None:
    residual = torch.tensor([-3.0, -0.2, 0.0, 0.4, 9.0]).double().requires_grad_()
    values = smooth_l1(residual, torch.zeros(5), beta=0.5)
    (gradient,) = torch.autograd.grad(values.sum(), residual)
    torch.testing.assert_close(gradient, (residual / 0.5).clamp(-1, 1))


def _log_cosh(r: float) -> float:
    """In double precision, each form where it keeps its digits."""
    if r < 1e-3:
        return r * r / 2 - r**4 / 12
    return r - math.log(2) + math.log1p(math.exp(-2 * r)) if r > 1 else math.log(math.cosh(r))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["fp32", "fp64"])
def test_log_cosh_keeps_six_digits_from_1e_minus_8_to_1e8(dtype: torch.dtype) -> None:
    residual = torch.logspace(-8, 8, 2001, dtype=dtype)
    expected = torch.tensor([_log_cosh(r) for r in residual.tolist()]).double()
    for sign in (1, -1):
        values = log_cosh(sign * residual, torch.zeros(2001, dtype=dtype)).double()
        torch.testing.assert_close(values, expected, rtol=1e-6, atol=0)


def test_log_cosh_gradient_is_tanh_everywhere() -> None:
    residual = torch.cat([-torch.logspace(-8, 8, 99), torch.zeros(1), torch.logspace(-8, 8, 99)])
    residual.requires_grad_()
    (gradient,) = torch.autograd.grad(log_cosh(residual, torch.zeros(199)).sum(), residual)
    torch.testing.assert_close(gradient, torch.tanh(residual.detach()), rtol=1e-6, atol=0)


def test_log_cosh_is_half_of_mse_near_the_target_and_l1_less_log_2_far_off() -> None:
    residual, zero = torch.tensor([1e-6, 50.0]).double(), torch.zeros(2).double()
    near, far = log_cosh(residual, zero).tolist()
    assert near == pytest.approx(mse(residual, zero)[0].item() / 2, rel=1e-9)
    assert far == pytest.approx(50 - math.log(2), rel=1e-15)


def test_kerass_log_cosh_is_0_where_ours_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    peer = pytest.importorskip("keras").losses.log_cosh  # 3.15.1
    residual, zero = torch.tensor([[1e-4]]), torch.zeros(1, 1)
    assert peer(zero, residual) == 0
    assert log_cosh(residual, zero).item() == pytest.approx(5e-9, rel=1e-6)
    assert log_cosh(zero + 2, zero).item() == pytest.approx(peer(zero, zero + 2).item(), rel=1e-6)


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
    ("loss", "statistic"),
    [(mse, 6.0), (l1, 2.0), (huber, 2.25), (smooth_l1, 2.25), (log_cosh, 2.31)],
    ids=["mean", "median", "huber", "smooth_l1", "log_cosh"],
)
def test_the_best_constant_is_the_statistic(
    loss: Callable[[Tensor, Tensor], Tensor], statistic: float
) -> None:
    target = torch.tensor([1.0, 1.5, 2.0, 3.5, 22.0]).double()
    # What the gradient sums to is 0: tanh(1.31) + tanh(0.81) + tanh(0.31) = tanh(1.19) + 1.
    # Huber's clipped residuals at 2.25 are 1, 0.75, 0.25, −1 and −1: they sum to 0.
    constants = torch.linspace(0, 10, 1001).double()
    risk = loss(constants.expand(5, -1), target.unsqueeze(1).expand(5, 1001)).mean(0)
    best = constants[risk.argmin()].item()
    assert best == pytest.approx(statistic, abs=0.01)


@LOSSES
def test_integer_targets_are_cast(loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    target = torch.tensor([[1, 2], [2, 0]])
    torch.testing.assert_close(loss(PREDICTION, target), loss(PREDICTION, target.double()))


@LOSSES
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


@pytest.mark.parametrize("beta", [0.0, -1.0])
def test_smooth_l1_needs_a_positive_beta(beta: float) -> None:
    with pytest.raises(ValueError, match=f"beta must be positive; got {beta}"):
        smooth_l1(PREDICTION, TARGET, beta=beta)
