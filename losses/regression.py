"""Losses for real-valued targets."""

import torch.nn.functional as F
from torch import Tensor

from .checks import check_number, paired
from .domains import Real


def mse(prediction: Real, target: Real) -> Tensor:
    r"""Squared error: estimates the mean, and lets outliers lead.

    $$\ell = (\hat y - y)^2$$

    without a factor ½. The gradient $2(\hat y - y)$ grows with the residual. It is the Gaussian
    likelihood of a constant variance.

    Args:
        prediction: $\hat y$, `[batch, outputs, *spatial]`.
        target: $y$, of the same shape.

    Returns:
        $\ell$ in the target's unit squared, shaped like the prediction.

    Raises:
        ValueError: shapes that differ.

    Example:
        >>> import torch
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

    The gradient is the residual's sign, whatever its size: outliers don't lead, and near the
    solution steps don't shrink by themselves. It is the Laplace likelihood of a constant scale.

    Args:
        prediction: $\hat y$, `[batch, outputs, *spatial]`.
        target: $y$, of the same shape.

    Returns:
        $\ell$ in the target's unit, shaped like the prediction.

    Raises:
        ValueError: shapes that differ.

    Example:
        >>> import torch
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

    The gradient is the residual clipped to $\pm\delta$, so an outlier pulls no harder than
    $\delta$. It is half of `mse` for large $\delta$, and $\delta$ times `l1` for small; torch's
    `smooth_l1` with $\beta=\delta$ is $\ell/\delta$.

    Args:
        prediction: $\hat y$, `[batch, outputs, *spatial]`.
        target: $y$, of the same shape.
        delta: $\delta > 0$ in the target's unit, where outliers begin.

    Returns:
        $\ell$ in the target's unit squared, shaped like the prediction.

    Raises:
        ValueError: shapes that differ, or a delta that is not positive.

    Example:
        >>> import torch
        >>> huber(torch.tensor([[1.0], [5.0]]), torch.tensor([[1.5], [2.0]])).squeeze(1)
        tensor([0.1250, 2.5000])

    References:
        Huber 1964, Robust Estimation of a Location Parameter, section 1.
    """
    check_number("delta", delta, lambda d: d > 0, "positive")
    prediction, target = paired(prediction, target)
    if not isinstance(delta, Tensor):
        return F.huber_loss(prediction, target, reduction="none", delta=delta)
    residual = prediction - target
    clipped = residual.clamp(-delta, delta)
    return clipped * (residual - clipped / 2)
