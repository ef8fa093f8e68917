"""Losses on latent distributions."""

from collections.abc import Sequence

import torch
from torch import Tensor

from .checks import check_number, is_zero
from .domains import Real, Weight
from .reduction import align, at_least_fp32

_TINY = torch.finfo(torch.float32).tiny  # keeps 0/0 at 0


def gaussian_kl(
    mu: Real, logvar: Real, *, free_bits: float = 0.0, capacity: float | None = None
) -> Tensor:
    r"""KL divergence of a diagonal Gaussian from the standard normal: the VAE's rate, in nats.

    $$\mathrm{KL}_j = \tfrac12\left(\mu_j^2 + e^{\lambda_j} - 1 - \lambda_j\right)$$

    for mean $\mu$ and log-variance $\lambda$. The KL of a sample is the sum over latents, so its
    term has `reduce: sum`.

    Estimates:
        Alone, latents that carry nothing, $\mu = \lambda = 0$. With a reconstruction term, how many
        nats each latent is worth.
    Gradient:
        $\mu_j$ and $\tfrac12(e^{\lambda_j} - 1)$: a pull towards the standard normal, without
        bound in $\mu$ and exponential in $\lambda$.
    Use:
        With `reconstruction`, a variational autoencoder.
    Avoid:
        At full weight from the start with a strong decoder: it wins, and the latents carry nothing.
        A weight that rises with time, free bits or a capacity prevent that.
    Relatives:
        mmd: of the latents of all samples together; leaves each sample's own alone.
        total_correlation: the part of this that makes latents depend on each other.
        reconstruction: its counterpart; their sum is the negative ELBO.

    Args:
        mu: $\mu$, `[batch, latents]`.
        logvar: $\lambda$, `[batch, latents]`.
        free_bits: $f \ge 0$ in nats. A latent whose mean over the batch is below $f$ counts as the
            constant $f$, so that the batch mean is $\sum_j \max(f, \mathbb{E}[\mathrm{KL}_j])$ and
            the first nats of each latent cost nothing. Rows of one batch then depend on each other,
            and one of weight 0 counts in that mean as a latent that carries nothing.
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


def mmd(
    latent: Real,
    weight: Weight | None = None,
    *,
    bandwidths: Sequence[float] = (0.5, 1.0, 2.0),
    unbiased: bool = True,
) -> Tensor:
    r"""Maximum mean discrepancy: makes the latents of all samples together standard normal.

    $$\ell = \frac{1}{n(n-1)} \sum_{i \ne j} k(h_i, h_j) - \frac2n \sum_i \mathbb{E}_{z}\,k(h_i, z)
      + \mathbb{E}_{z,z'}\,k(z, z'), \qquad
      k(x, y) = \exp\left(-\frac{\|x - y\|^2}{2\gamma^2}\right)$$

    for latents $h$, $z, z' \sim \mathcal{N}(0, I)$ in $d$ dimensions, and the mean over bandwidths
    $\gamma = b\sqrt{d}$. Both expectations are in closed form, so no prior sample is drawn:
    $\mathbb{E}_z k(h, z) = \left(\frac{\gamma^2}{\gamma^2+1}\right)^{d/2}
    \exp\left(-\frac{\|h\|^2}{2(\gamma^2+1)}\right)$ and
    $\mathbb{E}_{z,z'} k = \left(\frac{\gamma^2}{\gamma^2+2}\right)^{d/2}$.

    Estimates:
        An aggregate of latents that cannot be told from $\mathcal{N}(0, I)$; 0 is expected there.
    Gradient:
        Repels latents from each other and draws them to the origin, within about $\gamma$. It
        vanishes for a latent farther out than a few of the largest $\gamma$.
    Use:
        Wasserstein and InfoVAE autoencoders; deterministic encoders, which have no `gaussian_kl`.
    Avoid:
        Batches much smaller than the number of latents, where it is mostly noise. Time and memory
        grow as the square of the batch.
    Relatives:
        gaussian_kl: asks every single sample to be standard normal, and so to carry nothing.
        total_correlation: asks for independent latents, of any shape.

    Args:
        latent: $h$, `[batch, latents]`; further axes are latents too. Of a VAE samples, not means:
            in evaluation, where it returns its means, the value is another.
        weight: one per sample, `[batch]`; 0 leaves out. A pair weighs the product.
        bandwidths: $b > 0$, in units of the latents' root mean square distance from 0 under the
            prior.
        unbiased: leave out $i = j$. False includes it and divides by $n^2$: never negative, but its
            gradient draws the latents together too much, by a share of about $1/n$.

    Returns:
        $\ell$, one number, `[]`, which may be slightly negative if unbiased. One sample has no
        pairs, and its first sum is 0.

    Raises:
        ValueError: a latent of one axis, a weight that is not one per sample, or a bandwidth that
            is not positive.

    Example:
        >>> latent = torch.tensor([[-1.2], [-0.3], [0.4], [1.1]])
        >>> mmd(latent)
        tensor(-0.1217)
        >>> mmd(latent + 2)  # not centred
        tensor(0.3826)

    References:
        Rustamov 2019, Closed-form Expressions for Maximum Mean Discrepancy with Applications to
        Wasserstein Auto-Encoders. Gretton et al. 2012, A Kernel Two-Sample Test. Tolstikhin et al.
        2018, Wasserstein Auto-Encoders, algorithm 2 (with samples of the prior).
    """
    if isinstance(bandwidths, int | float) or len(bandwidths) == 0:
        raise ValueError(f"bandwidths must be a list of positive numbers; got {bandwidths}")
    for bandwidth in bandwidths:
        check_number("each of bandwidths", bandwidth, lambda b: b > 0, "positive")
    latent, share = _samples(latent, weight)
    dimensions = latent.shape[1]

    pairs = share.unsqueeze(1) * share
    if unbiased:
        pairs = pairs * (1 - torch.eye(len(latent), dtype=pairs.dtype, device=pairs.device))
    pairs = pairs / pairs.sum().clamp(min=_TINY)
    squares = latent.square().sum(1)
    distances = _squared_distances(latent)
    value = latent.new_zeros(())
    for bandwidth in bandwidths:
        g = bandwidth**2 * dimensions
        among = (pairs * torch.exp(-distances / (2 * g))).sum()
        crossed = (share * torch.exp(-squares / (2 * (g + 1)))).sum()
        crossed = crossed * (1 + 1 / g) ** (-dimensions / 2)
        value = value + among - 2 * crossed + (1 + 2 / g) ** (-dimensions / 2)
    # With every weight 0 only the constant is left: shares that sum to 0 take it away.
    return value * share.sum() / len(bandwidths)


def total_correlation(
    latent: Real,
    mu: Real,
    logvar: Real,
    weight: Weight | None = None,
    *,
    dataset_size: int | None = None,
) -> Tensor:
    r"""Total correlation: makes the latents independent of each other, whatever each looks like.

    $$\ell = \frac1M \sum_i \left[\log q(h_i) - \sum_d \log q(h_{id})\right], \qquad
      q(h) \approx \frac{1}{NM} \sum_j q(h \mid \mu_j, \lambda_j)$$

    for the samples $h$ of a batch of $M$, drawn from Gaussians of mean $\mu$ and log-variance
    $\lambda$, and $N$ samples in the data; $q(h_{id})$ is the same mixture in one dimension.

    Estimates:
        Latents whose aggregate density is the product of its marginals. The estimate is biased:
        compare its values at one batch size only.
    Gradient:
        Away from where the joint density of the batch exceeds the product of the marginals; it does
        not depend on $N$, and grows as $e^{-\lambda}$ for narrow Gaussians.
    Use:
        Disentangled latents: $\beta - 1$ times this, added to `gaussian_kl` and `reconstruction`,
        is the β-TCVAE.
    Avoid:
        Small batches and many latents: each sample is then nearest to its own Gaussian, and the
        estimate says little. Time and memory grow with the batch squared times the latents.
    Relatives:
        gaussian_kl: contains it, beside the information about the input and the marginals' own KL.
        mmd: asks the aggregate to be standard normal, and so independent too.

    Args:
        latent: $h$, `[batch, latents]`; further axes are latents too. Samples, not means: a model
            that returns its mean in evaluation gets another value there.
        mu: $\mu$, of the same shape.
        logvar: $\lambda$, of the same shape; what narrow Gaussians can hold is $e^{-\lambda}$.
        weight: one per sample, `[batch]`; 0 leaves out, also of the mixture.
        dataset_size: $N$. It adds $(d-1)\log N$ for $d$ latents; None is 1, the mixture of the
            batch as if that were all.

    Returns:
        $\ell$ in nats, one number, `[]`.

    Raises:
        ValueError: shapes that differ, a latent of one axis, a weight that is not one per sample,
            or a size below 1.

    Example:
        >>> latent = torch.tensor([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]])  # the same twice
        >>> logvar = torch.full((3, 2), -6.0)
        >>> total_correlation(latent, latent, logvar)
        tensor(1.0986)

    References:
        Chen et al. 2018, Isolating Sources of Disentanglement in Variational Autoencoders:
        minibatch weighted sampling.
    """
    if dataset_size is not None:
        check_number("dataset_size", dataset_size, lambda n: n >= 1, "at least 1")
    if not latent.shape == mu.shape == logvar.shape:
        raise ValueError(
            f"expected latent, mu and logvar of one shape [batch, latents]; "
            f"got {tuple(latent.shape)}, {tuple(mu.shape)} and {tuple(logvar.shape)}"
        )
    latent, share = _samples(latent, weight)
    mu, logvar = (at_least_fp32(t).flatten(1) for t in (mu, logvar))
    log_share = torch.where(share.sum() > 0, share, 1).log()
    # log q(h_id | j) as [i, j, d], without ½ log 2π, which the difference takes away
    log_q = -0.5 * ((latent.unsqueeze(1) - mu).square() * torch.exp(-logvar) + logvar)
    joint = (log_q.sum(2) + log_share).logsumexp(1)
    marginals = (log_q + log_share.unsqueeze(1)).logsumexp(1).sum(1)
    values = joint - marginals
    if dataset_size is not None:
        size = torch.as_tensor(dataset_size, dtype=values.dtype, device=values.device)
        values = values + (latent.shape[1] - 1) * size.log()
    return (share * values).sum()


def _samples(latent: Tensor, weight: Tensor | None) -> tuple[Tensor, Tensor]:
    """The latents `[batch, latents]` and each sample's share `[batch]`: they sum to 1, or to 0."""
    if latent.ndim < 2:
        raise ValueError(f"expected latents [batch, latents]; got shape {tuple(latent.shape)}")
    latent = at_least_fp32(latent).flatten(1)
    if weight is None:
        return latent, latent.new_full((len(latent),), 1 / len(latent))
    share = align(weight.to(torch.promote_types(weight.dtype, latent.dtype)), latent[:, 0])
    return latent, share / share.sum().clamp(min=_TINY)


def _squared_distances(x: Tensor) -> Tensor:
    """Between all rows of `x`, `[rows, rows]`. About the mean, where the products lose least."""
    x = x - x.mean(0)
    squares = x.square().sum(1)
    return (squares.unsqueeze(1) + squares - 2 * x @ x.T).clamp(min=0)
