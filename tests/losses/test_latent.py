"""Losses on latents: closed forms, torch 2.13's distributions, numerical integrals."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from losslab import conf
from losslab.losses import gaussian_kl, mmd, total_correlation
from losslab.training.assemble import build_objective
from omegaconf import OmegaConf
from torch import Tensor
from torch.distributions import Bernoulli, Normal, kl_divergence

GENERATOR = torch.Generator().manual_seed(0)
MU = torch.randn(8, 3, generator=GENERATOR, dtype=torch.double)
LOGVAR = torch.randn(8, 3, generator=GENERATOR, dtype=torch.double)


# gaussian_kl


def test_kl_is_torchs_kl_divergence_from_the_standard_normal() -> None:
    expected = kl_divergence(
        Normal(MU, (LOGVAR / 2).exp()), Normal(torch.zeros(()), torch.ones(()))
    )
    torch.testing.assert_close(gaussian_kl(MU, LOGVAR), expected)


def test_kl_is_zero_and_least_at_the_standard_normal() -> None:
    mu, logvar = torch.zeros(1, 2, requires_grad=True), torch.zeros(1, 2, requires_grad=True)
    values = gaussian_kl(mu, logvar)
    gradients = torch.autograd.grad(values.sum(), (mu, logvar))
    assert values.tolist() == [[0, 0]]
    assert [g.tolist() for g in gradients] == [[[0, 0]], [[0, 0]]]
    assert (gaussian_kl(MU, LOGVAR) > 0).all()


@pytest.mark.parametrize("weight", [None, torch.tensor([1.0, 2, 0, 1, 0, 3, 1, 1])])
def test_as_configured_it_is_the_negative_elbo(weight: Tensor | None) -> None:
    """Sums over pixels and latents, and the mean over the batch: torch's distributions."""
    folder = Path(conf.__file__).parent / "loss"
    files = [OmegaConf.load(folder / f"{name}.yaml") for name in ("reconstruction", "gaussian_kl")]
    objective = build_objective({"loss": OmegaConf.to_container(OmegaConf.merge(*files))})
    logits = torch.randn(8, 1, 4, 5, generator=GENERATOR, dtype=torch.double)
    image = torch.rand(8, 1, 4, 5, generator=GENERATOR, dtype=torch.double)
    tensors = {"input": image, "reconstruction_logits": logits, "mu": MU, "logvar": LOGVAR}
    batch = ["input"]
    if weight is not None:
        tensors["weight"] = weight
        batch.append("weight")
    objective.bind(batch, ["reconstruction_logits", "mu", "logvar"], "reconstruction_logits")
    value = objective(tensors, 0.0)
    pixels = Bernoulli(logits=logits, validate_args=False).log_prob(image).sum((1, 2, 3))
    posterior, prior = Normal(MU, (LOGVAR / 2).exp()), Normal(torch.zeros(()), torch.ones(()))
    rate = kl_divergence(posterior, prior).sum(1)
    share = torch.full((8,), 1 / 8) if weight is None else weight / weight.sum()
    torch.testing.assert_close(value.values["kl"], (share * rate).sum())
    torch.testing.assert_close(value.total, (share * (rate - pixels)).sum())


def test_kl_gradients_are_those_of_the_docstring() -> None:
    leaves = MU.clone().requires_grad_(), LOGVAR.clone().requires_grad_()
    gradients = torch.autograd.grad(gaussian_kl(*leaves).sum(), leaves)
    torch.testing.assert_close(gradients, (MU, 0.5 * LOGVAR.expm1()))


def test_kl_is_accurate_near_zero() -> None:
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


# mmd


def _kernel(x: Tensor, y: Tensor, g: float) -> Tensor:
    return torch.exp(-(x.unsqueeze(1) - y).square().sum(-1) / (2 * g))


def test_mmd_is_its_double_sum_with_the_prior_integrated_numerically() -> None:
    code = torch.randn(6, 1, generator=GENERATOR, dtype=torch.double)
    grid = torch.linspace(-10, 10, 1001, dtype=torch.double).unsqueeze(1)
    prior = torch.exp(-grid.squeeze(1).square() / 2)
    prior = prior / prior.sum()
    expected = []
    for bandwidth in (0.5, 2.0):
        g = bandwidth**2
        among = _kernel(code, code, g)
        pairs = (among.sum() - among.diag().sum()) / 30
        crossed = (_kernel(code, grid, g) @ prior).mean()
        expected.append(pairs - 2 * crossed + prior @ _kernel(grid, grid, g) @ prior)
    value = mmd(code, bandwidths=[0.5, 2.0])
    torch.testing.assert_close(value, torch.stack(expected).mean())


def test_mmd_in_several_dimensions_is_that_of_many_samples_of_the_prior() -> None:
    code = torch.randn(50, 3, generator=GENERATOR, dtype=torch.double) * 0.5 + 0.7
    prior = torch.randn(1500, 3, generator=GENERATOR, dtype=torch.double)
    g = 3.0
    among, between, crossed = (
        _kernel(code, code, g),
        _kernel(prior, prior, g),
        _kernel(code, prior, g).mean(),
    )
    pairs = (among.sum() - 50) / (50 * 49)
    expected = pairs - 2 * crossed + (between.sum() - 1500) / (1500 * 1499)
    torch.testing.assert_close(mmd(code, bandwidths=[1.0]), expected, rtol=0, atol=1e-2)


def test_mmd_of_the_prior_is_zero_in_the_mean_and_of_anything_else_it_is_not() -> None:
    code = torch.randn(200, 20, 4, generator=GENERATOR, dtype=torch.double)
    values = torch.stack([mmd(batch) for batch in code])
    assert values.mean().abs() < 3 * values.std() / 200**0.5
    for other in (code + 1, code * 2, code * 0.3):
        assert torch.stack([mmd(batch) for batch in other]).mean() > 0.02


def test_mmd_biased_adds_the_pairs_of_a_sample_with_itself() -> None:
    code = torch.randn(6, 2, generator=GENERATOR, dtype=torch.double)
    among = _kernel(code, code, 2.0)
    difference = among.mean() - (among.sum() - 6) / 30
    torch.testing.assert_close(
        mmd(code, bandwidths=[1.0], unbiased=False) - mmd(code, bandwidths=[1.0]), difference
    )
    assert mmd(code, unbiased=False) > 0


def test_mmd_of_normal_latents_is_least_at_mean_zero_and_variance_one() -> None:
    noise = torch.randn(300, 2, generator=torch.Generator().manual_seed(0), dtype=torch.double)
    mean, spread = torch.tensor(1.0).double(), torch.tensor(0.3).double()
    optimizer = torch.optim.Adam([mean.requires_grad_(), spread.requires_grad_()], lr=0.05)
    for _ in range(120):
        optimizer.zero_grad()
        mmd(mean + spread * noise).backward()
        optimizer.step()
    assert mean.item() == pytest.approx(0, abs=0.1)
    assert spread.item() == pytest.approx(1, abs=0.1)


def test_mmd_counts_a_weighted_pair_by_the_product() -> None:
    code = torch.randn(4, 2, generator=GENERATOR, dtype=torch.double)
    kept = torch.tensor([1.0, 0.0, 1.0, 1.0])
    torch.testing.assert_close(mmd(code, kept), mmd(code[kept > 0]))
    torch.testing.assert_close(mmd(code, 5 * kept), mmd(code, kept))


def test_mmd_is_exact_in_single_precision_far_from_the_origin() -> None:
    code = 1e4 + torch.randn(6, 3, generator=GENERATOR)
    torch.testing.assert_close(mmd(code), mmd(code.double()).float(), rtol=1e-3, atol=1e-6)


# total_correlation


def test_total_correlation_is_the_textbook_estimate() -> None:
    """log q(z) - Σ log q(z_d) with torch 2.13's Normal, as in Chen et al."""
    latent = torch.randn(8, 3, generator=GENERATOR, dtype=torch.double)
    log_q = Normal(MU, (LOGVAR / 2).exp()).log_prob(latent.unsqueeze(1))  # [i, j, d]
    log_nm = torch.log(torch.tensor(50.0 * 8).double())
    joint = log_q.sum(2).logsumexp(1) - log_nm
    marginals = (log_q.logsumexp(1) - log_nm).sum(1)
    torch.testing.assert_close(
        total_correlation(latent, MU, LOGVAR, dataset_size=50), (joint - marginals).mean()
    )


def test_total_correlation_of_the_size_of_the_data_changes_no_gradient() -> None:
    latent = MU.clone().requires_grad_()
    values = [total_correlation(latent, MU, LOGVAR, dataset_size=n) for n in (None, 1, 1000)]
    gradients = [torch.autograd.grad(value, latent)[0] for value in values]
    assert values[0] == values[1]
    assert (values[2] - values[0]).item() == pytest.approx(2 * math.log(1000))
    torch.testing.assert_close(gradients[2], gradients[0])


def test_total_correlation_of_one_latent_is_zero() -> None:
    value = total_correlation(MU[:, :1], MU[:, :1], LOGVAR[:, :1], dataset_size=9)
    assert value.item() == pytest.approx(0, abs=1e-14)


def test_total_correlation_nears_that_of_a_gaussian() -> None:
    """Codes of correlation r: -½ log(1 - r²), from a batch of wide and many Gaussians."""
    generator = torch.Generator().manual_seed(0)
    r, noise = 0.8, 0.3
    chol = torch.linalg.cholesky(
        torch.tensor([[1.0, r], [r, 1.0]]).double() - noise**2 * torch.eye(2)
    )
    mu = torch.randn(1500, 2, generator=generator, dtype=torch.double) @ chol.T
    latent = mu + noise * torch.randn(1500, 2, generator=generator, dtype=torch.double)
    value = total_correlation(latent, mu, torch.full_like(mu, 2 * math.log(noise)))
    assert value.item() == pytest.approx(-0.5 * math.log(1 - r**2), abs=0.05)


def test_total_correlation_leaves_out_what_has_no_weight() -> None:
    latent = torch.randn(8, 3, generator=GENERATOR, dtype=torch.double)
    kept = torch.tensor([1.0, 0, 1, 1, 0, 1, 1, 1])
    index = kept > 0
    torch.testing.assert_close(
        total_correlation(latent, MU, LOGVAR, kept),
        total_correlation(latent[index], MU[index], LOGVAR[index]),
    )


@pytest.mark.parametrize("loss", ["mmd", "total_correlation"])
def test_when_nothing_counts_value_and_gradient_are_zero(loss: str) -> None:
    latent = MU.clone().requires_grad_()
    nothing = torch.zeros(8)
    value = (
        mmd(latent, nothing) if loss == "mmd" else total_correlation(latent, MU, LOGVAR, nothing)
    )
    (gradient,) = torch.autograd.grad(value, latent)
    assert value == 0
    assert (gradient == 0).all()


def test_total_correlation_is_finite_for_narrow_and_for_far_gaussians() -> None:
    mu = torch.tensor([[1e4, -1e4], [0.0, 0.0], [-1.0, 1.0]])
    for size in (-40.0, 40.0):
        latent = mu.clone().requires_grad_()
        value = total_correlation(latent, mu, torch.full_like(mu, size))
        assert value.isfinite()
        assert torch.autograd.grad(value, latent)[0].isfinite().all()


def test_further_axes_are_latents_too() -> None:
    latent = torch.randn(8, 3, generator=GENERATOR, dtype=torch.double)
    maps = [t.reshape(8, 3, 1, 1) for t in (latent, MU, LOGVAR)]
    torch.testing.assert_close(mmd(maps[0]), mmd(latent))
    torch.testing.assert_close(total_correlation(*maps), total_correlation(latent, MU, LOGVAR))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: mmd(MU[:, 0]), r"expected latents \[batch, latents\]; got shape \(8,\)"),
        (lambda: mmd(MU, torch.ones(8, 3)), r"a weight of shape \(8, 3\) does not fit .*\(8,\)"),
        (lambda: mmd(MU, bandwidths=[1.0, 0]), "each of bandwidths must be positive; got 0"),
        (lambda: mmd(MU, bandwidths=[]), r"must be a list of positive numbers; got \[\]"),
        (lambda: mmd(MU, bandwidths=1.0), "must be a list of positive numbers; got 1.0"),
        (
            lambda: total_correlation(MU, MU, LOGVAR[:, :1]),
            r"of one shape \[batch, latents\]; got \(8, 3\), \(8, 3\) and \(8, 1\)",
        ),
        (
            lambda: total_correlation(MU[:, 0], MU[:, 0], LOGVAR[:, 0]),
            r"expected latents \[batch, latents\]; got shape \(8,\)",
        ),
        (
            lambda: total_correlation(MU, MU, LOGVAR, torch.ones(3)),
            r"a weight of shape \(3,\) does not fit values of shape \(8,\)",
        ),
        (
            lambda: total_correlation(MU, MU, LOGVAR, dataset_size=0),
            "dataset_size must be at least 1; got 0",
        ),
    ],
    ids=[
        *("mmd_axes", "mmd_weight", "bandwidth", "no_bandwidth", "one_bandwidth"),
        *("shapes", "axes", "weight", "dataset_size"),
    ],
)
def test_what_does_not_fit_the_others_is_an_error(call: Callable[[], Tensor], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        call()
