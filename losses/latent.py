"""Losses on latent distributions."""

import torch
from torch import Tensor

from .checks import check_number, is_zero
from .domains import Real
from .reduction import at_least_fp32


def gaussian_kl(
    mu: Real, logvar: Real, *, free_bits: float = 0.0, capacity: float | None = None
) -> Tensor:
    r"""KL divergence of a diagonal Gaussian from the standard normal: the VAE's rate, in nats.

    $$\mathrm{KL}_j = \tfrac12\left(\mu_j^2 + e^{\lambda_j} - 1 - \lambda_j\right)$$

    for mean $\mu$ and log-variance $\lambda$. It pulls every latent towards noise. When it wins,
    the latents carry nothing: a weight that rises with time, free bits or a capacity prevent that.
    The KL of a sample is the sum over latents, so its term has `reduce: sum`.

    Args:
        mu: $\mu$, `[batch, latents]`.
        logvar: $\lambda$, `[batch, latents]`.
        free_bits: $f \ge 0$ in nats. A latent whose mean over the batch is below $f$ counts as the
            constant $f$, so that the batch mean is $\sum_j \max(f, \mathbb{E}[\mathrm{KL}_j])$ and
            the first nats of each latent cost nothing. Rows of one batch then depend on each other.
        capacity: $C \ge 0$ in nats. The value becomes $\left|\sum_j \mathrm{KL}_j - C\right|$: the
            latents are driven to carry $C$ nats in all, not none.

    Returns:
        $\mathrm{KL}_j$, `[batch, latents]`; with a capacity one value per sample, `[batch]`.

    Raises:
        ValueError: shapes that differ, or a negative option.

    Example:
        >>> mu, logvar = torch.tensor([[0.0, 1.0]]), torch.tensor([[0.0, 0.0]])
        >>> gaussian_kl(mu, logvar)
        tensor([[0.0000, 0.5000]])
        >>> gaussian_kl(mu, logvar, free_bits=0.1)
        tensor([[0.1000, 0.5000]])
        >>> gaussian_kl(mu, logvar, capacity=2.0)
        tensor([1.5000])

    References:
        Kingma & Welling 2014, Auto-Encoding Variational Bayes, appendix B. Free bits: Kingma et al.
        2016, Improved Variational Inference with Inverse Autoregressive Flow, eq. 15. Capacity:
        Burgess et al. 2018, Understanding Disentangling in β-VAE, eq. 8.
    """
    check_number("free_bits", free_bits, lambda f: f >= 0, "at least 0")
    if mu.shape != logvar.shape:
        raise ValueError(
            f"expected mu and logvar of one shape [batch, latents]; "
            f"got {tuple(mu.shape)} and {tuple(logvar.shape)}"
        )
    mu, logvar = at_least_fp32(mu), at_least_fp32(logvar)
    values = 0.5 * (mu.square() + torch.expm1(logvar) - logvar)
    if not is_zero(free_bits):
        values = torch.where(values.mean(0) < free_bits, free_bits, values)
    if capacity is None:
        return values
    check_number("capacity", capacity, lambda c: c >= 0, "at least 0")
    return (values.flatten(1).sum(1) - capacity).abs()
