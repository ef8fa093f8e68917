"""Deviances: losses for counts and amounts, whose spread grows with their mean.

All take the logarithm of the mean, so that the mean is positive whatever the model answers.
"""

import math

import torch
from torch import Tensor

from .checks import check_number, paired
from .domains import Amount, NonNegative, Positive, Real


def poisson(prediction: Real, target: NonNegative) -> Tensor:
    r"""Poisson deviance: for counts, with an error measured against the square root of the mean.

    $$\ell = e^z - y - y\,(z - \log y)$$

    for the log-mean $z$ and the count $y$, where $y \log y$ is 0 at $y=0$. It is half the unit
    deviance, 0 where $e^z = y$: $y \log y - y$ more than torch's `poisson_nll_loss`, and the
    negative log-likelihood less that of the best answer. Both constants depend on the target alone.

    Estimates:
        The logarithm of the mean.
    Gradient:
        $e^z - y$ with respect to $z$: the residual of the mean. It grows with $e^z$ where the
        answer is too high, and is never above $y$ in size where it is too low.
    Use:
        Counts and rates, events per unit of time, whose variance is near their mean.
    Avoid:
        Counts that vary more than that, where few large ones lead (`tweedie`, or `mse` on
        logarithms), and targets that were standardised: they must not be negative.
    Relatives:
        tweedie: with power=1 it is this.
        gamma: an error relative to the mean, not to its square root.
        mse: near the target it is $\tfrac12 y (z - \log y)^2$.

    Args:
        prediction: $z$, the logarithm of the mean, `[batch, outputs, *spatial]`.
        target: $y \ge 0$, of the same shape; whole numbers or not.

    Returns:
        $\ell \ge 0$ in nats, shaped like the prediction.

    Raises:
        ValueError: shapes that differ.

    Example:
        >>> poisson(torch.tensor([[0.0], [0.0], [1.0]]), torch.tensor([[1], [3], [0]])).squeeze(1)
        tensor([0.0000, 1.2958, 2.7183])

    References:
        McCullagh & Nelder 1989, Generalized Linear Models, section 2.3.
    """
    prediction, target = paired(prediction, target)
    found = target > 0
    ahead = prediction - torch.where(found, target, 1).log()
    return torch.where(found, target * (torch.expm1(ahead) - ahead), prediction.exp())


def gamma(prediction: Real, target: Positive) -> Tensor:
    r"""Gamma deviance: for positive amounts, with an error relative to the mean.

    $$\ell = y\,e^{-z} - 1 + z - \log y$$

    for the log-mean $z$ and the amount $y$. It is half the unit deviance, 0 where $e^z = y$:
    $-\log y - 1$ more than scikit-learn's `HalfGammaLoss`, a constant of the target. With the
    target's unit nothing changes but $z$, by a constant.

    Estimates:
        The logarithm of the mean.
    Gradient:
        $1 - y\,e^{-z}$ with respect to $z$: at most 1 where the answer is too high, and growing
        with the ratio of target to mean where it is too low.
    Use:
        Durations, costs and sizes, whose standard deviation grows with their mean.
    Avoid:
        Targets that can be 0 (`tweedie`, `poisson`), and ones that were standardised.
    Relatives:
        tweedie: with power=2 it is this.
        poisson: an error relative to the square root of the mean.
        mse: near the target it is $\tfrac12 (z - \log y)^2$.
        msle: for the median of a log-normal target, without the deviance's asymmetry.

    Args:
        prediction: $z$, the logarithm of the mean, `[batch, outputs, *spatial]`.
        target: $y > 0$, of the same shape.

    Returns:
        $\ell \ge 0$, without a unit, shaped like the prediction.

    Raises:
        ValueError: shapes that differ.

    Example:
        >>> gamma(torch.tensor([[0.0], [1.0]]), torch.tensor([[2.0], [2.0]])).squeeze(1)
        tensor([0.3069, 0.0426])

    References:
        McCullagh & Nelder 1989, Generalized Linear Models, section 2.3.
    """
    prediction, target = paired(prediction, target)
    ahead = prediction - target.log()
    return torch.expm1(-ahead) + ahead


def tweedie(prediction: Real, target: Amount, *, power: float = 1.5) -> Tensor:
    r"""Tweedie deviance: for amounts that are often exactly 0, as the claims of insured people.

    $$\ell = \frac{e^{(2-p)z} - y^{2-p}}{2-p} - y\,\frac{e^{(1-p)z} - y^{1-p}}{1-p}$$

    for the log-mean $z$, the amount $y$ and a variance proportional to the mean's $p$-th power;
    where a denominator is 0, the limit. It is half the unit deviance, 0 where $e^z = y$.

    Estimates:
        The logarithm of the mean, whatever $p$ is; $p$ says which errors matter.
    Gradient:
        $e^{(1-p)z}\,(e^z - y)$ with respect to $z$: the residual of the mean, divided by the
        variance that is expected there and multiplied by the mean.
    Use:
        For $1<p<2$ sums of a few positive amounts, with a share of zeros: claims, rainfall, demand.
        Choose $p$ by validation.
    Avoid:
        Where what matters is whether there is anything at all: then a `bce` for that, and a `gamma`
        for the amounts.
    Relatives:
        poisson: power=1.
        gamma: power=2.
        mse: near the target it is $\tfrac12 y^{2-p} (z - \log y)^2$.

    Args:
        prediction: $z$, the logarithm of the mean, `[batch, outputs, *spatial]`.
        target: $y \ge 0$, and positive for $p \ge 2$; of the same shape.
        power: $p \ge 1$; 3 is the inverse Gaussian.

    Returns:
        $\ell \ge 0$ in the target's unit to the power $2-p$, shaped like the prediction.

    Raises:
        ValueError: shapes that differ, or a power below 1.

    Example:
        >>> tweedie(torch.tensor([[0.0], [1.0]]), torch.tensor([[2.0], [0.0]])).squeeze(1)
        tensor([0.3431, 3.2974])

    References:
        Jørgensen 1987, Exponential Dispersion Models.
    """
    check_number("power", power, lambda p: p >= 1, "at least 1")
    prediction, target = paired(prediction, target)
    found = target > 0
    amount = torch.where(found, target, 1)
    ahead = prediction - amount.log()
    grown = _growth(ahead, 2 - power)
    values = amount ** (2 - power) * (grown - _growth(ahead, 1 - power))
    return torch.where(found, values, grown + _price_of_zero(power))


def _price_of_zero(power: float) -> float | Tensor:
    """1 / (2 − power), and ∞ from 2 on, where a target of 0 is impossible."""
    if not isinstance(power, Tensor):
        return 1 / (2 - power) if power < 2 else math.inf
    return torch.where(power < 2, 1 / (2 - power), math.inf)


def _growth(x: Tensor, rate: float) -> Tensor:
    """(e^(rate · x) − 1) / rate, and x where the rate is 0."""
    if not isinstance(rate, Tensor):
        return torch.expm1(rate * x) / rate if rate else x
    safe = torch.where(rate == 0, 1, rate)
    return torch.where(rate == 0, x, torch.expm1(safe * x) / safe)
