"""Gaussian, Student's t and Laplace likelihood: torch 2.13.0's distributions and closed forms."""

import math
from collections.abc import Callable
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from losslab.losses import gaussian_nll, l1, laplace_nll, mse, student_t_nll
from losslab.losses.likelihood import log1p_square
from torch import Tensor
from torch.distributions import Laplace, Normal, StudentT

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]
GENERATOR = torch.Generator().manual_seed(0)
MU, SPREAD, TARGET = torch.randn(3, 6, 2, generator=GENERATOR, dtype=torch.double)


def test_gaussian_is_torchs_density() -> None:
    expected = -Normal(MU, (SPREAD / 2).exp()).log_prob(TARGET)
    torch.testing.assert_close(gaussian_nll(MU, SPREAD, TARGET), expected)


@pytest.mark.parametrize("df", [0.5, 1.0, 4.0, 30.0])
def test_student_t_is_torchs_density(df: float) -> None:
    expected = -StudentT(torch.tensor(df).double(), MU, SPREAD.exp()).log_prob(TARGET)
    torch.testing.assert_close(student_t_nll(MU, SPREAD, TARGET, df=df), expected)


def test_laplace_is_torchs_density() -> None:
    expected = -Laplace(MU, SPREAD.exp()).log_prob(TARGET)
    torch.testing.assert_close(laplace_nll(MU, SPREAD, TARGET), expected)


def test_gaussian_keeps_the_constant_that_torchs_loss_drops() -> None:
    of_torch = partial(F.gaussian_nll_loss, MU, TARGET, SPREAD.exp(), reduction="none")
    ours = gaussian_nll(MU, SPREAD, TARGET)
    torch.testing.assert_close(ours, of_torch(full=True))
    torch.testing.assert_close(ours, of_torch() + 0.5 * math.log(2 * math.pi))


def test_gaussian_does_not_clamp_the_variance_as_torchs_loss_does() -> None:
    mu, logvar, target = torch.tensor([[1e-6]]), torch.tensor([[-30.0]]), torch.zeros(1, 1)
    of_torch = F.gaussian_nll_loss(mu, target, logvar.exp(), full=True)
    ours = gaussian_nll(mu, logvar, target)
    expected = 0.5 * (math.log(2 * math.pi) - 30 + 1e-12 * math.exp(30))
    assert ours.item() == pytest.approx(expected, rel=1e-6)
    assert of_torch.item() == pytest.approx(0.5 * (math.log(2 * math.pi * 1e-6) + 1e-6))


def test_at_a_fixed_spread_they_are_squared_and_absolute_error_and_a_constant() -> None:
    zero = torch.zeros_like(MU)
    squared, absolute = mse(MU, TARGET) / 2, l1(MU, TARGET)
    half_log_2pi = 0.5 * math.log(2 * math.pi)
    torch.testing.assert_close(gaussian_nll(MU, zero, TARGET), squared + half_log_2pi)
    torch.testing.assert_close(laplace_nll(MU, zero, TARGET), absolute + math.log(2))


def test_student_t_of_many_degrees_of_freedom_is_gaussian() -> None:
    many = student_t_nll(MU, SPREAD, TARGET, df=1e9)
    torch.testing.assert_close(many, gaussian_nll(MU, 2 * SPREAD, TARGET), rtol=1e-6, atol=1e-6)


def test_student_t_of_one_degree_of_freedom_is_cauchys() -> None:
    square = ((TARGET - MU) / SPREAD.exp()).square()
    expected = torch.log1p(square) + SPREAD + math.log(math.pi)
    torch.testing.assert_close(student_t_nll(MU, SPREAD, TARGET, df=1.0), expected)


def best(loss: Loss, target: Tensor) -> tuple[float, float]:
    """The constants that minimise the loss's mean."""
    answer = torch.tensor([target.median().item(), 0.0]).double().requires_grad_()
    optimizer = torch.optim.LBFGS([answer], max_iter=500, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        mean = loss(answer[0].expand(len(target)), answer[1].expand(len(target)), target).mean()
        torch.autograd.backward(mean)
        return mean

    optimizer.step(closure)  # type: ignore[arg-type]  # torch wants a float, and takes a tensor
    return answer[0].item(), answer[1].item()


def test_the_best_gaussian_is_the_mean_and_the_log_variance() -> None:
    target = torch.tensor([1.0, 2.0, 2.0, 3.0, 12.0]).double()
    mean, logvar = best(gaussian_nll, target)
    assert mean == pytest.approx(4.0, abs=1e-5)
    assert math.exp(logvar) == pytest.approx(16.4, rel=1e-5)  # (9 + 4 + 4 + 1 + 64) / 5


def test_the_best_laplace_is_the_median_and_the_mean_deviation_from_it() -> None:
    target = torch.tensor([1.0, 2.0, 2.5, 3.0, 12.0]).double()
    medians = torch.linspace(0, 5, 501).double()
    deviations = torch.linspace(-1, 3, 801).double()
    grid = torch.meshgrid(medians, deviations, indexing="ij")
    shape = (5, 501, 801)
    values = laplace_nll(*(g.expand(shape) for g in grid), target.reshape(5, 1, 1).expand(shape))
    row, column = divmod(int(values.mean(0).argmin()), 801)
    assert medians[row].item() == pytest.approx(2.5)
    assert deviations[column].exp().item() == pytest.approx(2.4, rel=5e-3)  # 12 / 5


def test_students_location_leaves_an_outlier_alone() -> None:
    target = torch.tensor([-1.0, -0.5, 0.0, 0.5, 1.0, 1e3]).double()
    assert abs(best(student_t_nll, target)[0]) < 0.2
    assert best(gaussian_nll, target)[0] == pytest.approx(1000 / 6, rel=1e-4)


def test_students_gradient_is_largest_at_sigma_root_df_and_fades_beyond() -> None:
    mu = torch.linspace(0, 100, 10_001).double().requires_grad_()
    values = student_t_nll(mu, torch.ones_like(mu).log(), torch.zeros_like(mu), df=4.0)
    (gradient,) = torch.autograd.grad(values.sum(), mu)
    torch.testing.assert_close(gradient, 5 * mu.detach() / (4 + mu.detach().square()))
    assert mu[gradient.argmax()].item() == pytest.approx(2.0)


@pytest.mark.parametrize("log_width", [-1e4, -300.0, -60.0, 0.0, 60.0, 1e4])
@pytest.mark.parametrize("x", [0.0, 1e-30, -1e-3, 1.0, -1e4])
def test_the_logarithm_of_a_ratio_is_right_where_the_ratio_overflows(
    x: float, log_width: float
) -> None:
    leaves = torch.tensor([x]).requires_grad_(), torch.tensor([log_width]).requires_grad_()
    value = log1p_square(*leaves)
    gradients = torch.autograd.grad(value.sum(), leaves)
    log_ratio = -math.inf if x == 0 else 2 * math.log(abs(x)) - log_width
    expected = log_ratio if log_ratio > 40 else math.log1p(math.exp(log_ratio))
    assert value.item() == pytest.approx(expected, rel=1e-6, abs=1e-37)
    assert all(g.isfinite().all() for g in gradients)


def test_it_is_twice_differentiable_at_zero() -> None:
    x = torch.zeros(1).double().requires_grad_()
    value = log1p_square(x, torch.tensor([-6.0]).double())
    (first,) = torch.autograd.grad(value.sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x)
    assert first.item() == 0
    assert second.item() == pytest.approx(2 * math.exp(6))


@pytest.mark.parametrize("loss", [gaussian_nll, laplace_nll, student_t_nll])
@pytest.mark.parametrize("spread", [-60.0, 1e4])
def test_it_is_finite_wherever_its_value_can_be_held(loss: Loss, spread: float) -> None:
    leaves = torch.tensor([[1e4]]).requires_grad_(), torch.tensor([[spread]]).requires_grad_()
    value = loss(*leaves, torch.zeros(1, 1))
    gradients = torch.autograd.grad(value.sum(), leaves)
    assert value.isfinite().all()
    assert all(g.isfinite().all() for g in gradients)


@pytest.mark.parametrize("loss", [gaussian_nll, laplace_nll, student_t_nll])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["fp32", "fp64"])
@pytest.mark.parametrize("spread", [-100.0, -1e4])
def test_an_exact_answer_may_be_as_certain_as_it_likes(
    loss: Loss, dtype: torch.dtype, spread: float
) -> None:
    leaves = [torch.tensor([[v]], dtype=dtype, requires_grad=True) for v in (3.0, spread)]
    value = loss(*leaves, torch.tensor([[3.0]], dtype=dtype))
    of_mu, of_spread = torch.autograd.grad(value.sum(), leaves)
    slope = 0.5 if loss is gaussian_nll else 1.0
    assert of_mu.item() == 0
    assert of_spread.item() == slope
    assert value.item() == pytest.approx(slope * spread, abs=1.1)


def test_the_gaussian_is_right_where_the_variance_underflows_and_its_root_does_not() -> None:
    mu = torch.tensor([[1e-22]]).requires_grad_()
    value = gaussian_nll(mu, torch.tensor([[-105.0]]), torch.zeros(1, 1))
    (gradient,) = torch.autograd.grad(value.sum(), mu)
    expected = 0.5 * (math.log(2 * math.pi) - 105 + 1e-44 * math.exp(105))
    assert value.item() == pytest.approx(expected, rel=1e-5)
    assert gradient.item() == pytest.approx(1e-22 * math.exp(105), rel=1e-4)


def test_gradients_are_those_of_the_docstrings() -> None:
    residual = MU - TARGET
    expected = {
        gaussian_nll: (
            residual * (-SPREAD).exp(),
            (1 - residual.square() * (-SPREAD).exp()) / 2,
        ),
        laplace_nll: (
            residual.sign() * (-SPREAD).exp(),
            1 - residual.abs() * (-SPREAD).exp(),
        ),
    }
    for loss, gradients in expected.items():
        leaves = MU.clone().requires_grad_(), SPREAD.clone().requires_grad_()
        found = torch.autograd.grad(loss(*leaves, TARGET).sum(), leaves)
        torch.testing.assert_close(found, gradients)


def test_students_gradient_of_the_scale_lies_between_minus_df_and_one() -> None:
    log_scale = torch.linspace(-30, 30, 601).double().requires_grad_()
    one = torch.ones(601).double()
    values = student_t_nll(one, log_scale, torch.zeros(601).double(), df=4.0)
    (gradient,) = torch.autograd.grad(values.sum(), log_scale)
    assert gradient[0].item() == pytest.approx(-4)
    assert gradient[-1].item() == pytest.approx(1)
    assert gradient.diff().min().item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("loss", "name"),
    [(gaussian_nll, "logvar"), (laplace_nll, "log_scale"), (student_t_nll, "log_scale")],
)
def test_shapes_that_differ_are_an_error(loss: Loss, name: str) -> None:
    one, flat = torch.zeros(4, 1), torch.zeros(4)
    with pytest.raises(ValueError, match=rf"{name} shaped like the prediction \(4, 1\); got \(4,"):
        loss(one, flat, one)
    with pytest.raises(ValueError, match=r"answer \(4, 1\), got \(4,\); use target.unsqueeze\(1\)"):
        loss(one, one, flat)


@pytest.mark.parametrize("df", [0.0, -1.0])
def test_student_t_needs_positive_degrees_of_freedom(df: float) -> None:
    with pytest.raises(ValueError, match=f"df must be positive; got {df}"):
        student_t_nll(MU, SPREAD, TARGET, df=df)
