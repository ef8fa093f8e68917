"""Likelihoods of a real-valued target whose spread the model answers too."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from .checks import check_number, paired
from .domains import Real
from .reduction import at_least_fp32

_LOG_2, _LOG_PI, _LOG_2PI = math.log(2), math.log(math.pi), math.log(2 * math.pi)


def gaussian_nll(prediction: Real, logvar: Real, target: Real) -> Tensor:
    r"""Gaussian likelihood: squared error in units of a variance that the model learns as well.

    $$\ell = \tfrac12\left(\log 2\pi + \lambda + (y - \mu)^2 e^{-\lambda}\right)$$

    for mean $\mu$ and log-variance $\lambda$. It is the whole negative log-likelihood, with the
    constant, and no variance that can be held is clamped.

    Estimates:
        The mean, and the logarithm of the variance around it.
    Gradient:
        $(\mu - y)\,e^{-\lambda}$ for $\mu$, and $\tfrac12 (1 - (y - \mu)^2 e^{-\lambda})$ for
        $\lambda$, which is never above ½ but grows with the squared residual. The mean learns
        slowly where the variance is large.
    Use:
        Noise that differs from sample to sample, and error bars beside the answer.
    Avoid:
        Outliers (`student_t_nll`, `crps_gaussian`). A mean that is bad at first is explained by a
        large variance, and may stay so: begin with `mse`, or add it.
    Relatives:
        mse: with logvar=0 it is half of it, and a constant.
        student_t_nll: with df → ∞ and log_scale = logvar/2 it is this.
        crps_gaussian: the same answer, judged in the target's unit.
        mdn_nll: with one component it is this, for log_sigma = logvar/2.

    Args:
        prediction: $\mu$, `[batch, outputs, *spatial]`.
        logvar: $\lambda$, of the same shape.
        target: $y$, of the same shape.

    Returns:
        $\ell$ in nats, shaped like the prediction.

    Raises:
        ValueError: shapes that differ.

    Example:
        >>> mu, logvar = torch.zeros(2, 1), torch.tensor([[0.0], [2.0]])
        >>> gaussian_nll(mu, logvar, torch.tensor([[1.0], [1.0]])).squeeze(1)
        tensor([1.4189, 1.9866])

    References:
        Nix & Weigend 1994, Estimating the Mean and Variance of the Target Probability Distribution.
        The slow mean: Seitzer et al. 2022, On the Pitfalls of Heteroscedastic Uncertainty
        Estimation with Probabilistic Neural Networks.
    """
    prediction, target, logvar = matched(prediction, target, logvar=logvar)
    # The product before the square: the variance may underflow where its root does not.
    distance = (prediction - target) * inverse(0.5 * logvar)
    return 0.5 * (distance.square() + logvar + _LOG_2PI)


def student_t_nll(prediction: Real, log_scale: Real, target: Real, *, df: float = 4.0) -> Tensor:
    r"""Student's t likelihood: as the Gaussian's, but an outlier is taken for one.

    $$\ell = \frac{\nu+1}{2} \log\left(1 + \frac{(y-\mu)^2}{\nu\,\sigma^2}\right) + \log\sigma
      + \log\frac{\sqrt{\nu\pi}\,\Gamma(\nu/2)}{\Gamma((\nu+1)/2)}$$

    for location $\mu$, scale $\sigma = e^s$ and $\nu$ degrees of freedom, evaluated without ever
    forming $\sigma$, so that it is finite for every $s$.

    Estimates:
        The location and scale of a heavy-tailed distribution: with a symmetric one its centre.
    Gradient:
        $(\nu+1)(\mu-y) / (\nu\sigma^2 + (\mu-y)^2)$ for $\mu$: largest at a residual of
        $\sigma\sqrt\nu$, and by definition vanishing beyond, as an outlier says little about the
        centre. For $s$ it lies between $-\nu$ and 1.
    Use:
        Real data with outliers, when their size is to be ignored and the spread is wanted.
    Avoid:
        Skewed noise, of which it estimates no mean; a start far from the target with a small
        scale, where the gradient for $\mu$ is small until the scale has grown.
    Relatives:
        gaussian_nll: the limit df → ∞, for logvar = 2·log_scale.
        cauchy: df=1 at a fixed scale.
        laplace_nll: outliers pull steadily, not less and less.
        evidential: a Student's t whose degrees of freedom are learnt.

    Args:
        prediction: $\mu$, `[batch, outputs, *spatial]`.
        log_scale: $s$, of the same shape. The standard deviation is $e^s \sqrt{\nu/(\nu-2)}$.
        target: $y$, of the same shape.
        df: $\nu > 0$; the smaller, the heavier the tails.

    Returns:
        $\ell$ in nats, shaped like the prediction.

    Raises:
        ValueError: shapes that differ, or degrees of freedom that are not positive.

    Example:
        >>> mu, log_scale = torch.zeros(2, 1), torch.zeros(2, 1)
        >>> student_t_nll(mu, log_scale, torch.tensor([[1.0], [100.0]])).squeeze(1)
        tensor([ 1.5387, 20.5419])

    References:
        Lange, Little & Taylor 1989, Robust Statistical Modeling Using the t Distribution.
    """
    check_number("df", df, lambda nu: nu > 0, "positive")
    prediction, target, log_scale = matched(prediction, target, log_scale=log_scale)
    if isinstance(df, Tensor):
        log_df = df.log()
        constant = torch.lgamma(df / 2) - torch.lgamma((df + 1) / 2) + 0.5 * (log_df + _LOG_PI)
    else:
        log_df = math.log(df)
        constant = math.lgamma(df / 2) - math.lgamma((df + 1) / 2) + 0.5 * (log_df + _LOG_PI)
    tail = log1p_square(prediction - target, 2 * log_scale + log_df)
    return (df + 1) / 2 * tail + log_scale + constant


def laplace_nll(prediction: Real, log_scale: Real, target: Real) -> Tensor:
    r"""Laplace likelihood: absolute error in units of a scale that the model learns as well.

    $$\ell = |y - \mu|\,e^{-s} + s + \log 2$$

    for location $\mu$ and log-scale $s$.

    Estimates:
        The median, and the logarithm of the mean absolute deviation from it.
    Gradient:
        $\pm e^{-s}$ for $\mu$, whatever the residual's size, and $1 - |y - \mu|\,e^{-s}$ for $s$.
    Use:
        Noise that differs from sample to sample, with outliers that should not lead.
    Avoid:
        Targets that can be met exactly: there the scale shrinks without end.
    Relatives:
        l1: with log_scale=0 it is this, and log 2.
        gaussian_nll: the same for the mean and the variance.
        student_t_nll: outliers pull less and less.

    Args:
        prediction: $\mu$, `[batch, outputs, *spatial]`.
        log_scale: $s$, of the same shape. The standard deviation is $\sqrt2\,e^s$.
        target: $y$, of the same shape.

    Returns:
        $\ell$ in nats, shaped like the prediction.

    Raises:
        ValueError: shapes that differ.

    Example:
        >>> mu, log_scale = torch.zeros(2, 1), torch.tensor([[0.0], [1.0]])
        >>> laplace_nll(mu, log_scale, torch.tensor([[2.0], [2.0]])).squeeze(1)
        tensor([2.6931, 2.4289])

    References:
        Bishop 2006, Pattern Recognition and Machine Learning, exercise 2.43 with q = 1.
    """
    prediction, target, log_scale = matched(prediction, target, log_scale=log_scale)
    return (prediction - target).abs() * inverse(log_scale) + log_scale + _LOG_2


def matched(prediction: Tensor, target: Tensor, **others: Tensor) -> list[Tensor]:
    """Prediction, target and the others, all of one shape and of at least single precision.

    Raises:
        ValueError: naming the tensor that is not shaped like the prediction.
    """
    for name, other in others.items():
        if other.shape != prediction.shape:
            raise ValueError(
                f"expected {name} shaped like the prediction {tuple(prediction.shape)}; "
                f"got {tuple(other.shape)}"
            )
    return [*paired(prediction, target), *map(at_least_fp32, others.values())]


def inverse(log_scale: Tensor) -> Tensor:
    """e^−s, or the largest power that can be held: an exact answer times infinity is no number."""
    largest = math.floor(math.log(torch.finfo(log_scale.dtype).max))
    return torch.exp((-log_scale).clamp(max=largest))


def log1p_square(x: Tensor, log_width: Tensor) -> Tensor:
    """log(1 + x² / w) from x and log w, without overflow for a small w or underflow for a large."""
    far = 2 * x.detach().abs().log() > log_width
    # Where x² > w: log(1 + e^r) with r = log x² − log w > 0, and elsewhere from the square itself.
    log_ratio = 2 * torch.where(far, x, 1).abs().log() - log_width
    tail = F.softplus(torch.where(far, log_ratio, 0), threshold=40.0)
    # The clamp keeps 0 · ∞ out; it acts where |x| ≤ √w < e^−60 only.
    per_root = torch.exp(torch.where(far, 0, -0.5 * log_width).clamp(max=60.0))
    near = torch.log1p((torch.where(far, 0, x) * per_root).square())
    return torch.where(far, tail, near)
