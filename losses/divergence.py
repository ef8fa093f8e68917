"""Divergences between the model's distribution over classes and a target distribution."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from .checks import check_number, is_zero, paired
from .domains import Distribution, Logits
from .elementwise import elementwise


def kl_divergence(logits: Logits, target: Distribution, *, temperature: float = 1.0) -> Tensor:
    r"""Kullback–Leibler divergence from target probabilities: for soft labels and distillation.

    $$\ell = T^2 \sum_c t_c \log\frac{t_c}{p_c}, \qquad p = \operatorname{softmax}(z/T)$$

    The target $t$ is taken as it is: a teacher's probabilities at the temperature $T$. The factor
    keeps the gradient's size as the temperature rises. For one channel $p$ is
    $(1-\sigma(z/T), \sigma(z/T))$ and $t$ the probability of class 1.

    Estimates:
        The target distribution, averaged where equal inputs have different targets.

    Gradient:
        $T\,(p - t)$: bounded by $T$, and never zero while $p$ differs from $t$.

    Use:
        The target is a distribution: several annotators, or a teacher; 0 means a perfect answer.

    Avoid:
        The target is one class: then it is `cross_entropy`, which takes indices.

    Relatives:
        cross_entropy: this plus the target's entropy, for $T=1$; the same gradient.
        js_divergence: symmetric and bounded.
        gaussian_kl: of a Gaussian from the standard normal.

    Args:
        logits: $z$, `[batch, channels, *spatial]`.
        target: $t$, shaped like the logits; sums to 1 over several channels, in [0, 1] for one.
        temperature: $T > 0$.

    Returns:
        $\ell \ge 0$ in nats; shaped like the logits for one channel, else `[batch, *spatial]`.

    Raises:
        ValueError: shapes that differ, or a temperature that is not positive.

    Example:
        >>> logits = torch.tensor([[0.0, 0.0], [1.0, 0.0]])
        >>> target = torch.tensor([[0.5, 0.5], [0.5, 0.5]])
        >>> kl_divergence(logits, target)
        tensor([0.0000, 0.1201])

    References:
        Kullback & Leibler 1951, On Information and Sufficiency. Temperature: Hinton et al. 2015,
        Distilling the Knowledge in a Neural Network, section 2.
    """
    check_number("temperature", temperature, lambda t: t > 0, "positive")
    logits, target = paired(logits, target)
    if not is_zero(temperature - 1):
        logits = logits / temperature
    if logits.ndim < 2 or logits.shape[1] == 1:
        values = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
        rest = 1 - target
        values = values + torch.xlogy(target, target) + torch.xlogy(rest, rest)
    else:
        values = (torch.xlogy(target, target) - target * logits.log_softmax(1)).sum(1)
    return values if is_zero(temperature - 1) else values * temperature**2


def js_divergence(logits: Logits, target: Distribution) -> Tensor:
    r"""Jensen–Shannon divergence from target probabilities: symmetric, and at most log 2.

    $$\ell = \tfrac12 \sum_c t_c \log\frac{t_c}{m_c} + \tfrac12 \sum_c p_c \log\frac{p_c}{m_c},
      \qquad m = \tfrac12(p + t)$$

    with $p$ the softmax of several channels, or $(1-\sigma(z), \sigma(z))$ of one.

    Estimates:
        The target distribution where equal inputs have equal targets; where they differ, one drawn
        towards the most probable class.

    Gradient:
        $\tfrac12\,p_j\left(\log\frac{p_j}{m_j} - \sum_c p_c \log\frac{p_c}{m_c}\right)$: bounded,
        and by definition it vanishes where the answer is confidently wrong.

    Use:
        Some targets are wrong, and one of them should not lead.

    Avoid:
        Training starts from confidently wrong answers: they barely move.

    Relatives:
        kl_divergence: keeps its gradient where the answer is wrong, and has no bound.
        brier: also symmetric and bounded, and estimates the mean of differing targets.

    Args:
        logits: $z$, `[batch, channels, *spatial]`.
        target: $t$, shaped like the logits; sums to 1 over several channels, in [0, 1] for one.

    Returns:
        $\ell$ in [0, log 2] nats; shaped like the logits for one channel, else `[batch, *spatial]`.

    Raises:
        ValueError: shapes that differ.

    Example:
        >>> logits = torch.tensor([[0.0, 0.0], [99.0, 0.0]])
        >>> js_divergence(logits, torch.tensor([[0.5, 0.5], [0.0, 1.0]]))
        tensor([0.0000, 0.6931])

    References:
        Lin 1991, Divergence Measures Based on the Shannon Entropy.
    """
    logits, target = paired(logits, target)
    if logits.ndim < 2 or logits.shape[1] == 1:
        return elementwise(_binary_js, logits, target)
    log_p = logits.log_softmax(1)
    return _js_summand(log_p, target, _log_mean(log_p, target)).sum(1)


def _binary_js(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    log_p, log_q = F.logsigmoid(logits), F.logsigmoid(-logits)
    log_m, log_n = _log_mean(log_p, target), _log_mean(log_q, 1 - target)
    values = _js_summand(log_p, target, log_m) + _js_summand(log_q, 1 - target, log_n)
    slope = 0.5 * log_p.exp() * log_q.exp() * ((log_p - log_m) - (log_q - log_n))
    return values, slope


def _log_mean(log_p: Tensor, t: Tensor) -> Tensor:
    # log(p + t) = log t − log σ(log t − log p), which has its derivatives at every distance; where
    # t = 0 it is log p.
    positive = t > 0
    log_t = torch.where(positive, t, 1).log()
    return torch.where(positive, log_t - F.logsigmoid(log_t - log_p), log_p) - math.log(2)


def _js_summand(log_p: Tensor, t: Tensor, log_m: Tensor) -> Tensor:
    p = log_p.exp()
    return 0.5 * (p * log_p + torch.xlogy(t, t) - (p + t) * log_m)
