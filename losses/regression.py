"""Losses for real-valued targets."""

import torch
import torch.nn.functional as F
from torch import Tensor

from .checks import check_number, paired
from .domains import Real


def mse(prediction: Real, target: Real) -> Tensor:
    r"""Squared error: estimates the mean, and lets outliers lead.

    $$\ell = (\hat y - y)^2$$

    without a factor ½. It is the Gaussian likelihood of a constant variance.

    Estimates:
        The mean.

    Gradient:
        $2(\hat y - y)$: it grows with the residual, without a bound.

    Use:
        When the mean is what is asked for and large errors cost most.

    Avoid:
        With gross errors among the targets: one at ten times the distance pulls ten times as hard.

    Relatives:
        l1: estimates the median.
        huber: with $\delta \to \infty$ it is half of this.
        expectile: with `level=0.5` it is half of this.
        gaussian_nll: of a constant variance $\sigma^2$ it is $\ell/2\sigma^2$ plus a constant.

    Args:
        prediction: $\hat y$, `[batch, outputs, *spatial]`, finite, in the target's unit.
        target: $y$, of the same shape.

    Returns:
        $\ell$ in the target's unit squared, shaped like the prediction.

    Raises:
        ValueError: shapes that differ.

    Example:
        >>> mse(torch.tensor([[1.0], [5.0]]), torch.tensor([[1.5], [2.0]])).squeeze(1)
        tensor([0.2500, 9.0000])

    References:
        Bishop 2006, Pattern Recognition and Machine Learning, eq. 1.90.
    """
    prediction, target = paired(prediction, target)
    return F.mse_loss(prediction, target, reduction="none")


def l1(prediction: Real, target: Real) -> Tensor:
    r"""Absolute error: estimates the median, and pulls on every residual alike.

    $$\ell = |\hat y - y|$$

    It is the Laplace likelihood of a constant scale.

    Estimates:
        The median.

    Gradient:
        $\operatorname{sign}(\hat y - y)$, whatever the residual's size, and 0 at the target.

    Use:
        When outliers must not lead, or when errors cost in proportion to their size.

    Avoid:
        When the mean is asked for, or a constant learning rate must settle: near the solution the
        steps don't shrink by themselves.

    Relatives:
        mse: estimates the mean.
        quantile: with `level=0.5` it is half of this.
        charbonnier: this with its kink rounded off; so do `huber`, `smooth_l1` and `log_cosh`.
        laplace_nll: of a constant scale $b$ it is $\ell/b$ plus a constant.

    Args:
        prediction: $\hat y$, `[batch, outputs, *spatial]`, finite, in the target's unit.
        target: $y$, of the same shape.

    Returns:
        $\ell$ in the target's unit, shaped like the prediction.

    Raises:
        ValueError: shapes that differ.

    Example:
        >>> l1(torch.tensor([[1.0], [5.0]]), torch.tensor([[1.5], [2.0]])).squeeze(1)
        tensor([0.5000, 3.0000])

    References:
        Bishop 2006, Pattern Recognition and Machine Learning, eq. 1.91 with q = 1.
    """
    prediction, target = paired(prediction, target)
    return F.l1_loss(prediction, target, reduction="none")


def huber(prediction: Real, target: Real, *, delta: float = 1.0) -> Tensor:
    r"""Huber loss: squared error near the target, absolute error beyond `delta`.

    $$\ell = \begin{cases} \tfrac12 r^2 & |r| \le \delta \\
      \delta\,(|r| - \tfrac12\delta) & |r| > \delta \end{cases} \qquad r = \hat y - y$$

    Estimates:
        A centre between the median (small $\delta$) and the mean (large $\delta$).

    Gradient:
        The residual clipped to $\pm\delta$: an outlier pulls no harder than $\delta$.

    Use:
        When most residuals are well-behaved and some are not; `delta` is where outliers begin.

    Avoid:
        When the targets are skewed and the mean is asked for.

    Relatives:
        mse: half of it is the limit $\delta \to \infty$.
        l1: $\ell/\delta$ tends to it for $\delta \to 0$.
        smooth_l1: with $\beta = \delta$ it is $\ell/\delta$.
        charbonnier: the same idea without a kink in the gradient.

    Args:
        prediction: $\hat y$, `[batch, outputs, *spatial]`, finite, in the target's unit.
        target: $y$, of the same shape.
        delta: $\delta > 0$ in the target's unit, where outliers begin.

    Returns:
        $\ell$ in the target's unit squared, shaped like the prediction.

    Raises:
        ValueError: shapes that differ, or a delta that is not positive.

    Example:
        >>> huber(torch.tensor([[1.0], [5.0]]), torch.tensor([[1.5], [2.0]])).squeeze(1)
        tensor([0.1250, 2.5000])

    References:
        Huber 1964, Robust Estimation of a Location Parameter, section 1.
    """
    check_number("delta", delta, lambda d: d > 0, "positive")
    prediction, target = paired(prediction, target)
    if not isinstance(delta, Tensor):
        return F.huber_loss(prediction, target, reduction="none", delta=delta)
    return _huber(prediction - target, delta)


def smooth_l1(prediction: Real, target: Real, *, beta: float = 1.0) -> Tensor:
    r"""Smooth l1: absolute error whose tip is rounded within `beta`; far residuals pull with 1.

    $$\ell = \begin{cases} \tfrac12 r^2/\beta & |r| \le \beta \\
      |r| - \tfrac12\beta & |r| > \beta \end{cases} \qquad r = \hat y - y$$

    Estimates:
        A centre between the median (small $\beta$) and the mean (large $\beta$).

    Gradient:
        $r/\beta$ clipped to $\pm 1$, so changing $\beta$ leaves the pull of outliers as it is.

    Use:
        For offsets of boxes and key points, where the term's weight should not depend on $\beta$.

    Avoid:
        With a large $\beta$: the loss of ordinary residuals then fades like $1/\beta$.

    Relatives:
        huber: with $\delta = \beta$ it is $\beta$ times this.
        l1: the limit $\beta \to 0$.
        charbonnier: the same idea without a kink in the gradient.

    Args:
        prediction: $\hat y$, `[batch, outputs, *spatial]`, finite, in the target's unit.
        target: $y$, of the same shape.
        beta: $\beta > 0$ in the target's unit, the width of the rounded tip.

    Returns:
        $\ell$ in the target's unit, shaped like the prediction.

    Raises:
        ValueError: shapes that differ, or a beta that is not positive.

    Example:
        >>> prediction, target = torch.tensor([[1.0], [5.0]]), torch.tensor([[1.5], [2.0]])
        >>> smooth_l1(prediction, target, beta=2.0).squeeze(1)
        tensor([0.0625, 2.0000])

    References:
        Girshick 2015, Fast R-CNN, eq. 3, with $\beta = 1$.
    """
    check_number("beta", beta, lambda b: b > 0, "positive")
    prediction, target = paired(prediction, target)
    if not isinstance(beta, Tensor):
        return F.smooth_l1_loss(prediction, target, reduction="none", beta=beta)
    return _huber(prediction - target, beta) / beta


def _huber(residual: Tensor, delta: Tensor) -> Tensor:
    clipped = residual.clamp(-delta, delta)
    return clipped * (residual - clipped / 2)


# Beyond ±20, log cosh r is |r| − log 2 to the last digit of double precision.
_STRAIGHT = 20.0


def log_cosh(prediction: Real, target: Real) -> Tensor:
    r"""Log-cosh: a smooth Huber loss without an option, squared near the target, absolute far off.

    $$\ell = \log\cosh r = \log\left(1 + 2\sinh^2 \tfrac{r}{2}\right), \qquad r = \hat y - y$$

    The second form keeps all digits of small residuals, where the usual one gives 0. Beyond 20 the
    loss goes on as a straight line.

    Estimates:
        A centre between the median (residuals much above 1) and the mean (much below 1).

    Gradient:
        $\tanh r$: bounded by 1, zero only at the target.

    Use:
        As `huber`, when second derivatives must be continuous and targets are standardised.

    Avoid:
        When the target's unit is arbitrary: the change from square to line is fixed at about 1.

    Relatives:
        mse: half of it, for $|r| \ll 1$.
        l1: less $\log 2$, for $|r| \gg 1$.
        huber: lets choose where the line begins.

    Args:
        prediction: $\hat y$, `[batch, outputs, *spatial]`, finite; the target's unit is 1.
        target: $y$, of the same shape.

    Returns:
        $\ell$, shaped like the prediction; accurate to 1e-6 relative from 1e-8 to 1e8.

    Raises:
        ValueError: shapes that differ.

    Example:
        >>> log_cosh(torch.tensor([[0.0001], [3.0]]), torch.zeros(2, 1)).squeeze(1)
        tensor([5.0000e-09, 2.3093e+00])

    References:
        Saleh & Saleh 2022, Statistical Properties of the Log-Cosh Loss Function Used in Machine
        Learning.
    """
    prediction, target = paired(prediction, target)
    residual = prediction - target
    near = residual.clamp(-_STRAIGHT, _STRAIGHT)
    return torch.log1p(2 * torch.sinh(near / 2).square()) + (residual - near).abs()
