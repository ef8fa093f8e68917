"""The likelihood of a mixture: for targets that may lie in one place or in another."""

import math

from torch import Tensor

from .domains import Real
from .likelihood import inverse
from .reduction import at_least_fp32

_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


def mdn_nll(mixture_logits: Real, mu: Real, log_sigma: Real, target: Real) -> Tensor:
    r"""Mixture density network: a whole distribution, with several peaks, for each answer.

    $$\ell = -\log \sum_k \pi_k \prod_j \mathcal{N}(y_j;\, \mu_{kj}, \sigma_{kj}), \qquad
      \pi = \operatorname{softmax}(a)$$

    over components $k$ and outputs $j$, evaluated in log space.

    The mixture logits say where the components' axis is: it is their last. With `[batch,
    components]` the outputs $j$ of a sample share one mixture, which can so tell which values go
    together; with `[batch, outputs, components]` each output has its own, and no product is left.

    Estimates:
        The conditional distribution of the target, as far as the components can follow it.
    Gradient:
        With the responsibilities $\rho_k = \pi_k \mathcal{N}_k / \sum_i \pi_i \mathcal{N}_i$:
        $\pi_k - \rho_k$ for the logits $a_k$, and $\rho_k (\mu_{kj} - y_j) / \sigma_{kj}^2$ for the
        means. A component that explains nothing is not moved.
    Use:
        Inverse problems and choices, where the mean of the possible answers is no answer.
    Avoid:
        Repeated or exact targets: a component that meets one gains without end as its sigma
        shrinks. One peak needs no mixture.
    Relatives:
        gaussian_nll: one component, with logvar = 2·log_sigma.
        cross_entropy: with fixed, narrow components it classifies into them.
        crps_ensemble: a distribution from its members, without a density.

    Args:
        mixture_logits: $a$, `[batch, components]`, or `[batch, outputs, components]`.
        mu: $\mu$, `[batch, components, outputs]`, or `[batch, outputs, components]`.
        log_sigma: $\log\sigma$, shaped like `mu`.
        target: $y$, `[batch, outputs]`.

    Returns:
        $\ell$ in nats, `[batch]`, or with a mixture for each output `[batch, outputs]`.

    Raises:
        ValueError: shapes that don't fit each other.

    Example:
        >>> import torch
        >>> mu = torch.tensor([[[-1.0], [1.0]]])  # one sample, two components, one output
        >>> mdn_nll(torch.zeros(1, 2), mu, torch.full((1, 2, 1), -2.0), torch.tensor([[1.0]]))
        tensor([-0.3879])

    References:
        Bishop 1994, Mixture Density Networks, section 3.
    """
    if (
        mixture_logits.ndim < 2
        or _expected(mixture_logits, mu) != (mu.shape, target.shape)
        or (log_sigma.shape != mu.shape)
    ):
        raise ValueError(
            "expected mixture_logits [batch, components], mu and log_sigma [batch, components, "
            "outputs] and target [batch, outputs], or the first three [batch, outputs, "
            f"components]; got {tuple(mixture_logits.shape)}, {tuple(mu.shape)}, "
            f"{tuple(log_sigma.shape)} and {tuple(target.shape)}"
        )
    mixture_logits, mu, log_sigma, target = map(
        at_least_fp32, (mixture_logits, mu, log_sigma, target)
    )
    components = mixture_logits.ndim - 1
    # (y − μ) e^−s before the square: the square of e^−s alone may overflow where the product won't.
    distance = (target.unsqueeze(components) - mu) * inverse(log_sigma)
    log_density = -0.5 * distance.square() - log_sigma - _HALF_LOG_2PI
    if log_density.ndim > mixture_logits.ndim:
        log_density = log_density.flatten(components + 1).sum(-1)
    return -(mixture_logits.log_softmax(-1) + log_density).logsumexp(-1)


def _expected(mixture_logits: Tensor, mu: Tensor) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The shapes of `mu` and of the target that fit the mixture logits."""
    *batch, components = mixture_logits.shape
    outputs = mu.shape[mixture_logits.ndim :]
    return (*batch, components, *outputs), (*batch, *outputs)
