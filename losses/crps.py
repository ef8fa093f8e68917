"""The continuous ranked probability score: a forecast distribution, judged in the target's unit."""

import math

import torch
from torch import Tensor

from .domains import Real
from .likelihood import matched
from .reduction import at_least_fp32


def crps_gaussian(prediction: Real, log_scale: Real, target: Real) -> Tensor:
    r"""CRPS of a Gaussian: learns mean and spread, and an outlier costs no more than its distance.

    $$\ell = (y-\mu)\,(2\Phi(u) - 1) + 2\sigma\,\varphi(u) - \frac{\sigma}{\sqrt\pi}, \qquad
      u = \frac{y-\mu}{\sigma}$$

    for mean $\mu$ and standard deviation $\sigma = e^s$, with the standard normal's distribution
    function $\Phi$ and density $\varphi$. It is the squared difference between the forecast's and
    the target's distribution functions, integrated over all values.

    Estimates:
        The mean and the standard deviation of a Gaussian target; of any other the Gaussian whose
        distribution function is nearest.
    Gradient:
        $1 - 2\Phi(u)$ for $\mu$, at most 1 in size, and $\sigma\,(2\varphi(u) - 1/\sqrt\pi)$ for
        $s$, which is bounded by the spread, not by the residual. Where $\sigma$ is far too small,
        $s$ learns slowly: by definition its gradient is then proportional to $\sigma$.
    Use:
        Calibrated error bars where `gaussian_nll` is led by outliers or unstable.
    Avoid:
        Rare events in the tails: the score hardly sees how improbable they were said to be.
    Relatives:
        l1: the limit log_scale → −∞, a forecast without spread.
        gaussian_nll: the same answer judged by its density, in nats.
        crps_ensemble: the same score from members, for any distribution.

    Args:
        prediction: $\mu$, `[batch, outputs, *spatial]`.
        log_scale: $s$, of the same shape.
        target: $y$, of the same shape.

    Returns:
        $\ell \ge 0$ in the target's unit, shaped like the prediction.

    Raises:
        ValueError: shapes that differ.

    Example:
        >>> mu, log_scale = torch.zeros(3, 1), torch.zeros(3, 1)
        >>> crps_gaussian(mu, log_scale, torch.tensor([[0.0], [1.0], [100.0]])).squeeze(1)
        tensor([ 0.2337,  0.6024, 99.4358])

    References:
        Gneiting et al. 2005, Calibrated Probabilistic Forecasting Using Ensemble Model Output
        Statistics and Minimum CRPS Estimation. Gneiting & Raftery 2007, Strictly Proper Scoring
        Rules, Prediction, and Estimation, section 4.2.
    """
    prediction, target, log_scale = matched(prediction, target, log_scale=log_scale)
    residual, sigma = target - prediction, log_scale.exp()
    # Beyond ±40 the density is 0 in double precision too: the clamps change no value, and keep
    # 0 · ∞ out of the gradient.
    u = (residual * torch.exp(-log_scale.clamp(min=-80.0))).clamp(-40.0, 40.0)
    density = torch.exp(-0.5 * u.square())
    spread = sigma * (math.sqrt(2 / math.pi) * density - 1 / math.sqrt(math.pi))
    return residual * torch.erf(u * math.sqrt(0.5)) + spread


def crps_ensemble(members: Real, target: Real, *, fair: bool = False) -> Tensor:
    r"""CRPS of an ensemble: draws members to the target, and apart from each other.

    $$\ell = \frac1m \sum_i |x_i - y| - \frac{1}{2m^2} \sum_{i,j} |x_i - x_j|$$

    for $m$ members $x$. `fair` divides the second sum by $2m(m-1)$ instead: the score that the
    distribution from which the members are drawn has on average. After sorting, the cost is
    $m \log m$, not $m^2$.

    Estimates:
        The quantiles at the levels $(i - \tfrac12)/m$, one by each member. With `fair`, members
        that are independent draws estimate the distribution itself.
    Gradient:
        For the member of rank $i$, $(\operatorname{sign}(x_i - y) - (2i - m - 1)/m)/m$, the inner
        $m$ being $m-1$ if fair: bounded, and never 0 but, if fair, for a lowest member below or a
        highest one above the target.
    Use:
        Any shape of distribution from a model of several answers, or with noise in its input
        (`fair`).
    Avoid:
        `fair` for members that are no draws: the outermost may go as far as they like at no cost,
        and with two members any pair around the target is perfect.
    Relatives:
        l1: one member is this.
        quantile: twice the mean of it at the levels $(i - \tfrac12)/m$, for members in order.
        crps_gaussian: the limit of many members that are drawn from a Gaussian.

    Args:
        members: $x$, `[batch, outputs, *spatial, members]`.
        target: $y$, `[batch, outputs, *spatial]`.
        fair: whether the score is unbiased for members that are draws; needs at least two.

    Returns:
        $\ell$ in the target's unit, shaped like the target; not below 0.

    Raises:
        ValueError: members that are not shaped like the target and one axis more, or only one of
            them for `fair`.

    Example:
        >>> members, target = torch.tensor([[[1.0, 3.0]]]), torch.tensor([[2.5]])
        >>> crps_ensemble(members, target), crps_ensemble(members, target, fair=True)
        (tensor([[0.5000]]), tensor([[0.]]))

    References:
        Gneiting & Raftery 2007, Strictly Proper Scoring Rules, Prediction, and Estimation, section
        4.2. Fair: Ferro 2014, Fair Scores for Ensemble Forecasts.
    """
    if members.ndim == 0 or members.shape[:-1] != target.shape:
        raise ValueError(
            "expected members shaped like the target and one axis more, [batch, outputs, members]; "
            f"got {tuple(members.shape)} for a target {tuple(target.shape)}"
        )
    size = members.shape[-1]
    if fair and size < 2:
        raise ValueError(f"fair needs at least 2 members; got {size}")
    errors = (at_least_fp32(members) - at_least_fp32(target).unsqueeze(-1)).sort(-1).values
    rank = torch.arange(size, device=errors.device, dtype=errors.dtype)
    # Σ |x_i − x_j| = 2 Σ (2i − m − 1) x_(i), and beside |x_i − y| no term is negative.
    level = (2 * rank - (size - 1)) / (size - 1 if fair else size)
    return (errors.abs() - level * errors).mean(-1)
