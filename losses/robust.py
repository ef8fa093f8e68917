"""Losses for targets with outliers: a smooth l1, and two that let go of what lies far off.

They are members of one family (Barron 2019), by a shape that is 1 for `charbonnier`, 0 for `cauchy`
and minus infinity for `welsch`: the smaller it is, the less an outlier pulls.
"""

import torch
from torch import Tensor

from .checks import check_number, paired
from .domains import Real


def charbonnier(prediction: Real, target: Real, *, eps: float = 1e-3) -> Tensor:
    r"""Absolute error with a rounded tip: outliers don't lead, and steps shrink near the target.

    $$\ell = \sqrt{r^2 + \varepsilon^2} - \varepsilon, \qquad r = \hat y - y$$

    evaluated as $r^2 / (\sqrt{r^2 + \varepsilon^2} + \varepsilon)$, so that small residuals keep
    their digits. Much code leaves out the constant $-\varepsilon$; here an exact answer costs 0.

    Estimates:
        The median for $\varepsilon$ small beside the residuals, the mean for $\varepsilon$ large.

    Gradient:
        $r / \sqrt{r^2 + \varepsilon^2}$: bounded by 1, smooth everywhere, zero only at the target.

    Use:
        When `l1` is the right loss but its kink makes the last steps jitter: image restoration,
        optical flow.

    Avoid:
        When `eps` can't be set in the target's unit: if it is too large, this is `mse`.

    Relatives:
        l1: with $\varepsilon \to 0$ it is this.
        mse: $2\varepsilon$ times this tends to it for $\varepsilon \to \infty$.
        huber: with $\delta = \varepsilon$, $\varepsilon$ times this is its smooth twin, the
            pseudo-Huber loss.
        cauchy: the next in Barron's family; it lets go of outliers.

    Args:
        prediction: $\hat y$, `[batch, outputs, *spatial]`, finite, in the target's unit.
        target: $y$, of the same shape.
        eps: $\varepsilon > 0$ in the target's unit, the width of the rounded tip.

    Returns:
        $\ell$ in the target's unit, shaped like the prediction.

    Raises:
        ValueError: shapes that differ, or an eps that is not positive.

    Example:
        >>> charbonnier(torch.tensor([[0.5], [3.0]]), torch.zeros(2, 1), eps=4.0).squeeze(1)
        tensor([0.0311, 1.0000])

    References:
        Charbonnier et al. 1994, Two Deterministic Half-Quadratic Regularization Algorithms for
        Computed Imaging. Default of eps: Lai et al. 2017, Deep Laplacian Pyramid Networks.
        Barron 2019, A General and Adaptive Robust Loss Function, eq. 3, times the scale.
    """
    check_number("eps", eps, lambda e: e > 0, "positive")
    prediction, target = paired(prediction, target)
    residual = prediction - target
    length = torch.hypot(residual, torch.as_tensor(eps).to(residual))
    return residual * (residual / (length + eps))


def cauchy(prediction: Real, target: Real, *, scale: float = 1.0) -> Tensor:
    r"""Cauchy (Lorentzian) loss: it grows like a logarithm, so far outliers lose their pull.

    $$\ell = \log\left(1 + \tfrac12 (r/c)^2\right), \qquad r = \hat y - y$$

    Estimates:
        The location of a Cauchy distribution, by likelihood: a centre near the mode, which follows
        the bulk of the targets. The risk may have several minima.

    Gradient:
        $2r / (r^2 + 2c^2)$: largest at $|r| = \sqrt2\,c$, then it fades like $2/r$. It gets small
        where the loss is high, by definition, but stays far above that of `welsch`.

    Use:
        With gross errors among the targets that even `l1` follows too far.

    Avoid:
        At a poor start, where all residuals are far beyond the scale and none pulls: begin with
        `huber`, or with a large scale that falls.

    Relatives:
        mse: $2c^2$ times this tends to it for $c \to \infty$.
        welsch: the same idea, with a gradient that vanishes faster.
        student_t_nll: at one degree of freedom and scale $\sqrt2\,c$ it is this plus a constant.
        charbonnier: the member of the family that never lets go.

    Args:
        prediction: $\hat y$, `[batch, outputs, *spatial]`, finite, in the target's unit.
        target: $y$, of the same shape.
        scale: $c > 0$ in the target's unit, the size of an ordinary residual.

    Returns:
        $\ell$, without unit, shaped like the prediction.

    Raises:
        ValueError: shapes that differ, or a scale that is not positive.

    Example:
        >>> cauchy(torch.tensor([[1.0], [100.0]]), torch.zeros(2, 1)).squeeze(1)
        tensor([0.4055, 8.5174])

    References:
        Barron 2019, A General and Adaptive Robust Loss Function, eq. 5. Black & Anandan 1996, The
        Robust Estimation of Multiple Motions.
    """
    check_number("scale", scale, lambda c: c > 0, "positive")
    prediction, target = paired(prediction, target)
    return torch.log1p(0.5 * ((prediction - target) / scale).square())


def welsch(prediction: Real, target: Real, *, scale: float = 1.0) -> Tensor:
    r"""Welsch loss: bounded, so that an outlier costs 1 and pulls on nothing.

    $$\ell = 1 - \exp\left(-\tfrac12 (r/c)^2\right), \qquad r = \hat y - y$$

    Estimates:
        The mode, smoothed by a Gaussian window of width $c$. The risk may have several minima.

    Gradient:
        $\frac{r}{c^2}\exp\left(-\tfrac12 (r/c)^2\right)$: largest at $|r| = c$ and practically zero
        beyond $5c$. There it vanishes where the loss is high, by definition.

    Use:
        From a good start, when many targets are plainly wrong and are to be ignored.

    Avoid:
        At a poor start: answers farther than a few scales from their target never come back.

    Relatives:
        mse: $2c^2$ times this tends to it for $c \to \infty$.
        cauchy: redescends too, but keeps some gradient at every distance.
        charbonnier: the convex member of the family.

    Args:
        prediction: $\hat y$, `[batch, outputs, *spatial]`, finite, in the target's unit.
        target: $y$, of the same shape.
        scale: $c > 0$ in the target's unit, the size of an ordinary residual.

    Returns:
        $\ell$ in [0, 1], without unit, shaped like the prediction.

    Raises:
        ValueError: shapes that differ, or a scale that is not positive.

    Example:
        >>> welsch(torch.tensor([[1.0], [100.0]]), torch.zeros(2, 1)).squeeze(1)
        tensor([0.3935, 1.0000])

    References:
        Dennis & Welsch 1978, Techniques for Nonlinear Least Squares and Robust Regression. Barron
        2019, A General and Adaptive Robust Loss Function, $\alpha \to -\infty$.
    """
    check_number("scale", scale, lambda c: c > 0, "positive")
    prediction, target = paired(prediction, target)
    return -torch.expm1(-0.5 * ((prediction - target) / scale).square())
