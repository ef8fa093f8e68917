"""Barron's family at shapes 1, 0 and −∞: closed forms, its general form, kornia 0.9.0."""

import math
from collections.abc import Callable

import pytest
import torch
from losslab.losses import cauchy, charbonnier, l1, mse, welsch
from torch import Tensor

RESIDUAL = torch.tensor([-300.0, -2.0, -0.5, 0.0, 1e-3, 0.7, 3.0, 40.0]).double()
ZERO = torch.zeros_like(RESIDUAL)

Loss = Callable[..., Tensor]


def gradient_of(loss: Loss, residual: Tensor, **options: float) -> Tensor:
    residual = residual.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(
        loss(residual, torch.zeros_like(residual), **options).sum(), residual
    )
    return gradient


def barron(residual: Tensor, shape: float, scale: float) -> Tensor:
    """Barron 2019, eq. 1."""
    width = abs(shape - 2)
    return width / shape * (((residual / scale) ** 2 / width + 1) ** (shape / 2) - 1)


def test_values_by_hand() -> None:
    two = torch.tensor([2.0]).double(), torch.zeros(1).double()
    assert charbonnier(*two, eps=1.5).item() == 1.0  # √(4 + 2.25) − 1.5
    assert cauchy(*two, scale=2.0).item() == pytest.approx(math.log(1.5))
    assert welsch(*two, scale=2.0).item() == pytest.approx(1 - math.exp(-0.5))


@pytest.mark.parametrize(
    ("values", "shape", "tolerance"),
    [
        (charbonnier(RESIDUAL, ZERO, eps=1.3) / 1.3, 1.0, 1e-12),
        (cauchy(RESIDUAL, ZERO, scale=1.3), 1e-7, 1e-4),
        (welsch(RESIDUAL, ZERO, scale=1.3), -1e7, 1e-4),
    ],
    ids=["charbonnier", "cauchy", "welsch"],
)
def test_they_are_the_members_of_barrons_family(
    values: Tensor, shape: float, tolerance: float
) -> None:
    torch.testing.assert_close(values, barron(RESIDUAL, shape, 1.3), rtol=tolerance, atol=1e-8)


@pytest.mark.parametrize(
    ("name", "loss", "options"),
    [
        ("charbonnier_loss", charbonnier, {"eps": 1.0}),
        ("cauchy_loss", cauchy, {}),
        ("welsch_loss", welsch, {}),
    ],
    ids=["charbonnier", "cauchy", "welsch"],
)
def test_at_scale_1_they_are_kornias(name: str, loss: Loss, options: dict[str, float]) -> None:
    peer = getattr(pytest.importorskip("kornia").losses, name)
    torch.testing.assert_close(loss(RESIDUAL, ZERO, **options), peer(RESIDUAL, ZERO))


def test_charbonnier_tends_to_l1_for_a_small_eps_and_to_mse_for_a_large_one() -> None:
    small = charbonnier(RESIDUAL, ZERO, eps=1e-12)
    torch.testing.assert_close(small, l1(RESIDUAL, ZERO), rtol=0, atol=1e-11)
    large = 2e6 * charbonnier(RESIDUAL, ZERO, eps=1e6)
    torch.testing.assert_close(large, mse(RESIDUAL, ZERO), rtol=1e-6, atol=0)


@pytest.mark.parametrize("loss", [cauchy, welsch])
def test_the_redescending_ones_tend_to_mse_for_a_large_scale(loss: Loss) -> None:
    large = 2e12 * loss(RESIDUAL, ZERO, scale=1e6)
    torch.testing.assert_close(large, mse(RESIDUAL, ZERO), rtol=1e-6, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["fp32", "fp64"])
def test_charbonnier_keeps_the_digits_of_small_residuals_and_holds_large_ones(
    dtype: torch.dtype,
) -> None:
    residual = torch.tensor([1e-8, 1e-6, 1e30], dtype=dtype)
    expected = torch.tensor([5e-14, 5e-10, 1e30], dtype=dtype)  # r²/2ε, r²/2ε, r
    values = charbonnier(residual, torch.zeros(3), eps=1e-3)
    torch.testing.assert_close(values, expected, rtol=1e-6, atol=0)


def test_gradients_are_those_of_the_docstrings() -> None:
    r = RESIDUAL
    torch.testing.assert_close(gradient_of(charbonnier, r, eps=0.3), r / (r**2 + 0.09).sqrt())
    torch.testing.assert_close(gradient_of(cauchy, r, scale=0.3), 2 * r / (r**2 + 0.18))
    expected = r / 4 * torch.exp(-(r**2) / 8)
    torch.testing.assert_close(gradient_of(welsch, r, scale=2.0), expected)


@pytest.mark.parametrize(
    ("loss", "farthest_pull"), [(cauchy, 2**0.5), (welsch, 1.0)], ids=["cauchy", "welsch"]
)
def test_the_pull_is_largest_at_about_the_scale_and_then_fades(
    loss: Loss, farthest_pull: float
) -> None:
    residual = torch.linspace(0, 10, 100_001).double()
    pull = gradient_of(loss, residual, scale=1.0)
    assert residual[pull.argmax()].item() == pytest.approx(farthest_pull, abs=1e-3)
    assert pull[-1] < pull.max() / 3


@pytest.mark.parametrize(
    ("loss", "options", "low", "high"),
    [
        (charbonnier, {"eps": 1e-3}, 1.99, 2.01),
        (charbonnier, {"eps": 1e6}, 5.99, 6.01),
        (cauchy, {"scale": 1.0}, 1.5, 2.1),
        (welsch, {"scale": 1.0}, 1.4, 2.0),
    ],
    ids=["median", "mean", "cauchy", "welsch"],
)
def test_the_best_constant_ignores_the_outlier_more_and_more(
    loss: Loss, options: dict[str, float], low: float, high: float
) -> None:
    target = torch.tensor([1.0, 1.5, 2.0, 3.5, 22.0]).double()  # median 2, mean 6
    constants = torch.linspace(0, 10, 1001).double()
    risk = loss(constants.expand(5, -1), target.unsqueeze(1).expand(5, 1001), **options).mean(0)
    assert low <= constants[risk.argmin()].item() <= high


@pytest.mark.parametrize(
    ("loss", "option"), [(charbonnier, "eps"), (cauchy, "scale"), (welsch, "scale")]
)
@pytest.mark.parametrize("value", [0.0, -1.0])
def test_the_option_must_be_positive(loss: Loss, option: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{option} must be positive; got {value}"):
        loss(RESIDUAL, ZERO, **{option: value})


@pytest.mark.parametrize("loss", [charbonnier, cauchy, welsch])
def test_a_target_without_the_channel_axis_is_an_error(loss: Loss) -> None:
    with pytest.raises(ValueError, match=r"got \(4,\); use target.unsqueeze\(1\)"):
        loss(torch.zeros(4, 1), torch.zeros(4))
