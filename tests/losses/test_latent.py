"""The Gaussian KL: closed forms and torch 2.13's distributions."""

import pytest
import torch
from losslab.losses import gaussian_kl
from torch import Tensor
from torch.distributions import Normal, kl_divergence

GENERATOR = torch.Generator().manual_seed(0)
MU = torch.randn(8, 3, generator=GENERATOR, dtype=torch.double)
LOGVAR = torch.randn(8, 3, generator=GENERATOR, dtype=torch.double)


def test_it_is_torchs_kl_divergence_from_the_standard_normal() -> None:
    expected = kl_divergence(
        Normal(MU, (LOGVAR / 2).exp()), Normal(torch.zeros(()), torch.ones(()))
    )
    torch.testing.assert_close(gaussian_kl(MU, LOGVAR), expected)


def test_it_is_zero_and_least_at_the_standard_normal() -> None:
    mu, logvar = torch.zeros(1, 2, requires_grad=True), torch.zeros(1, 2, requires_grad=True)
    values = gaussian_kl(mu, logvar)
    gradients = torch.autograd.grad(values.sum(), (mu, logvar))
    assert values.tolist() == [[0, 0]]
    assert [g.tolist() for g in gradients] == [[[0, 0]], [[0, 0]]]
    assert (gaussian_kl(MU, LOGVAR) > 0).all()


def test_it_is_accurate_near_zero() -> None:
    logvar = torch.tensor([[1e-3]])
    # (e^x − 1 − x) / 2 = x²/4 + x³/12 + …
    assert gaussian_kl(torch.zeros(1, 1), logvar).item() == pytest.approx(2.50083e-7, rel=1e-3)


def test_free_bits_make_the_batch_mean_at_least_the_free_amount() -> None:
    mu, logvar = MU * torch.tensor([0.1, 1.0, 2.0]), LOGVAR * torch.tensor([0.1, 1.0, 1.0])
    plain = gaussian_kl(mu, logvar).mean(0)
    free = gaussian_kl(mu, logvar, free_bits=0.3).mean(0)
    assert (plain < 0.3).tolist() == [True, False, False]
    torch.testing.assert_close(free, plain.clamp(min=0.3))


def test_free_bits_cost_nothing_and_pull_on_nothing() -> None:
    mu = torch.tensor([[0.1, 2.0], [-0.1, 2.0]], requires_grad=True)
    values = gaussian_kl(mu, torch.zeros(2, 2), free_bits=0.5)
    (gradient,) = torch.autograd.grad(values.sum(), mu)
    assert values.tolist() == [[0.5, 2.0], [0.5, 2.0]]
    assert gradient.tolist() == [[0, 2], [0, 2]]


def test_capacity_is_the_distance_of_the_sum_from_it() -> None:
    total = gaussian_kl(MU, LOGVAR).sum(1)
    torch.testing.assert_close(gaussian_kl(MU, LOGVAR, capacity=4.0), (total - 4.0).abs())
    torch.testing.assert_close(gaussian_kl(MU, LOGVAR, capacity=0.0), total)


def test_capacity_sums_over_every_latent_axis() -> None:
    mu, logvar = MU.reshape(2, 3, 2, 2), LOGVAR.reshape(2, 3, 2, 2)
    expected = (gaussian_kl(mu, logvar).sum((1, 2, 3)) - 1).abs()
    torch.testing.assert_close(gaussian_kl(mu, logvar, capacity=1.0), expected)


def test_free_bits_come_before_the_capacity() -> None:
    free = gaussian_kl(MU, LOGVAR, free_bits=0.7).sum(1)
    both = gaussian_kl(MU, LOGVAR, free_bits=0.7, capacity=3.0)
    torch.testing.assert_close(both, (free - 3.0).abs())


@pytest.mark.parametrize(
    ("logvar", "options", "text"),
    [
        (LOGVAR[:, :1], {}, r"mu and logvar of one shape .* got \(8, 3\) and \(8, 1\)"),
        (LOGVAR, {"free_bits": -0.1}, "free_bits must be at least 0; got -0.1"),
        (LOGVAR, {"capacity": -1}, "capacity must be at least 0; got -1"),
    ],
    ids=["shape", "free_bits", "capacity"],
)
def test_what_does_not_fit_is_an_error(
    logvar: Tensor, options: dict[str, float], text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        gaussian_kl(MU, logvar, **options)
